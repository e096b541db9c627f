//! Decorrelation: from subqueries and LATERAL to joins of relations that stand by themselves.
//!
//! A subquery means: evaluate it for each row that surrounds it. No view can be kept that way, and no batch plan is fast that
//! way. Here each one becomes a join, by the laws of Neumann and Kemper ("Unnesting Arbitrary Queries", BTW 2015):
//!
//! 1. [`lift`]: a subquery in an expression becomes a *dependent* join, whose right side reads columns of its left side. EXISTS
//!    and IN as conditions of their own become semi and anti joins; all else becomes a column beside the row.
//! 2. [`unnest`]: a dependent join becomes an ordinary one, innermost first. What ties the right side to the left is pulled up
//!    into the join's condition where a law allows it ([`pull`]); where none does, the right side is computed for each distinct
//!    combination of the outer columns it reads, all at once ([`push`]).
//!
//! What holds after it: no subquery, no [`JoinKind::Single`], no column that is read where nothing below gives it ([`check`]).
//!
//! [`JoinKind::Single`]: attune_sql::algebra::JoinKind::Single

mod call;
mod check;
mod keys;
mod lift;
mod limit;
mod order;
mod pull;
mod push;
mod unnest;

#[cfg(test)]
mod tests;

use attune_sql::SqlError;
use attune_sql::algebra::{Ids, Rel};

/// The relation with joins in place of subqueries and of LATERAL. It gives the same columns.
///
/// # Errors
/// 0A000 for a subquery over both sides of a FULL JOIN in its condition; 54001 if the plan grows too large.
pub(crate) fn decorrelate(rel: Rel, ids: &mut Ids) -> Result<Rel, SqlError> {
    let rel = lift::lift(rel, ids)?;
    let rel = unnest::unnest(rel, ids)?;
    check::check(&rel)?;
    Ok(rel)
}
