//! What the `attune_*` system views show.

use std::collections::BTreeMap;

/// A moment's picture of the server.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Running and finished backfills since start.
    pub backfills: Vec<BackfillStatus>,
    /// Per view.
    pub views: Vec<ViewStatistics>,
    /// Samples of rows whose expression failed.
    pub row_errors: Vec<RowErrorStatus>,
    /// Events each stream has had, by its id.
    pub events: BTreeMap<u32, u64>,
}

/// Progress of a backfill.
#[derive(Clone, Debug)]
pub struct BackfillStatus {
    /// View or index id.
    pub view: u32,
    /// Its name.
    pub name: String,
    /// Rows read so far, over all inputs.
    pub rows_done: u64,
    /// Rows to read, estimated.
    pub rows_total: u64,
    /// Whether it is done.
    pub finished: bool,
    /// Why it was given up (of an index; the catalog knows it of a view).
    pub failed: Option<String>,
    /// Start, microseconds since 1970-01-01 UTC.
    pub started_us: i64,
    /// End, if done.
    pub finished_us: Option<i64>,
}

/// Numbers of one view.
#[derive(Clone, Debug)]
pub struct ViewStatistics {
    /// View id.
    pub view: u32,
    /// Last epoch that changed it.
    pub last_epoch: u64,
    /// When that was published, microseconds since 1970-01-01 UTC.
    pub last_change_us: i64,
    /// Delta rows it has received since start.
    pub rows_in: u64,
    /// Delta rows it has written since start.
    pub rows_out: u64,
    /// Delay from a write's arrival to its visibility in this view, in microseconds: median and 99th percentile since start;
    /// `None` when no write has changed it.
    pub delay_us: Option<(u64, u64)>,
    /// Expression evaluations that failed and gave NULL, since the view was created or the server started.
    pub row_errors: u64,
}

/// A sampled row error.
#[derive(Clone, Debug)]
pub struct RowErrorStatus {
    /// View id.
    pub view: u32,
    /// When, microseconds since 1970-01-01 UTC.
    pub at_us: i64,
    /// The expression.
    pub expression: String,
    /// What went wrong.
    pub message: String,
    /// The row.
    pub row: String,
}
