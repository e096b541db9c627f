//! Subqueries in the condition of a join.
//!
//! Laws, by what the condition that holds the subquery reads:
//!
//! - of an inner join: it is a filter above.
//! - only the right side, of a left, semi or anti join: it is a filter of the right side.
//! - each subquery one side: that side gets the value beside its rows.
//! - a subquery both sides: the right side is paired with the distinct values of what it reads of the left one, filtered, and
//!   joined on these values. A left row then meets each right row once, as before.
//!
//! A filter above an outer join would not do: it would drop the rows that the join fills with NULLs.

use super::value::{Extended, reads};
use super::{conjunct, has_subquery};
use crate::decorrelate::push::domain::{self, matches};
use crate::decorrelate::push::only;
use attune_sql::algebra::{ColumnId, Expr, Ids, Join, JoinKind, Rel, Subquery};
use attune_sql::{SqlError, SqlState};
use std::collections::BTreeSet;

pub(super) fn join(join: Join, ids: &mut Ids) -> Result<Rel, SqlError> {
    let columns = join.columns();
    let Join { kind, left, right, on } = join;
    let mut conjuncts = Vec::new();
    on.into_conjuncts(&mut conjuncts);
    let (with, mut plain): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(has_subquery);
    if kind == JoinKind::Inner {
        return conjunct::filter((*left).join(kind, *right, Expr::and(plain)), Expr::and(with), ids);
    }
    let (left_ids, right_ids) = (left.ids(), right.ids());
    let mut left = Extended::unguarded(*left);
    let mut right = Extended::unguarded(*right);
    for conjunct in with {
        let read = conjunct.columns();
        if kind != JoinKind::Full && read.is_disjoint(&left_ids) {
            right.rel = conjunct::filter(right.rel, conjunct, ids)?;
        } else if !reads_both(&conjunct, &left_ids, &right_ids) {
            let of_left = |subquery: &Subquery| reads(subquery).is_disjoint(&right_ids);
            let conjunct = left.value_where(conjunct, &of_left, ids)?;
            plain.push(right.value(conjunct, ids)?);
        } else if kind == JoinKind::Full {
            let message = "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions";
            return Err(SqlError::new(SqlState::FeatureNotSupported, message)
                .with_hint("Compute the subquery beside the rows of one side, in a subquery in FROM."));
        } else {
            let read: Vec<_> = left.rel.columns().into_iter().filter(|column| read.contains(&column.id)).collect();
            let (domain, new) = domain::domain(&left.rel, &read, &[], ids)?;
            let paired = right.rel.join(JoinKind::Inner, domain, Expr::boolean(true));
            right.rel = conjunct::filter(paired, conjunct.substitute(&domain::replaced(&new)), ids)?;
            plain.extend(matches(new));
        }
    }
    let rel = left.rel.join(kind, right.rel, Expr::and(plain));
    Ok(only(rel, &columns))
}

/// Whether any subquery in it, by itself, reads both sides.
fn reads_both(conjunct: &Expr, left: &BTreeSet<ColumnId>, right: &BTreeSet<ColumnId>) -> bool {
    conjunct.any(|e| match e {
        Expr::Subquery(subquery) => {
            let read = reads(subquery);
            !read.is_disjoint(left) && !read.is_disjoint(right)
        }
        _ => false,
    })
}
