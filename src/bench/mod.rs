//! `attune bench`: measurements that ship with the server. A number is worth something only beside another one from the
//! same run on the same machine, so every benchmark prints a ratio.

mod error;
pub mod report;
pub mod restart;

pub use error::BenchError;
