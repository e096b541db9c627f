//! Reading relations in a query: DataFusion table providers over one RocksDB snapshot per statement.
//!
//! A provider holds no data and no snapshot, so a bound plan can be kept and run many times. What a statement reads from
//! is in its [`StatementReads`], which travels in the session configuration of that one run.

mod access;
mod exec;
mod lookup_join;
mod sources;
mod statement;
mod stored;
mod stored_chunks;
mod stream;

pub(super) use exec::{ChunkSource, Chunks, ScanExec};
pub(super) use lookup_join::with_lookup_joins;
pub(super) use sources::{EngineSources, Identity};
pub(super) use statement::{Overlay, StatementReads};
pub(super) use stored::{KEY_COLUMN, ROW_COLUMN, StoredTable};
pub(super) use stream::StreamTable;
