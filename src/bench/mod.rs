//! `attune bench`: measurements that ship with the server. A number is worth something only beside another one from the
//! same run on the same machine, a peer, the same thing idle, or a smaller size.

mod calendar;
mod client;
mod cpu;
mod error;
mod events;
mod feed;
pub mod freshness;
pub mod ingest;
mod load;
pub mod mixed;
pub mod nexmark;
mod peers;
pub mod plan;
mod process;
mod random;
pub mod read;
pub mod report;
pub mod restart;
mod scratch;
pub mod state;

pub use error::BenchError;
pub use peers::Peer;
pub use process::ServerArgs;
pub use random::Distribution;
