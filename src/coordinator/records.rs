//! The catalog's records in the `meta` column family: names of keys and their JSON.
//!
//! | key | value |
//! |---|---|
//! | `catalog` | version and next id |
//! | `relation/<id>` | [`Relation`] |
//! | `index/<id>` | [`Index`] |
//! | `plan/<id>` | [`DataflowPlan`] of a materialized view |
//! | `index_build/<id>` | position of an index being built |
//! | `events/<id>` | how many events a stream has had, those that are expired included |
//! | `dropped/<version>` | [`Dropped`](super::purge::Dropped): what the DROP that made this version leaves to be deleted |
//! | `timestamp` | timestamp of the last epoch, microseconds since 1970-01-01 UTC: epochs never go back in time |

use attune_planner::DataflowPlan;
use attune_sql::SqlError;
use attune_sql::catalog::{Catalog, Index, Relation};
use attune_storage::{EpochBatch, Store};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The `catalog` record.
#[derive(Default, Serialize, Deserialize)]
struct Head {
    version: u64,
    next_id: u32,
}

/// The lowest id given out; those below are Attune's own.
const FIRST_ID: u32 = 1024;

const HEAD: &str = "catalog";
const TIMESTAMP: &str = "timestamp";
const EVENTS: &str = "events/";
/// The records of DROPs that are not complete begin with this.
pub(super) const DROPPED: &str = "dropped/";

pub(super) fn relation_key(id: u32) -> String {
    format!("relation/{id:010}")
}

pub(super) fn index_key(id: u32) -> String {
    format!("index/{id:010}")
}

pub(super) fn plan_key(id: u32) -> String {
    format!("plan/{id:010}")
}

pub(super) fn index_build_key(id: u32) -> String {
    format!("index_build/{id:010}")
}

pub(super) fn events_key(id: u32) -> String {
    format!("{EVENTS}{id:010}")
}

pub(super) fn put_events(batch: &mut EpochBatch, stream: u32, total: u64) {
    batch.put_meta(&events_key(stream), Some(total.to_string().into_bytes()));
}

/// How many events each stream has had.
pub(super) fn events(store: &Store) -> Result<Vec<(u32, u64)>, SqlError> {
    let records = store.meta_scan(EVENTS).map_err(|e| super::from_storage(&e))?;
    let one = |(key, count): &(String, bytes::Bytes)| -> Result<(u32, u64), SqlError> {
        let id = key.strip_prefix(EVENTS).and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| SqlError::internal(format!("catalog record {key} has no id")))?;
        Ok((id, decode(key, count)?))
    };
    records.iter().map(one).collect()
}

pub(super) fn dropped_key(version: u64) -> String {
    format!("{DROPPED}{version:020}")
}

/// Serialises a record. Records are plain data, so this cannot fail but for a fault in a `Serialize`.
pub(super) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, SqlError> {
    serde_json::to_vec(record).map_err(|e| SqlError::internal(format!("cannot write a catalog record: {e}")))
}

/// Parses a record; `key` is for the message.
pub(super) fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, SqlError> {
    serde_json::from_slice(bytes).map_err(|e| {
        SqlError::new(attune_sql::SqlState::DataCorrupted, format!("catalog record {key} cannot be read: {e}"))
    })
}

/// Writes version and next id; goes with every change of the catalog.
pub(super) fn put_head(batch: &mut EpochBatch, catalog: &Catalog) -> Result<(), SqlError> {
    let head = Head { version: catalog.version(), next_id: catalog.next_id() };
    batch.put_meta(HEAD, Some(encode(&head)?));
    Ok(())
}

pub(super) fn put_timestamp(batch: &mut EpochBatch, timestamp_us: i64) {
    batch.put_meta(TIMESTAMP, Some(timestamp_us.to_string().into_bytes()));
}

/// The timestamp of the last epoch; 0 in a new store.
pub(super) fn timestamp(store: &Store) -> Result<i64, SqlError> {
    match store.meta(TIMESTAMP).map_err(|e| super::from_storage(&e))? {
        Some(bytes) => decode(TIMESTAMP, &bytes),
        None => Ok(0),
    }
}

pub(super) fn put_relation(batch: &mut EpochBatch, relation: &Relation) -> Result<(), SqlError> {
    batch.put_meta(&relation_key(relation.id.0), Some(encode(relation)?));
    Ok(())
}

pub(super) fn put_index(batch: &mut EpochBatch, index: &Index) -> Result<(), SqlError> {
    batch.put_meta(&index_key(index.id.0), Some(encode(index)?));
    Ok(())
}

pub(super) fn put_plan(batch: &mut EpochBatch, id: u32, plan: &DataflowPlan) -> Result<(), SqlError> {
    batch.put_meta(&plan_key(id), Some(encode(plan)?));
    Ok(())
}

/// Reads the catalog as of the last commit.
pub(super) fn load(store: &Store) -> Result<Catalog, SqlError> {
    let storage = |e| super::from_storage(&e);
    let head = match store.meta(HEAD).map_err(storage)? {
        Some(bytes) => decode(HEAD, &bytes)?,
        None => Head { version: 1, next_id: FIRST_ID },
    };
    let relations = load_all::<Relation>(store, "relation/")?;
    let indexes = load_all::<Index>(store, "index/")?;
    Catalog::from_records(head.version, head.next_id, relations, indexes)
}

fn load_all<T: DeserializeOwned>(store: &Store, prefix: &str) -> Result<Vec<T>, SqlError> {
    let records = store.meta_scan(prefix).map_err(|e| super::from_storage(&e))?;
    records.iter().map(|(key, bytes)| decode(key, bytes)).collect()
}
