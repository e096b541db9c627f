//! Refusal of what no query can contain, whatever it stands in.

use crate::SqlError;
use datafusion::sql::sqlparser::ast::Expr;

/// Checks an expression.
///
/// # Errors
/// 0A000.
pub(crate) fn expr_only(expr: &Expr) -> Result<(), SqlError> {
    match expr {
        Expr::SimilarTo { .. } => {
            Err(SqlError::unsupported("SIMILAR TO is not supported", "Use LIKE, or ~ with a regular expression."))
        }
        _ => Ok(()),
    }
}
