//! Runs a plan over random epochs on a real store.

use super::cells::{Bag, Random, Row, add, add_row, rows_of, same, to_rows};
use super::relation::{Relation, Rules, fields};
use super::world::layout;
use crate::dataflow::{RowErrors, StepScope, ViewGraph, read_rows};
use attune_planner::{DataflowPlan, Node, Op, PLAN_VERSION};
use attune_storage::{ColumnType, Committer, Delta, ObjectId, Store, StoreOptions, TableLayout};
use std::cell::Cell;
use std::collections::HashMap;
use tempfile::TempDir;

thread_local! {
    /// A store that the next run takes over, and the first state object that is free in it. Opening one is slow.
    static IDLE: Cell<Option<(TestStore, u32)>> = const { Cell::new(None) };
}

/// State objects of one run, the rows of the view among them.
const STATE_OBJECTS: u32 = 10;
/// The view, among the objects of a run.
const VIEW_OBJECT: u32 = 9;

pub(super) fn options() -> StoreOptions {
    StoreOptions {
        block_cache_bytes: 1 << 20,
        row_cache_bytes: 1 << 20,
        run_cache_bytes: 1 << 20,
        state_cache_bytes: 1 << 20,
        memtable_bytes: 1 << 20,
        synchronous_commit: false,
        ..StoreOptions::default()
    }
}

/// A store in a directory of its own.
pub(super) struct TestStore {
    dir: TempDir,
    options: StoreOptions,
    open: Option<(Store, Committer)>,
}

impl TestStore {
    pub(super) fn with_options(options: &StoreOptions) -> TestStore {
        let dir = tempfile::tempdir().unwrap();
        let open = Some(Store::open(dir.path(), options).unwrap());
        TestStore { dir, options: options.clone(), open }
    }

    pub(super) fn store(&self) -> Store {
        self.open.as_ref().unwrap().0.clone()
    }

    pub(super) fn committer(&mut self) -> &mut Committer {
        &mut self.open.as_mut().unwrap().1
    }

    /// Closes and opens it. Nobody else may hold the store.
    pub(super) fn reopen(&mut self) {
        self.open = None;
        self.open = Some(Store::open(self.dir.path(), &self.options).unwrap());
    }
}

/// A plan whose nodes after the scans of `relations` (ids 0, 1, ..) are `nodes`.
pub(super) fn plan(relations: &[Relation], nodes: Vec<Node>) -> DataflowPlan {
    let scan = |(id, relation): (usize, &Relation)| Node {
        op: Op::Scan { relation: id as u32, name: format!("r{id}"), columns: (0..relation.types.len()).collect() },
        inputs: Vec::new(),
        schema: fields(&relation.types),
        exchange: Vec::new(),
        key: match &relation.rules {
            Rules::Key(key) => Some(key.clone()),
            _ => None,
        },
        append_only: relation.rules == Rules::AppendOnly,
        state: Vec::new(),
    };
    let mut all: Vec<Node> = relations.iter().enumerate().map(scan).collect();
    all.extend(nodes);
    let state_slots = all.iter().flat_map(|node| &node.state).max().map_or(0, |slot| slot + 1);
    DataflowPlan {
        version: PLAN_VERSION,
        nodes: all,
        state_slots,
        key: Vec::new(),
        single_row: false,
        in_log: false,
        state_in_rows: false,
    }
}

/// A node with state slots 0, 1, 2.
pub(super) fn node(op: Op, inputs: &[usize], types: &[ColumnType]) -> Node {
    Node {
        op,
        inputs: inputs.to_vec(),
        schema: fields(types),
        exchange: vec![None; inputs.len()],
        key: None,
        append_only: false,
        state: vec![0, 1, 2],
    }
}

/// A plan whose aggregate keeps its state in the rows of the view, whose key is `key`.
pub(super) fn plan_in_rows(relations: &[Relation], nodes: Vec<Node>, key: Vec<usize>) -> DataflowPlan {
    let plan = DataflowPlan { key, state_in_rows: true, ..plan(relations, nodes) };
    assert!(plan.row_aggregate().is_some());
    plan
}

/// The relation that a plan's view is, among the objects of a run.
fn view_layout(plan: &DataflowPlan, state_base: u32) -> TableLayout {
    let types: Vec<ColumnType> = plan.nodes.last().unwrap().schema.iter().map(|field| field.column_type).collect();
    layout(state_base + VIEW_OBJECT, &types, &plan.key)
}

/// A plan being run.
pub(super) struct Run {
    store: Option<TestStore>,
    state_base: u32,
    plan: DataflowPlan,
    graph: ViewGraph,
    started: bool,
    /// The sum of all outputs.
    pub(super) output: Bag,
    pub(super) row_errors: RowErrors,
}

impl Run {
    pub(super) fn new(plan: DataflowPlan) -> Run {
        // The plan as it comes back from disk.
        let plan: DataflowPlan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        let (store, state_base) = IDLE.take().unwrap_or_else(|| (TestStore::with_options(&options()), 1000));
        let graph = ViewGraph::new(&view_layout(&plan, state_base), &plan, state_base).unwrap();
        let row_errors = RowErrors::default();
        Run { store: Some(store), state_base, plan, graph, started: false, output: Bag::new(), row_errors }
    }

    fn committer(&mut self) -> &mut Committer {
        self.store.as_mut().unwrap().committer()
    }

    /// One epoch.
    pub(super) fn step(&mut self, deltas: &HashMap<u32, Delta>) -> Result<(), crate::dataflow::Fault> {
        let mut batch = self.committer().begin();
        let mut state = batch.scope();
        let mut scope = StepScope {
            state: &mut state,
            row_errors: &mut self.row_errors,
            epoch: batch.epoch(),
            timestamp_us: batch.epoch().0 as i64,
            delta_wanted: true,
        };
        if !self.started {
            add(&mut self.output, &self.graph.start(&mut scope)?.delta);
            self.started = true;
        }
        let inputs = deltas.iter().map(|(id, delta)| (*id, delta)).collect();
        let change = self.graph.step(&inputs, &mut scope)?;
        assert!(change.written.is_none_or(|rows| rows == change.delta.len()));
        add(&mut self.output, &change.delta);
        batch.merge(state).unwrap();
        self.committer().commit(batch).unwrap();
        Ok(())
    }

    pub(super) fn reopen(&mut self) {
        self.store.as_mut().unwrap().reopen();
        let layout = view_layout(&self.plan, self.state_base);
        self.graph = ViewGraph::new(&layout, &self.plan, self.state_base).unwrap();
    }

    /// The rows that the graph has stored.
    fn stored_rows(&mut self) -> Vec<Row> {
        let layout = view_layout(&self.plan, self.state_base);
        let schema = self.graph.schema();
        let mut scope = self.committer().begin().scope();
        let rows = read_rows(&layout, &schema, None, usize::MAX, &mut scope).unwrap().rows;
        let mut bag = Bag::new();
        to_rows(&rows).into_iter().for_each(|row| add_row(&mut bag, row, 1));
        rows_of(&bag)
    }

    /// Entries in the state table of a slot.
    pub(super) fn state_entries(&mut self, slot: u32) -> usize {
        let mut entries = 0;
        let table = attune_storage::Table::State(ObjectId(self.state_base + slot));
        let mut scope = self.committer().begin().scope();
        scope
            .scan(table, &[], None, &mut |_, _| {
                entries += 1;
                true
            })
            .unwrap();
        entries
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            IDLE.set(self.store.take().map(|store| (store, self.state_base + STATE_OBJECTS)));
        }
    }
}

/// Seeds to run: 0 to `count`, or the one in `ATTUNE_SEED`.
pub(super) fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("ATTUNE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (0..count).collect(),
    }
}

/// Runs `nodes` over `relations` through random epochs; after each, the sum of the outputs must be `batch` of the
/// relations' rows (in any order). At the end all rows that may be deleted are, and the result is checked once more.
pub(super) fn check(
    seed: u64,
    relations: Vec<Relation>,
    nodes: Vec<Node>,
    batch: &dyn Fn(&[Vec<Row>]) -> Vec<Row>,
) -> Run {
    let plan = plan(&relations, nodes);
    check_plan(seed, relations, plan, batch)
}

/// As [`check`], of a whole plan. Where that writes the rows of its view, these are compared as well.
pub(super) fn check_plan(
    seed: u64,
    mut relations: Vec<Relation>,
    plan: DataflowPlan,
    batch: &dyn Fn(&[Vec<Row>]) -> Vec<Row>,
) -> Run {
    let mut random = Random(seed);
    let mut run = Run::new(plan);
    let epochs = 12 + random.below(12);
    for epoch in 0..=epochs {
        let mut deltas = HashMap::new();
        for (id, relation) in relations.iter_mut().enumerate() {
            let delta = if epoch < epochs { relation.change(&mut random, 8) } else { relation.clear() };
            if !delta.is_empty() || random.one_in(2) {
                deltas.insert(id as u32, delta);
            }
        }
        run.step(&deltas).unwrap_or_else(|fault| panic!("seed {seed}, epoch {epoch}: {fault}"));
        let inputs: Vec<Vec<Row>> = relations.iter().map(|relation| rows_of(&relation.rows)).collect();
        let mut expected = batch(&inputs);
        expected.sort();
        let found = rows_of(&run.output);
        assert!(
            same(&found, &expected),
            "seed {seed}, epoch {epoch}\ninputs {inputs:#?}\nfound {found:#?}\nexpected {expected:#?}"
        );
        if run.plan.state_in_rows {
            let stored = run.stored_rows();
            assert!(same(&stored, &expected), "seed {seed}, epoch {epoch}\nstored {stored:#?}\nexpected {expected:#?}");
        }
        if random.one_in(30) {
            run.reopen();
        }
    }
    run
}

impl Relation {
    /// Deletes all rows, where that is allowed.
    fn clear(&mut self) -> Delta {
        let rows = if self.rules == Rules::AppendOnly { Bag::new() } else { std::mem::take(&mut self.rows) };
        let (rows, weights): (Vec<Row>, Vec<i64>) = rows.into_iter().map(|(row, weight)| (row, -weight)).unzip();
        Delta::new(super::cells::to_batch(&self.schema(), &rows), weights)
    }
}
