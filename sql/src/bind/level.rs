//! Which query an aggregate belongs to.
//!
//! Law: an aggregate is one of the innermost query whose columns its arguments, FILTER and ORDER BY read; without columns, of the
//! query it stands in. One of an outer query is computed there, beside that query's own, and is a column of the outer query for
//! the subquery it stands in: `SELECT k FROM t GROUP BY k HAVING EXISTS (SELECT 1 FROM s WHERE s.n > count(t.a))`.

use super::expr::Clause;
use super::group::has_aggregate;
use super::scope::{Namespace, Scope};
use super::{Bind, Result};
use crate::algebra::{AggregateCall, ColumnId, Expr};
use std::collections::BTreeSet;

impl Bind<'_> {
    /// The aggregate, which stands in a clause of the query of `scope`: a call where that is its query, else a column.
    pub(super) fn at_its_level(&self, call: AggregateCall, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        let name = call.function.name().to_owned();
        let (ty, nullable) = (call.ty, call.nullable);
        let expr = Expr::Aggregate(Box::new(call));
        let read = expr.columns();
        let inner = expr.children().into_iter().any(has_aggregate);
        let (mut owner, mut place) = (scope, clause);
        // What has an aggregate of this query in it is of this query too: then it is nested.
        while !inner && !read.is_empty() && !owner.namespace.gives_any(&read) {
            let Some(outer) = owner.env.outer else { break };
            (owner, place) = (outer, owner.env.place);
        }
        if inner || owner.namespace.lifts_any(&read) {
            place = Clause::Aggregate;
        }
        place.check_aggregate()?;
        if std::ptr::eq(owner.namespace, scope.namespace) {
            return Ok(expr);
        }
        let Expr::Aggregate(call) = expr else { return Ok(expr) };
        let mut lifted = owner.namespace.lifted.borrow_mut();
        if let Some((column, _)) = lifted.iter().find(|(_, known)| *known == *call) {
            return Ok(Expr::Column(column.clone()));
        }
        let column = self.column(name, ty, nullable);
        lifted.push((column.clone(), *call));
        Ok(Expr::Column(column))
    }
}

impl Namespace {
    /// Whether one of these is a column of this query, or an aggregate of it.
    fn gives_any(&self, ids: &BTreeSet<ColumnId>) -> bool {
        let of_tables = self.tables.iter().flat_map(|table| &table.columns);
        self.columns.iter().chain(of_tables).any(|(_, column)| ids.contains(&column.id)) || self.lifts_any(ids)
    }

    /// Whether one of these is an aggregate of this query that a subquery reads.
    pub(super) fn lifts_any(&self, ids: &BTreeSet<ColumnId>) -> bool {
        self.lifted.borrow().iter().any(|(column, _)| ids.contains(&column.id))
    }
}
