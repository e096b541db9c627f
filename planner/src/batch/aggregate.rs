//! GROUP BY and DISTINCT.

use super::expr::typed;
use super::project::projection;
use super::{Lowered, Lowering, Needed, Scope, call, expr, fault, key, narrow};
use attune_sql::SqlError;
use attune_sql::algebra::{AggregateCall, Column, ColumnId, Expr, Rel};
use attune_sql::functions::{self, Registry};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Column as DfColumn;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, AggregateUDF, Expr as DfExpr, Limit, LogicalPlan, lit};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an aggregate node has, as it is put together.
#[derive(Default)]
struct Parts {
    group: Vec<DfExpr>,
    calls: Vec<DfExpr>,
    columns: BTreeMap<ColumnId, DfColumn>,
    /// What comes out, in the types of SQL. Differs from what the node gives if `casts`.
    outputs: Vec<DfExpr>,
    casts: bool,
}

impl Parts {
    /// Adds a call under a name; its result is cast if the function gives another form of the type.
    fn call(&mut self, call: DfExpr, name: &str, given: &DataType, wanted: &DataType) {
        let column = DfExpr::Column(DfColumn::new_unqualified(name));
        self.calls.push(call.alias(name));
        if given == wanted {
            self.outputs.push(column);
        } else {
            self.outputs.push(call::cast(column, given, wanted).alias(name));
            self.casts = true;
        }
    }
}

impl Lowering {
    pub(super) fn aggregate(
        &mut self,
        input: &Rel,
        reads: &Needed,
        group: &[(Column, Expr)],
        aggregates: &[(Column, AggregateCall)],
    ) -> Result<Lowered, SqlError> {
        let ordered = aggregates.iter().any(|(_, call)| is_sorted_below(call));
        let input = if ordered { self.rel_below_order(input, reads)? } else { self.rel(input, reads)? };
        let input = narrow(input, reads)?;
        let mut parts = Parts::default();
        let beside = plain(group, &input);
        for (column, e) in group {
            self.group(&mut parts, &input, column, e, &beside)?;
        }
        for (column, call) in aggregates {
            let name = self.names.column(column, input.scans, &beside);
            let (call_expr, given) = aggregate_call(call, &input.scope())?;
            parts.call(call_expr, &name, &given, &call.ty.to_arrow());
            parts.columns.insert(column.id, DfColumn::new_unqualified(name));
        }
        grouped(input, parts)
    }

    /// Each row once, of these columns.
    pub(super) fn distinct(&mut self, input: Lowered, columns: &[Column]) -> Result<Lowered, SqlError> {
        if columns.iter().any(|column| key::is_interval(column.ty)) {
            let keys = columns.iter().map(|column| Ok(key::of_column(column, input.column(column)?)));
            let keys = keys.collect::<Result<Vec<_>, SqlError>>()?;
            return self.first_of(input, keys, Vec::new());
        }
        let mut parts = Parts::default();
        for column in columns {
            let place = input.column(column)?.clone();
            let output = DfExpr::Column(place.clone());
            parts.columns.insert(column.id, place);
            if !parts.group.contains(&output) {
                parts.group.push(output);
            }
        }
        if parts.group.is_empty() {
            // Rows without columns are all the same.
            let limit = Limit { skip: None, fetch: Some(Box::new(lit(1_i64))), input: Arc::new(input.plan) };
            return Ok(Lowered { plan: LogicalPlan::Limit(limit), ..input });
        }
        grouped(input, parts)
    }

    /// Adds a group. Intervals of one length are one group, of which one is shown.
    fn group(
        &mut self,
        parts: &mut Parts,
        input: &Lowered,
        column: &Column,
        e: &Expr,
        beside: &[DfColumn],
    ) -> Result<(), SqlError> {
        let value = expr(e, &input.scope())?;
        if key::is_interval(column.ty) {
            let name = self.names.column(column, input.scans, beside);
            let length = self.names.fresh(&format!("{name}_length"), input.scans, beside);
            parts.group.push(key::key(value.clone(), column.ty).alias(length));
            let interval = column.ty.to_arrow();
            let (shown, given) = aggregate_of(smallest()?, vec![(value, interval.clone())])?;
            parts.call(shown, &name, &given, &interval);
            parts.columns.insert(column.id, DfColumn::new_unqualified(name));
            return Ok(());
        }
        let (place, output) = match value {
            DfExpr::Column(place) => (place.clone(), DfExpr::Column(place)),
            value => {
                let name = self.names.column(column, input.scans, beside);
                (DfColumn::new_unqualified(&name), value.alias(name))
            }
        };
        if !parts.group.contains(&output) {
            parts.outputs.push(DfExpr::Column(place.clone()));
            parts.group.push(output);
        }
        parts.columns.insert(column.id, place);
        Ok(())
    }
}

/// The groups that are columns of the input, which stay what they are.
fn plain(group: &[(Column, Expr)], input: &Lowered) -> Vec<DfColumn> {
    let columns = group.iter().filter(|(column, _)| !key::is_interval(column.ty));
    columns.filter_map(|(_, e)| input.columns.get(&e.as_column()?.id).cloned()).collect()
}

fn grouped(input: Lowered, parts: Parts) -> Result<Lowered, SqlError> {
    let aggregate = Aggregate::try_new(Arc::new(input.plan), parts.group, parts.calls).map_err(fault)?;
    let mut plan = LogicalPlan::Aggregate(aggregate);
    if parts.casts {
        plan = projection(plan, parts.outputs)?;
    }
    Ok(Lowered { plan, columns: parts.columns, scans: input.scans })
}

fn smallest() -> Result<Arc<AggregateUDF>, SqlError> {
    let min = Registry::standard().aggregate("min").cloned();
    min.ok_or_else(|| SqlError::internal("there is no function min"))
}

/// The arguments of an aggregate, of count(*) too.
pub(super) fn arguments(args: &[Expr], distinct: bool, scope: &Scope<'_>) -> Result<Vec<call::Typed>, SqlError> {
    let mut args = typed(args, scope)?;
    if args.is_empty() {
        args.push((lit(1_i64), DataType::Int64));
    }
    // Of intervals, those of one length count once.
    if distinct {
        let length = |(value, data_type): call::Typed| match data_type {
            DataType::Interval(_) => (key::length(value), key::LENGTH),
            other => (value, other),
        };
        args = args.into_iter().map(length).collect();
    }
    Ok(args)
}

/// A call with the Arrow type that it gives.
fn aggregate_call(call: &AggregateCall, scope: &Scope<'_>) -> Result<(DfExpr, DataType), SqlError> {
    let ordered = functions::depends_on_order(&call.function) && (call.distinct || !call.order.is_empty());
    // DataFusion takes DISTINCT of several arguments for none.
    if ordered || (call.distinct && call.args.len() > 1) {
        return ordered_call(call, scope);
    }
    let function = implementation(call, false);
    let counts = call.distinct && call.function.name() == "count";
    let mut args = arguments(&call.args, counts, scope)?;
    // Of what does not depend on it, an order is nothing.
    let mut order = if is_sorted_below(call) { key::sort(&call.order, scope)? } else { Vec::new() };
    if call.function.supports_within_group_clause()
        && let ([sort], [by], 1) = (&call.order[..], &mut order[..], call.args.len())
    {
        // The function takes what WITHIN GROUP sorts by as its first argument.
        by.expr = expr(&sort.expr, scope)?;
        args.insert(0, (by.expr.clone(), sort.expr.ty().to_arrow()));
    }
    let filter = call.filter.as_ref().map(|filter| expr(filter, scope).map(Box::new)).transpose()?;
    let (args, fields) = call::arguments(function.as_ref(), args)?;
    let given = function.return_field(&fields).map_err(fault)?.data_type().clone();
    let call = AggregateFunction::new_udf(function, args, call.distinct, filter, order, None);
    Ok((DfExpr::AggregateFunction(call), given))
}

/// What computes a call: DataFusion's `string_agg` takes constant delimiters only.
fn implementation(call: &AggregateCall, ordered: bool) -> Arc<AggregateUDF> {
    let constant = matches!(call.args.get(1), Some(Expr::Constant { .. }));
    match call.function.name() {
        "string_agg" if ordered || !constant => functions::string_agg(),
        _ => Arc::clone(&call.function),
    }
}

/// Whether the rows of a call are sorted below the aggregation: those of an ordered-set aggregate.
fn is_sorted_below(call: &AggregateCall) -> bool {
    let of_set = call.function.supports_within_group_clause() || call.function.name() == "percentile_cont";
    of_set && !call.order.is_empty()
}

/// A call that sorts its rows itself. Of DISTINCT the rows are sorted by what is not in the order as well, as in Postgres.
fn ordered_call(call: &AggregateCall, scope: &Scope<'_>) -> Result<(DfExpr, DataType), SqlError> {
    let function = implementation(call, true);
    let (mut args, fields) = call::arguments(function.as_ref(), arguments(&call.args, false, scope)?)?;
    let given = function.return_field(&fields).map_err(fault)?.data_type().clone();
    let count = args.len();
    let mut options = Vec::with_capacity(call.order.len());
    let mut add = |key: DfExpr, descending: bool, nulls_first: bool| {
        args.push(key);
        options.push(SortOptions { descending, nulls_first });
    };
    for sort in key::sort(&call.order, scope)? {
        add(sort.expr, !sort.asc, sort.nulls_first);
    }
    if call.distinct {
        for arg in call.args.iter().filter(|arg| !call.order.iter().any(|sort| sort.expr == **arg)) {
            add(key::key(expr(arg, scope)?, arg.ty()), false, false);
        }
    }
    let filter = call.filter.as_ref().map(|filter| expr(filter, scope).map(Box::new)).transpose()?;
    let function = functions::ordered(function, count, options, call.distinct);
    let call = AggregateFunction::new_udf(function, args, false, filter, Vec::new(), None);
    Ok((DfExpr::AggregateFunction(call), given))
}

/// A plain call.
fn aggregate_of(function: Arc<AggregateUDF>, args: Vec<call::Typed>) -> Result<(DfExpr, DataType), SqlError> {
    let (args, fields) = call::arguments(function.as_ref(), args)?;
    let given = function.return_field(&fields).map_err(fault)?.data_type().clone();
    Ok((DfExpr::AggregateFunction(AggregateFunction::new_udf(function, args, false, None, Vec::new(), None)), given))
}
