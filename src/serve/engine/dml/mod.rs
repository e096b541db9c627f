//! INSERT, UPDATE, DELETE and the rows of COPY.
//!
//! Every statement ends as changes of rows by key (tables) or appended events (streams), each with what it saw before, so
//! that the coordinator can tell whether it is still true. Outside of a block a statement that lost a race is evaluated again.

mod assemble;
mod change;
mod coerce;
mod conflict;
mod insert;
mod insert_source;
mod literal;
mod prepare_change;
mod prepare_insert;
mod retry;
mod returning;
mod scalar;
mod target;
mod upsert;

pub(super) use change::Change;
pub(super) use insert::Insert;
