//! Writing what a statement decided, and deciding again when it was too late.

use super::target::Target;
use crate::coordinator::{Expected, RelationChange};
use crate::serve::engine::{Alone, Engine, Transaction};
use attune_sql::SqlError;

/// The attempts of one statement; the later ones alone ([`crate::serve::engine::turns`]).
pub(super) struct Attempts<'a> {
    engine: &'a Engine,
    /// How many have failed.
    lost: usize,
    alone: Option<Alone<'a>>,
}

impl<'a> Attempts<'a> {
    /// As many as `dml_retries` allows.
    pub(super) fn new(engine: &'a Engine) -> Attempts<'a> {
        Attempts { engine, lost: 0, alone: None }
    }

    /// Writes a change: at once, or into the transaction block. False when a row has changed since it was read, and the
    /// statement shall be evaluated again.
    pub(super) async fn write(
        &mut self,
        target: &Target,
        change: RelationChange,
        transaction: &mut Transaction,
    ) -> Result<bool, SqlError> {
        match self.write_once(target, change, transaction).await {
            Ok(()) => Ok(true),
            Err(error)
                if error.is_retryable() && self.lost < self.engine.config.dml_retries && !transaction.is_open() =>
            {
                self.lost += 1;
                self.alone = None;
                self.alone = self.engine.turn(self.lost, vec![target.relation.id.0]).await;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes a change, without another attempt.
    pub(super) async fn write_once(
        &self,
        target: &Target,
        change: RelationChange,
        transaction: &mut Transaction,
    ) -> Result<(), SqlError> {
        let empty = match &change {
            RelationChange::Append { rows, .. } => rows.num_rows() == 0,
            RelationChange::Mutate { changes, .. } => changes.is_empty(),
        };
        if empty {
            return Ok(());
        }
        if let Transaction::None = transaction {
            return self.engine.write(vec![change], self.alone.as_ref()).await;
        }
        self.check_duplicates(target, &change, transaction)?;
        match transaction {
            Transaction::Open { pending } | Transaction::Implicit { pending, .. } => {
                pending.add(change, self.engine.config.transaction_max_bytes)
            }
            _ => Err(SqlError::internal("a statement ran in a failed transaction")),
        }
    }

    /// Inside a block the coordinator sees the rows at COMMIT only, but a duplicate key shall be told now.
    fn check_duplicates(
        &self,
        target: &Target,
        change: &RelationChange,
        transaction: &Transaction,
    ) -> Result<(), SqlError> {
        let RelationChange::Mutate { changes, .. } = change else { return Ok(()) };
        let new: Vec<_> = changes.iter().filter(|c| matches!(c.expected, Expected::AbsentOr(_))).collect();
        if new.is_empty() {
            return Ok(());
        }
        let keys: Vec<&[u8]> = new.iter().map(|c| c.key.as_slice()).collect();
        let existing = self.engine.stored_rows(target, &keys, transaction)?;
        for (change, existing) in new.iter().zip(existing) {
            if let (Expected::AbsentOr(duplicate), Some(_), Some(row)) = (&change.expected, existing, &change.new) {
                return Err(duplicate.error(row));
            }
        }
        Ok(())
    }
}
