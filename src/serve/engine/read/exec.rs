//! The physical scan: chunks of rows. Pauses for other tasks are made around it (`engine::pace`).

use super::StatementReads;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, ReplaceChildrenOptions,
};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Something that can be read in chunks: a relation with what is wanted of it.
pub(crate) trait ChunkSource: Any + fmt::Debug + Send + Sync {
    /// How EXPLAIN shows it.
    fn describe(&self) -> String;
    /// Begins to read.
    fn open(&self, reads: Arc<StatementReads>) -> Result<Box<dyn Chunks>>;
}

/// A read under way.
pub(crate) trait Chunks: Send {
    /// The next rows; `None` at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>>;
}

/// Reads a [`ChunkSource`] as one partition.
#[derive(Debug)]
pub(crate) struct ScanExec {
    source: Arc<dyn ChunkSource>,
    properties: Arc<PlanProperties>,
}

impl ScanExec {
    /// A scan whose chunks have this schema.
    pub(crate) fn new(source: Arc<dyn ChunkSource>, schema: SchemaRef) -> ScanExec {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        ScanExec { source, properties: Arc::new(properties) }
    }

    /// What is read, if it is of this kind.
    pub(super) fn source<T: ChunkSource>(&self) -> Option<&T> {
        let source: &dyn Any = self.source.as_ref();
        source.downcast_ref()
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scan: {}", self.source.describe())
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &'static str {
        "Scan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let chunks = self.source.open(StatementReads::of(context.session_config())?)?;
        let stream =
            futures::stream::try_unfold(
                chunks,
                |mut chunks| async move { Ok(chunks.next()?.map(|batch| (batch, chunks))) },
            );
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream)))
    }
}
