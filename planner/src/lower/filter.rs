//! Filter: rows for which a predicate is true.

use super::Lowering;
use crate::expr::{Expr, Literal, Scope, from_datafusion};
use crate::plan::Op;
use attune_sql::{SqlError, SqlState};
use attune_storage::ColumnType;
use datafusion::logical_expr::Filter;

impl Lowering<'_> {
    pub(super) fn filter(&mut self, filter: &Filter) -> Result<usize, SqlError> {
        let input = self.lower(&filter.input)?;
        let predicate = from_datafusion(&filter.predicate, Scope::of(filter.input.schema()))?;
        self.push_filter(input, vec![predicate])
    }

    /// Keeps the rows for which all conditions are true. Conditions that are always true are left out.
    pub(super) fn push_filter(&mut self, input: usize, conditions: Vec<Expr>) -> Result<usize, SqlError> {
        let conditions = conditions.into_iter().filter(|c| *c != Expr::Literal(Literal::truth())).collect();
        let Some(predicate) = Expr::chain("and", conditions) else { return Ok(input) };
        let predicate = self.boolean(predicate, input)?;
        let schema = self.schema(input).to_vec();
        Ok(self.push(Op::Filter { predicate }, vec![input], schema))
    }

    fn boolean(&self, predicate: Expr, input: usize) -> Result<Expr, SqlError> {
        match self.typed(predicate, self.schema(input))? {
            (predicate, ColumnType::Boolean) => Ok(predicate),
            // WHERE NULL
            (Expr::Literal(Literal { value: None, .. }), _) => {
                Ok(Expr::Literal(Literal { column_type: ColumnType::Boolean, value: None }))
            }
            (_, other) => {
                let message =
                    format!("argument of WHERE must be type boolean, not type {}", crate::types::sql_name(other));
                Err(SqlError::new(SqlState::DatatypeMismatch, message))
            }
        }
    }
}
