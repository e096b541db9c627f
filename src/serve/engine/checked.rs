//! Integer and decimal arithmetic that fails on overflow (22003), as in Postgres. DataFusion's wraps around.
//!
//! DataFusion's binary expression can check, but its planner never asks it to. So `+`, `-` and `*` over integers and
//! decimals are replaced by a function, after optimisation (no rule has to know it) and before physical planning.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::compute::kernels::numeric::{add, mul, sub};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// The plan with checked arithmetic.
pub(super) fn plan(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        let schema = match &node {
            LogicalPlan::TableScan(scan) => {
                DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?
            }
            other => merge_schema(&other.inputs()),
        };
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            let checked = expr.transform_up(|expr| operation(expr, &schema))?;
            Ok(if checked.transformed { checked.update_data(|expr| name.restore(expr)) } else { checked })
        })
    })
    .data()
}

/// `left op right` as a call, if it can overflow.
fn operation(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Plus | Operator::Minus | Operator::Multiply), right }) =
        &expr
    else {
        return Ok(Transformed::no(expr));
    };
    let exact = |e: &Expr| Ok::<_, datafusion::error::DataFusionError>(is_exact(&e.get_type(schema)?));
    if !exact(left)? || !exact(right)? {
        return Ok(Transformed::no(expr));
    }
    let returns = expr.get_type(schema)?;
    let function =
        ScalarUDF::new_from_impl(Checked { op: *op, returns, signature: Signature::any(2, Volatility::Immutable) });
    let call = ScalarFunction::new_udf(Arc::new(function), vec![left.as_ref().clone(), right.as_ref().clone()]);
    Ok(Transformed::yes(Expr::ScalarFunction(call)))
}

fn is_exact(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::Decimal128(..))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    op: Operator,
    returns: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.op {
            Operator::Plus => "checked_add",
            Operator::Minus => "checked_subtract",
            _ => "checked_multiply",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let operands: Vec<ArrayRef> = args.args.into_iter().map(|arg| arg.into_array(rows)).collect::<Result<_>>()?;
        let [left, right] = operands.as_slice() else {
            return datafusion::common::internal_err!("checked arithmetic has two operands");
        };
        let result = match self.op {
            Operator::Plus => add(left, right),
            Operator::Minus => sub(left, right),
            _ => mul(left, right),
        }?;
        Ok(ColumnarValue::Array(datafusion::arrow::compute::cast(&result, &self.returns)?))
    }
}
