//! Directories that go when a run does, also when it fails.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tells the directories of one process apart.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A directory that is removed, with all in it, when dropped.
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A fresh one below `parent`, or below the system's temporary directory.
    pub(super) fn new(parent: Option<&Path>) -> std::io::Result<Scratch> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("attune-nexmark-{}-{number}", std::process::id());
        let path = parent.map_or_else(std::env::temp_dir, Path::to_owned).join(name);
        std::fs::create_dir_all(&path)?;
        Ok(Scratch { path })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a directory of the benchmark could not be removed");
        }
    }
}
