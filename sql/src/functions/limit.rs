//! How many bytes one expression may make: the setting `expression_max_bytes`.
//!
//! SELECT, INSERT, UPDATE and DELETE take it from the server's configuration. A materialized view always has the default:
//! a row must be deleted with the values it was inserted with, whatever the configuration was then.

use crate::{SqlError, SqlState};
use datafusion::common::config::{ConfigExtension, ConfigOptions};
use datafusion::common::{DataFusionError, Result, extensions_options};

/// Bytes that one function may make of the rows of one batch, unless set otherwise.
pub const DEFAULT_MAX_BYTES: usize = 64 << 20;

extensions_options! {
    /// Limits on expressions, as functions find them in the settings they run with.
    pub struct ExpressionLimits {
        /// Bytes that one function may make of the rows of one batch.
        pub max_bytes: usize, default = DEFAULT_MAX_BYTES
    }
}

impl ConfigExtension for ExpressionLimits {
    const PREFIX: &'static str = "attune";
}

impl ExpressionLimits {
    /// A limit other than the default.
    #[must_use]
    pub fn new(max_bytes: usize) -> ExpressionLimits {
        ExpressionLimits { max_bytes }
    }
}

/// The limit in these settings.
pub(crate) fn max_bytes(config: &ConfigOptions) -> u128 {
    config.extensions.get::<ExpressionLimits>().map_or(DEFAULT_MAX_BYTES, |limits| limits.max_bytes) as u128
}

/// Refuses a result of more bytes than allowed, before it is made.
///
/// # Errors
/// 54000.
pub(crate) fn check(function: &str, bytes: u128, config: &ConfigOptions) -> Result<()> {
    if bytes > max_bytes(config) { Err(too_large(function, config)) } else { Ok(()) }
}

/// 54000.
pub(crate) fn too_large(function: &str, config: &ConfigOptions) -> DataFusionError {
    let message = format!("the result of {function} is larger than {} bytes", max_bytes(config));
    let error = SqlError::new(SqlState::ProgramLimitExceeded, message)
        .with_detail("The limit is on what one function makes of up to 8,192 rows.")
        .with_hint("Make less at once, or raise expression_max_bytes.");
    DataFusionError::External(Box::new(error))
}
