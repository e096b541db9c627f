//! The physical lookup join.

use super::keyed::KeyedSide;
use super::replay::Replay;
use crate::serve::engine::pace;
use datafusion::arrow::array::RecordBatch;
use datafusion::common::JoinSide;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::{StreamExt, TryStreamExt};
use std::fmt;
use std::sync::Arc;

/// Wide rows end the gathering before their number does.
const GATHERED_BYTES: usize = 16 << 20;

/// A hash join that first gathers the rows of its outer side, and reads of the inner side only what has their keys.
#[derive(Debug)]
pub(super) struct LookupJoinExec {
    join: Arc<HashJoinExec>,
    inner: Arc<KeyedSide>,
    /// With more rows on the outer side the inner side is read as a whole.
    most_rows: usize,
}

impl LookupJoinExec {
    pub(super) fn new(join: HashJoinExec, inner: KeyedSide, most_rows: usize) -> LookupJoinExec {
        LookupJoinExec { join: Arc::new(join), inner: Arc::new(inner), most_rows }
    }

    fn outer(&self) -> &Arc<dyn ExecutionPlan> {
        if self.inner.side == JoinSide::Left { self.join.right() } else { self.join.left() }
    }
}

impl DisplayAs for LookupJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, inner, most) = (self.join.join_type(), self.inner.describe(), self.most_rows);
        write!(f, "LookupJoin: {kind}, {inner}, for up to {most} rows")?;
        if let Some(filter) = self.join.filter() {
            write!(f, ", filter {}", filter.expression())?;
        }
        Ok(())
    }
}

impl ExecutionPlan for LookupJoinExec {
    fn name(&self) -> &'static str {
        "LookupJoin"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.join.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        ExecutionPlan::maintains_input_order(self.join.as_ref())
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.join.left(), self.join.right()]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.join.apply_expressions(f)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let builder = self.join.builder();
        let builder = match options.children_properties {
            ChildrenPropertiesMode::Keep => builder,
            ChildrenPropertiesMode::Recompute => builder.recompute_properties(),
        };
        let join = Arc::new(builder.with_new_children(children)?.build()?);
        Ok(Arc::new(LookupJoinExec { join, inner: self.inner.clone(), most_rows: self.most_rows }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let outer = self.outer().execute(partition, context.clone())?;
        let (join, inner, most_rows) = (self.join.clone(), self.inner.clone(), self.most_rows);
        let joined = async move {
            let gathered = Gathered::gather(outer, most_rows, &context).await?;
            narrow(&join, &inner, gathered)?.execute(partition, context)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), futures::stream::once(joined).try_flatten())))
    }
}

/// The join of the gathered rows (and what comes after them) with the rows of the inner side that can match.
fn narrow(join: &Arc<HashJoinExec>, inner: &KeyedSide, gathered: Gathered) -> Result<Arc<dyn ExecutionPlan>> {
    let (left, right) = (join.left().clone(), join.right().clone());
    let (inner_plan, outer_plan) = if inner.side == JoinSide::Left { (left, right) } else { (right, left) };
    let inner_plan = match gathered.rest {
        None => inner.narrowed(inner_plan, inner.keys(&gathered.batches)?)?,
        Some(_) => inner_plan,
    };
    let outer_plan = pace::paced_as(&outer_plan, Arc::new(gathered.replay(&outer_plan)))?;
    let children =
        if inner.side == JoinSide::Left { vec![inner_plan, outer_plan] } else { vec![outer_plan, inner_plan] };
    join.builder().with_new_children(children)?.reset_state().build_exec()
}

/// The first rows of the outer side.
struct Gathered {
    batches: Vec<RecordBatch>,
    /// What comes after them; `None`: these are all.
    rest: Option<SendableRecordBatchStream>,
    memory: MemoryReservation,
}

impl Gathered {
    async fn gather(mut outer: SendableRecordBatchStream, most_rows: usize, context: &TaskContext) -> Result<Gathered> {
        let memory = MemoryConsumer::new("LookupJoin").register(context.memory_pool());
        let (mut batches, mut rows) = (Vec::new(), 0);
        while let Some(batch) = outer.next().await.transpose()? {
            rows += batch.num_rows();
            let room = memory.try_grow(batch.get_array_memory_size()).is_ok() && memory.size() <= GATHERED_BYTES;
            batches.push(batch);
            if rows > most_rows || !room {
                return Ok(Gathered { batches, rest: Some(outer), memory });
            }
        }
        Ok(Gathered { batches, rest: None, memory })
    }

    /// The outer side once more; what was gathered counts until it is read.
    fn replay(self, outer: &Arc<dyn ExecutionPlan>) -> Replay {
        let Gathered { batches, rest, memory } = self;
        let first = futures::stream::iter(batches.into_iter().map(move |batch| {
            memory.shrink(batch.get_array_memory_size().min(memory.size()));
            Ok::<_, DataFusionError>(batch)
        }));
        let rest = futures::stream::iter(rest).flatten();
        let stream = RecordBatchStreamAdapter::new(outer.schema(), first.chain(rest));
        Replay::new(Box::pin(stream), outer.properties().clone())
    }
}
