//! Transaction blocks: writes are collected, and become one epoch at COMMIT.

use super::read::Overlay;
use super::{Engine, Outcome, result};
use crate::coordinator::{Expected, RelationChange, RowChange};
use attune_sql::catalog::RelationId;
use attune_sql::{SqlError, SqlState};
use datafusion::arrow::array::RecordBatch;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The transaction block of a session.
#[derive(Default)]
pub enum Transaction {
    /// Autocommit.
    #[default]
    None,
    /// Inside BEGIN: writes wait for COMMIT, which makes them one epoch.
    Open {
        /// What was written so far.
        pending: Pending,
    },
    /// A statement failed: only ROLLBACK (or COMMIT, which rolls back) is taken.
    Failed,
}

/// The writes of a transaction block.
#[derive(Default)]
pub struct Pending {
    tables: BTreeMap<u32, PendingTable>,
    appends: Vec<(u32, RecordBatch)>,
    bytes: usize,
}

/// The writes to one table. One entry per key: what was expected first, and what is stored last.
#[derive(Default)]
struct PendingTable {
    rows: Arc<Overlay>,
    expected: BTreeMap<Vec<u8>, Expected>,
}

impl Transaction {
    /// Whether this is a block that has written something. Its statements must then go through `Engine::execute`, not
    /// through a lookup, which would not see the block's own rows.
    #[must_use]
    pub fn has_writes(&self) -> bool {
        matches!(self, Transaction::Open { pending } if !pending.is_empty())
    }

    /// Whether statements are inside a block, failed or not.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self, Transaction::None)
    }
}

impl Pending {
    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.appends.is_empty()
    }

    /// Whether this relation was written.
    pub(super) fn has_written(&self, relation: u32) -> bool {
        self.tables.contains_key(&relation) || self.appends.iter().any(|(id, _)| *id == relation)
    }

    /// The written rows of these relations.
    pub(super) fn overlays(&self, relations: &BTreeSet<RelationId>) -> BTreeMap<u32, Arc<Overlay>> {
        let written = self.tables.iter().filter(|(id, _)| relations.contains(&RelationId(**id)));
        written.map(|(id, table)| (*id, table.rows.clone())).collect()
    }

    /// Adds the changes of a statement, if they fit.
    pub(super) fn add(&mut self, change: RelationChange, limit: usize) -> Result<(), SqlError> {
        let bytes = match &change {
            RelationChange::Append { rows, .. } => rows.get_array_memory_size(),
            RelationChange::Mutate { changes, .. } => {
                changes.iter().map(|c| 64 + 2 * c.key.len() + c.new.as_ref().map_or(0, |row| row.len())).sum()
            }
        };
        if self.bytes.saturating_add(bytes) > limit {
            let message = format!("the transaction would hold more than {limit} bytes of changes");
            return Err(SqlError::new(SqlState::ConfigurationLimitExceeded, message)
                .with_hint("COMMIT more often, use COPY, or raise transaction_max_bytes."));
        }
        self.bytes += bytes;
        match change {
            RelationChange::Append { stream, rows } => self.appends.push((stream, rows)),
            RelationChange::Mutate { table, changes } if !changes.is_empty() => {
                let written = self.tables.entry(table).or_default();
                for change in changes {
                    written.merge(change);
                }
                if written.expected.is_empty() {
                    self.tables.remove(&table);
                }
            }
            RelationChange::Mutate { .. } => {}
        }
        Ok(())
    }

    fn into_changes(self) -> Vec<RelationChange> {
        let mut changes = Vec::with_capacity(self.tables.len() + self.appends.len());
        for (table, PendingTable { rows, expected }) in self.tables {
            let rows = expected
                .into_iter()
                .map(|(key, expected)| RowChange { new: rows.get(&key).cloned().flatten(), key, expected })
                .collect();
            changes.push(RelationChange::Mutate { table, changes: rows });
        }
        changes.extend(self.appends.into_iter().map(|(stream, rows)| RelationChange::Append { stream, rows }));
        changes
    }
}

impl PendingTable {
    fn merge(&mut self, change: RowChange) {
        let rows = Arc::make_mut(&mut self.rows);
        let RowChange { key, expected, new } = change;
        let first = self.expected.entry(key.clone()).or_insert(expected);
        if new.is_none() && matches!(first, Expected::Absent | Expected::AbsentOr(_)) {
            // Inserted and deleted in the same block: as if nothing happened.
            self.expected.remove(&key);
            rows.remove(&key);
        } else {
            rows.insert(key, new);
        }
    }
}

impl Engine {
    /// BEGIN.
    pub(super) fn begin(transaction: &mut Transaction) -> Outcome {
        let mut notices = Vec::new();
        match transaction {
            Transaction::None => *transaction = Transaction::Open { pending: Pending::default() },
            _ => notices.push("there is already a transaction in progress".to_owned()),
        }
        Outcome::Command { tag: "BEGIN".to_owned(), notices }
    }

    /// COMMIT: the block's writes become one epoch.
    pub(super) async fn commit(&self, transaction: &mut Transaction) -> Result<Outcome, SqlError> {
        match std::mem::take(transaction) {
            Transaction::None => Ok(nothing_to_end("COMMIT")),
            Transaction::Failed => Ok(result::command("ROLLBACK")),
            Transaction::Open { pending } => {
                let changes = pending.into_changes();
                if !changes.is_empty() {
                    self.coordinator.write(changes).await?;
                }
                Ok(result::command("COMMIT"))
            }
        }
    }

    /// ROLLBACK.
    pub(super) fn rollback(transaction: &mut Transaction) -> Outcome {
        match std::mem::take(transaction) {
            Transaction::None => nothing_to_end("ROLLBACK"),
            _ => result::command("ROLLBACK"),
        }
    }
}

fn nothing_to_end(tag: &str) -> Outcome {
    Outcome::Command { tag: tag.to_owned(), notices: vec!["there is no transaction in progress".to_owned()] }
}

/// Refuses what cannot be undone by ROLLBACK.
pub(super) fn refuse_in_block(transaction: &Transaction, what: &str) -> Result<(), SqlError> {
    if !transaction.is_open() {
        return Ok(());
    }
    Err(SqlError::new(SqlState::ActiveTransaction, format!("{what} cannot run inside a transaction block"))
        .with_detail("Schema changes take effect at once and cannot be rolled back.")
        .with_hint("COMMIT first, and send it on its own."))
}
