//! The `meta` column family: named records, and the store's own records under names no caller can choose.

use super::Store;
use super::keyspace::{Family, successor};
use crate::{Epoch, Result, StorageError};
use bytes::Bytes;
use rocksdb::ReadOptions;

/// Names of the store's own records start with this byte.
const RESERVED: u8 = 0;
/// The number of the last committed epoch, u64 BE.
pub(super) const EPOCH_KEY: &[u8] = b"\0epoch";

/// The epoch in the record, or 0 in a store that never committed.
pub(super) fn decode_epoch(record: Option<&[u8]>) -> Result<Epoch> {
    let Some(bytes) = record else { return Ok(Epoch(0)) };
    let bytes = bytes.try_into().map_err(|_| StorageError::Corrupt("the epoch record has not 8 bytes".into()))?;
    Ok(Epoch(u64::from_be_bytes(bytes)))
}

impl Store {
    /// A meta record (`meta` column family), as committed.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn meta(&self, key: &str) -> Result<Option<Bytes>> {
        let family = self.shared.family(Family::Meta);
        Ok(self.shared.db.get_cf(family, key.as_bytes())?.map(Bytes::from))
    }

    /// All meta records whose key starts with `prefix`, in key order.
    ///
    /// # Errors
    /// When RocksDB fails, or [`StorageError::Corrupt`] when a name is not UTF-8.
    pub fn meta_scan(&self, prefix: &str) -> Result<Vec<(String, Bytes)>> {
        let mut options = ReadOptions::default();
        let from = if prefix.is_empty() { vec![RESERVED + 1] } else { prefix.as_bytes().to_vec() };
        if let Some(end) = successor(prefix.as_bytes()) {
            options.set_iterate_upper_bound(end);
        }
        let mut records = self.shared.db.raw_iterator_cf_opt(self.shared.family(Family::Meta), options);
        let mut found = Vec::new();
        records.seek(from);
        while let Some((key, value)) = records.item() {
            let name = std::str::from_utf8(key)
                .map_err(|_| StorageError::Corrupt("the name of a meta record is not UTF-8".into()))?;
            found.push((name.to_owned(), Bytes::copy_from_slice(value)));
            records.next();
        }
        records.status()?;
        Ok(found)
    }
}
