//! Stored relations: tables and materialized views with their indexes.

mod layout;
mod log_writer;
mod range;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use layout::{IndexLayout, KeyColumn, TableLayout};
pub use range::KeyRange;
pub use reader::{BatchShape, TableReader};
pub use writer::TableWriter;
