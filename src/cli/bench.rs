//! `attune bench`.

use super::Failure;
use crate::bench::restart;
use std::io::Write;

/// Runs the restart benchmark in a temporary directory and prints what it found.
pub(super) async fn restart(events: u64, json: bool) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Other(error.to_string());
    let dir = std::env::temp_dir().join(format!("attune-bench-{}", std::process::id()));
    let events = usize::try_from(events).map_err(|error| failed(&error))?;
    let measured = restart::run(&dir, events).await;
    // Gone or not, the figures are what counts.
    let _ = std::fs::remove_dir_all(&dir);
    let measured = measured.map_err(|error| failed(&error))?;
    let text = if json {
        serde_json::to_string_pretty(&measured).map_err(|error| failed(&error))?
    } else {
        restart::table(&measured)
    };
    writeln!(std::io::stdout().lock(), "{}", text.trim_end()).map_err(|error| failed(&error))
}
