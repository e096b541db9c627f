//! Running query plans, on threads of their own so that heavy queries do not slow lookups and sessions.

use super::errors;
use super::pace::Pace;
use super::read::{StatementReads, with_lookup_joins};
use super::unordered::ForgetOrders;
use crate::config::Config;
use attune_sql::SqlError;
use attune_sql::functions::limit::ExpressionLimits;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionConfig;
use futures::StreamExt;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Batches that may wait for the client; a slow client stops its query, not the server.
const CHANNEL_BATCHES: usize = 2;

/// Stack of a query thread: DataFusion plans by recursion, and plans may be as deep as the text is long.
const STACK_BYTES: usize = 32 << 20;

/// The threads and settings that queries run with.
pub(super) struct QueryRuntime {
    /// `None` only while it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
    state: SessionState,
    limits: Limits,
}

/// What a query may use.
#[derive(Clone, Copy)]
struct Limits {
    memory_bytes: usize,
    lookup_join_rows: usize,
}

impl QueryRuntime {
    /// Starts the threads.
    pub(super) fn new(config: &Config) -> Result<QueryRuntime, SqlError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        if config.query_threads > 0 {
            builder.worker_threads(config.query_threads);
        }
        let runtime = builder
            .thread_name("attune-query")
            .thread_stack_size(STACK_BYTES)
            // A turn is long: a query that comes in is not to wait for 61 of them.
            .global_queue_interval(1)
            // Nor is one that has paused: tokio wakes those (`yield_now`, a used up budget) at events only.
            .event_interval(1)
            .build()
            .map_err(|e| SqlError::internal(format!("cannot start the query threads: {e}")))?;
        // One partition per query: queries run beside each other, and small ones pay for no exchange.
        let mut session = SessionConfig::new().with_target_partitions(1).with_batch_size(8_192);
        let options = session.options_mut();
        options.execution.time_zone = Some("+00:00".to_owned());
        options.sql_parser.map_string_types_to_utf8view = false;
        // Its heap takes NaN and NULL for other values, or panics (DataFusion 55).
        options.optimizer.enable_topk_aggregation = false;
        // Sorts pushed into the arms of a union lose keys that are equal in one arm only, and the plan is refused.
        options.optimizer.repartition_sorts = false;
        // What may be NULL is told less exactly by physical expressions (IS TRUE) than by the plan.
        options.execution.skip_physical_aggregate_schema_check = true;
        options.extensions.insert(ExpressionLimits::new(config.expression_max_bytes));
        let state = SessionStateBuilder::new()
            .with_config(session)
            .with_default_features()
            .with_physical_optimizer_rules(physical_rules())
            .build();
        let limits = Limits { memory_bytes: config.query_memory_bytes, lookup_join_rows: config.lookup_join_rows };
        Ok(QueryRuntime { runtime: Some(runtime), state, limits })
    }

    /// The state a statement plans and runs with.
    fn state(&self, reads: Arc<StatementReads>) -> SessionState {
        let mut state = self.state.clone();
        state.config_mut().set_extension(reads);
        state.mark_start_execution();
        state
    }

    /// Runs a plan without parameters; batches come with exactly `schema`.
    pub(super) fn stream(
        &self,
        plan: LogicalPlan,
        reads: Arc<StatementReads>,
        schema: SchemaRef,
    ) -> Result<SendableRecordBatchStream, SqlError> {
        let state = self.state(reads);
        let limits = self.limits;
        let (sender, receiver) = mpsc::channel(CHANNEL_BATCHES);
        let output = schema.clone();
        let task = self.spawn(async move {
            let pace = Pace::new();
            if let Err(error) = pace.run(run(&state, &plan, limits, &output, &sender, &pace)).await {
                // Nobody waits when the client has gone.
                sender.send(Err(error)).await.ok();
            }
        })?;
        let rows = Rows { receiver, task: Some(AbortOnDrop(task)) };
        let stream = futures::stream::unfold(rows, |mut rows| async move {
            match rows.receiver.recv().await {
                Some(item) => Some((item, rows)),
                None => rows.finish().await.map(|error| (Err(error), rows)),
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }

    /// Runs a plan to its end.
    pub(super) async fn collect(
        &self,
        plan: LogicalPlan,
        reads: Arc<StatementReads>,
        schema: SchemaRef,
    ) -> Result<Vec<RecordBatch>, SqlError> {
        let mut stream = self.stream(plan, reads, schema)?;
        let mut batches = Vec::new();
        while let Some(batch) = stream.next().await {
            batches.push(batch.map_err(errors::datafusion)?);
        }
        Ok(batches)
    }

    /// The physical plan, for EXPLAIN; with `run`, after running it.
    pub(super) async fn physical(
        &self,
        plan: LogicalPlan,
        reads: Arc<StatementReads>,
        run: bool,
    ) -> Result<(Arc<dyn ExecutionPlan>, usize), SqlError> {
        let state = self.state(reads);
        let limits = self.limits;
        let task = self.spawn(async move {
            let physical = physical(&state, &plan, limits).await?;
            let mut rows = 0;
            if run {
                let pace = Pace::new();
                let mut stream = execute_stream(pace.root(physical.clone())?, task_context(&state, limits)?)?;
                let count = async {
                    while let Some(batch) = stream.next().await {
                        rows += batch?.num_rows();
                    }
                    Ok::<_, DataFusionError>(())
                };
                pace.run(count).await?;
            }
            Ok::<_, DataFusionError>((physical, rows))
        })?;
        let mut task = AbortOnDrop(task);
        match (&mut task.0).await {
            Ok(result) => result.map_err(errors::datafusion),
            Err(error) => Err(SqlError::internal(format!("the query stopped: {error}"))),
        }
    }

    /// Expressions that need no input (`INSERT ... VALUES (now())`) use the same state.
    pub(super) fn expression_state(&self) -> SessionState {
        let mut state = self.state.clone();
        state.mark_start_execution();
        state
    }

    fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<JoinHandle<T>, SqlError> {
        match &self.runtime {
            Some(runtime) => Ok(runtime.spawn(future)),
            None => Err(SqlError::internal("the query threads have stopped")),
        }
    }
}

impl Drop for QueryRuntime {
    fn drop(&mut self) {
        // Waiting for threads is not allowed inside of another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// DataFusion's rules, but for those that change when an expression is computed: projections moved below filters
/// (`SELECT a / b ... WHERE b <> 0 ORDER BY a` would divide by zero), and filters merged with the one that can fail first. And but
/// for the one that answers aggregates from statistics: it takes an aggregate below for one with a FILTER above it.
fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    const LEFT_OUT: [&str; 3] = ["ProjectionPushdown", "FilterPushdown", "aggregate_statistics"];
    let mut rules = PhysicalOptimizer::default().rules;
    rules.retain(|rule| !LEFT_OUT.contains(&rule.name()));
    let at = rules.iter().position(|rule| rule.name() == "EnsureRequirements").unwrap_or_default();
    rules.insert(at, Arc::new(ForgetOrders));
    rules
}

/// The plan as it is run.
async fn physical(state: &SessionState, plan: &LogicalPlan, limits: Limits) -> DfResult<Arc<dyn ExecutionPlan>> {
    let physical = state.query_planner().create_physical_plan(plan, state).await?;
    with_lookup_joins(physical, limits.lookup_join_rows)
}

async fn run(
    state: &SessionState,
    plan: &LogicalPlan,
    limits: Limits,
    schema: &SchemaRef,
    sender: &mpsc::Sender<DfResult<RecordBatch>>,
    pace: &Arc<Pace>,
) -> DfResult<()> {
    let physical = physical(state, plan, limits).await?;
    let mut stream = execute_stream(pace.root(physical)?, task_context(state, limits)?)?;
    while let Some(batch) = stream.next().await {
        if sender.send(Ok(conform(batch?, schema)?)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Each query has a pool of its own, so one cannot starve another; nothing spills to disk.
fn task_context(state: &SessionState, limits: Limits) -> DfResult<Arc<TaskContext>> {
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(limits.memory_bytes)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()?;
    Ok(Arc::new(TaskContext::default().with_session_config(state.config().clone()).with_runtime(environment)))
}

/// The batch with exactly the types of `schema`; the physical plan's may differ in form (dictionaries, views).
pub(in crate::serve) fn conform(batch: RecordBatch, schema: &SchemaRef) -> DfResult<RecordBatch> {
    if batch.num_columns() != schema.fields().len() {
        return Err(DataFusionError::Internal("a query gave another number of columns than was announced".into()));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (column, field) in batch.columns().iter().zip(schema.fields()) {
        columns.push(match column.data_type() == field.data_type() {
            true => column.clone(),
            false => cast_with_options(column, field.data_type(), &strict)?,
        });
    }
    let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// The receiving side of a running query.
struct Rows {
    receiver: mpsc::Receiver<DfResult<RecordBatch>>,
    task: Option<AbortOnDrop<()>>,
}

impl Rows {
    /// After the last batch: whether the query panicked instead of finishing.
    async fn finish(&mut self) -> Option<DataFusionError> {
        let mut task = self.task.take()?;
        let error = (&mut task.0).await.err()?;
        Some(errors::external(SqlError::internal(format!("the query stopped: {error}"))))
    }
}

/// A task that ends when its result is no longer wanted: a cancelled statement, a closed connection.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
