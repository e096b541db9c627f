//! Where a benchmark keeps its data.

use super::BenchError;
use std::path::{Path, PathBuf};

/// A directory of the benchmark's own.
pub(super) struct Scratch {
    path: PathBuf,
    kept: bool,
}

impl Scratch {
    /// `keep`, which stays; or a temporary directory that goes when this is dropped.
    pub(super) fn new(keep: Option<&Path>) -> Result<Scratch, BenchError> {
        let temporary = || std::env::temp_dir().join(format!("attune-bench-{}", std::process::id()));
        let path = keep.map_or_else(temporary, Path::to_owned);
        std::fs::create_dir_all(&path)?;
        // PostgreSQL's initdb runs as somebody else, from another directory.
        Ok(Scratch { path: path.canonicalize()?, kept: keep.is_some() })
    }

    /// A path in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.kept {
            // Gone or not, the figures are what counts.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
