//! Pulling up what ties a relation to the row that surrounds it.
//!
//! For an outer row `a`, the rows that `R` gives are written as those of a relation that reads nothing of `a`, for which conditions over both
//! hold, with expressions over both computed last. Conditions travel up: past filters, projections and inner joins as they are;
//! past what looks at several rows (groups, DISTINCT, LIMIT, windows) only equalities, whose inner sides become further
//! group columns. A join on columns is what views and lookups are good at, so this is tried at each node; a node without
//! such a law is computed for the domain of the outer columns ([`super::push`]).

mod group;
mod join;
mod limit;
mod row;
mod set;

use super::push::domain::{domain, matches, replaced};
use super::push::push;
use attune_sql::SqlError;
use attune_sql::algebra::{Column, ColumnId, CompareOp, Expr, Ids, Rel};
use std::collections::{BTreeMap, BTreeSet};

/// A relation taken apart: what it gives for an outer row.
pub(super) struct Pulled {
    /// Reads nothing of the outer row. Gives the relation's columns, but for those in `exprs`, and maybe more.
    pub(super) rel: Rel,
    /// Over the outer row and `rel`: which rows are those of the outer row.
    pub(super) conditions: Vec<Expr>,
    /// Columns that are computed of the outer row and a row of `rel`.
    pub(super) exprs: BTreeMap<ColumnId, Expr>,
    /// There is exactly one row for each outer row: the one that `rel` has (never more), or NULLs, which `exprs` turn into what
    /// stands for none.
    pub(super) once: bool,
    /// With `once`: what must be true of that row, or it is none.
    pub(super) guard: Vec<Expr>,
}

impl Pulled {
    fn rows(rel: Rel) -> Pulled {
        Pulled { rel, conditions: Vec::new(), exprs: BTreeMap::new(), once: false, guard: Vec::new() }
    }

    /// The one row without columns is there for each outer row; conditions are of the outer row only.
    pub(super) fn one_row_if_unit(&mut self) {
        if !self.once && matches!(self.rel, Rel::Unit) {
            self.once = true;
            self.guard.append(&mut self.conditions);
        }
    }
}

/// A condition that says that an expression over the outer row equals one over the relation.
struct Equality {
    outer: Expr,
    op: CompareOp,
    inner: Expr,
}

/// Conditions by what can be done with them above a group.
struct Ties {
    equalities: Vec<Equality>,
    /// These read nothing of the relation.
    outer_only: Vec<Expr>,
}

/// Takes relations apart, for the rows of an outer one.
pub(super) struct Puller<'a> {
    outer: &'a Rel,
    columns: Vec<Column>,
    outer_ids: BTreeSet<ColumnId>,
    /// Conditions over outer rows; others need no inner rows.
    only_where: Vec<Expr>,
    ids: &'a mut Ids,
}

impl<'a> Puller<'a> {
    /// For the rows of `outer`, where `on` will be asked of each pair.
    pub(super) fn new(outer: &'a Rel, on: &Expr, ids: &'a mut Ids) -> Puller<'a> {
        let columns = outer.columns();
        let outer_ids: BTreeSet<ColumnId> = columns.iter().map(|column| column.id).collect();
        let mut only_where = Vec::new();
        on.clone().into_conjuncts(&mut only_where);
        only_where.retain(|condition| {
            let read = condition.columns();
            !read.is_empty() && read.is_subset(&outer_ids)
        });
        Puller { outer, columns, outer_ids, only_where, ids }
    }

    /// The relation taken apart.
    pub(super) fn pull(&mut self, rel: &Rel) -> Result<Pulled, SqlError> {
        if !self.is_tied(rel) {
            return Ok(Pulled::rows(rel.clone()));
        }
        match rel {
            Rel::Filter { input, predicate } => self.filter(input, predicate),
            Rel::Project { input, exprs } => self.project(input, exprs),
            Rel::Values { columns, rows } => self.values(columns, rows),
            Rel::Sort { input, .. } => self.pull(input),
            Rel::Join(join) => self.join(rel, join),
            Rel::Unnest { input, arrays, ordinality } => self.unnest(rel, input, arrays, ordinality.as_ref()),
            Rel::Aggregate { input, group, aggregates } if group.is_empty() => self.scalar_aggregate(input, aggregates),
            Rel::Aggregate { input, group, aggregates } => self.grouped(rel, input, group, aggregates),
            Rel::Distinct { input } => self.distinct(rel, input),
            Rel::DistinctOn { input, on, order } => self.distinct_on(rel, input, on, order),
            Rel::Window { input, calls } => self.window(rel, input, calls),
            Rel::SetOperation { op, all, inputs, inputs_columns, columns } => {
                let set = set::Set { op: *op, all: *all, inputs, inputs_columns, columns };
                self.set(rel, &set)
            }
            Rel::Limit { input, skip, fetch } => self.limit(rel, input, skip.as_ref(), fetch.as_ref()),
            Rel::Unit | Rel::Scan(_) => Err(SqlError::internal("a relation that reads no column is dependent")),
        }
    }

    /// As `pull`, but never with a row that stands for none.
    fn rows(&mut self, rel: &Rel) -> Result<Pulled, SqlError> {
        if ends_in_scalar_aggregate(rel) && self.is_tied(rel) {
            return self.by_domain(rel);
        }
        let mut pulled = self.pull(rel)?;
        if pulled.once {
            // It is the row without columns then, which is there unless its conditions drop it.
            pulled.once = false;
            pulled.conditions.append(&mut pulled.guard);
        }
        Ok(pulled)
    }

    /// Law of the domain: for each of the distinct combinations of outer columns that the relation reads.
    fn by_domain(&mut self, rel: &Rel) -> Result<Pulled, SqlError> {
        let (domain, pairs) = self.domain(&rel.free())?;
        let rel = push(domain, rel.clone().substitute(&replaced(&pairs)), self.ids)?;
        Ok(Pulled { conditions: matches(pairs).collect(), ..Pulled::rows(rel) })
    }

    /// The domain of the outer ones of these columns.
    fn domain(&mut self, read: &BTreeSet<ColumnId>) -> Result<(Rel, Vec<(Column, Column)>), SqlError> {
        let columns: Vec<Column> = self.columns.iter().filter(|column| read.contains(&column.id)).cloned().collect();
        domain(self.outer, &columns, &self.only_where, self.ids)
    }

    fn is_tied(&self, rel: &Rel) -> bool {
        !rel.free().is_disjoint(&self.outer_ids)
    }

    /// Whether an expression reads the outer row.
    fn reads(&self, expr: &Expr) -> bool {
        !expr.columns().is_disjoint(&self.outer_ids)
    }

    /// The conditions as equalities with expressions over the relation; `None` if one is something else.
    fn ties(&self, conditions: &[Expr], rel: &Rel) -> Option<Ties> {
        let inner_ids = rel.ids();
        let mut ties = Ties { equalities: Vec::new(), outer_only: Vec::new() };
        let is_inner = |e: &Expr| !self.reads(e);
        let is_outer = |e: &Expr| e.columns().is_disjoint(&inner_ids);
        for condition in conditions {
            if is_outer(condition) {
                ties.outer_only.push(condition.clone());
                continue;
            }
            let Expr::Compare { op: op @ (CompareOp::Eq | CompareOp::NotDistinct), left, right } = condition else {
                return None;
            };
            let (outer, inner) = if is_outer(left) && is_inner(right) {
                (left, right)
            } else if is_outer(right) && is_inner(left) {
                (right, left)
            } else {
                return None;
            };
            ties.equalities.push(Equality { outer: (**outer).clone(), op: *op, inner: (**inner).clone() });
        }
        Some(ties)
    }
}

/// Whether it may give a row for no rows of what it reads.
fn ends_in_scalar_aggregate(rel: &Rel) -> bool {
    match rel {
        Rel::Filter { input, .. } | Rel::Project { input, .. } | Rel::Sort { input, .. } => {
            ends_in_scalar_aggregate(input)
        }
        Rel::Aggregate { group, .. } => group.is_empty(),
        _ => false,
    }
}

impl Ties {
    /// The conditions, with the inner sides as columns of a relation that groups by them: those columns, and the conditions.
    fn into_columns(self, ids: &mut Ids) -> (Vec<(Column, Expr)>, Vec<Expr>) {
        let mut columns: Vec<(Column, Expr)> = Vec::new();
        let mut conditions = self.outer_only;
        for Equality { outer, op, inner } in self.equalities {
            let known = columns.iter().find(|(_, expr)| *expr == inner).map(|(column, _)| column.clone());
            let column = known.unwrap_or_else(|| {
                let name = inner.as_column().map_or("key".into(), |column| column.name.clone());
                let column = ids.column(name, inner.ty(), inner.nullable());
                columns.push((column.clone(), inner));
                column
            });
            conditions.push(Expr::compare(op, outer, Expr::Column(column)));
        }
        (columns, conditions)
    }

    /// The inner sides.
    fn inner(&self) -> Vec<Expr> {
        let mut found: Vec<Expr> = Vec::new();
        for equality in &self.equalities {
            if !found.contains(&equality.inner) {
                found.push(equality.inner.clone());
            }
        }
        found
    }
}
