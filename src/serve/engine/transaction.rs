//! Transactions of several statements: writes are collected, and become one epoch at their end.

use super::read::Overlay;
use super::{Alone, Engine, Outcome, result, turns};
use crate::coordinator::{Expected, RelationChange, RowChange};
use attune_sql::catalog::RelationId;
use attune_sql::{SqlError, SqlState};
use datafusion::arrow::array::RecordBatch;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The transaction of a session.
#[derive(Default)]
pub enum Transaction {
    /// None: a statement that writes is one by itself.
    #[default]
    None,
    /// Several statements that were sent together, without BEGIN: writes wait for the end of what was sent.
    Implicit {
        /// What was written so far.
        pending: Pending,
        /// Nothing of it was committed yet; see `Engine::settle`.
        whole: bool,
    },
    /// Inside BEGIN: writes wait for COMMIT, which makes them one epoch.
    Open {
        /// What was written so far.
        pending: Pending,
    },
    /// A statement failed: only ROLLBACK (or COMMIT, which rolls back) is taken.
    Failed,
}

/// The writes of a transaction.
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
    /// An implicit transaction that has written nothing.
    #[must_use]
    pub fn implicit() -> Transaction {
        Transaction::Implicit { pending: Pending::default(), whole: true }
    }

    /// Whether this one has written something. Its statements must then go through `Engine::execute`, not through a
    /// lookup, which would not see the transaction's own rows.
    #[must_use]
    pub fn has_writes(&self) -> bool {
        self.pending().is_some_and(|pending| !pending.is_empty())
    }

    /// Whether writes are collected, or refused since the block has failed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self, Transaction::None)
    }

    /// The tables it has written.
    pub(in crate::serve) fn tables(&self) -> Vec<u32> {
        self.pending().map(|pending| pending.tables.keys().copied().collect()).unwrap_or_default()
    }

    /// The writes collected so far.
    pub(super) fn pending(&self) -> Option<&Pending> {
        match self {
            Transaction::Open { pending } | Transaction::Implicit { pending, .. } => Some(pending),
            Transaction::None | Transaction::Failed => None,
        }
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
            RelationChange::Append { .. } => change.bytes(),
            // Each key is kept twice: with what was expected, and with what is stored.
            RelationChange::Mutate { changes, .. } => changes.iter().map(|c| c.bytes() + c.key.len()).sum(),
        };
        if self.bytes.saturating_add(bytes) > limit {
            let message = format!("the transaction would hold more than {limit} bytes of changes");
            return Err(SqlError::new(SqlState::ConfigurationLimitExceeded, message)
                .with_hint("COMMIT (in a pipeline: Sync) more often, or raise transaction_max_bytes."));
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
    /// BEGIN. What an implicit transaction has written belongs to the block.
    pub(super) fn begin(transaction: &mut Transaction) -> Outcome {
        let mut notices = Vec::new();
        match std::mem::take(transaction) {
            Transaction::None => *transaction = Transaction::Open { pending: Pending::default() },
            Transaction::Implicit { pending, .. } => *transaction = Transaction::Open { pending },
            open => {
                *transaction = open;
                notices.push("there is already a transaction in progress".to_owned());
            }
        }
        Outcome::Command { tag: "BEGIN".to_owned(), notices }
    }

    /// COMMIT: the block's writes become one epoch.
    pub(super) async fn commit(&self, transaction: &mut Transaction) -> Result<Outcome, SqlError> {
        match std::mem::take(transaction) {
            Transaction::None => Ok(nothing_to_end("COMMIT")),
            Transaction::Failed => Ok(result::command("ROLLBACK")),
            Transaction::Open { pending } => self.write_all(pending, None).await.map(|()| result::command("COMMIT")),
            // There was no BEGIN; what was written is committed all the same, as in Postgres.
            Transaction::Implicit { pending, .. } => {
                self.write_all(pending, None).await.map(|()| nothing_to_end("COMMIT"))
            }
        }
    }

    /// Ends an implicit transaction: its writes become one epoch. Others are left as they are. `alone`: the turn that it has taken
    /// since it lost too often; nobody else may hold one meanwhile.
    ///
    /// # Errors
    /// As COMMIT: 40001 and 23505 when others came first; then nothing of it was written.
    pub async fn end_implicit(&self, transaction: &mut Transaction, alone: Option<&Alone<'_>>) -> Result<(), SqlError> {
        match std::mem::take(transaction) {
            Transaction::Implicit { pending, .. } => self.write_all(pending, alone).await,
            other => {
                *transaction = other;
                Ok(())
            }
        }
    }

    /// Commits what an implicit transaction has written so far, for the sake of a statement that cannot be done beside writes
    /// that are not committed: a schema change, or reading what changes at the commit only. It goes on after that.
    pub(super) async fn settle(&self, transaction: &mut Transaction) -> Result<(), SqlError> {
        let Transaction::Implicit { pending, whole } = transaction else { return Ok(()) };
        if pending.is_empty() {
            return Ok(());
        }
        *whole = false;
        let changes = std::mem::take(pending).into_changes();
        // Without waiting for who is alone: that may be this transaction, run again.
        self.coordinator.write(changes).await.map(|_| ())
    }

    async fn write_all(&self, pending: Pending, alone: Option<&Alone<'_>>) -> Result<(), SqlError> {
        let changes = pending.into_changes();
        if changes.is_empty() {
            return Ok(());
        }
        self.write(changes, alone).await
    }

    /// Writes changes, beside others unless this turn is alone.
    pub(super) async fn write(&self, changes: Vec<RelationChange>, alone: Option<&Alone<'_>>) -> Result<(), SqlError> {
        let _beside = match alone {
            Some(_) => None,
            None => Some(self.turns.beside(turns::tables(&changes)).await),
        };
        self.coordinator.write(changes).await.map(|_| ())
    }

    /// A turn for what has lost so often, once it has lost too often to be lucky.
    pub(in crate::serve) async fn turn(&self, lost: usize, tables: Vec<u32>) -> Option<Alone<'_>> {
        if lost < turns::PATIENCE { None } else { Some(self.turns.alone(tables).await) }
    }

    /// ROLLBACK.
    pub(super) fn rollback(transaction: &mut Transaction) -> Outcome {
        match std::mem::take(transaction) {
            Transaction::None | Transaction::Implicit { .. } => nothing_to_end("ROLLBACK"),
            Transaction::Open { .. } | Transaction::Failed => result::command("ROLLBACK"),
        }
    }
}

fn nothing_to_end(tag: &str) -> Outcome {
    Outcome::Command { tag: tag.to_owned(), notices: vec!["there is no transaction in progress".to_owned()] }
}

/// Refuses what cannot be undone by ROLLBACK.
pub(super) fn refuse_in_block(transaction: &Transaction, what: &str) -> Result<(), SqlError> {
    if matches!(transaction, Transaction::None | Transaction::Implicit { .. }) {
        return Ok(());
    }
    Err(SqlError::new(SqlState::ActiveTransaction, format!("{what} cannot run inside a transaction block"))
        .with_detail("Schema changes take effect at once and cannot be rolled back.")
        .with_hint("COMMIT first, and send it on its own."))
}
