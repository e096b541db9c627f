//! Sharing the query threads: a query runs in turns of a few milliseconds.
//!
//! Tokio's threads change tasks only when a task pauses. DataFusion's own rule (`EnsureCooperative`) lets leaves pause, by a
//! count of batches. That does not suffice: a filter over a cross join, or the join itself when its condition is never true,
//! works on one batch of its input for minutes without asking for another. So here every operator's output is paced: it
//! pauses when the turn is over, by the clock; and a batch on which its reader is slow is followed by smaller ones. What is
//! read by a join begins with single rows, since each of them may meet millions.
//!
//! What is left are operators that work long without asking for input, whatever its size: sorting what they have gathered.

use super::unordered::Unordered;
use datafusion::arrow::array::{RecordBatch, UInt32Array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::{Stream, StreamExt};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// How long a query keeps its thread while others wait for it.
const TURN: Duration = Duration::from_millis(5);

/// The turns of one query.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    /// When the turn began, in nanoseconds after `start`; this also tells turns apart.
    turn: AtomicU64,
}

impl Pace {
    /// The pace of a query that begins now.
    pub(super) fn new() -> Arc<Pace> {
        Arc::new(Pace { start: Instant::now(), turn: AtomicU64::new(0) })
    }

    /// Runs a query: each time its thread comes back to it, a turn begins.
    pub(super) async fn run<T>(&self, query: impl Future<Output = T>) -> T {
        let mut query = std::pin::pin!(query);
        std::future::poll_fn(|context| {
            self.begin(Instant::now());
            query.as_mut().poll(context)
        })
        .await
    }

    /// The same plan, paced.
    pub(super) fn plan(self: &Arc<Pace>, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let reader_is_join = plan.children().len() > 1;
        let children = plan.children().into_iter().cloned().collect::<Vec<_>>();
        let children = children.into_iter().map(|child| {
            let first_rows = if reader_is_join { 1 } else { usize::MAX };
            if plan.is::<Unordered>() {
                // It is paced itself.
                return self.plan(child);
            }
            self.plan(child)
                .map(|child| Arc::new(Paced::new(child, self.clone(), first_rows)) as Arc<dyn ExecutionPlan>)
        });
        let children = children.collect::<Result<Vec<_>>>()?;
        if children.is_empty() {
            return Ok(plan);
        }
        plan.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep))
    }

    /// The same plan with its result paced, too: what reads it may not pause.
    pub(super) fn root(self: &Arc<Pace>, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Paced::new(self.plan(plan)?, self.clone(), usize::MAX)))
    }

    fn begin(&self, now: Instant) {
        self.turn.store((now - self.start).as_nanos() as u64, Ordering::Relaxed);
    }

    fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    fn is_over(&self, now: Instant) -> bool {
        (now - self.start).as_nanos() as u64 > self.turn() + TURN.as_nanos() as u64
    }
}

/// `input` paced as `plan` is; as it is where that is not paced.
pub(super) fn paced_as(plan: &Arc<dyn ExecutionPlan>, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(match plan.downcast_ref::<Paced>() {
        Some(paced) => Arc::new(Paced::new(input, paced.pace.clone(), paced.first_rows)),
        None => input,
    })
}

/// The output of an operator, paced.
#[derive(Debug)]
struct Paced {
    input: Arc<dyn ExecutionPlan>,
    pace: Arc<Pace>,
    first_rows: usize,
}

impl Paced {
    fn new(input: Arc<dyn ExecutionPlan>, pace: Arc<Pace>, first_rows: usize) -> Paced {
        Paced { input, pace, first_rows }
    }
}

impl DisplayAs for Paced {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Paced")
    }
}

impl ExecutionPlan for Paced {
    fn name(&self) -> &'static str {
        "Paced"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Paced::new(input, self.pace.clone(), self.first_rows))),
            _ => Err(DataFusionError::Internal("a paced operator has one input".to_owned())),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        Ok(Box::pin(PacedStream { input, pace: self.pace.clone(), rest: None, rows: self.first_rows, given: None }))
    }
}

struct PacedStream {
    input: SendableRecordBatchStream,
    pace: Arc<Pace>,
    /// What is left of a batch that was cut.
    rest: Option<RecordBatch>,
    /// Most rows to give at once.
    rows: usize,
    /// What was given last.
    given: Option<Given>,
}

struct Given {
    rows: usize,
    at: Instant,
    turn: u64,
}

impl PacedStream {
    /// Learns from how long the reader worked on what it was given. If it has paused meanwhile, others may have run.
    fn learn(&mut self, now: Instant) {
        let Some(given) = self.given.take().filter(|given| given.turn == self.pace.turn()) else { return };
        let took = now - given.at;
        if took > TURN {
            self.rows = ((given.rows as f64 * TURN.as_secs_f64() / took.as_secs_f64()) as usize).max(1);
        } else if took * 2 < TURN && given.rows >= self.rows {
            self.rows = self.rows.saturating_mul(2);
        }
    }

    /// The next rows of a batch; what is left is kept.
    fn cut(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        if batch.num_rows() <= self.rows {
            return Ok(batch);
        }
        self.rest = Some(batch.slice(self.rows, batch.num_rows() - self.rows));
        if batch.num_columns() == 0 {
            return Ok(batch.slice(0, self.rows));
        }
        // A copy: a slice would count as the whole batch wherever memory is counted.
        let rows = UInt32Array::from_iter_values(0..u32::try_from(self.rows).unwrap_or(u32::MAX));
        Ok(take_record_batch(&batch, &rows)?)
    }
}

impl Stream for PacedStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let now = Instant::now();
        self.learn(now);
        if self.pace.is_over(now) {
            // Operators may run as tasks of their own, outside of `Pace::run`: the next turn begins here for them.
            self.pace.begin(now);
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match ready!(self.input.poll_next_unpin(context)) {
                Some(Ok(batch)) => batch,
                other => return Poll::Ready(other),
            },
        };
        let batch = self.cut(batch)?;
        self.given = Some(Given { rows: batch.num_rows(), at: Instant::now(), turn: self.pace.turn() });
        Poll::Ready(Some(Ok(batch)))
    }
}

impl RecordBatchStream for PacedStream {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
