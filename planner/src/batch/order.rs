//! ORDER BY, LIMIT and OFFSET.
//!
//! A limit notes at the sort or scan below how many rows are read at most, and stays above it only for what that does not say.
//!
//! DataFusion's physical planner moves sorts down through a limit, and takes the limit for all rows that are needed, those that
//! are skipped not counted. So where something above sorts again, rows are skipped by their number instead ([`Lowering::skipped`]).

use super::expr::binary;
use super::project::select;
use super::window::as_bigint;
use super::{Lowered, Lowering, Needed, Scope, expr, fault, key, reading, values};
use attune_sql::algebra::{Expr, Rel, SortKey};
use attune_sql::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr as DfExpr, Limit, LogicalPlan, Operator, Sort, SortExpr, TableScanBuilder, lit};
use std::sync::Arc;

/// The rows that OFFSET and LIMIT leave, where both are known.
#[derive(Clone, Copy)]
struct Window {
    skip: i64,
    fetch: Option<i64>,
}

impl Window {
    /// This window of the rows that `inner` leaves.
    fn of(self, inner: Window) -> Window {
        let left = inner.fetch.map(|fetch| fetch.saturating_sub(self.skip).max(0));
        let fetch = match (self.fetch, left) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Window { skip: inner.skip.saturating_add(self.skip), fetch }
    }

    /// How many rows are needed at most, with those that are skipped.
    fn most(self) -> Option<i64> {
        self.fetch.map(|fetch| self.skip.saturating_add(fetch))
    }

    fn most_rows(self) -> Option<usize> {
        self.most().map(|most| usize::try_from(most).unwrap_or(usize::MAX))
    }
}

impl Lowering {
    pub(super) fn limit(
        &mut self,
        input: &Rel,
        needed: &Needed,
        skip: Option<&Expr>,
        fetch: Option<&Expr>,
    ) -> Result<Lowered, SqlError> {
        if let Some(window) = window(skip, fetch)? {
            return self.limited(input, needed, window);
        }
        let input = self.rel(input, needed)?;
        let count = |e: &Expr| expr(e, &Scope::none()).map(Box::new);
        let given = |e: &&Expr| !e.is_null_constant();
        let skip = skip.filter(given).map(count).transpose()?;
        let fetch = fetch.filter(given).map(count).transpose()?;
        Ok(input.with_limit(skip, fetch))
    }

    /// The rows of a relation within a window, in the relation's order.
    fn limited(&mut self, rel: &Rel, needed: &Needed, outer: Window) -> Result<Lowered, SqlError> {
        match rel {
            _ if outer.skip == 0 && outer.fetch.is_none() => self.rel(rel, needed),
            Rel::Project { input, exprs } => {
                let input = self.limited(input, &reading(rel, needed), outer)?;
                self.project(input, exprs)
            }
            Rel::Limit { input, skip, fetch } => match window(skip.as_ref(), fetch.as_ref())? {
                Some(inner) => self.limited(input, needed, outer.of(inner)),
                None => {
                    let input = self.rel(rel, needed)?;
                    self.cut(input, Vec::new(), outer)
                }
            },
            Rel::Sort { input, by } => {
                let input = self.rel_below_order(input, &reading(rel, needed))?;
                let keys = key::sort(by, &input.scope())?;
                self.cut(input, keys, outer)
            }
            other => {
                let input = self.rel(other, needed)?;
                self.cut(input, Vec::new(), outer)
            }
        }
    }

    /// The rows within a window, of an order if there are keys.
    fn cut(&mut self, input: Lowered, keys: Vec<SortExpr>, window: Window) -> Result<Lowered, SqlError> {
        if window.fetch == Some(0) {
            let plan = values::nothing(input.plan.schema());
            return Ok(Lowered { plan, ..input });
        }
        if window.skip > 0 && self.ordered > 0 {
            return self.skipped(input, keys, window);
        }
        let limited = if keys.is_empty() {
            Lowered { plan: scan_at_most(input.plan, window)?, ..input }
        } else {
            let limited = sorted(input, keys, window.most_rows());
            if window.skip == 0 {
                return Ok(limited);
            }
            limited
        };
        let count = |count: i64| Box::new(lit(count));
        let skip = (window.skip > 0).then_some(window.skip);
        Ok(limited.with_limit(skip.map(count), window.fetch.map(count)))
    }

    /// The same by the numbers of the rows.
    fn skipped(&mut self, input: Lowered, keys: Vec<SortExpr>, window: Window) -> Result<Lowered, SqlError> {
        let before = input.plan.schema().columns();
        let (numbered, number) = self.numbered(input, Vec::new(), keys)?;
        let mut condition = binary(as_bigint(number.clone()), Operator::Gt, lit(window.skip));
        if let Some(most) = window.most() {
            let last = binary(as_bigint(number), Operator::LtEq, lit(most));
            condition = binary(condition, Operator::And, last);
        }
        let kept = numbered.filter(condition);
        Ok(Lowered { plan: select(kept.plan, before)?, ..kept })
    }
}

impl Lowered {
    fn with_limit(self, skip: Option<Box<DfExpr>>, fetch: Option<Box<DfExpr>>) -> Lowered {
        if skip.is_none() && fetch.is_none() {
            return self;
        }
        Lowered { plan: LogicalPlan::Limit(Limit { skip, fetch, input: Arc::new(self.plan) }), ..self }
    }
}

/// Rows in an order.
pub(super) fn sort(input: Lowered, by: &[SortKey]) -> Result<Lowered, SqlError> {
    let keys = key::sort(by, &input.scope())?;
    Ok(if keys.is_empty() { input } else { sorted(input, keys, None) })
}

fn sorted(input: Lowered, expr: Vec<SortExpr>, fetch: Option<usize>) -> Lowered {
    Lowered { plan: LogicalPlan::Sort(Sort { expr, input: Arc::new(input.plan), fetch }), ..input }
}

/// A scan that need not read more rows than that.
fn scan_at_most(plan: LogicalPlan, window: Window) -> Result<LogicalPlan, SqlError> {
    match (plan, window.most_rows()) {
        (LogicalPlan::TableScan(scan), Some(most)) => {
            let scan = TableScanBuilder::from(scan).with_fetch(Some(most)).build();
            scan.map(LogicalPlan::TableScan).map_err(fault)
        }
        (other, _) => Ok(other),
    }
}

/// OFFSET and LIMIT, if both are constants or missing.
fn window(skip: Option<&Expr>, fetch: Option<&Expr>) -> Result<Option<Window>, SqlError> {
    let constant = |e: &Expr, word: &str| match e {
        Expr::Constant { value, .. } if value.is_null() => Ok(Some(None)),
        Expr::Constant { value: ScalarValue::Int64(Some(count)), .. } if *count < 0 => {
            let message = format!("{word} must not be negative");
            let limit = word == "LIMIT";
            let state = if limit { SqlState::InvalidRowCountInLimit } else { SqlState::InvalidRowCountInOffset };
            Err(SqlError::new(state, message))
        }
        Expr::Constant { value: ScalarValue::Int64(count), .. } => Ok(Some(*count)),
        _ => Ok(None),
    };
    let skip = skip.map_or(Ok(Some(None)), |e| constant(e, "OFFSET"))?;
    let fetch = fetch.map_or(Ok(Some(None)), |e| constant(e, "LIMIT"))?;
    Ok(skip.zip(fetch).map(|(skip, fetch)| Window { skip: skip.unwrap_or(0), fetch }))
}
