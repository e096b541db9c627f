//! Constants spread over equal columns.
//!
//! **Law.** Where `a.k = b.k` and `a.k = 5` hold for every row that is used, `b.k = 5` holds too, so that rows of `b`
//! may be found by it. Equality of values of one type is an equivalence; only columns, constants and parameters are
//! looked at, no expressions.
//!
//! In an inner join all conditions hold for every row. Of LEFT, SEMI and ANTI joins only the right side gets a
//! condition: rows of it that differ have no pair among the left rows that are left. The left side gets none from ON:
//! there, `a.k = 5` would drop rows that have no pair.

use super::facts::is_value;
use attune_sql::algebra::{Category, Column, ColumnId, CompareOp, Expr};
use std::collections::{BTreeMap, BTreeSet};

/// What follows for other columns from equalities that all hold. Columns that have a value already get none.
pub(super) fn inferred<'a>(conditions: impl Iterator<Item = &'a Expr>) -> Vec<Expr> {
    let mut equal: BTreeMap<ColumnId, Vec<&Column>> = BTreeMap::new();
    let mut fixed: Vec<(&Column, &Expr)> = Vec::new();
    for condition in conditions {
        let Expr::Compare { op: CompareOp::Eq, left, right } = condition else { continue };
        match (&**left, &**right) {
            (Expr::Column(a), Expr::Column(b)) if is_one_type(a, b) => {
                equal.entry(a.id).or_default().push(b);
                equal.entry(b.id).or_default().push(a);
            }
            (Expr::Column(column), value) | (value, Expr::Column(column)) if is_value(value) => {
                fixed.push((column, value));
            }
            _ => {}
        }
    }
    let mut known: BTreeSet<ColumnId> = fixed.iter().map(|(column, _)| column.id).collect();
    let mut found = Vec::new();
    for (column, value) in fixed {
        let mut open = vec![column];
        while let Some(column) = open.pop() {
            for other in equal.get(&column.id).into_iter().flatten() {
                if known.insert(other.id) {
                    found.push(Expr::compare(CompareOp::Eq, Expr::Column((*other).clone()), value.clone()));
                    open.push(*other);
                }
            }
        }
    }
    found
}

/// Whether a value of one is a value of the other, as it is.
fn is_one_type(a: &Column, b: &Column) -> bool {
    a.ty == b.ty || (a.ty.category() == Category::String && b.ty.category() == Category::String)
}
