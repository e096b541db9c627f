//! The domain: the distinct values of the outer columns that a dependent relation reads.
//!
//! Law: `A` dependently joined to `B` is `A JOIN push(D, B)` on `A`'s columns being `D`'s, where `D` is the distinct projection of `A` on the
//! columns that `B` reads. NULL is a value here (IS NOT DISTINCT FROM): the subquery of a row with NULLs has rows, too. And
//! `D` is distinct: with a value twice, each row of `A` would meet the rows of `B` twice.
//!
//! `D` may have more values than `A` has: no row meets those. So LIMIT and DISTINCT ON are left out of it: where their order does
//! not decide, `D` might keep other rows than `A`, and rows of `A` would find nothing.
//!
//! Equal intervals may be different values ('1 month', '30 days'), and the subquery may give different rows for them. So their texts are
//! columns of `D`, too, and are compared.

use crate::decorrelate::{keys, limit};
use attune_sql::SqlError;
use attune_sql::algebra::{Column, ColumnId, CompareOp, Expr, Ids, Join, JoinKind, Rel, Type};
use std::collections::{BTreeMap, BTreeSet};

/// An old column, and the new one with the same values.
pub(in crate::decorrelate) type Pairs = Vec<(Column, Column)>;

/// The distinct values of columns of a relation, of rows that meet conditions, under new ids.
pub(in crate::decorrelate) fn domain(
    of: &Rel,
    columns: &[Column],
    conditions: &[Expr],
    ids: &mut Ids,
) -> Result<(Rel, Pairs), SqlError> {
    let mut read: BTreeSet<ColumnId> = columns.iter().map(|column| column.id).collect();
    read.extend(conditions.iter().flat_map(Expr::columns));
    let base = wider(narrowed(of, &read).clone()).filter(Expr::and(conditions.iter().cloned()));
    let (copy, new) = limit::copied(&base, ids)?;
    let renamed = |column: &Column| new.get(&column.id).map_or(column.id, |new| new.id);
    let mut pairs = Pairs::new();
    let mut exprs = Vec::with_capacity(columns.len());
    for column in columns {
        let value = Column { id: renamed(column), ..column.clone() };
        pairs.push((column.clone(), value.clone()));
        exprs.push((value.clone(), Expr::Column(value)));
    }
    let key = pairs.iter().map(|(_, column)| column.id).collect();
    let is_distinct = keys::is_key(&copy, &key);
    if is_distinct {
        return Ok((copy.project(exprs), pairs));
    }
    for (_, value) in pairs.iter().filter(|(_, value)| value.ty == Type::INTERVAL) {
        exprs.push((ids.column("interval", Type::TEXT, value.nullable), text(value)));
    }
    Ok((Rel::Distinct { input: Box::new(copy.project(exprs)) }, pairs))
}

/// A second copy of a domain.
pub(super) fn second(domain: &Rel, ids: &mut Ids) -> Result<(Rel, Pairs), SqlError> {
    let (copy, new) = limit::copied(domain, ids)?;
    let pairs = domain.columns().into_iter().filter_map(|old| {
        let new = Column { id: new.get(&old.id)?.id, ..old.clone() };
        Some((old, new))
    });
    Ok((copy, pairs.collect()))
}

/// The new columns in place of the old ones.
pub(in crate::decorrelate) fn replaced(pairs: &[(Column, Column)]) -> BTreeMap<ColumnId, Expr> {
    pairs.iter().map(|(old, new)| (old.id, Expr::Column(new.clone()))).collect()
}

/// The conditions that the values are the same, NULLs included.
pub(in crate::decorrelate) fn matches(pairs: Pairs) -> impl Iterator<Item = Expr> {
    pairs.into_iter().flat_map(|(old, new)| {
        let op = if old.nullable { CompareOp::NotDistinct } else { CompareOp::Eq };
        let same = (old.ty == Type::INTERVAL).then(|| Expr::compare(op, text(&old), text(&new)));
        std::iter::once(Expr::compare(op, Expr::Column(old), Expr::Column(new))).chain(same)
    })
}

fn text(column: &Column) -> Expr {
    Expr::Cast { expr: Box::new(Expr::Column(column.clone())), to: Type::TEXT }
}

/// A part of a relation that gives these columns with the same set of values.
fn narrowed<'a>(rel: &'a Rel, columns: &BTreeSet<ColumnId>) -> &'a Rel {
    let given_by = |input: &Rel| columns.is_subset(&input.ids());
    match rel {
        // A left join keeps all rows of its left side.
        Rel::Join(Join { kind: JoinKind::Left | JoinKind::Single, left: input, .. })
        | Rel::Window { input, .. }
        | Rel::Sort { input, .. }
        | Rel::Distinct { input }
        | Rel::Project { input, .. }
            if given_by(input) =>
        {
            narrowed(input, columns)
        }
        other => other,
    }
}

/// A relation with all these rows and maybe more, whose rows do not depend on how ties are broken.
fn wider(rel: Rel) -> Rel {
    match rel {
        Rel::Limit { input, .. } | Rel::DistinctOn { input, .. } | Rel::Sort { input, .. } => wider(*input),
        Rel::Filter { input, predicate } => Rel::Filter { input: Box::new(wider(*input)), predicate },
        Rel::Project { input, exprs } => Rel::Project { input: Box::new(wider(*input)), exprs },
        Rel::Distinct { input } => Rel::Distinct { input: Box::new(wider(*input)) },
        Rel::Join(Join { kind: JoinKind::Inner, left, right, on }) => {
            wider(*left).join(JoinKind::Inner, wider(*right), on)
        }
        // More rows on the right side would find pairs for rows that had none.
        Rel::Join(Join { kind: kind @ (JoinKind::Left | JoinKind::Semi | JoinKind::Anti), left, right, on }) => {
            wider(*left).join(kind, *right, on)
        }
        other => other,
    }
}
