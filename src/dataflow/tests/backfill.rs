//! Backfills: a view created over existing data, filled while its inputs change, is exact when it is finished.

use super::cells::{Cell, INT, Random, Row, TEXT, add_row, rows_of, to_batch};
use super::harness::{node, options, seeds};
use super::relation::{Relation, Rules, fields};
use super::world::{Input, View, World, in_log, layout};
use crate::dataflow::EpochOutcome;
use attune_planner::{Aggregate, AggregateFunction, DataflowPlan, Expr, JoinKind, Node, Op, PLAN_VERSION};
use attune_storage::{ColumnType, Delta, StoreOptions};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const TABLE: u32 = 1;
const KEYLESS: u32 = 2;
const STREAM: u32 = 3;
const JOINED: u32 = 20;
const UNION: u32 = 21;
const ON_VIEW: u32 = 22;
const LOGGED: u32 = 23;
const ON_LOGGED: u32 = 24;
const TYPES: [ColumnType; 2] = [INT, TEXT];

fn scan(relation: u32, types: &[ColumnType]) -> Node {
    let columns = (0..types.len()).collect();
    let op = Op::Scan { relation, name: format!("r{relation}"), columns };
    Node { state: Vec::new(), ..node(op, &[], types) }
}

fn plan_of(nodes: Vec<Node>, state_slots: u32) -> DataflowPlan {
    DataflowPlan {
        version: PLAN_VERSION,
        nodes,
        state_slots,
        key: Vec::new(),
        single_row: false,
        in_log: false,
        state_in_rows: false,
    }
}

fn count() -> Aggregate {
    Aggregate { function: AggregateFunction::Count, argument: None, distinct: false, filter: None, returns: INT }
}

/// `SELECT s.c1, count(*) FROM stream s JOIN table t ON s.c0 = t.c0 GROUP BY 1`
fn joined() -> View {
    let join = Op::Join { kind: JoinKind::Inner, on: vec![(0, 0)], null_equals_null: false, residual: None };
    let join = node(join, &[0, 1], &[INT, TEXT, INT, TEXT]);
    let mut group = node(Op::Aggregate { group: vec![1], aggregates: vec![count()] }, &[2], &[TEXT, INT]);
    group.state = vec![3, 4];
    let plan = plan_of(vec![scan(STREAM, &TYPES), scan(TABLE, &TYPES), join, group], 5);
    View { plan, layout: layout(JOINED, &[TEXT, INT], &[0]), reads: vec![STREAM, TABLE] }
}

/// `SELECT * FROM keyless UNION ALL SELECT * FROM table UNION ALL SELECT * FROM keyless`
fn union() -> View {
    let union = node(Op::UnionAll, &[0, 1, 2], &TYPES);
    let plan = plan_of(vec![scan(KEYLESS, &TYPES), scan(TABLE, &TYPES), scan(KEYLESS, &TYPES), union], 0);
    View { plan, layout: layout(UNION, &TYPES, &[]), reads: vec![KEYLESS, TABLE, KEYLESS] }
}

/// `SELECT count(*), count(DISTINCT c0) FROM union`
fn on_view() -> View {
    let distinct = Aggregate { argument: Some(0), distinct: true, ..count() };
    let op = Op::Aggregate { group: vec![], aggregates: vec![count(), distinct] };
    let group = node(op, &[0], &[INT, INT]);
    let plan = plan_of(vec![scan(UNION, &TYPES), group], 2);
    View { plan, layout: layout(ON_VIEW, &[INT, INT], &[0]), reads: vec![UNION] }
}

/// `SELECT * FROM stream UNION ALL SELECT * FROM stream`, in its log.
fn logged() -> View {
    let union = node(Op::UnionAll, &[0, 1], &TYPES);
    let plan = plan_of(vec![scan(STREAM, &TYPES), scan(STREAM, &TYPES), union], 0);
    View { plan, layout: in_log(LOGGED, &TYPES), reads: vec![STREAM] }
}

/// `SELECT l.c0, l.c1 FROM logged l JOIN stream s ON l.c0 = s.c0`, in its log too: it reads both from their logs.
fn on_logged() -> View {
    let op = Op::Join { kind: JoinKind::Inner, on: vec![(0, 0)], null_equals_null: false, residual: None };
    let mut join = node(op, &[0, 1], &[INT, TEXT, INT, TEXT]);
    join.state = vec![0, 1];
    join.append_only = true;
    let project = node(Op::Project { exprs: vec![Expr::Column(0), Expr::Column(1)] }, &[2], &TYPES);
    let mut plan = plan_of(vec![scan(LOGGED, &TYPES), scan(STREAM, &TYPES), join, project], 2);
    plan.nodes[..2].iter_mut().for_each(|scan| scan.append_only = true);
    View { plan, layout: in_log(ON_LOGGED, &TYPES), reads: vec![LOGGED, STREAM] }
}

/// The batch definitions.
fn expected(world: &World, view: u32) -> Vec<Row> {
    let of = |id: u32| rows_of(&world.inputs[&id].relation.rows);
    let union = || [of(KEYLESS), of(TABLE), of(KEYLESS)].concat();
    let mut rows: Vec<Row> = match view {
        JOINED => {
            let mut groups: BTreeMap<Cell, i64> = BTreeMap::new();
            for s in of(STREAM) {
                let partners = of(TABLE).iter().filter(|t| t[0] == s[0] && s[0] != Cell::Null).count() as i64;
                *groups.entry(s[1].clone()).or_default() += partners;
            }
            groups.into_iter().filter(|(_, n)| *n > 0).map(|(key, n)| vec![key, Cell::Int(n)]).collect()
        }
        UNION => union(),
        LOGGED => [of(STREAM), of(STREAM)].concat(),
        ON_LOGGED => {
            let partners = |row: &Row| of(STREAM).iter().filter(|s| s[0] == row[0] && s[0] != Cell::Null).count() * 2;
            of(STREAM).into_iter().flat_map(|row| vec![row.clone(); partners(&row)]).collect()
        }
        _ => {
            let distinct: BTreeSet<Cell> = union().into_iter().map(|row| row[0].clone()).collect();
            let distinct = distinct.iter().filter(|cell| **cell != Cell::Null).count();
            vec![vec![Cell::Int(union().len() as i64), Cell::Int(distinct as i64)]]
        }
    };
    rows.sort();
    rows
}

fn world(chunk_rows: usize, options: &StoreOptions) -> World {
    let mut world = World::with_options(chunk_rows, options);
    let key = Rules::Key(vec![0, 1]);
    for (id, rules, stored) in
        [(TABLE, key, Some(&[0, 1][..])), (KEYLESS, Rules::Bag, Some(&[])), (STREAM, Rules::AppendOnly, None)]
    {
        let layout = stored.map(|key| layout(id, &TYPES, key));
        world.inputs.insert(id, Input { relation: Relation::new(&TYPES, rules), layout });
    }
    world
}

/// An epoch that inserts these rows.
fn insert(world: &mut World, relation: u32, rows: &[Row]) -> EpochOutcome {
    let input = &mut world.inputs.get_mut(&relation).unwrap().relation;
    rows.iter().for_each(|row| add_row(&mut input.rows, row.clone(), 1));
    let delta = Delta::inserts(to_batch(&input.schema(), rows));
    world.epoch_of(HashMap::from([(relation, delta)])).unwrap()
}

#[test]
fn views_are_exact_when_filled_while_inputs_change_and_processes_die() {
    for seed in seeds(25) {
        let mut random = Random(seed);
        let mut world = world(1 + random.below(6) as usize, &options());
        for _ in 0..10 {
            world.epoch(&mut random, 12);
        }
        world.create_view(JOINED, joined());
        world.create_view(UNION, union());
        world.create_view(LOGGED, logged());
        let mut complete: BTreeSet<u32> = BTreeSet::new();
        for epoch in 0..60 {
            let most = if random.one_in(4) { 0 } else { 5 };
            let outcome = world.epoch(&mut random, most);
            assert!(outcome.failed.is_empty(), "seed {seed}, epoch {epoch}: {:?}", outcome.failed);
            complete.extend(&outcome.finished);
            for progress in &outcome.progress {
                assert_eq!(progress.finished, outcome.finished.contains(&progress.view), "{progress:?}");
                assert!(progress.rows_done <= progress.rows_total, "{progress:?}");
            }
            if outcome.finished.contains(&UNION) {
                world.create_view(ON_VIEW, on_view());
            }
            if outcome.finished.contains(&LOGGED) {
                world.create_view(ON_LOGGED, on_logged());
            }
            for view in &complete {
                assert_eq!(world.rows(*view), expected(&world, *view), "seed {seed}, epoch {epoch}, view {view}");
            }
            // A view that was just created has no record yet: its catalog record comes with the next epoch.
            if random.one_in(12) && !outcome.finished.iter().any(|id| [UNION, LOGGED].contains(id)) {
                world.restart();
            }
        }
        while world.driver().is_backfilling() {
            complete.extend(world.epoch(&mut random, 0).finished);
        }
        assert_eq!(complete, BTreeSet::from([JOINED, UNION, ON_VIEW, LOGGED, ON_LOGGED]), "seed {seed}");
        for view in complete {
            assert_eq!(world.rows(view), expected(&world, view), "seed {seed}, view {view}");
        }
    }
}

#[test]
fn a_view_over_nothing_is_finished_at_once() {
    let mut world = world(100, &options());
    world.create_view(UNION, union());
    let outcome = world.epoch_of(HashMap::new()).unwrap();
    assert_eq!(outcome.finished, [UNION]);
    assert!(!world.driver().is_backfilling());
    world.create_view(ON_VIEW, on_view());
    world.epoch_of(HashMap::new()).unwrap();
    assert_eq!(world.rows(ON_VIEW), [[Cell::Int(0), Cell::Int(0)]]);
}

#[test]
fn chunks_shrink_until_the_epoch_has_room() {
    let limit = StoreOptions { epoch_max_bytes: 20_000, ..options() };
    let mut world = world(100_000, &limit);
    for part in 0..10 {
        let rows: Vec<Row> = (0..20).map(|i| vec![Cell::Int(part * 20 + i), Cell::Text("x".repeat(200))]).collect();
        insert(&mut world, KEYLESS, &rows);
    }
    world.create_view(UNION, union());
    let mut epochs = 0;
    while world.driver().is_backfilling() {
        world.epoch_of(HashMap::new()).unwrap();
        epochs += 1;
    }
    assert!(epochs > 3, "200 rows twice do not fit fewer epochs, {epochs}");
    assert_eq!(world.rows(UNION), expected(&world, UNION));
}

#[test]
fn an_entry_of_a_log_is_passed_on_in_parts() {
    // Twice the entry has no room in an epoch.
    let limit = StoreOptions { epoch_max_bytes: 60_000, ..options() };
    let mut world = world(100, &limit);
    let mut random = Random(1);
    let mut text = || (0..4).map(|_| format!("{:016x}", random.below(u64::MAX))).collect::<String>();
    let rows: Vec<Row> = (0..1_000).map(|i| vec![Cell::Int(i), Cell::Text(text())]).collect();
    insert(&mut world, STREAM, &rows);
    world.create_view(LOGGED, logged());
    let mut done = Vec::new();
    while world.driver().is_backfilling() {
        let outcome = world.epoch_of(HashMap::new()).unwrap();
        assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
        done.extend(outcome.progress.iter().map(|progress| progress.rows_done));
        if done.len() == 3 {
            // What was decoded ahead is lost, and read again.
            world.restart();
        }
    }
    // Ten whole parts: only an eleventh finds that nothing follows.
    let expected_done: Vec<u64> = (1..=10).chain([10]).map(|part| part * 100).collect();
    assert_eq!(done, expected_done);
    assert_eq!(world.rows(LOGGED), expected(&world, LOGGED));
}

/// Adds `count` events to the stream, as an epoch.
fn append(world: &mut World, count: i64) -> EpochOutcome {
    let rows: Vec<Row> = (0..count).map(|i| vec![Cell::Int(i), Cell::Text("x".to_owned())]).collect();
    insert(world, STREAM, &rows)
}

#[test]
fn chunks_follow_what_is_written_beside_them_and_just_before() {
    let mut world = world(1_600, &options());
    append(&mut world, 20_000);
    world.create_view(LOGGED, logged());
    let mut before = 0;
    let mut read = |outcome: EpochOutcome| {
        let done = outcome.progress[0].rows_done;
        done - std::mem::replace(&mut before, done)
    };
    assert_eq!(read(append(&mut world, 200)), 400);
    world.timestamp_us += 99_000;
    assert_eq!(read(world.epoch_of(HashMap::new()).unwrap()), 400);
    assert_eq!(read(append(&mut world, 1)), 100, "single rows do not hold it up");
    assert_eq!(read(append(&mut world, 4_000)), 8_000);
    assert_eq!(
        read(world.epoch_of(HashMap::new()).unwrap()),
        1_600,
        "never more than a whole chunk where nothing is written"
    );
    append(&mut world, 1);
    world.timestamp_us += 100_000;
    assert_eq!(read(world.epoch_of(HashMap::new()).unwrap()), 1_700, "100 beside the row, and a whole chunk");
    while world.driver().is_backfilling() {
        world.epoch_of(HashMap::new()).unwrap();
    }
    assert_eq!(world.rows(LOGGED), expected(&world, LOGGED));
}

#[test]
fn a_backfill_catches_up_with_a_log_that_grows_all_the_time() {
    let mut world = world(4, &options());
    for _ in 0..20 {
        append(&mut world, 50);
    }
    world.create_view(LOGGED, logged());
    let mut epochs = 0;
    while world.driver().is_backfilling() {
        append(&mut world, 50);
        epochs += 1;
        assert!(epochs < 100, "it never ends");
    }
    assert_eq!(world.rows(LOGGED), expected(&world, LOGGED));
}

#[test]
fn a_damaged_record_is_refused() {
    let input = |id| crate::dataflow::InputRelation {
        id,
        schema: crate::dataflow::batch::arrow_schema(&fields(&TYPES)),
        kind: crate::dataflow::InputKind::Log,
    };
    let record = crate::dataflow::Backfill::new(vec![input(1)]).encode();
    assert!(crate::dataflow::Backfill::restore(&record, vec![input(1)]).is_ok());
    assert!(crate::dataflow::Backfill::restore(&record, vec![input(2)]).is_err());
    assert!(crate::dataflow::Backfill::restore(&record[1..], vec![input(1)]).is_err());
    let of_version = |version: &str| String::from_utf8_lossy(&record).replace("\"version\":2", version).into_bytes();
    assert!(crate::dataflow::Backfill::restore(&of_version("\"version\":1"), vec![input(1)]).is_ok());
    assert!(crate::dataflow::Backfill::restore(&of_version("\"version\":3"), vec![input(1)]).is_err());
}

#[test]
fn chunks_of_a_log_shrink_until_the_epoch_has_room() {
    let limit = StoreOptions { epoch_max_bytes: 8_000, ..options() };
    let mut world = world(100_000, &limit);
    // Nothing that could be compressed much.
    let mut random = Random(1);
    let mut text = || (0..6).map(|_| format!("{:016x}", random.below(u64::MAX))).collect::<String>();
    for part in 0..10 {
        let rows: Vec<Row> = (0..40).map(|i| vec![Cell::Int(part * 40 + i), Cell::Text(text())]).collect();
        insert(&mut world, STREAM, &rows);
    }
    // Its log of 800 rows is made in several epochs, while that of the stream goes on.
    world.create_view(LOGGED, logged());
    let mut epochs = 0;
    while world.driver().is_backfilling() {
        let rows = vec![vec![Cell::Int(epochs), Cell::Text("new".to_owned())]];
        insert(&mut world, STREAM, &rows);
        epochs += 1;
    }
    assert!(epochs > 2, "{epochs}");
    assert_eq!(world.rows(LOGGED), expected(&world, LOGGED));
}
