//! Tables, a stream and views on a real store, run by the local driver.

use super::cells::{Bag, Random, Row, add_row, to_rows};
use super::harness::{TestStore, options};
use super::relation::Relation;
use crate::dataflow::{
    Backfill, EpochOutcome, InputKind, InputRelation, LocalDriver, ViewDataflow, ViewGraph, read_rows,
};
use attune_planner::DataflowPlan;
use attune_storage::{
    ColumnType, Delta, KeyColumn, LogPosition, ObjectId, StorageError, StoreOptions, TableLayout, TableWriter,
};
use std::collections::{BTreeMap, HashMap};

/// A relation that events and rows go into.
pub(super) struct Input {
    pub(super) relation: Relation,
    /// `None`: a stream.
    pub(super) layout: Option<TableLayout>,
}

/// A view's definition.
#[derive(Clone)]
pub(super) struct View {
    pub(super) plan: DataflowPlan,
    pub(super) layout: TableLayout,
    /// Relations it reads.
    pub(super) reads: Vec<u32>,
}

pub(super) struct World {
    pub(super) store: TestStore,
    pub(super) inputs: BTreeMap<u32, Input>,
    pub(super) views: BTreeMap<u32, View>,
    pub(super) driver: Option<LocalDriver>,
    pub(super) chunk_rows: usize,
    pub(super) timestamp_us: i64,
}

/// The layout of relation `id`; without key columns it is keyless.
pub(super) fn layout(id: u32, types: &[ColumnType], key: &[usize]) -> TableLayout {
    let keyless = key.is_empty();
    let key: Vec<usize> = if keyless { (0..types.len()).collect() } else { key.to_vec() };
    TableLayout {
        object: ObjectId(id),
        columns: types.to_vec(),
        key: key.into_iter().map(KeyColumn::ascending).collect(),
        distribution: 1,
        keyless,
        counts: keyless.then(|| ObjectId(id + 5000)),
        in_log: false,
        indexes: Vec::new(),
    }
}

/// The layout of a view `id` whose rows lie in its log.
pub(super) fn in_log(id: u32, types: &[ColumnType]) -> TableLayout {
    TableLayout { key: Vec::new(), distribution: 0, counts: None, in_log: true, ..layout(id, types, &[]) }
}

impl World {
    pub(super) fn new(chunk_rows: usize) -> World {
        World::with_options(chunk_rows, &options())
    }

    pub(super) fn with_options(chunk_rows: usize, options: &StoreOptions) -> World {
        let store = TestStore::with_options(options);
        let driver = Some(LocalDriver::new(store.store(), chunk_rows));
        let (inputs, views) = (BTreeMap::new(), BTreeMap::new());
        World { store, inputs, views, driver, chunk_rows, timestamp_us: 0 }
    }

    pub(super) fn driver(&mut self) -> &mut LocalDriver {
        self.driver.as_mut().unwrap()
    }

    fn input_relations(&self, view: &View) -> Vec<InputRelation> {
        let of = |id: &u32| {
            let (schema, kind) = match (self.inputs.get(id), self.views.get(id)) {
                (Some(Input { relation, layout: Some(layout) }), _) => {
                    (relation.schema(), InputKind::Stored(layout.clone()))
                }
                (Some(Input { relation, layout: None }), _) => (relation.schema(), InputKind::Log),
                (None, Some(view)) => {
                    let fields = &view.plan.nodes.last().unwrap().schema;
                    let kind = if view.layout.in_log { InputKind::Logged } else { InputKind::Stored };
                    (crate::dataflow::batch::arrow_schema(fields), kind(view.layout.clone()))
                }
                (None, None) => panic!("no relation {id}"),
            };
            InputRelation { id: *id, schema, kind }
        };
        view.reads.iter().map(of).collect()
    }

    fn dataflow(&self, id: u32, backfill: Option<Backfill>) -> ViewDataflow {
        let view = &self.views[&id];
        let graph = ViewGraph::new(&view.layout, &view.plan, id * 100).unwrap();
        ViewDataflow { id, graph, writer: TableWriter::new(view.layout.clone()), backfill }
    }

    pub(super) fn create_view(&mut self, id: u32, view: View) {
        let backfill = Backfill::new(self.input_relations(&view));
        self.views.insert(id, view);
        let dataflow = self.dataflow(id, Some(backfill));
        self.driver().add(dataflow);
    }

    /// Closes the store as a crash would, and recovers the views.
    pub(super) fn restart(&mut self) {
        self.driver = None;
        self.store.reopen();
        let mut driver = LocalDriver::new(self.store.store(), self.chunk_rows);
        for (id, view) in &self.views {
            let record = self.store.store().meta(&Backfill::record_name(*id)).unwrap();
            let restore = |record| Backfill::restore(record, self.input_relations(view)).unwrap();
            driver.add(self.dataflow(*id, record.as_deref().map(restore)));
        }
        self.driver = Some(driver);
    }

    /// One epoch with random changes of every input.
    pub(super) fn epoch(&mut self, random: &mut Random, most: u64) -> EpochOutcome {
        let deltas = self.inputs.iter_mut().map(|(id, input)| (*id, input.relation.change(random, most)));
        let deltas = deltas.filter(|(_, delta)| !delta.is_empty()).collect();
        self.epoch_of(deltas).unwrap()
    }

    /// One epoch with these changes.
    pub(super) fn epoch_of(&mut self, deltas: HashMap<u32, Delta>) -> Result<EpochOutcome, StorageError> {
        self.timestamp_us += 1;
        let mut batch = self.store.committer().begin();
        for (id, delta) in &deltas {
            match &self.inputs[id].layout {
                Some(layout) => {
                    let mut scope = batch.scope();
                    TableWriter::new(layout.clone()).apply(&mut scope, &delta.consolidate()?)?;
                    batch.merge(scope)?;
                }
                None => batch.append_log(ObjectId(*id), delta.rows(), self.timestamp_us)?,
            }
        }
        let timestamp_us = self.timestamp_us;
        let outcome = self.driver().run_epoch(&mut batch, timestamp_us, deltas)?;
        self.store.committer().commit(batch)?;
        Ok(outcome)
    }

    /// The stored rows of a view.
    pub(super) fn rows(&mut self, view: u32) -> Vec<Row> {
        let View { plan, layout, .. } = &self.views[&view];
        let schema = crate::dataflow::batch::arrow_schema(&plan.nodes.last().unwrap().schema);
        let layout = layout.clone();
        let batches = if layout.in_log {
            let store = self.store.store();
            let start = LogPosition::default();
            store.read_log(&store.snapshot(), layout.object, &schema, start, usize::MAX).unwrap().rows
        } else {
            let mut scope = self.store.committer().begin().scope();
            vec![read_rows(&layout, &schema, None, usize::MAX, &mut scope).unwrap().rows]
        };
        let mut bag = Bag::new();
        batches.iter().flat_map(to_rows).for_each(|row| add_row(&mut bag, row, 1));
        super::cells::rows_of(&bag)
    }
}
