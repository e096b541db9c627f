//! Joins inside a dependent relation.
//!
//! Laws:
//!
//! - An inner join: the conditions of both sides, and those of its own that read the outer row, are asked later.
//! - An outer, semi or anti join whose right side and condition read nothing of the outer row: the left side's conditions are
//!   asked later. Left rows that they drop take their pairs along.
//! - If they do read it, but the left side's conditions say that these outer columns equal expressions of its own: the
//!   rows that survive have equal values, so the right side reads the left side's instead. What is left is a dependent join of
//!   the two, without the outer row. This is what makes a subquery in a subquery, both tied to the outermost, two plain joins.
//!
//! Conditions of the right side of an outer join must not be asked later by themselves: a left row whose pairs they drop has to
//! come out beside NULLs.

use super::{Pulled, Puller};
use crate::decorrelate::limit::substituted;
use crate::decorrelate::unnest::unnest_join;
use attune_sql::SqlError;
use attune_sql::algebra::{ColumnId, CompareOp, Expr, Join, JoinKind, Rel, Type};
use std::collections::{BTreeMap, BTreeSet};

impl Puller<'_> {
    pub(super) fn join(&mut self, rel: &Rel, join: &Join) -> Result<Pulled, SqlError> {
        match join.kind {
            JoinKind::Inner => self.inner(join),
            JoinKind::Left | JoinKind::Semi | JoinKind::Anti => self.outer_join(rel, join),
            JoinKind::Full | JoinKind::Single => self.by_domain(rel),
        }
    }

    fn inner(&mut self, join: &Join) -> Result<Pulled, SqlError> {
        let left = self.rows(&join.left)?;
        let right = self.rows(&join.right)?;
        let mut exprs = left.exprs;
        exprs.extend(right.exprs);
        let mut conjuncts = Vec::new();
        substituted(join.on.clone(), &exprs)?.into_conjuncts(&mut conjuncts);
        let (tied, own): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(|conjunct| self.reads(conjunct));
        let on = Expr::and(own);
        let rel = match (left.rel, right.rel) {
            (Rel::Unit, rel) | (rel, Rel::Unit) => rel.filter(on),
            (left, right) => left.join(JoinKind::Inner, right, on),
        };
        let conditions = left.conditions.into_iter().chain(right.conditions).chain(tied).collect();
        Ok(Pulled { conditions, exprs, ..Pulled::rows(rel) })
    }

    fn outer_join(&mut self, rel: &Rel, join: &Join) -> Result<Pulled, SqlError> {
        let mut left = self.rows(&join.left)?;
        let mut on = substituted(join.on.clone(), &left.exprs)?;
        let mut right = (*join.right).clone();
        let mut read: BTreeSet<ColumnId> = right.free();
        read.extend(on.columns());
        read.retain(|id| self.outer_ids.contains(id));
        if !read.is_empty() {
            let same = self.same(&left.conditions, &left.rel);
            if !read.iter().all(|id| same.contains_key(id)) {
                return self.by_domain(rel);
            }
            right = right.substitute(&same);
            on = on.substitute(&same);
        }
        let join = Join { kind: join.kind, left: Box::new(left.rel), right: Box::new(right), on };
        left.rel = unnest_join(join, self.ids)?;
        Ok(left)
    }

    /// The expressions over a relation that conditions say are equal to an outer column.
    fn same(&self, conditions: &[Expr], rel: &Rel) -> BTreeMap<ColumnId, Expr> {
        let Some(ties) = self.ties(conditions, rel) else { return self.same_of_some(conditions, rel) };
        let mut same = BTreeMap::new();
        for tie in ties.equalities {
            if let Some(column) = tie.outer.as_column()
                && self.outer_ids.contains(&column.id)
                // Equal intervals may differ in their days and hours, which a function can tell.
                && column.ty != Type::INTERVAL
                && column.ty == tie.inner.ty()
            {
                same.entry(column.id).or_insert(tie.inner);
            }
        }
        same
    }

    /// Other conditions beside the equalities do no harm.
    fn same_of_some(&self, conditions: &[Expr], rel: &Rel) -> BTreeMap<ColumnId, Expr> {
        let is_equality = |condition: &&Expr| {
            matches!(condition, Expr::Compare { op: CompareOp::Eq | CompareOp::NotDistinct, .. })
                && self.ties(std::slice::from_ref(*condition), rel).is_some()
        };
        let equalities: Vec<Expr> = conditions.iter().filter(is_equality).cloned().collect();
        if equalities.len() == conditions.len() { BTreeMap::new() } else { self.same(&equalities, rel) }
    }
}
