//! What looks at several rows: GROUP BY, DISTINCT, DISTINCT ON, windows.
//!
//! Law: among the rows of an outer row, an expression that equals one over the outer row has one value. So rows may be grouped by
//! it, too, for all outer rows at once; then the equality chooses the groups of an outer row. Rows where it is NULL equal no
//! outer row (or, with IS NOT DISTINCT FROM, those where it is NULL), as before.
//!
//! Any other condition must be asked before: it would choose among groups that already mix rows of several outer rows.
//!
//! Law of count: an aggregate without groups gives a row for no rows as well. Grouped it gives none, so it is left-joined, and
//! beside NULLs stands what it is over no rows: 0 for a count. Without it those outer rows would get NULL, or be lost.

use super::{Pulled, Puller, Ties};
use crate::decorrelate::call;
use crate::decorrelate::limit::substituted;
use crate::decorrelate::push::domain::{matches, replaced};
use crate::decorrelate::push::{over_no_rows, passed, push, within};
use attune_sql::SqlError;
use attune_sql::algebra::{AggregateCall, Column, ColumnId, Expr, Rel, SortKey, Type, WindowCall};
use std::collections::BTreeMap;

impl Puller<'_> {
    /// The relation below and its ties, if equalities are all that ties it to the outer row.
    fn tied(&mut self, input: &Rel) -> Result<(Pulled, Option<Ties>), SqlError> {
        let pulled = self.rows(input)?;
        let ties = self.ties(&pulled.conditions, &pulled.rel);
        Ok((pulled, ties))
    }

    pub(super) fn grouped(
        &mut self,
        rel: &Rel,
        input: &Rel,
        group: &[(Column, Expr)],
        aggregates: &[(Column, AggregateCall)],
    ) -> Result<Pulled, SqlError> {
        let (pulled, ties) = self.tied(input)?;
        let mut by = Vec::with_capacity(group.len());
        for (column, expr) in group {
            by.push((column.clone(), substituted(expr.clone(), &pulled.exprs)?));
        }
        let aggregates = substituted_calls(aggregates, &pulled.exprs)?;
        let Some(ties) = ties else { return self.by_domain(rel) };
        if by.iter().any(|(_, expr)| self.reads(expr)) || aggregates.iter().any(|(_, call)| self.call_reads(call)) {
            return self.by_domain(rel);
        }
        let (keys, conditions) = ties.into_columns(self.ids);
        by.extend(keys);
        let rel = Rel::Aggregate { input: Box::new(pulled.rel), group: by, aggregates };
        Ok(Pulled { conditions, ..Pulled::rows(rel) })
    }

    pub(super) fn scalar_aggregate(
        &mut self,
        input: &Rel,
        aggregates: &[(Column, AggregateCall)],
    ) -> Result<Pulled, SqlError> {
        // An aggregate that may fail must see only the groups that an outer row asks for.
        if aggregates.iter().any(|(_, call)| call::is_only_value(call)) {
            return self.scalar_by_domain(input, aggregates);
        }
        let (pulled, ties) = self.tied(input)?;
        let calls = substituted_calls(aggregates, &pulled.exprs)?;
        match ties {
            Some(ties) if !calls.iter().any(|(_, call)| self.call_reads(call)) => {
                let (keys, conditions) = ties.into_columns(self.ids);
                self.beside(pulled.rel, keys, calls, conditions)
            }
            _ => self.scalar_by_domain(input, aggregates),
        }
    }

    /// Groups by the domain itself: the outer row has all its columns, so nothing else need be joined.
    fn scalar_by_domain(&mut self, input: &Rel, aggregates: &[(Column, AggregateCall)]) -> Result<Pulled, SqlError> {
        let mut read = input.free();
        for (_, call) in aggregates {
            read.extend(call_exprs(call).flat_map(Expr::columns));
        }
        let (domain, pairs) = self.domain(&read)?;
        let with = replaced(&pairs);
        let keys = domain.columns();
        let rel = push(domain, input.clone().substitute(&with), self.ids)?;
        let calls = substituted_calls(aggregates, &with)?;
        self.beside(rel, passed(&keys).collect(), calls, matches(pairs).collect())
    }

    /// An aggregate grouped by what equals the outer row, and what it is where there is no group.
    fn beside(
        &mut self,
        input: Rel,
        group: Vec<(Column, Expr)>,
        calls: Vec<(Column, AggregateCall)>,
        conditions: Vec<Expr>,
    ) -> Result<Pulled, SqlError> {
        let mut exprs = BTreeMap::new();
        let mut aggregates = Vec::with_capacity(calls.len());
        for (column, call) in calls {
            let found = self.ids.column(column.name.clone(), column.ty, call.nullable);
            exprs.insert(column.id, over_no_rows(&found, &call)?);
            aggregates.push((found, call));
        }
        let rel = Rel::Aggregate { input: Box::new(input), group, aggregates };
        Ok(Pulled { conditions, exprs, once: true, ..Pulled::rows(rel) })
    }

    pub(super) fn distinct(&mut self, rel: &Rel, input: &Rel) -> Result<Pulled, SqlError> {
        let (pulled, ties) = self.tied(input)?;
        if matches!(pulled.rel, Rel::Unit) {
            return Ok(pulled);
        }
        let inner = pulled.rel.ids();
        // What is computed of the outer row alone is one value for it.
        let one_value = pulled.exprs.values().all(|expr| expr.columns().is_disjoint(&inner));
        let Some(ties) = ties.filter(|_| one_value) else { return self.by_domain(rel) };
        let (keys, conditions) = ties.into_columns(self.ids);
        let columns: Vec<Column> =
            input.columns().into_iter().filter(|column| !pulled.exprs.contains_key(&column.id)).collect();
        let mut exprs: Vec<(Column, Expr)> = passed(&columns).chain(keys).collect();
        if exprs.is_empty() {
            // Whether there is a row at all.
            exprs.push((self.ids.column("found", Type::BOOLEAN, false), Expr::boolean(true)));
        }
        let rel = pulled.rel.project(exprs);
        Ok(Pulled { conditions, exprs: pulled.exprs, ..Pulled::rows(Rel::Distinct { input: Box::new(rel) }) })
    }

    pub(super) fn distinct_on(
        &mut self,
        rel: &Rel,
        input: &Rel,
        on: &[Expr],
        order: &[SortKey],
    ) -> Result<Pulled, SqlError> {
        let (mut pulled, ties) = self.tied(input)?;
        let on = substituted_all(on, &pulled.exprs)?;
        let order = substituted_keys(order, &pulled.exprs)?;
        let Some(ties) = ties else { return self.by_domain(rel) };
        if on.iter().chain(order.iter().map(|key| &key.expr)).any(|expr| self.reads(expr)) {
            return self.by_domain(rel);
        }
        let on = ties.inner().into_iter().chain(on).collect();
        pulled.rel = Rel::DistinctOn { input: Box::new(pulled.rel), on, order };
        Ok(pulled)
    }

    pub(super) fn window(
        &mut self,
        rel: &Rel,
        input: &Rel,
        calls: &[(Column, WindowCall)],
    ) -> Result<Pulled, SqlError> {
        let (mut pulled, ties) = self.tied(input)?;
        let Some(ties) = ties else { return self.by_domain(rel) };
        let mut own = Vec::with_capacity(calls.len());
        for (column, call) in calls {
            let mut call = call.clone();
            call.args = substituted_all(&call.args, &pulled.exprs)?;
            call.partition = substituted_all(&call.partition, &pulled.exprs)?;
            call.order = substituted_keys(&call.order, &pulled.exprs)?;
            call.filter = call.filter.map(|filter| substituted(filter, &pulled.exprs)).transpose()?;
            let order = call.order.iter().map(|key| &key.expr);
            if call.args.iter().chain(&call.partition).chain(&call.filter).chain(order).any(|expr| self.reads(expr)) {
                return self.by_domain(rel);
            }
            own.push((column.clone(), call));
        }
        pulled.rel = Rel::Window { input: Box::new(pulled.rel), calls: within(own, &ties.inner()) };
        Ok(pulled)
    }

    fn call_reads(&self, call: &AggregateCall) -> bool {
        call_exprs(call).any(|expr| self.reads(expr))
    }
}

fn call_exprs(call: &AggregateCall) -> impl Iterator<Item = &Expr> {
    call.args.iter().chain(&call.filter).chain(call.order.iter().map(|key| &key.expr))
}

type Replaced = BTreeMap<ColumnId, Expr>;

fn substituted_all(exprs: &[Expr], with: &Replaced) -> Result<Vec<Expr>, SqlError> {
    exprs.iter().map(|expr| substituted(expr.clone(), with)).collect()
}

/// Keys of a sort with columns replaced.
pub(super) fn substituted_keys(keys: &[SortKey], with: &Replaced) -> Result<Vec<SortKey>, SqlError> {
    keys.iter().map(|key| Ok(SortKey { expr: substituted(key.expr.clone(), with)?, ..key.clone() })).collect()
}

fn substituted_calls(
    calls: &[(Column, AggregateCall)],
    with: &Replaced,
) -> Result<Vec<(Column, AggregateCall)>, SqlError> {
    let one = |(column, call): &(Column, AggregateCall)| {
        let filter = call.filter.clone().map(|filter| substituted(filter, with)).transpose()?;
        let (args, order) = (substituted_all(&call.args, with)?, substituted_keys(&call.order, with)?);
        Ok((column.clone(), AggregateCall { args, filter, order, ..call.clone() }))
    };
    calls.iter().map(one).collect()
}
