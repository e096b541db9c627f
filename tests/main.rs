//! All integration tests, in one binary: each binary links DataFusion and RocksDB whole.
//!
//! - `tidy`: layering, names, pins
//! - `slt`: sqllogictest files in `tests/slt`
//! - `wire`: a real driver and psql over real sockets
//! - `oracle`: random views and changes; after every epoch each view equals its query
//! - `judge`: random schemas, changes, queries, views and lookups; everything as PostgreSQL answers it
//! - `read_your_writes`: acknowledged means visible on every connection
//! - `crash`: kill -9 at random moments and at named failure points
//! - `logged_views`: views whose rows lie in a log
//! - `faults`: a disk that fails, damaged rows, held commits
//! - `restart`: a server that starts again is the same server
//! - `bench`: every benchmark at a tiny size

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub)]

mod bench;
mod crash;
mod faults;
mod judge;
mod logged_views;
mod oracle;
mod process;
mod read_your_writes;
mod restart;
mod server;
mod slt;
mod tidy;
mod wire;
