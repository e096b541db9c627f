//! A directory that goes when the demo does.

use std::path::PathBuf;

/// Removes the directory, and all in it, when dropped.
pub(super) struct TemporaryDirectory {
    path: PathBuf,
}

impl TemporaryDirectory {
    /// Takes charge of a directory that need not exist yet.
    pub(super) fn new(path: PathBuf) -> TemporaryDirectory {
        TemporaryDirectory { path }
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "the demo's data directory could not be removed");
        }
    }
}
