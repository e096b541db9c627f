//! A stream as a table: the retained events of its log, oldest first.

use super::StatementReads;
use super::exec::{ChunkSource, Chunks, ScanExec};
use async_trait::async_trait;
use attune_sql::catalog::Relation;
use attune_storage::{LogPosition, ObjectId};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::collections::VecDeque;
use std::sync::Arc;

/// Rows per read of the log.
const CHUNK_ROWS: usize = 8_192;

/// The provider of a stream.
#[derive(Debug)]
pub(crate) struct StreamTable {
    /// The stream.
    pub(crate) relation: Arc<Relation>,
    schema: SchemaRef,
}

/// Arrow schema of the columns a user sees.
pub(super) fn visible_schema(relation: &Relation) -> SchemaRef {
    let fields = relation.visible_columns().map(|(_, c)| Field::new(&c.name, c.sql_type.to_arrow(), c.nullable));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

impl StreamTable {
    /// A provider of this stream.
    pub(crate) fn new(relation: Arc<Relation>) -> StreamTable {
        StreamTable { schema: visible_schema(&relation), relation }
    }
}

#[async_trait]
impl TableProvider for StreamTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        StatementReads::of(state.config())?.check(&self.relation)?;
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let output = Arc::new(self.schema.project(&projection)?);
        let relation = self.relation.clone();
        let log = LogScan { relation, schema: self.schema.clone(), projection, limit };
        Ok(Arc::new(ScanExec::new(Arc::new(log), output)))
    }
}

#[derive(Clone, Debug)]
pub(super) struct LogScan {
    relation: Arc<Relation>,
    schema: SchemaRef,
    projection: Vec<usize>,
    limit: Option<usize>,
}

impl ChunkSource for LogScan {
    fn describe(&self) -> String {
        let limit = self.limit.map_or(String::new(), |n| format!(", limit {n}"));
        format!("log of stream {}{limit}", self.relation.name)
    }

    fn open(&self, reads: Arc<StatementReads>) -> Result<Box<dyn Chunks>> {
        let log = ObjectId(self.relation.id.0);
        Ok(Box::new(LogChunks::new(reads, log, self.schema.clone(), self.projection.clone(), self.limit)))
    }
}

/// Reads the rows of a log.
pub(super) struct LogChunks {
    reads: Arc<StatementReads>,
    log: ObjectId,
    /// Columns of the log, and which of them are wanted.
    schema: SchemaRef,
    projection: Vec<usize>,
    position: LogPosition,
    ready: VecDeque<RecordBatch>,
    at_end: bool,
    left: usize,
}

impl LogChunks {
    /// From its beginning.
    pub(super) fn new(
        reads: Arc<StatementReads>,
        log: ObjectId,
        schema: SchemaRef,
        projection: Vec<usize>,
        limit: Option<usize>,
    ) -> LogChunks {
        LogChunks {
            reads,
            log,
            schema,
            projection,
            position: LogPosition::default(),
            ready: VecDeque::new(),
            at_end: false,
            left: limit.unwrap_or(usize::MAX),
        }
    }
}

impl Chunks for LogChunks {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.left > 0 {
            if let Some(batch) = self.ready.pop_front() {
                let batch = batch.slice(0, batch.num_rows().min(self.left));
                self.left -= batch.num_rows();
                return Ok(Some(batch.project(&self.projection)?));
            }
            if self.at_end {
                return Ok(None);
            }
            let rows = CHUNK_ROWS.min(self.left);
            let chunk = self
                .reads
                .store
                .read_log(&self.reads.snapshot, self.log, &self.schema, self.position, rows)
                .map_err(|e| DataFusionError::External(Box::new(e)))?;
            self.position = chunk.position;
            self.at_end = chunk.at_end;
            self.ready = chunk.rows.into();
        }
        Ok(None)
    }
}
