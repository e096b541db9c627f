//! UNION ALL.

use super::Lowering;
use super::columns::{cast_to, fields};
use crate::expr::Expr;
use crate::plan::Op;
use attune_sql::SqlError;
use datafusion::logical_expr::Union;

impl Lowering<'_> {
    /// Branches whose types differ from the result's get a projection with casts.
    pub(super) fn union(&mut self, union: &Union) -> Result<usize, SqlError> {
        let fields = fields(&union.schema)?;
        let mut inputs = Vec::with_capacity(union.inputs.len());
        for branch in &union.inputs {
            let input = self.lower(branch)?;
            let found: Vec<_> = self.schema(input).iter().map(|f| f.column_type).collect();
            if found.len() != fields.len() {
                return Err(SqlError::internal("the branches of a UNION have different numbers of columns"));
            }
            if found.iter().zip(&fields).all(|(found, field)| *found == field.column_type) {
                inputs.push(input);
                continue;
            }
            let columns = found.iter().zip(&fields).enumerate();
            let exprs = columns.map(|(i, (found, f))| cast_to(Expr::Column(i), *found, f.column_type)).collect();
            inputs.push(self.push(Op::Project { exprs }, vec![input], fields.clone()));
        }
        Ok(self.push(Op::UnionAll, inputs, fields))
    }
}
