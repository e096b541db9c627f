//! COPY FROM STDIN.

use super::fields::Fields;
use super::records::Records;
use super::rows::CopyRows;
use super::shown;
use crate::serve::cancel::Limits;
use crate::serve::engine::{Engine, Transaction};
use crate::serve::session::{Session, SessionError};
use crate::serve::wire::frontend::{Frame, copy_fail};
use crate::serve::wire::{ConnectionError, backend};
use attune_sql::catalog::Relation;
use attune_sql::statement::{CopyFormat, CopyFrom};
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use attune_storage::yields;

/// Records that are read before other connections have their turn: some tens of microseconds.
const RECORDS_AT_ONCE: usize = 64;

/// Which records were added.
enum Collected {
    /// All that have arrived.
    All,
    /// As many as a batch has.
    Batch,
    /// Some, there may be more.
    Some,
}

/// A COPY that is being received.
struct Copying {
    relation: String,
    names: Vec<String>,
    format: CopyFormat,
    /// The first line was not dropped yet.
    header: bool,
    batch_rows: Option<usize>,
    /// Most bytes of one epoch.
    most: usize,
    records: Records,
    fields: Fields,
    rows: CopyRows,
    /// Rows of the epochs before.
    copied: u64,
}

impl Session {
    /// Receives the rows of a COPY and writes them: as one epoch, or as one each `batch_rows`. Returns their number.
    ///
    /// After an error the rest of the data is not read here: the message loop drops it.
    pub(in crate::serve) async fn copy_from(&mut self, copy: &CopyFrom, limits: &Limits) -> Result<u64, SessionError> {
        let catalog = self.shared.engine.coordinator.catalog();
        let relation = catalog.relation(&copy.relation).map_err(|error| error.at(copy.places.relation))?;
        let columns = target_columns(relation, copy)?;
        if copy.batch_rows.is_some() && !matches!(self.transaction, Transaction::None) {
            return Err(SqlError::unsupported(
                "COPY with batch_rows cannot run inside a transaction block",
                "Run it outside of a block, or leave batch_rows out.",
            )
            .into());
        }
        backend::copy_response(&mut self.connection.output, b'G', columns.len());
        self.connection.flush().await?;
        let mut copying = Copying {
            relation: copy.relation.clone(),
            names: columns.iter().map(|(name, _)| name.clone()).collect(),
            format: copy.format.clone(),
            header: copy.header,
            batch_rows: copy.batch_rows,
            most: self.shared.engine.config.transaction_max_bytes,
            records: Records::new(&copy.format),
            fields: Fields::default(),
            rows: CopyRows::new(columns.into_iter())?,
            copied: 0,
        };
        loop {
            let frame = self.copy_message(limits).await?;
            match frame.tag {
                b'd' => {
                    copying.records.push(&frame.body);
                    let engine = &self.shared.engine;
                    copying.receive(engine, &mut self.transaction, limits).await?;
                }
                b'c' => break,
                b'f' => {
                    let message = format!("COPY from stdin failed: {}", copy_fail(&frame.body)?);
                    return Err(SqlError::new(SqlState::QueryCanceled, message).in_context(copying.place()).into());
                }
                // A client that sends Execute and Sync at once sends another Sync after the data.
                b'H' | b'S' => {}
                tag => {
                    let message = format!("unexpected message type 0x{tag:02X} during COPY from stdin");
                    return Err(SqlError::new(SqlState::ProtocolViolation, message).into());
                }
            }
        }
        copying.finish()?;
        copying.write(&self.shared.engine, &mut self.transaction, limits).await?;
        if copying.copied > RECORDS_AT_ONCE as u64 {
            self.seat.copied();
        }
        Ok(copying.copied)
    }

    async fn copy_message(&mut self, limits: &Limits) -> Result<Frame, SessionError> {
        let connection = &mut self.connection;
        let next = async { connection.next().await.map_err(SessionError::from) };
        match limits.run(next).await? {
            Some(frame) => Ok(frame),
            None => Err(ConnectionError::Io(std::io::ErrorKind::UnexpectedEof.into()).into()),
        }
    }
}

impl Copying {
    /// Adds the records that have arrived in full, and writes full batches.
    async fn receive(
        &mut self,
        engine: &Engine,
        transaction: &mut Transaction,
        limits: &Limits,
    ) -> Result<(), SqlError> {
        loop {
            match self.collect()? {
                Collected::All => break,
                Collected::Batch => self.write(engine, transaction, limits).await?,
                // Others of this thread want to be served, too, and their clients want to run.
                Collected::Some => {
                    tokio::task::yield_now().await;
                    yields::answering();
                }
            }
        }
        // A quote that never closes makes everything one record.
        if self.rows.bytes + self.records.pending() > self.most { Err(self.too_large()) } else { Ok(()) }
    }

    /// Adds records that have arrived.
    fn collect(&mut self) -> Result<Collected, SqlError> {
        for _ in 0..RECORDS_AT_ONCE {
            if self.batch_rows.is_some_and(|most| self.rows.len() >= most) {
                return Ok(Collected::Batch);
            }
            let Some(record) = self.records.next() else { return Ok(Collected::All) };
            let record = record.to_vec();
            self.add(&record)?;
        }
        Ok(Collected::Some)
    }

    /// Adds the last record, which need not have a line end.
    fn finish(&mut self) -> Result<(), SqlError> {
        let last = self.records.last().map(|record| record.map(<[u8]>::to_vec));
        match last.map_err(|error| error.in_context(self.place()))? {
            Some(record) => self.add(&record),
            None => Ok(()),
        }
    }

    fn add(&mut self, record: &[u8]) -> Result<(), SqlError> {
        if std::mem::take(&mut self.header) {
            return Ok(());
        }
        let (relation, line) = (&self.relation, self.records.line);
        let place = || format!("COPY {relation}, line {line}");
        self.fields
            .cut(record, &self.format)
            .map_err(|error| error.in_context(format!("{}: \"{}\"", place(), shown(record))))?;
        self.rows.add(&self.fields, record, &place)
    }

    /// Writes the rows collected, if there are any.
    async fn write(&mut self, engine: &Engine, transaction: &mut Transaction, limits: &Limits) -> Result<(), SqlError> {
        if self.rows.bytes > self.most {
            return Err(self.too_large());
        }
        if self.rows.len() == 0 {
            return Ok(());
        }
        let batch = self.rows.take()?;
        let written = limits.run(engine.insert_rows(&self.relation, &self.names, batch, transaction)).await;
        self.copied += written.map_err(|error| match error.context {
            None => error.in_context(self.place()),
            Some(_) => error,
        })?;
        Ok(())
    }

    fn place(&self) -> String {
        format!("COPY {}, line {}", self.relation, self.records.line)
    }

    fn too_large(&self) -> SqlError {
        let message = format!("COPY would write more than {} bytes in one epoch (transaction_max_bytes)", self.most);
        SqlError::new(SqlState::ProgramLimitExceeded, message)
            .with_hint("Use COPY ... WITH (batch_rows = 10000), which writes an epoch every so many rows.")
            .in_context(self.place())
    }
}

/// Names and types of the target columns.
fn target_columns(relation: &Relation, copy: &CopyFrom) -> Result<Vec<(String, SqlType)>, SqlError> {
    let names = &copy.columns;
    if !relation.is_table() && !relation.is_stream() {
        let message = format!("cannot copy to {} \"{}\"", relation.kind_name(), relation.name);
        return Err(SqlError::new(SqlState::WrongObjectType, message)
            .with_hint("Copy into the streams and tables it is made of."));
    }
    if names.is_empty() {
        return Ok(relation.visible_columns().map(|(_, column)| (column.name.clone(), column.sql_type)).collect());
    }
    let mut columns: Vec<(String, SqlType)> = Vec::with_capacity(names.len());
    for name in names {
        let index = relation.column_index(name).ok_or_else(|| {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
            let error = copy.places.at_column(name, SqlError::new(SqlState::UndefinedColumn, message));
            match attune_sql::suggest(name, relation.visible_columns().map(|(_, column)| column.name.as_str())) {
                Some(near) => error.with_hint(format!("Did you mean \"{near}\"?")),
                None => error,
            }
        })?;
        if columns.iter().any(|(present, _)| present == name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(copy.places.at_column(name, SqlError::new(SqlState::DuplicateColumn, message)));
        }
        columns.push((name.clone(), relation.columns[index].sql_type));
    }
    Ok(columns)
}
