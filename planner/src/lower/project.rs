//! Projection: one expression per output column.

use super::Lowering;
use super::columns::{fields, unit_value};
use crate::expr::Scope;
use crate::plan::Op;
use attune_sql::SqlError;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr as DfExpr, Projection};

impl Lowering<'_> {
    pub(super) fn projection(&mut self, projection: &Projection) -> Result<usize, SqlError> {
        let input = self.lower(&projection.input)?;
        self.project(input, &projection.expr, Scope::of(projection.input.schema()), &projection.schema)
    }

    /// A projection whose output is that of `schema`.
    pub(super) fn project(
        &mut self,
        input: usize,
        exprs: &[DfExpr],
        scope: Scope<'_>,
        schema: &DFSchema,
    ) -> Result<usize, SqlError> {
        let fields = fields(schema)?;
        if exprs.is_empty() {
            return Ok(self.push(Op::Project { exprs: vec![unit_value()] }, vec![input], fields));
        }
        let typed = exprs.iter().zip(&fields).map(|(e, f)| self.expr(e, scope, self.schema(input), f.column_type));
        let exprs = typed.collect::<Result<_, _>>()?;
        Ok(self.push(Op::Project { exprs }, vec![input], fields))
    }
}
