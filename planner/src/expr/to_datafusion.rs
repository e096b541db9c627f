//! Attune's expressions to DataFusion's, to be evaluated.

use super::from_datafusion::OPERATORS;
use super::{Expr, functions};
use crate::plan::Field;
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use attune_sql::{SqlError, SqlState, operators};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, DataFusionError};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::expr::{BinaryExpr, Case, InList, Like, ScalarFunction};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr as DfExpr, ExprSchemable, cast, lit, try_cast};
use datafusion::optimizer::analyzer::type_coercion::TypeCoercionRewriter;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use std::sync::{Arc, LazyLock};

/// Settings that functions see. Timestamps with time zone are UTC, whatever a session shows.
static CONFIG: LazyLock<Arc<ConfigOptions>> = LazyLock::new(|| {
    let mut config = ConfigOptions::default();
    config.execution.time_zone = Some(attune_storage::UTC.to_owned());
    Arc::new(config)
});

/// Compiles an expression over record batches of this schema. Columns are found by place, their names do not matter (and may
/// repeat). Types are coerced again, so that a plan keeps working when a function begins to take or give another string type.
///
/// The result has the Arrow type of one of the column types wherever [`crate::lower`] made the expression.
///
/// # Errors
/// 42883 for functions that do not exist, 42804 for types that do not fit, 42P02 for parameters (bind them before).
pub fn physical(expr: &Expr, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>, SqlError> {
    let schema = numbered(schema)?;
    let logical = logical(expr, &schema)?;
    let mut props = ExecutionProps::new();
    props.config_options = Some(Arc::clone(&CONFIG));
    create_physical_expr(&logical, &schema, &props, &PhysicalPlanningContext::default()).map_err(mismatch)
}

/// The Arrow schema of a node's output.
pub(crate) fn arrow_schema(fields: &[Field]) -> Schema {
    Schema::new(
        fields.iter().map(|f| ArrowField::new(&f.name, f.column_type.to_arrow(), f.nullable)).collect::<Vec<_>>(),
    )
}

/// The schema with names that do not repeat.
fn numbered(schema: &Schema) -> Result<DFSchema, SqlError> {
    let fields = schema.fields().iter().enumerate();
    let fields = fields.map(|(i, f)| f.as_ref().clone().with_name(column_name(i))).collect::<Vec<ArrowField>>();
    DFSchema::try_from(Schema::new(fields)).map_err(mismatch)
}

fn column_name(index: usize) -> String {
    format!("c{index}")
}

fn logical(expr: &Expr, schema: &DFSchema) -> Result<DfExpr, SqlError> {
    let converted = convert(expr, schema)?;
    let coerced = converted.rewrite(&mut TypeCoercionRewriter::new(schema)).map_err(mismatch)?.data;
    // Casts that coercion has put in.
    coerced.transform_up(|expr| operators::replace(expr, schema)).data().map_err(mismatch)
}

/// An operator with Postgres' result, made as soon as its operands are, since its type counts for what is around it.
fn operator(expr: DfExpr, schema: &DFSchema) -> Result<DfExpr, SqlError> {
    let replaced = operators::replace(expr, schema).map_err(mismatch)?;
    if replaced.transformed {
        return Ok(replaced.data);
    }
    let coerced = replaced.data.rewrite(&mut TypeCoercionRewriter::new(schema)).map_err(mismatch)?.data;
    Ok(operators::replace(coerced, schema).map_err(mismatch)?.data)
}

fn convert(expr: &Expr, schema: &DFSchema) -> Result<DfExpr, SqlError> {
    let boxed = |e: &Expr| convert(e, schema).map(Box::new);
    let all = |list: &[Expr]| list.iter().map(|e| convert(e, schema)).collect::<Result<Vec<_>, _>>();
    Ok(match expr {
        Expr::Column(index) if *index < schema.fields().len() => {
            DfExpr::Column(Column::new_unqualified(column_name(*index)))
        }
        Expr::Column(index) => {
            let message = format!("a plan reads column {index} of an input that has {}", schema.fields().len());
            return Err(SqlError::new(SqlState::DataCorrupted, message));
        }
        Expr::Literal(literal) => DfExpr::Literal(literal.to_scalar()?, None),
        Expr::Parameter { index, .. } => {
            let message = format!("there is no value for parameter ${}", index + 1);
            return Err(SqlError::new(SqlState::UndefinedParameter, message));
        }
        Expr::Binary { op, left, right } => {
            let known = OPERATORS.iter().find(|(name, _)| name == op);
            let (_, known) = known.ok_or_else(|| {
                SqlError::new(SqlState::DataCorrupted, format!("a plan has the unknown operator {op}"))
            })?;
            let binary = DfExpr::BinaryExpr(BinaryExpr::new(boxed(left)?, *known, boxed(right)?));
            // Comparisons and conditions are Boolean whatever becomes of their operands.
            if known.is_numerical_operators() { operator(binary, schema)? } else { binary }
        }
        Expr::Operator { op, left, right, returns } => {
            let known = OPERATORS.iter().find(|(name, _)| name == op).map(|(_, known)| *known);
            let (left, right) = (convert(left, schema)?, convert(right, schema)?);
            let types = (left.get_type(schema).map_err(mismatch)?, right.get_type(schema).map_err(mismatch)?);
            let kernel = known.and_then(|op| operators::binary(&types.0, op, &types.1, &returns.to_arrow()));
            let kernel = kernel.ok_or_else(|| {
                let message = format!("a plan has the operator {op} between {} and {}", types.0, types.1);
                SqlError::new(SqlState::DataCorrupted, message)
            })?;
            DfExpr::ScalarFunction(ScalarFunction::new_udf(kernel, vec![left, right]))
        }
        Expr::Not(e) => DfExpr::Not(boxed(e)?),
        Expr::Negative(e) => operator(DfExpr::Negative(boxed(e)?), schema)?,
        Expr::IsNull(e) => DfExpr::IsNull(boxed(e)?),
        Expr::IsNotNull(e) => DfExpr::IsNotNull(boxed(e)?),
        Expr::IsTrue(e) => DfExpr::IsTrue(boxed(e)?),
        Expr::IsFalse(e) => DfExpr::IsFalse(boxed(e)?),
        Expr::Cast { expr, to } => operator(cast(convert(expr, schema)?, to.to_arrow()), schema)?,
        Expr::TryCast { expr, to } => try_cast(convert(expr, schema)?, to.to_arrow()),
        Expr::Case { operand, branches, otherwise } => DfExpr::Case(Case::new(
            operand.as_deref().map(boxed).transpose()?,
            branches.iter().map(|(when, then)| Ok((boxed(when)?, boxed(then)?))).collect::<Result<_, SqlError>>()?,
            otherwise.as_deref().map(boxed).transpose()?,
        )),
        Expr::Like { expr, pattern, negated, case_insensitive } => {
            DfExpr::Like(Like::new(*negated, boxed(expr)?, boxed(pattern)?, None, *case_insensitive))
        }
        Expr::InList { expr, list, negated } => in_list(convert(expr, schema)?, all(list)?, *negated),
        Expr::Function { name, args, returns } => {
            let function = ScalarFunction::new_udf(functions::scalar_function(name)?, all(args)?);
            cast_unless(DfExpr::ScalarFunction(function), &returns.to_arrow(), schema)?
        }
    })
}

/// The expression, with a cast unless it has this type already.
/// A list of constants, or comparisons: DataFusion takes what is a scalar of a batch without rows for constant, which CASE is.
fn in_list(expr: DfExpr, list: Vec<DfExpr>, negated: bool) -> DfExpr {
    if list.iter().all(|item| matches!(item, DfExpr::Literal(..) | DfExpr::Placeholder(_))) {
        return DfExpr::InList(InList::new(Box::new(expr), list, negated));
    }
    let equal = list.into_iter().map(|item| expr.clone().eq(item));
    let any = equal.reduce(DfExpr::or).unwrap_or_else(|| lit(false));
    if negated { DfExpr::Not(Box::new(any)) } else { any }
}

fn cast_unless(expr: DfExpr, to: &DataType, schema: &DFSchema) -> Result<DfExpr, SqlError> {
    let coerced = expr.rewrite(&mut TypeCoercionRewriter::new(schema)).map_err(mismatch)?.data;
    let is = coerced.get_type(schema).map_err(mismatch)?;
    Ok(if is == *to { coerced } else { cast(coerced, to.clone()) })
}

fn mismatch(error: DataFusionError) -> SqlError {
    SqlError::new(SqlState::DatatypeMismatch, format!("an expression cannot be compiled: {}", error.strip_backtrace()))
}
