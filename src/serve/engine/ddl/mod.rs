//! Schema changes: CREATE and DROP, as catalog records for the coordinator.

mod create_index;
mod create_relation;
mod create_view;
mod drop;

pub(super) use create_view::view_plan;

use super::transaction::refuse_in_block;
use super::{Engine, Outcome, Settings, Transaction};
use crate::coordinator::Ddl;
use attune_sql::SqlError;
use attune_sql::catalog::Catalog;
use attune_sql::statement::{DropKind, Statement};

/// How often a statement is bound again because another schema change came first.
const RETRIES: usize = 20;

/// A bound schema change.
struct Bound {
    /// The change; `None` when the object exists already, or is already gone.
    change: Option<Ddl>,
    notices: Vec<String>,
    /// View or index to wait for until it is filled.
    fill: Option<u32>,
}

impl Bound {
    fn skip(notice: String) -> Bound {
        Bound { change: None, notices: vec![notice], fill: None }
    }

    fn change(ddl: Ddl) -> Bound {
        Bound { change: Some(ddl), notices: Vec::new(), fill: None }
    }
}

impl Engine {
    /// Runs a schema change.
    pub(super) async fn ddl(
        &self,
        statement: &Statement,
        transaction: &mut Transaction,
        settings: &Settings,
    ) -> Result<Outcome, SqlError> {
        let tag = tag(statement);
        refuse_in_block(transaction, tag)?;
        let mut left = RETRIES;
        loop {
            let catalog = self.coordinator.catalog();
            let bound = self.bind_ddl(&catalog, statement)?;
            let Some(ddl) = bound.change else {
                return Ok(Outcome::Command { tag: tag.to_owned(), notices: bound.notices });
            };
            // Bound first: a schema change that fails takes the writes before it with it.
            self.settle(transaction).await?;
            match self.coordinator.ddl(catalog.version(), ddl).await {
                Ok(_) => {}
                Err(error) if error.is_retryable() && left > 0 => {
                    left -= 1;
                    continue;
                }
                Err(error) => return Err(error),
            }
            if let Some(id) = bound.fill
                && !settings.is_on("background_ddl")
            {
                self.coordinator.wait_for_backfill(id).await?;
            }
            return Ok(Outcome::Command { tag: tag.to_owned(), notices: bound.notices });
        }
    }

    fn bind_ddl(&self, catalog: &Catalog, statement: &Statement) -> Result<Bound, SqlError> {
        match statement {
            Statement::CreateStream(stream) => create_relation::stream(catalog, stream),
            Statement::CreateTable(table) => create_relation::table(catalog, table),
            Statement::CreateView(view) => create_view::view(catalog, view),
            Statement::CreateIndex(index) => create_index::index(catalog, index),
            Statement::Drop(drop) => drop::drop(catalog, drop),
            _ => Err(SqlError::internal("not a schema change")),
        }
    }
}

fn tag(statement: &Statement) -> &'static str {
    match statement {
        Statement::CreateStream(_) => "CREATE STREAM",
        Statement::CreateTable(_) => "CREATE TABLE",
        Statement::CreateView(view) if view.materialized => "CREATE MATERIALIZED VIEW",
        Statement::CreateView(_) => "CREATE VIEW",
        Statement::CreateIndex(_) => "CREATE INDEX",
        Statement::Drop(drop) => match drop.kind {
            DropKind::Stream => "DROP STREAM",
            DropKind::Table => "DROP TABLE",
            DropKind::MaterializedView => "DROP MATERIALIZED VIEW",
            DropKind::View => "DROP VIEW",
            DropKind::Index => "DROP INDEX",
        },
        _ => "",
    }
}

/// Whether the name is taken: an error, or with IF NOT EXISTS a notice.
fn check_taken(catalog: &Catalog, name: &str, if_not_exists: bool) -> Result<Option<Bound>, SqlError> {
    if catalog.find(name).is_none() && catalog.find_index(name).is_none() {
        return Ok(None);
    }
    if if_not_exists {
        return Ok(Some(Bound::skip(format!("relation \"{name}\" already exists, skipping"))));
    }
    let message = format!("relation \"{name}\" already exists");
    Err(SqlError::new(attune_sql::SqlState::DuplicateTable, message))
}
