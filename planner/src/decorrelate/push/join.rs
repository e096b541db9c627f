//! A domain into a join.
//!
//! Laws: if only the left side reads the domain, or only the right one of an inner join, the domain goes there. Else both sides
//! get one and the join compares them too, so that rows of one outer row meet only each other. The left side of an outer,
//! semi or anti join always gets one: its rows survive without a pair, for each outer row anew. The right side of a full join
//! survives likewise, and there the domain's values are those of whichever side is there.

use super::domain::{matches, replaced, second};
use super::{only, push};
use attune_sql::SqlError;
use attune_sql::algebra::{Column, Expr, Ids, Join, JoinKind, Rel, Type};

pub(super) fn push_join(domain: Rel, join: Join, ids: &mut Ids) -> Result<Rel, SqlError> {
    if join.kind == JoinKind::Full {
        return full(&domain, join, ids);
    }
    let mut columns = domain.columns();
    columns.extend(join.columns());
    let Join { kind, left, right, on } = join;
    let outer = domain.ids();
    if right.free().is_disjoint(&outer) {
        // The condition may read the domain: it is on the left.
        return Ok(push(domain, *left, ids)?.join(kind, *right, on));
    }
    if kind == JoinKind::Inner && left.free().is_disjoint(&outer) {
        return Ok((*left).join(kind, push(domain, *right, ids)?, on));
    }
    let (copy, new) = second(&domain, ids)?;
    let right = push(copy, (*right).substitute(&replaced(&new)), ids)?;
    let on = Expr::and(matches(new).chain([on]));
    let rel = push(domain, *left, ids)?.join(kind, right, on);
    Ok(only(rel, &columns))
}

/// Both sides of a full join, each with a domain and a mark that says whether it is there.
fn full(domain: &Rel, join: Join, ids: &mut Ids) -> Result<Rel, SqlError> {
    let columns = join.columns();
    let Join { kind, left, right, on } = join;
    let (left_domain, left_new) = second(domain, ids)?;
    let (right_domain, right_new) = second(domain, ids)?;
    let mark = ids.column("found", Type::BOOLEAN, false);
    let left = push(left_domain, (*left).substitute(&replaced(&left_new)), ids)?;
    let left = left.extend(vec![(mark.clone(), Expr::boolean(true))]);
    let right = push(right_domain, (*right).substitute(&replaced(&right_new)), ids)?;
    let on = on.substitute(&replaced(&left_new));
    let same = left_new.iter().zip(&right_new).map(|((_, l), (_, r))| (l.clone(), r.clone())).collect();
    let rel = left.join(kind, right, Expr::and(matches(same).chain([on])));
    let found = Expr::is_not_null(beside(&mark));
    let value = |((old, l), (_, r)): (&(Column, Column), &(Column, Column))| {
        let branches = vec![(found.clone(), beside(l))];
        let either = Expr::Case { operand: None, branches, otherwise: Some(Box::new(beside(r))), ty: old.ty };
        (old.clone(), either)
    };
    let values = left_new.iter().zip(&right_new).map(value);
    let exprs = values.chain(super::passed(&columns)).collect();
    Ok(rel.project(exprs))
}

fn beside(column: &Column) -> Expr {
    Expr::Column(Column { nullable: true, ..column.clone() })
}
