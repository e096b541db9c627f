//! Constant rows: VALUES, SELECT without FROM, and what the optimizer proved to be empty.

use super::Lowering;
use super::columns::{fields, unit_value};
use crate::expr::{Expr, Scope};
use crate::plan::Op;
use attune_sql::SqlError;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{EmptyRelation, Values};

impl Lowering<'_> {
    pub(super) fn values(&mut self, values: &Values) -> Result<usize, SqlError> {
        let fields = fields(&values.schema)?;
        let nothing = DFSchema::empty();
        let mut rows = Vec::with_capacity(values.values.len());
        for row in &values.values {
            let row = row.iter().zip(&fields);
            let row = row.map(|(e, f)| self.expr(e, Scope::of(&nothing), &[], f.column_type));
            rows.push(row.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(self.push(Op::Values { rows }, vec![], fields))
    }

    pub(super) fn empty_relation(&mut self, empty: &EmptyRelation) -> Result<usize, SqlError> {
        let fields = fields(&empty.schema)?;
        let row: Vec<Expr> = if empty.schema.fields().is_empty() {
            vec![unit_value()]
        } else {
            fields.iter().map(|f| Expr::Literal(crate::Literal { column_type: f.column_type, value: None })).collect()
        };
        let rows = if empty.produce_one_row { vec![row] } else { vec![] };
        Ok(self.push(Op::Values { rows }, vec![], fields))
    }
}
