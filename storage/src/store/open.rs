//! Opening a data directory: the lock, the format version, RocksDB.
//!
//! A data directory holds `LOCK` (held while a process uses it), `FORMAT` (the format version as text) and `db`
//! (RocksDB). The version is outside RocksDB because opening RocksDB writes, and a newer store must not be touched.

use super::options::{self, Sizes};
use super::{Committer, Store, StoreOptions, shared::Shared};
use crate::{Result, StorageError};
use rocksdb::DB;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;

/// Version of everything stored; see `docs/storage-format.md`.
pub const FORMAT_VERSION: u32 = 1;

const FORMAT_FILE: &str = "FORMAT";
const LOCK_FILE: &str = "LOCK";
/// The format file while it is written; a crash may leave it.
const PARTIAL_FORMAT_FILE: &str = "FORMAT.partial";
/// The directory of RocksDB inside the data directory.
pub(super) const DATABASE_DIR: &str = "db";
const FORMAT_PREFIX: &str = "attune data format ";
/// Entries that do not make a directory foreign: what a start writes first, and what a fresh ext4 mount point holds.
const HARMLESS_ENTRIES: [&str; 3] = [LOCK_FILE, PARTIAL_FORMAT_FILE, "lost+found"];

impl Store {
    /// Opens (or creates) the store in `dir`: takes the lock, checks the format version.
    ///
    /// # Errors
    /// [`StorageError::InUse`] when another process (or this one) has it open; [`StorageError::NewerFormat`], before
    /// anything is written, when a newer build wrote it; [`StorageError::Unusable`] when it cannot be read or written,
    /// is no directory, or holds something else than an Attune store.
    pub fn open(dir: &Path, options: &StoreOptions) -> Result<(Store, Committer)> {
        let unusable = |reason: String| StorageError::Unusable { path: dir.to_path_buf(), reason };
        fs::create_dir_all(dir).map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => unusable("it is not a directory".into()),
            _ => unusable(e.to_string()),
        })?;
        let fresh = check_format(dir)?;
        let lock = lock(dir)?;
        if fresh {
            write_format(dir).map_err(|e| unusable(format!("{FORMAT_FILE}: {e}")))?;
        }
        let database = dir.join(DATABASE_DIR);
        let sizes = Sizes::new(options);
        let families = options::families(options, &sizes)?;
        let db = DB::open_cf_descriptors(&options::database(options, &sizes), &database, families)
            .map_err(|e| open_error(dir, &e))?;
        let shared = Arc::new(Shared::new(db, lock, options, sizes)?);
        Ok((Store { shared: shared.clone() }, Committer::new(shared)))
    }
}

/// Checks the version without writing. True when the directory is new.
fn check_format(dir: &Path) -> Result<bool> {
    let unusable = |reason: String| StorageError::Unusable { path: dir.to_path_buf(), reason };
    match fs::read_to_string(dir.join(FORMAT_FILE)) {
        Ok(text) => {
            let version = text.strip_prefix(FORMAT_PREFIX).and_then(|v| v.trim_end().parse::<u32>().ok());
            match version {
                Some(found) if found > FORMAT_VERSION => {
                    Err(StorageError::NewerFormat { path: dir.to_path_buf(), found, supported: FORMAT_VERSION })
                }
                Some(FORMAT_VERSION) => Ok(false),
                _ => Err(unusable(format!("its {FORMAT_FILE} file does not say a known format version"))),
            }
        }
        Err(e) if e.kind() == ErrorKind::NotFound => {
            for entry in fs::read_dir(dir).map_err(|e| unusable(e.to_string()))? {
                let name = entry.map_err(|e| unusable(e.to_string()))?.file_name();
                if !HARMLESS_ENTRIES.iter().any(|h| name == *h) {
                    return Err(unusable(format!(
                        "it is not empty and is no attune data directory (it holds {name:?} and no {FORMAT_FILE} file); \
                         name an empty or a new directory"
                    )));
                }
            }
            Ok(true)
        }
        Err(e) => Err(unusable(format!("{FORMAT_FILE}: {e}"))),
    }
}

/// Takes the lock, which the operating system releases when the file is closed, also after a kill.
fn lock(dir: &Path) -> Result<File> {
    let unusable =
        |e: std::io::Error| StorageError::Unusable { path: dir.to_path_buf(), reason: format!("{LOCK_FILE}: {e}") };
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(dir.join(LOCK_FILE)).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StorageError::InUse { path: dir.to_path_buf() }),
        Err(TryLockError::Error(e)) => Err(unusable(e)),
    }
}

/// Writes the version so that it is either there in full or not at all.
pub(super) fn write_format(dir: &Path) -> std::io::Result<()> {
    let partial = dir.join(PARTIAL_FORMAT_FILE);
    let mut file = File::create(&partial)?;
    writeln!(file, "{FORMAT_PREFIX}{FORMAT_VERSION}")?;
    file.sync_all()?;
    fs::rename(&partial, dir.join(FORMAT_FILE))?;
    File::open(dir)?.sync_all()
}

fn open_error(dir: &Path, error: &rocksdb::Error) -> StorageError {
    let reason = error.to_string();
    // RocksDB's own lock: someone opened `db` without our lock (RocksDB's tools do).
    if reason.contains("lock hold by current process") || reason.contains("While lock file") {
        return StorageError::InUse { path: dir.to_path_buf() };
    }
    StorageError::Unusable { path: dir.to_path_buf(), reason }
}
