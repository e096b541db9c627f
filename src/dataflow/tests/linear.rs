//! Filter, project, union, values, distinct.

use super::cells::{Cell, FLOAT, INT, Row, TEXT};
use super::harness::{Run, check, node, plan, seeds};
use super::relation::{Relation, Rules};
use attune_planner::{Expr, Literal, Op};
use attune_storage::ColumnType;
use std::collections::{BTreeSet, HashMap};

fn int(value: i64) -> Expr {
    Expr::Literal(Literal { column_type: INT, value: Some(value.to_string()) })
}

fn binary(op: &str, left: Expr, right: Expr) -> Expr {
    Expr::Binary { op: op.into(), left: Box::new(left), right: Box::new(right) }
}

#[test]
fn filter_keeps_what_is_true() {
    for seed in seeds(10) {
        let relations = vec![Relation::new(&[INT, TEXT], Rules::Bag)];
        let filter = node(Op::Filter { predicate: binary(">", Expr::Column(0), int(0)) }, &[0], &[INT, TEXT]);
        check(seed, relations, vec![filter], &|inputs| {
            inputs[0].iter().filter(|row| matches!(row[0], Cell::Int(v) if v > 0)).cloned().collect()
        });
    }
}

#[test]
fn a_failing_row_of_a_filter_is_dropped_and_counted() {
    let relations = vec![Relation::new(&[INT, TEXT], Rules::Bag)];
    let predicate = binary("=", binary("/", int(4), Expr::Column(0)), int(2));
    let filter = node(Op::Filter { predicate }, &[0], &[INT, TEXT]);
    let run = check(3, relations, vec![filter], &|inputs| {
        inputs[0].iter().filter(|row| row[0] == Cell::Int(2)).cloned().collect()
    });
    assert!(run.row_errors.count > 0);
}

#[test]
fn project_gives_null_where_it_fails() {
    for seed in seeds(10) {
        let relations = vec![Relation::new(&[INT, TEXT], Rules::Bag)];
        let exprs = vec![binary("/", int(4), Expr::Column(0)), Expr::Column(1)];
        let project = node(Op::Project { exprs }, &[0], &[INT, TEXT]);
        let run = check(seed, relations, vec![project], &|inputs| {
            let divide = |row: &Row| match row[0] {
                Cell::Int(v) if v != 0 => vec![Cell::Int(4 / v), row[1].clone()],
                _ => vec![Cell::Null, row[1].clone()],
            };
            inputs[0].iter().map(divide).collect()
        });
        let sample = run.row_errors.samples.first().expect("some row divides by zero");
        assert!(sample.message.to_lowercase().contains("zero"), "{sample:?}");
        assert!(sample.row.starts_with("(0, "), "{sample:?}");
    }
}

#[test]
fn union_adds_its_inputs() {
    for seed in seeds(5) {
        let relations = vec![Relation::new(&[INT], Rules::Bag), Relation::new(&[INT], Rules::Bag)];
        let union = node(Op::UnionAll, &[0, 1, 0], &[INT]);
        check(seed, relations, vec![union], &|inputs| [&*inputs[0], &*inputs[1], &*inputs[0]].concat());
    }
}

#[test]
fn values_are_there_from_the_start() {
    let rows = vec![vec![int(1)], vec![int(1)], vec![Expr::Literal(Literal { column_type: INT, value: None })]];
    let values = node(Op::Values { rows }, &[], &[INT]);
    let mut run = Run::new(plan(&[], vec![values]));
    for _ in 0..3 {
        run.step(&HashMap::new()).unwrap();
        assert_eq!(super::cells::rows_of(&run.output), [[Cell::Int(1)], [Cell::Int(1)], [Cell::Null]]);
    }
}

#[test]
fn distinct_keeps_each_row_once() {
    for seed in seeds(20) {
        let types: &[ColumnType] = if seed % 2 == 0 { &[INT] } else { &[FLOAT, TEXT] };
        let relations = vec![Relation::new(types, Rules::Bag)];
        let mut run = check(seed, relations, vec![node(Op::Distinct, &[0], types)], &|inputs| {
            inputs[0].iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
        });
        assert_eq!(run.state_entries(0), 0, "all rows are deleted at the end");
    }
}
