//! Property tests: what an operator has given over all epochs is what its batch definition gives for what is left of its
//! inputs. Each test holds its batch definition, written on plain rows.
//!
//! A failure prints its seed; `ATTUNE_SEED=n` runs only that one.

mod aggregate;
mod backfill;
mod cells;
mod expression;
mod harness;
mod join;
mod linear;
mod local;
mod relation;
mod top_k;
mod world;
