//! What a materialized view cannot contain: whatever would give another answer later without any input having changed.

use crate::binder::errors::map_datafusion_error;
use crate::{SqlError, SqlState};
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};

/// Checks that the query of a materialized view depends on its inputs only.
///
/// # Errors
/// 0A000 for `now()`, `random()` and their like; 42P02 for parameters.
pub fn check_view_query(plan: &LogicalPlan) -> Result<(), SqlError> {
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|e| match check_expr(e) {
                Some(error) => Err(DataFusionError::External(Box::new(error))),
                None => Ok(TreeNodeRecursion::Continue),
            })
        })
    })
    .map(|_| ())
    .map_err(|e| map_datafusion_error(&e))
}

fn check_expr(expr: &Expr) -> Option<SqlError> {
    match expr {
        Expr::Placeholder(placeholder) => Some(
            SqlError::new(SqlState::UndefinedParameter, format!("there is no parameter {}", placeholder.id))
                .with_hint("The query of a view has no parameters; write the value, or filter when reading the view."),
        ),
        Expr::ScalarFunction(call) => {
            let name = call.func.name();
            match call.func.signature().volatility {
                Volatility::Immutable => None,
                Volatility::Volatile => Some(SqlError::unsupported(
                    format!("function {name}() is not supported in a materialized view"),
                    "Its result changes with every call; compute the value where the row is written, or when reading the view.",
                )),
                Volatility::Stable => Some(SqlError::unsupported(
                    format!("function {name}() is not supported in a materialized view"),
                    "Its result changes without any input changing; filter by time when reading the view.",
                )),
            }
        }
        _ => None,
    }
}
