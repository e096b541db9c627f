//! Serving: the Postgres wire protocol, sessions, and the three tiers of reading.
//!
//! - `server`: the listener; `loops`: the threads that connections live on; `startup`: from a socket to a session; `session`: the message loop
//! - `wire`: messages and connections; `value`: values in Postgres text and binary
//! - `simple`, `extended`: the two protocols; `implicit`: the transaction they put statements into
//! - `lookup`: tiers 1 and 2, reads that go from the session to storage and back
//! - `ranking`: tier 1 for lookups with joins by key, expressions and an order
//! - `copy`: COPY in and out
//! - `engine` is the seam: the session (wire side) asks it to prepare and to execute; it never sees a message.

mod cancel;
mod copy;
pub mod engine;
mod execute_literals;
mod extended;
mod implicit;
mod lookup;
mod loops;
mod ranking;
mod rows;
mod server;
mod session;
mod simple;
mod sql_prepare;
mod starting;
mod startup;
mod statement;
mod value;
mod wire;

pub use server::{ServeError, serve};
