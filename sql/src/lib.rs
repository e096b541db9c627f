//! Attune's SQL: statements, catalog, binder and types.
//!
//! This crate knows sqlparser and DataFusion. It knows no RocksDB, no async runtime, no wire protocol and no dataflow.

pub mod algebra;
pub mod bind;
pub mod binder;
pub mod catalog;
mod error;
pub mod functions;
pub mod operators;
pub mod statement;
mod suggest;
pub mod types;

pub use error::{SqlError, SqlState, Subject};
pub use suggest::suggest;
