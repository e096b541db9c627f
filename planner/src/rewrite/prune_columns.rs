//! Columns that nothing reads are not made.
//!
//! **Law.** A relation has to give what is read above it; what computes other columns is left out: columns of scans,
//! expressions of projections, aggregates, window functions, columns of UNION ALL. A relation may still give more than
//! is asked of it, where a filter or join below needs a column.
//!
//! What decides which rows there are stays, read or not: group columns, all columns of DISTINCT and of set operations
//! that compare rows, what DISTINCT ON is on and ordered by, and the arrays of unnest (the longest gives the number of
//! rows). For DISTINCT, an input that gave another column would have other rows.

use attune_sql::algebra::{Column, ColumnId, Expr, Rel, SetOperator, Type};
use datafusion::common::ScalarValue;
use std::collections::BTreeSet;

/// The plan, giving at least the `needed` columns.
pub(super) fn prune(rel: Rel, needed: &BTreeSet<ColumnId>) -> Rel {
    match rel {
        Rel::Scan(mut scan) => {
            scan.columns.retain(|(column, _)| needed.contains(&column.id));
            Rel::Scan(scan)
        }
        Rel::Values { columns, rows } => values(columns, rows, needed),
        Rel::Project { input, mut exprs } => {
            exprs.retain(|(column, _)| needed.contains(&column.id));
            if exprs.is_empty() {
                // Only how many rows there are.
                return prune(*input, &BTreeSet::new());
            }
            let input = prune(*input, &read(&[], exprs.iter().map(|(_, expr)| expr)));
            input.project(exprs)
        }
        Rel::Join(mut join) => {
            let wanted = read_more(needed, [&join.on]);
            join.left = below(*join.left, &wanted);
            join.right = below(*join.right, &wanted);
            Rel::Join(join)
        }
        Rel::Unnest { input, arrays, ordinality } => {
            let wanted = read_more(needed, arrays.iter().map(|(_, expr)| expr));
            let ordinality = ordinality.filter(|column| needed.contains(&column.id));
            Rel::Unnest { input: below(*input, &wanted), arrays, ordinality }
        }
        Rel::Aggregate { input, group, mut aggregates } => {
            aggregates.retain(|(column, _)| needed.contains(&column.id));
            if group.is_empty() && aggregates.is_empty() {
                // One row, whatever there is below.
                return Rel::Unit;
            }
            let mut rel = Rel::Aggregate { input, group, aggregates };
            let wanted = read(&[], rel.exprs());
            prune_inputs(&mut rel, &wanted);
            rel
        }
        Rel::Window { input, mut calls } => {
            calls.retain(|(column, _)| needed.contains(&column.id));
            if calls.is_empty() {
                return prune(*input, needed);
            }
            keep_reading(Rel::Window { input, calls }, needed)
        }
        Rel::Distinct { input } => distinct(*input),
        Rel::SetOperation { op, all, inputs, inputs_columns, columns } => {
            set_operation(op, all, inputs, inputs_columns, columns, needed)
        }
        Rel::Unit => Rel::Unit,
        rel @ (Rel::Filter { .. } | Rel::DistinctOn { .. } | Rel::Sort { .. } | Rel::Limit { .. }) => {
            keep_reading(rel, needed)
        }
    }
}

fn below(input: Rel, needed: &BTreeSet<ColumnId>) -> Box<Rel> {
    Box::new(prune(input, needed))
}

/// A relation that gives its input's columns, and what it reads itself.
fn keep_reading(mut rel: Rel, needed: &BTreeSet<ColumnId>) -> Rel {
    let wanted = read_more(needed, rel.exprs());
    prune_inputs(&mut rel, &wanted);
    rel
}

fn prune_inputs(rel: &mut Rel, needed: &BTreeSet<ColumnId>) {
    for input in rel.inputs_mut() {
        *input = prune(std::mem::replace(input, Rel::Unit), needed);
    }
}

/// The columns that expressions read, and these.
fn read<'a>(columns: &[Column], exprs: impl IntoIterator<Item = &'a Expr>) -> BTreeSet<ColumnId> {
    read_more(&columns.iter().map(|column| column.id).collect(), exprs)
}

fn read_more<'a>(needed: &BTreeSet<ColumnId>, exprs: impl IntoIterator<Item = &'a Expr>) -> BTreeSet<ColumnId> {
    let mut wanted = needed.clone();
    for expr in exprs {
        wanted.extend(expr.columns());
    }
    wanted
}

/// Rows of expressions keep a column at least.
fn values(columns: Vec<Column>, rows: Vec<Vec<Expr>>, needed: &BTreeSet<ColumnId>) -> Rel {
    let mut kept: Vec<bool> = columns.iter().map(|column| needed.contains(&column.id)).collect();
    if let (false, Some(first)) = (kept.contains(&true), kept.first_mut()) {
        *first = true;
    }
    if !kept.contains(&false) {
        return Rel::Values { columns, rows };
    }
    let rows = rows.into_iter().map(|row| select(row, &kept)).collect();
    Rel::Values { columns: select(columns, &kept), rows }
}

fn select<T>(items: Vec<T>, kept: &[bool]) -> Vec<T> {
    items.into_iter().zip(kept).filter(|(_, kept)| **kept).map(|(item, _)| item).collect()
}

/// All columns count. Rows without columns are all the same.
fn distinct(input: Rel) -> Rel {
    let all = input.ids();
    if all.is_empty() {
        let one = Expr::constant(ScalarValue::Int64(Some(1)), Type::BIGINT);
        return Rel::Limit { input: Box::new(prune(input, &all)), skip: None, fetch: Some(one) };
    }
    Rel::Distinct { input: Box::new(prune(input, &all)) }
}

fn set_operation(
    op: SetOperator,
    all: bool,
    mut inputs: Vec<Rel>,
    mut inputs_columns: Vec<Vec<Column>>,
    mut columns: Vec<Column>,
    needed: &BTreeSet<ColumnId>,
) -> Rel {
    if op == SetOperator::Union && all {
        let mut kept: Vec<bool> = columns.iter().map(|column| needed.contains(&column.id)).collect();
        // A column at least, so that rows have something to meet in.
        if let (false, Some(first)) = (kept.contains(&true), kept.first_mut()) {
            *first = true;
        }
        inputs_columns = inputs_columns.into_iter().map(|own| select(own, &kept)).collect();
        columns = select(columns, &kept);
    }
    for (input, own) in inputs.iter_mut().zip(&inputs_columns) {
        *input = prune(std::mem::replace(input, Rel::Unit), &read(own, std::iter::empty()));
    }
    Rel::SetOperation { op, all, inputs, inputs_columns, columns }
}
