//! Whether a view is what its query gives.

use super::failed;
use super::instance::Instance;
use super::queries::Query;
use crate::bench::BenchError;
use arrow::array::RecordBatch;
use attune_storage::StorageError;
use attune_storage::codec::RowCodec;
use foldhash::fast::FixedState;
use std::hash::BuildHasher;

/// Rows in any order: how many, and a sum of their hashes.
#[derive(PartialEq, Eq, Debug, Default)]
struct Bag {
    rows: u64,
    checksum: u64,
}

/// Compares the view `result` with its query, run as a batch query over the streams; gives the number of rows.
pub(super) async fn same(instance: &mut Instance, query: &Query, sql: &str) -> Result<u64, BenchError> {
    let columns = query.compared;
    let view = Bag::of(&instance.run(&format!("SELECT {columns} FROM result")).await?)?;
    let batch = Bag::of(&instance.run(&format!("SELECT {columns} FROM (\n{sql}) AS q")).await?)?;
    if view != batch {
        return Err(BenchError::Failed(format!(
            "{}: the view has {} rows (checksum {:016x}), its query gives {} ({:016x})",
            query.name, view.rows, view.checksum, batch.rows, batch.checksum
        )));
    }
    Ok(view.rows)
}

impl Bag {
    fn of(batches: &[RecordBatch]) -> Result<Bag, BenchError> {
        let mut bag = Bag::default();
        for batch in batches {
            bag.add(batch).map_err(failed)?;
        }
        Ok(bag)
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), StorageError> {
        let hasher = FixedState::default();
        for row in RowCodec::for_schema(&batch.schema())?.encode_batch(batch)?.iter() {
            self.rows += 1;
            self.checksum = self.checksum.wrapping_add(hasher.hash_one(row));
        }
        Ok(())
    }
}
