//! What looks at one row at a time: filters, projections, VALUES, unnested arrays.
//!
//! Laws: a condition that reads the outer row may be asked later, in the join; an expression that reads it may be computed later,
//! above the join. Until then the columns that they read must be passed on. Over a row that stands for none (the count of no
//! rows) both wait until that row is there: `HAVING count(*) > 0` drops it then, and `count(*) + 1` is 1.

use super::{Pulled, Puller};
use crate::decorrelate::limit::substituted;
use crate::decorrelate::push::as_projection;
use attune_sql::SqlError;
use attune_sql::algebra::{Column, ColumnId, Expr, Rel};
use std::collections::{BTreeMap, BTreeSet};

impl Puller<'_> {
    pub(super) fn filter(&mut self, input: &Rel, predicate: &Expr) -> Result<Pulled, SqlError> {
        let mut pulled = self.pull(input)?;
        let mut conjuncts = Vec::new();
        substituted(predicate.clone(), &pulled.exprs)?.into_conjuncts(&mut conjuncts);
        if pulled.once {
            pulled.guard.extend(conjuncts);
            return Ok(pulled);
        }
        let (tied, own): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(|conjunct| self.reads(conjunct));
        pulled.rel = pulled.rel.filter(Expr::and(own));
        pulled.conditions.extend(tied);
        Ok(pulled)
    }

    pub(super) fn project(&mut self, input: &Rel, projected: &[(Column, Expr)]) -> Result<Pulled, SqlError> {
        let mut pulled = self.pull(input)?;
        pulled.one_row_if_unit();
        let mut exprs = BTreeMap::new();
        let mut kept = Vec::new();
        for (column, expr) in projected {
            let expr = substituted(expr.clone(), &pulled.exprs)?;
            if pulled.once || self.reads(&expr) {
                exprs.insert(column.id, expr);
            } else {
                kept.push((column.clone(), expr));
            }
        }
        pulled.exprs = exprs;
        if !pulled.once {
            let rel = std::mem::replace(&mut pulled.rel, Rel::Unit);
            pulled.rel = with_passed(rel, kept, pulled.conditions.iter().chain(pulled.exprs.values()));
        }
        Ok(pulled)
    }

    pub(super) fn values(&mut self, columns: &[Column], rows: &[Vec<Expr>]) -> Result<Pulled, SqlError> {
        let (input, exprs) = as_projection(columns.to_vec(), rows.to_vec(), self.ids)?;
        self.project(&input, &exprs)
    }

    pub(super) fn unnest(
        &mut self,
        rel: &Rel,
        input: &Rel,
        arrays: &[(Column, Expr)],
        ordinality: Option<&Column>,
    ) -> Result<Pulled, SqlError> {
        let mut pulled = self.rows(input)?;
        let mut own = Vec::with_capacity(arrays.len());
        for (column, array) in arrays {
            own.push((column.clone(), substituted(array.clone(), &pulled.exprs)?));
        }
        if own.iter().any(|(_, array)| self.reads(array)) {
            return self.by_domain(rel);
        }
        let input = Box::new(pulled.rel);
        pulled.rel = Rel::Unnest { input, arrays: own, ordinality: ordinality.cloned() };
        Ok(pulled)
    }
}

/// A projection that also passes on what is read later.
pub(super) fn with_passed<'e>(rel: Rel, mut exprs: Vec<(Column, Expr)>, later: impl Iterator<Item = &'e Expr>) -> Rel {
    let read: BTreeSet<ColumnId> = later.flat_map(Expr::columns).collect();
    for column in rel.columns() {
        if read.contains(&column.id) && !exprs.iter().any(|(known, _)| *known == column) {
            exprs.push((column.clone(), Expr::Column(column)));
        }
    }
    rel.project(exprs)
}
