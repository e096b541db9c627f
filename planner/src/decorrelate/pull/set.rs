//! UNION, EXCEPT and INTERSECT inside a dependent relation.
//!
//! Law: if each input is tied to the outer row by the same equalities, their inner sides meet as further columns, and the equalities are
//! asked of those. Without them among the columns, rows of different outer rows would be one in UNION, or take each other
//! away in EXCEPT.

use super::{Pulled, Puller};
use crate::decorrelate::push::passed;
use attune_sql::SqlError;
use attune_sql::algebra::{Column, Expr, Rel, SetOperator};

/// A set operation, in parts.
pub(super) struct Set<'r> {
    pub(super) op: SetOperator,
    pub(super) all: bool,
    pub(super) inputs: &'r [Rel],
    pub(super) inputs_columns: &'r [Vec<Column>],
    pub(super) columns: &'r [Column],
}

impl Puller<'_> {
    pub(super) fn set(&mut self, rel: &Rel, set: &Set<'_>) -> Result<Pulled, SqlError> {
        let mut inputs = Vec::with_capacity(set.inputs.len());
        let mut inputs_columns = set.inputs_columns.to_vec();
        let mut conditions: Vec<Expr> = Vec::new();
        let mut columns = set.columns.to_vec();
        for (place, input) in set.inputs.iter().enumerate() {
            let pulled = self.rows(input)?;
            let ties = self.ties(&pulled.conditions, &pulled.rel).filter(|ties| ties.outer_only.is_empty());
            let (Some(ties), true) = (ties, pulled.exprs.is_empty()) else { return self.by_domain(rel) };
            let mut meeting = Vec::new();
            if place == 0 {
                for tie in ties.equalities {
                    // It may be NULL in another input.
                    let column = self.ids.column("key", tie.inner.ty(), true);
                    columns.push(column.clone());
                    conditions.push(Expr::compare(tie.op, tie.outer, Expr::Column(column)));
                    meeting.push(tie.inner);
                }
            } else {
                let mut equalities = ties.equalities;
                if equalities.len() != conditions.len() {
                    return self.by_domain(rel);
                }
                for condition in &conditions {
                    let Expr::Compare { op, left, .. } = condition else { return self.by_domain(rel) };
                    let same = equalities.iter().position(|tie| tie.op == *op && tie.outer == **left);
                    let Some(same) = same else { return self.by_domain(rel) };
                    meeting.push(equalities.remove(same).inner);
                }
            }
            let mut added = Vec::with_capacity(meeting.len());
            for inner in meeting {
                added.push((self.ids.column("key", inner.ty(), inner.nullable()), inner));
            }
            inputs_columns[place].extend(added.iter().map(|(column, _)| column.clone()));
            let given = pulled.rel.columns();
            inputs.push(pulled.rel.project(passed(&given).chain(added).collect()));
        }
        if conditions.is_empty() {
            return self.by_domain(rel);
        }
        let rel = Rel::SetOperation { op: set.op, all: set.all, inputs, inputs_columns, columns };
        Ok(Pulled { conditions, ..Pulled::rows(rel) })
    }
}
