//! Golden tests: SQL in, plan text out.

pub(crate) mod evaluate;
mod fixture;
mod keys;
mod lookups;
mod nodes;
mod refusals;
mod round_trip;
mod views;
