//! What can go wrong in a step: faults stop a view, row errors do not.

use attune_storage::StorageError;
use std::any::Any;

/// A fault that stops one view and nothing else.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// State could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Arrow refused an operation that planning should have ruled out.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// State or plan are not what the operator wrote or expects.
    #[error("{0}")]
    Internal(String),
}

impl Fault {
    /// State or plan are not what the operator wrote or expects.
    pub(super) fn internal(message: impl Into<String>) -> Fault {
        Fault::Internal(message.into())
    }
}

/// What a caught panic says.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("no message"))
}

/// Rows of one step whose expression failed and became NULL.
#[derive(Debug, Default)]
pub struct RowErrors {
    /// Number of failed evaluations.
    pub count: u64,
    /// Some of them, up to [`RowErrors::SAMPLES`].
    pub samples: Vec<RowError>,
}

/// One failed evaluation.
#[derive(Clone, Debug)]
pub struct RowError {
    /// The expression, as text.
    pub expression: String,
    /// What went wrong.
    pub message: String,
    /// The input row, as text.
    pub row: String,
}

impl RowErrors {
    /// Samples kept per step.
    pub const SAMPLES: usize = 10;

    /// Adds those of another expression, which has none after that.
    pub fn take(&mut self, other: &mut RowErrors) {
        self.count += std::mem::take(&mut other.count);
        let room = Self::SAMPLES.saturating_sub(self.samples.len());
        self.samples.extend(std::mem::take(&mut other.samples).into_iter().take(room));
    }

    /// Counts a failure; `sample` is only asked for while there is room.
    pub fn add(&mut self, sample: impl FnOnce() -> RowError) {
        self.count += 1;
        if self.samples.len() < Self::SAMPLES {
            self.samples.push(sample());
        }
    }
}
