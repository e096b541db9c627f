//! The local driver: views on views, and faults that stay where they are.

use super::cells::{Cell, INT, Row, to_batch};
use super::harness::node;
use super::relation::{Relation, Rules};
use super::world::{Input, View, World, in_log, layout};
use crate::dataflow::{Fault, Operator, StepScope, ViewDataflow, ViewGraph};
use attune_planner::{Aggregate, AggregateFunction, DataflowPlan, Node, Op, PLAN_VERSION};
use attune_storage::{Delta, ObjectId, StorageError, Table, TableWriter};
use std::collections::HashMap;

const TABLE: u32 = 1;

fn scan(relation: u32) -> Node {
    let op = Op::Scan { relation, name: "r".into(), columns: vec![0] };
    Node { state: Vec::new(), ..node(op, &[], &[INT]) }
}

fn plan_of(nodes: Vec<Node>) -> DataflowPlan {
    DataflowPlan {
        version: PLAN_VERSION,
        nodes,
        state_slots: 3,
        key: Vec::new(),
        single_row: false,
        in_log: false,
        state_in_rows: false,
    }
}

/// `SELECT DISTINCT * FROM relation`
fn distinct(id: u32, relation: u32) -> View {
    let plan = plan_of(vec![scan(relation), node(Op::Distinct, &[0], &[INT])]);
    View { plan, layout: layout(id, &[INT], &[0]), reads: vec![relation] }
}

/// `SELECT sum(c0) FROM relation`
fn sum(id: u32, relation: u32) -> View {
    let sum =
        Aggregate { function: AggregateFunction::Sum, argument: Some(0), distinct: false, filter: None, returns: INT };
    let plan =
        plan_of(vec![scan(relation), node(Op::Aggregate { group: vec![], aggregates: vec![sum] }, &[0], &[INT])]);
    View { plan, layout: layout(id, &[INT], &[0]), reads: vec![relation] }
}

/// `SELECT * FROM relation`, stored as if its column were unique.
fn wrong_key(id: u32, relation: u32) -> View {
    let plan = plan_of(vec![scan(relation), node(Op::UnionAll, &[0], &[INT])]);
    View { plan, layout: layout(id, &[INT], &[0]), reads: vec![relation] }
}

/// `SELECT * FROM relation`, stored as if rows never left it.
fn wrong_log(id: u32, relation: u32) -> View {
    View { layout: in_log(id, &[INT]), ..wrong_key(id, relation) }
}

fn world() -> World {
    let mut world = World::new(100);
    let relation = Relation::new(&[INT], Rules::Bag);
    world.inputs.insert(TABLE, Input { relation, layout: Some(layout(TABLE, &[INT], &[])) });
    world
}

fn change(changes: &[(i64, i64)]) -> HashMap<u32, Delta> {
    let rows: Vec<Row> = changes.iter().map(|(value, _)| vec![Cell::Int(*value)]).collect();
    let schema = Relation::new(&[INT], Rules::Bag).schema();
    let weights = changes.iter().map(|(_, weight)| *weight).collect();
    HashMap::from([(TABLE, Delta::new(to_batch(&schema, &rows), weights))])
}

#[test]
fn views_on_views_change_in_one_epoch() {
    let mut world = world();
    world.create_view(20, distinct(20, TABLE));
    world.epoch_of(HashMap::new()).unwrap();
    world.create_view(21, sum(21, 20));
    world.epoch_of(HashMap::new()).unwrap();
    assert_eq!(world.rows(21), [[Cell::Null]]);
    let outcome = world.epoch_of(change(&[(5, 3), (7, 1)])).unwrap();
    assert_eq!(world.rows(21), [[Cell::Int(12)]]);
    assert_eq!(outcome.rows_out[&20], 2);
    let outcome = world.epoch_of(change(&[(5, -2)])).unwrap();
    assert!(outcome.rows_out.is_empty(), "nothing changes, so nothing fans out");
    world.epoch_of(change(&[(5, -1), (7, 4)])).unwrap();
    assert_eq!(world.rows(21), [[Cell::Int(7)]]);
}

#[test]
fn a_fault_stops_the_view_and_its_readers_only() {
    let mut world = world();
    for view in [(20, wrong_key(20, TABLE)), (21, sum(21, 20)), (22, sum(22, TABLE))] {
        world.create_view(view.0, view.1);
        world.epoch_of(HashMap::new()).unwrap();
    }
    world.epoch_of(change(&[(1, 1)])).unwrap();
    let outcome = world.epoch_of(change(&[(2, 2)])).unwrap();
    let failed: Vec<u32> = outcome.failed.iter().map(|(id, _)| *id).collect();
    assert_eq!(failed, [20, 21]);
    assert!(outcome.failed[1].1.contains("relation 20"), "{:?}", outcome.failed);
    assert_eq!(world.rows(20), [[Cell::Int(1)]], "nothing of the failed step is left");
    assert_eq!(world.rows(21), [[Cell::Int(1)]]);
    assert_eq!(world.rows(22), [[Cell::Int(5)]]);
    let outcome = world.epoch_of(change(&[(3, 1)])).unwrap();
    assert!(outcome.failed.is_empty(), "it is not run again");
    assert_eq!(world.rows(22), [[Cell::Int(8)]]);
    assert!(world.driver().failure(21).is_some() && world.driver().failure(22).is_none());
}

#[test]
fn a_view_in_its_log_that_loses_rows_fails_and_leaves_nothing() {
    let mut world = world();
    for view in [(20, wrong_log(20, TABLE)), (21, sum(21, 20))] {
        world.create_view(view.0, view.1);
        world.epoch_of(HashMap::new()).unwrap();
    }
    // Rows that come and go within an epoch are none; what comes twice is there twice.
    world.epoch_of(change(&[(1, 1), (2, 1), (3, 2), (2, -1)])).unwrap();
    let rows = [[Cell::Int(1)], [Cell::Int(3)], [Cell::Int(3)]];
    assert_eq!(world.rows(20), rows);
    assert_eq!(world.rows(21), [[Cell::Int(7)]]);
    let outcome = world.epoch_of(change(&[(4, 1), (1, -1)])).unwrap();
    assert_eq!(outcome.failed.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [20, 21]);
    assert!(outcome.failed[0].1.contains("only grows"), "{:?}", outcome.failed);
    assert_eq!(world.rows(20), rows, "nothing of the failed step is left");
}

#[test]
fn repeated_rows_that_no_epoch_holds_are_refused_before_they_are_made() {
    let mut world = world();
    let stream = Input { relation: Relation::new(&[INT], Rules::AppendOnly), layout: None };
    world.inputs.insert(2, stream);
    world.create_view(20, wrong_log(20, 2));
    world.epoch_of(HashMap::new()).unwrap();
    let of_stream = |weight| HashMap::from([(2, change(&[(1, weight)]).remove(&TABLE).unwrap())]);
    // As a join of rows that repeat may give.
    assert!(matches!(world.epoch_of(of_stream(1 << 40)), Err(StorageError::EpochTooLarge { .. })));
    assert!(world.epoch_of(of_stream(2)).unwrap().failed.is_empty(), "the view goes on");
    assert_eq!(world.rows(20), [[Cell::Int(1)], [Cell::Int(1)]]);
}

/// Writes state, then panics when it sees 13.
struct Superstitious;

impl Operator for Superstitious {
    fn step(&mut self, inputs: &[&Delta], scope: &mut StepScope<'_>) -> Result<Delta, Fault> {
        scope.state.put(Table::State(ObjectId(9000)), b"k", &scope.epoch.0.to_le_bytes());
        let rows = super::cells::to_rows(inputs[0].rows());
        assert!(!rows.contains(&vec![Cell::Int(13)]), "thirteen");
        Ok(inputs[0].clone())
    }
}

#[test]
fn a_panic_is_contained() {
    let mut world = world();
    let schema = Relation::new(&[INT], Rules::Bag).schema();
    let graph = ViewGraph::of_operator(TABLE, &schema, Box::new(Superstitious));
    let writer = TableWriter::new(layout(20, &[INT], &[]));
    world.driver().add(ViewDataflow { id: 20, graph, writer, backfill: None });
    world.create_view(21, sum(21, TABLE));
    world.epoch_of(change(&[(1, 1)])).unwrap();
    let before = world.store.committer().begin().scope().get(Table::State(ObjectId(9000)), b"k").unwrap();
    assert!(before.is_some());
    let outcome = world.epoch_of(change(&[(13, 1)])).unwrap();
    assert_eq!(outcome.failed.len(), 1);
    assert!(outcome.failed[0].1.contains("thirteen"), "{:?}", outcome.failed);
    let after = world.store.committer().begin().scope().get(Table::State(ObjectId(9000)), b"k").unwrap();
    assert_eq!(before, after, "nothing of the failed step is left");
    assert_eq!(world.rows(21), [[Cell::Int(14)]]);
}
