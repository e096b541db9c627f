//! Subqueries as conditions of their own in WHERE and HAVING.
//!
//! Laws: a filter keeps a row only if its condition is true, so false and NULL are one. There
//!
//! - EXISTS is a semi join, NOT EXISTS an anti join;
//! - `x IN (subquery)` is a semi join on equality, for several columns too;
//! - `x NOT IN (subquery)` is an anti join on equality only if neither side can be NULL: with a NULL among the rows it is never true.
//!
//! Everything else takes the value form. Conditions without subqueries come first: they have fewer rows to find values for.

use super::value::Extended;
use super::{exists, has_subquery, lift, own};
use crate::decorrelate::order;
use crate::decorrelate::push::only;
use attune_sql::SqlError;
use attune_sql::algebra::{Column, CompareOp, Expr, Ids, JoinKind, Rel, Subquery, SubqueryKind};

/// A filter whose condition holds subqueries.
pub(super) fn filter(input: Rel, predicate: Expr, ids: &mut Ids) -> Result<Rel, SqlError> {
    let columns = input.columns();
    let mut conjuncts = Vec::new();
    predicate.into_conjuncts(&mut conjuncts);
    let (with, plain): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(has_subquery);
    let (joins, values): (Vec<Expr>, Vec<Expr>) = with.into_iter().partition(|conjunct| as_join(conjunct).is_some());
    let mut to = Extended::new(input.filter(Expr::and(plain)));
    for conjunct in joins {
        to = join(to, conjunct, ids)?;
    }
    let mut rest = Vec::new();
    for conjunct in values {
        rest.push(to.value(conjunct, ids)?);
    }
    let rel = to.rel.filter(Expr::and(rest));
    // Without anything added there is nothing to hide.
    Ok(if rel.columns() == columns { rel } else { only(rel, &columns) })
}

/// The kind of join that a condition is.
fn as_join(conjunct: &Expr) -> Option<JoinKind> {
    let never_null = |left: &[Expr], columns: &[Column]| {
        !left.iter().any(|e| e.nullable() || has_subquery(e)) && !columns.iter().any(|c| c.nullable)
    };
    match conjunct {
        Expr::Subquery(subquery) => match &subquery.kind {
            SubqueryKind::Exists => Some(JoinKind::Semi),
            SubqueryKind::Quantified { op: CompareOp::Eq, all: false, .. } => Some(JoinKind::Semi),
            SubqueryKind::Quantified { left, op: CompareOp::NotEq, all: true, columns }
                if never_null(left, columns) =>
            {
                Some(JoinKind::Anti)
            }
            _ => None,
        },
        Expr::Not(inner) => match &**inner {
            Expr::Subquery(subquery) => match &subquery.kind {
                SubqueryKind::Exists => Some(JoinKind::Anti),
                SubqueryKind::Quantified { left, op: CompareOp::Eq, all: false, columns }
                    if never_null(left, columns) =>
                {
                    Some(JoinKind::Anti)
                }
                _ => None,
            },
            // NOT NOT x.
            Expr::Not(twice) => as_join(twice),
            _ => None,
        },
        _ => None,
    }
}

/// Joins what a condition reads, if [`as_join`] says how.
fn join(mut to: Extended, conjunct: Expr, ids: &mut Ids) -> Result<Extended, SqlError> {
    let kind = as_join(&conjunct);
    let (Some(kind), Some(Subquery { kind: asked, rel })) = (kind, inside(conjunct)) else {
        return Err(SqlError::internal("a condition that is no join"));
    };
    let rel = lift(rel, ids)?;
    let (right, on) = match asked {
        SubqueryKind::Quantified { left, columns, .. } => {
            let (rel, columns) = own::own(rel, columns, ids);
            let mut on = Vec::with_capacity(left.len());
            for (left, column) in left.into_iter().zip(columns) {
                on.push(Expr::compare(CompareOp::Eq, to.value(left, ids)?, Expr::Column(column)));
            }
            let right = match order::ordered(rel, ids).0 {
                // A second pair changes nothing.
                Rel::Distinct { input } => *input,
                other => other,
            };
            (right, Expr::and(on))
        }
        _ => (exists::bare(rel), Expr::boolean(true)),
    };
    to.rel = to.rel.join(kind, right, on);
    Ok(to)
}

fn inside(conjunct: Expr) -> Option<Subquery> {
    match conjunct {
        Expr::Subquery(subquery) => Some(*subquery),
        Expr::Not(inner) => inside(*inner),
        _ => None,
    }
}
