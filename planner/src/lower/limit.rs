//! ORDER BY and LIMIT: top-k without partition.

use super::Lowering;
use super::columns::{fields, unit_value};
use crate::expr::Scope;
use crate::plan::{Kept, Op, SortColumn};
use attune_sql::{SqlError, SqlState};
use datafusion::logical_expr::{Distinct, Expr as DfExpr, FetchType, Limit, LogicalPlan, SkipType, Sort, SortExpr};

/// The rows that OFFSET and LIMIT leave.
#[derive(Clone, Copy)]
struct Window {
    skip: u64,
    fetch: Option<u64>,
}

impl Window {
    /// This window of the rows that `inner` leaves.
    fn of(self, inner: Window) -> Window {
        let left = inner.fetch.map(|fetch| fetch.saturating_sub(self.skip));
        let fetch = match (self.fetch, left) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Window { skip: inner.skip.saturating_add(self.skip), fetch }
    }
}

impl Lowering<'_> {
    /// A relation has no order, so a Sort without a limit is dropped.
    pub(super) fn sort(&mut self, sort: &Sort) -> Result<usize, SqlError> {
        match sort.fetch {
            None => self.lower(&sort.input),
            Some(fetch) => self.first_of_sort(sort, Window { skip: 0, fetch: Some(fetch as u64) }),
        }
    }

    pub(super) fn limit(&mut self, limit: &Limit) -> Result<usize, SqlError> {
        let window = window(limit)?;
        self.first_of(&limit.input, window)
    }

    /// The rows of a plan within `window`, in the plan's order. A limit passes through what keeps the order.
    fn first_of(&mut self, plan: &LogicalPlan, outer: Window) -> Result<usize, SqlError> {
        match plan {
            LogicalPlan::Sort(sort) => self.first_of_sort(sort, outer),
            LogicalPlan::Limit(limit) => {
                let inner = window(limit)?;
                self.first_of(&limit.input, outer.of(inner))
            }
            LogicalPlan::SubqueryAlias(alias) => self.first_of(&alias.input, outer),
            LogicalPlan::Projection(projection) if has_order(&projection.input) => {
                let input = self.first_of(&projection.input, outer)?;
                self.project(input, &projection.expr, Scope::of(projection.input.schema()), &projection.schema)
            }
            LogicalPlan::Distinct(Distinct::On(first)) if first.sort_expr.is_some() => Err(SqlError::unsupported(
                "DISTINCT ON with ORDER BY and LIMIT is not supported in a view",
                "Order outside: SELECT * FROM (SELECT DISTINCT ON ...) AS t ORDER BY ... LIMIT ....",
            )),
            other => {
                let input = self.lower(other)?;
                Ok(self.push_limit(input, vec![], outer))
            }
        }
    }

    fn first_of_sort(&mut self, sort: &Sort, outer: Window) -> Result<usize, SqlError> {
        let inner = Window { skip: 0, fetch: sort.fetch.map(|fetch| fetch as u64) };
        let input = self.lower(&sort.input)?;
        let (node, order) = self.order_columns(input, &sort.expr, Scope::of(sort.input.schema()), &[])?;
        let limited = self.push_limit(node, order, outer.of(inner));
        let width = self.schema(input).len();
        if self.schema(limited).len() == width {
            return Ok(limited);
        }
        let fields = if sort.input.schema().fields().is_empty() {
            return Ok(self.push(
                Op::Project { exprs: vec![unit_value()] },
                vec![limited],
                vec![super::columns::unit_field()],
            ));
        } else {
            fields(sort.input.schema())?
        };
        Ok(self.select(limited, 0..width, fields))
    }

    fn push_limit(&mut self, input: usize, order: Vec<SortColumn>, window: Window) -> usize {
        if window.skip == 0 && window.fetch.is_none() {
            return input;
        }
        let schema = self.schema(input).to_vec();
        let op = Op::TopK {
            partition: vec![],
            order,
            offset: window.skip,
            limit: window.fetch,
            rank: false,
            kept: Kept::Rows,
        };
        self.push(op, vec![input], schema)
    }

    /// Sort expressions as columns. Those that order nothing (fixed by the partition, or a repetition) are left out.
    pub(super) fn order_columns(
        &mut self,
        input: usize,
        sort: &[SortExpr],
        scope: Scope<'_>,
        partition: &[usize],
    ) -> Result<(usize, Vec<SortColumn>), SqlError> {
        let sort: Vec<&SortExpr> = sort.iter().filter(|s| !matches!(s.expr, DfExpr::Literal(..))).collect();
        let exprs: Vec<&DfExpr> = sort.iter().map(|s| &s.expr).collect();
        let (node, places) = self.as_columns(input, &exprs, scope)?;
        let mut order: Vec<SortColumn> = Vec::with_capacity(sort.len());
        for (sort, column) in sort.iter().zip(places) {
            if !partition.contains(&column) && !order.iter().any(|o| o.column == column) {
                order.push(SortColumn { column, descending: !sort.asc, nulls_first: sort.nulls_first });
            }
        }
        Ok((node, order))
    }
}

/// Whether a plan gives its rows in an order that was asked for.
fn has_order(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Limit(limit) => has_order(&limit.input),
        LogicalPlan::SubqueryAlias(alias) => has_order(&alias.input),
        LogicalPlan::Projection(projection) => has_order(&projection.input),
        LogicalPlan::Distinct(Distinct::On(first)) => first.sort_expr.is_some(),
        _ => false,
    }
}

fn window(limit: &Limit) -> Result<Window, SqlError> {
    let invalid =
        |e: datafusion::common::DataFusionError| SqlError::new(SqlState::InvalidParameterValue, e.strip_backtrace());
    let SkipType::Literal(skip) = limit.get_skip_type().map_err(invalid)? else { return Err(not_constant("OFFSET")) };
    let FetchType::Literal(fetch) = limit.get_fetch_type().map_err(invalid)? else { return Err(not_constant("LIMIT")) };
    Ok(Window { skip: skip as u64, fetch: fetch.map(|fetch| fetch as u64) })
}

fn not_constant(what: &str) -> SqlError {
    SqlError::unsupported(format!("{what} must be a constant in a materialized view"), "Write a number.")
}
