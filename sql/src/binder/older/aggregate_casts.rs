//! Casts inside aggregate calls, kept apart: `sum(x)` and `sum(x::real)`.
//!
//! DataFusion names an aggregate without its casts, and refuses two columns of one name. So while such a query is planned a cast
//! there is a call of a function named after its type; the cast comes back when the plan has its names.

use crate::functions::Registry;
use crate::statement::fold;
use crate::types::SqlType;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr as PlanExpr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::{
    CastKind, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    Value, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Begins the names of the functions; no name that a user writes has it.
const PREFIX: &str = "\u{1f}cast ";

/// Turns the casts in the arguments of an aggregate into calls; other functions stay as they are.
pub(super) fn mark(function: &mut Function) {
    let name = function.name.0.last().and_then(|part| part.as_ident()).map(fold);
    if name.is_none_or(|name| Registry::standard().aggregate(&name).is_none()) {
        return;
    }
    // The visitor never breaks.
    let _ = VisitMut::visit(&mut function.args, &mut Marker);
    if let Some(filter) = &mut function.filter {
        let _ = VisitMut::visit(&mut **filter, &mut Marker);
    }
}

struct Marker;

impl VisitorMut for Marker {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr: operand,
            data_type,
            array: false,
            format: None,
        } = expr
            && let Ok(sql_type) = SqlType::from_ast(data_type)
            && !matches!(sql_type, SqlType::Varchar { limit: Some(_) })
            && let Ok(name) = serde_json::to_string(&sql_type)
        {
            *expr = call(&name, std::mem::replace(&mut **operand, Expr::value(Value::Null)));
        }
        ControlFlow::Continue(())
    }
}

fn call(sql_type: &str, operand: Expr) -> Expr {
    let argument = FunctionArg::Unnamed(FunctionArgExpr::Expr(operand));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::with_quote('"', format!("{PREFIX}{sql_type}"))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![argument],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// The function of a marked name.
pub(super) fn function(name: &str) -> Option<Arc<ScalarUDF>> {
    let sql_type: SqlType = serde_json::from_str(name.strip_prefix(PREFIX)?).ok()?;
    let signature = Signature::any(1, Volatility::Immutable);
    Some(Arc::new(ScalarUDF::new_from_impl(MarkedCast { name: name.to_owned(), to: sql_type.to_arrow(), signature })))
}

/// The plan with casts again; names stay.
pub(super) fn restore(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            let restored = expr.transform_up(cast)?;
            Ok(if restored.transformed { restored.update_data(|expr| name.restore(expr)) } else { restored })
        })
    })
    .data()
}

fn cast(expr: PlanExpr) -> Result<Transformed<PlanExpr>> {
    if let PlanExpr::ScalarFunction(call) = &expr
        && let Some(marked) = call.func.inner().downcast_ref::<MarkedCast>()
        && let [operand] = call.args.as_slice()
    {
        return Ok(Transformed::yes(PlanExpr::Cast(Cast::new(Box::new(operand.clone()), marked.to.clone()))));
    }
    Ok(Transformed::no(expr))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MarkedCast {
    name: String,
    to: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for MarkedCast {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let nullable = arguments.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.to.clone(), nullable)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("a marked cast is replaced before anything runs")
    }
}
