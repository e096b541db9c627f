//! The distinct keys of a delta.

use attune_storage::codec::ByteRows;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::BuildHasher;

/// The distinct strings among the keys of a delta's rows, numbered in order of first occurrence.
pub(super) struct DistinctKeys {
    /// Per distinct key: the first row that has it.
    pub(super) first_row: Vec<u32>,
    /// Per row: the number of its key.
    pub(super) of_row: Vec<u32>,
}

impl DistinctKeys {
    /// Numbers `keys`.
    pub(super) fn of(keys: &ByteRows) -> DistinctKeys {
        DistinctKeys::by(keys.len(), |row| keys.get(row))
    }

    /// Numbers the keys of `rows` rows.
    pub(super) fn by<'k>(rows: usize, key: impl Fn(usize) -> &'k [u8]) -> DistinctKeys {
        let hasher = RandomState::default();
        let mut seen: HashTable<u32> = HashTable::with_capacity(rows);
        let mut first_row: Vec<u32> = Vec::with_capacity(rows);
        let mut of_row = Vec::with_capacity(rows);
        for row in 0..rows {
            let bytes = key(row);
            let known = |number: &u32| key(first_row[*number as usize] as usize);
            let number = match seen.entry(hasher.hash_one(bytes), |n| known(n) == bytes, |n| hasher.hash_one(known(n)))
            {
                Entry::Occupied(found) => *found.get(),
                Entry::Vacant(free) => {
                    let number = first_row.len() as u32;
                    free.insert(number);
                    first_row.push(row as u32);
                    number
                }
            };
            of_row.push(number);
        }
        DistinctKeys { first_row, of_row }
    }

    /// Number of distinct keys.
    pub(super) fn len(&self) -> usize {
        self.first_row.len()
    }

    /// The distinct keys in order, out of the keys they were made of.
    pub(super) fn slices<'k>(&self, keys: &'k ByteRows) -> Vec<&'k [u8]> {
        self.first_row.iter().map(|row| keys.get(*row as usize)).collect()
    }
}
