//! Functions of a plan, by name.

use attune_sql::functions::Registry;
use attune_sql::{SqlError, SqlState};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// The scalar function of the registry with this name.
///
/// # Errors
/// 42883 if there is none: the plan was made by a version with other functions.
pub(super) fn scalar_function(name: &str) -> Result<Arc<ScalarUDF>, SqlError> {
    let missing = || SqlError::new(SqlState::UndefinedFunction, format!("function {name} does not exist"));
    Registry::standard().scalar(name).cloned().ok_or_else(missing)
}
