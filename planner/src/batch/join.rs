//! Joins: equal keys apart from the rest of the condition.

use super::expr::combine;
use super::{Lowered, Lowering, Needed, Scope, expr, fault, key, narrow};
use attune_sql::SqlError;
use attune_sql::algebra::{ColumnId, CompareOp, Expr, Join, JoinKind};
use datafusion::common::{Column as DfColumn, JoinConstraint, JoinType, NullEquality};
use datafusion::logical_expr::{Expr as DfExpr, Join as DfJoin, LogicalPlan, Operator};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Equal keys of the left and the right side.
pub(super) type Pairs = Vec<(DfExpr, DfExpr)>;

/// A join condition by its parts.
#[derive(Default)]
struct Parts<'a> {
    /// `=`
    equal: Vec<(&'a Expr, &'a Expr)>,
    /// IS NOT DISTINCT FROM
    same: Vec<(&'a Expr, &'a Expr)>,
    rest: Vec<&'a Expr>,
    /// Those of `same` as they are, for where they are no keys.
    same_whole: Vec<&'a Expr>,
}

impl Lowering {
    /// A join that reads these columns of its sides.
    pub(super) fn join(&mut self, join: &Join, reads: &Needed) -> Result<Lowered, SqlError> {
        let kind = match join.kind {
            JoinKind::Inner => JoinType::Inner,
            JoinKind::Left => JoinType::Left,
            JoinKind::Full => JoinType::Full,
            JoinKind::Semi => JoinType::LeftSemi,
            JoinKind::Anti => JoinType::LeftAnti,
            JoinKind::Single => return Err(SqlError::internal("a subquery for one value is left as a join")),
        };
        let left = narrow(self.rel(&join.left, reads)?, reads)?;
        let right = narrow(self.rel(&join.right, reads)?, reads)?;
        let mut conditions = Vec::new();
        join.on.clone().into_conjuncts(&mut conditions);
        let parts = parts(&conditions, &left, &right);
        // A join has one answer to whether NULL equals NULL. Where both are asked, `=` finds the rows.
        let by_same = parts.equal.is_empty() && !parts.same.is_empty();
        let (keys, nulls) = match by_same {
            true => (&parts.same, NullEquality::NullEqualsNull),
            false => (&parts.equal, NullEquality::NullEqualsNothing),
        };
        let keys = pairs(keys, &left, &right)?;
        let mut rest = parts.rest;
        if !by_same {
            rest.extend(parts.same_whole);
        }
        let columns = both(&left.columns, &right.columns);
        let scope = Scope::new(&columns);
        let rest = rest.into_iter().map(|e| expr(e, &scope)).collect::<Result<Vec<_>, _>>()?;
        let filter = (!rest.is_empty()).then(|| combine(Operator::And, rest));
        joined(left, right, kind, keys, filter, nulls)
    }
}

/// The join of two sides.
pub(super) fn joined(
    left: Lowered,
    right: Lowered,
    kind: JoinType,
    on: Pairs,
    filter: Option<DfExpr>,
    nulls: NullEquality,
) -> Result<Lowered, SqlError> {
    let columns = match kind {
        JoinType::LeftSemi | JoinType::LeftAnti => left.columns,
        _ => both(&left.columns, &right.columns),
    };
    let (first, second) = (Arc::new(left.plan), Arc::new(right.plan));
    let join = DfJoin::try_new(first, second, on, filter, kind, JoinConstraint::On, nulls, false).map_err(fault)?;
    Ok(Lowered { plan: LogicalPlan::Join(join), columns, scans: left.scans + right.scans })
}

fn both(left: &BTreeMap<ColumnId, DfColumn>, right: &BTreeMap<ColumnId, DfColumn>) -> BTreeMap<ColumnId, DfColumn> {
    left.iter().chain(right).map(|(id, column)| (*id, column.clone())).collect()
}

/// Takes a condition apart. A key of a pair reads columns of its side, and of no other.
fn parts<'a>(conditions: &'a [Expr], left: &Lowered, right: &Lowered) -> Parts<'a> {
    let of = |e: &Expr, side: &Lowered| {
        let read = e.columns();
        !read.is_empty() && read.iter().all(|id| side.columns.contains_key(id))
    };
    let mut parts = Parts::default();
    for condition in conditions {
        let Expr::Compare { op: op @ (CompareOp::Eq | CompareOp::NotDistinct), left: a, right: b } = condition else {
            parts.rest.push(condition);
            continue;
        };
        let (a, b) = (&**a, &**b);
        let pair = if of(a, left) && of(b, right) {
            (a, b)
        } else if of(b, left) && of(a, right) {
            (b, a)
        } else {
            parts.rest.push(condition);
            continue;
        };
        if *op == CompareOp::Eq {
            parts.equal.push(pair);
        } else {
            parts.same.push(pair);
            parts.same_whole.push(condition);
        }
    }
    parts
}

fn pairs(keys: &[(&Expr, &Expr)], left: &Lowered, right: &Lowered) -> Result<Pairs, SqlError> {
    // DataFusion puts keys that are no columns beside the columns of their side, by name. A cast has the name of what it casts,
    // so each gets one of its own.
    let side = |e: &Expr, of: &Lowered| {
        let key = key::key(expr(e, &of.scope())?, e.ty());
        Ok::<_, SqlError>(match &key {
            DfExpr::Column(_) => key,
            other => key.clone().alias(format!("key {other}")),
        })
    };
    let mut pairs = Pairs::with_capacity(keys.len());
    for (l, r) in keys {
        let pair = (side(l, left)?, side(r, right)?);
        // Asked twice (in ON and in WHERE) it is one key: keys that are no columns become columns, named by what they are.
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    Ok(pairs)
}
