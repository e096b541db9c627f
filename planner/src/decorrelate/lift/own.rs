//! Columns that a subquery gives are its own.
//!
//! Law: `SELECT a.k FROM b` inside a query over `a` may pass on a column of the outer row under its own id. Read above, within the
//! subquery, that id is the outer column anyway, so the projection need not give it. If it did, both sides of the join that the
//! subquery becomes would give one column. Where such a column must be given, because rows are compared by it, it gets a new id.

use attune_sql::algebra::{Column, Expr, Ids, Rel};

/// A node that gives no column of what surrounds it.
pub(super) fn given_only(rel: Rel, ids: &mut Ids) -> Rel {
    match rel {
        Rel::Project { input, mut exprs } => {
            let below = input.ids();
            exprs.retain(|(column, expr)| expr.as_column() != Some(column) || below.contains(&column.id));
            Rel::Project { input, exprs }
        }
        Rel::Aggregate { input, mut group, aggregates } => {
            let below = input.ids();
            for (column, expr) in &mut group {
                if expr.as_column() == Some(column) && !below.contains(&column.id) {
                    *column = ids.column(column.name.clone(), column.ty, column.nullable);
                }
            }
            Rel::Aggregate { input, group, aggregates }
        }
        Rel::SetOperation { op, all, inputs, inputs_columns, columns } => {
            let pairs = inputs.into_iter().zip(inputs_columns).map(|(input, columns)| own(input, columns, ids));
            let (inputs, inputs_columns) = pairs.unzip();
            Rel::SetOperation { op, all, inputs, inputs_columns, columns }
        }
        other => other,
    }
}

/// A relation that gives these columns itself, under new ids where it did not.
pub(super) fn own(rel: Rel, mut columns: Vec<Column>, ids: &mut Ids) -> (Rel, Vec<Column>) {
    let given = rel.ids();
    let mut added = Vec::new();
    for column in columns.iter_mut().filter(|column| !given.contains(&column.id)) {
        let new = ids.column(column.name.clone(), column.ty, column.nullable);
        added.push((new.clone(), Expr::Column(std::mem::replace(column, new))));
    }
    (rel.extend(added), columns)
}
