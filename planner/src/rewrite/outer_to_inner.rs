//! Outer joins that lose the rows they add become inner ones.
//!
//! **Law.** A row that an outer join adds has NULL in all columns of one side. If a condition that every row has to
//! meet later is never true for such a row, the row may as well not be made: LEFT becomes INNER, FULL becomes LEFT from
//! the side whose own rows stay, or INNER.
//!
//! "Never true" is asked in three-valued logic ([`super::nulls`]): operators and comparisons give NULL for NULL, while
//! `IS NULL`, `IS DISTINCT FROM`, CASE and functions such as coalesce may be true for NULLs. By the columns alone,
//! `WHERE r.x IS NULL`, which asks for just the added rows, would lose all of them.

use super::nulls::never_true;
use attune_sql::algebra::{ColumnId, Expr, Join, JoinKind};
use std::collections::BTreeSet;

/// The join, where every row that is used meets these conditions. A `Single` join stays: it has to find second pairs.
pub(super) fn reduce<'a>(join: Join, conditions: impl Iterator<Item = &'a Expr> + Clone) -> Join {
    let rejects = |missing: BTreeSet<ColumnId>| {
        conditions.clone().any(|condition| never_true(condition, &|column| missing.contains(&column)))
    };
    match join.kind {
        JoinKind::Left if rejects(join.right.ids()) => Join { kind: JoinKind::Inner, ..join },
        JoinKind::Full => match (rejects(join.left.ids()), rejects(join.right.ids())) {
            (true, true) => Join { kind: JoinKind::Inner, ..join },
            // Rows of the right side alone fall away.
            (true, false) => Join { kind: JoinKind::Left, ..join },
            (false, true) => Join { kind: JoinKind::Left, left: join.right, right: join.left, on: join.on },
            (false, false) => join,
        },
        _ => join,
    }
}
