//! Bytes for rows and keys, version 1. The format is described in `docs/storage-format.md` and pinned by golden tests.

mod column_builder;
mod column_reader;
mod key;
mod key_column;
mod row;
mod rows;
#[cfg(test)]
mod tests;
mod value;

pub use column_builder::ColumnBuilder;
pub use column_reader::ColumnReader;
pub use key::{KeyCodec, VNODES, vnode_of};
pub(crate) use row::without_state;
pub use row::{RowCodec, split_state, with_state};
pub use rows::ByteRows;
pub use value::Value;
