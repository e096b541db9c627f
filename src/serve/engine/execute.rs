//! Executing: which statement goes where.

use super::{Engine, Outcome, Prepared, PreparedBody, Settings, Transaction, result, settings};
use attune_sql::statement::Statement;
use attune_sql::{SqlError, SqlState};
use datafusion::scalar::ScalarValue;

impl Engine {
    /// Runs a prepared statement (not COPY FROM, not PREPARE/EXECUTE/DEALLOCATE, which are the session's). Lookups run
    /// here too when the session does not run them itself. BEGIN/COMMIT/ROLLBACK act on `transaction`; a failing
    /// statement inside a block must be followed by `Transaction::Failed` (the session does that).
    ///
    /// # Errors
    /// With SQLSTATE and hint. 40001 when concurrent writes won more often than `dml_retries`.
    pub async fn execute(
        &self,
        prepared: &Prepared,
        parameters: Vec<ScalarValue>,
        transaction: &mut Transaction,
        settings: &mut Settings,
    ) -> Result<Outcome, SqlError> {
        let statement = &prepared.parsed.statement;
        if matches!(transaction, Transaction::Failed) && !matches!(statement, Statement::Commit | Statement::Rollback) {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(SqlError::new(SqlState::InFailedTransaction, message));
        }
        check_parameters(prepared, &parameters)?;
        match statement {
            Statement::Begin => Ok(Engine::begin(transaction)),
            Statement::Commit => self.commit(transaction).await,
            Statement::Rollback => Ok(Engine::rollback(transaction)),
            Statement::Set { name, value } => settings::set(name, value.as_deref(), settings, transaction),
            Statement::Show { name } => settings::show(name, settings),
            Statement::Discard { tag } => Ok(settings::discard(tag, &prepared.parsed.text, settings)),
            Statement::Ignored { tag } => Ok(result::command(tag.as_str())),
            Statement::Empty => Ok(result::command("")),
            Statement::CreateStream(_)
            | Statement::CreateTable(_)
            | Statement::CreateView(_)
            | Statement::CreateIndex(_)
            | Statement::Drop(_) => self.ddl(statement, transaction, settings).await,
            Statement::Explain(explain) => self.explain(explain, parameters, transaction, settings).await,
            Statement::CopyFrom(_)
            | Statement::Prepare { .. }
            | Statement::Execute { .. }
            | Statement::Deallocate { .. } => Err(SqlError::internal("this statement belongs to the session")),
            _ => self.run_bound(prepared, parameters, transaction, settings).await,
        }
    }

    async fn run_bound(
        &self,
        prepared: &Prepared,
        parameters: Vec<ScalarValue>,
        transaction: &mut Transaction,
        settings: &mut Settings,
    ) -> Result<Outcome, SqlError> {
        let fresh = match prepared.catalog_version == self.coordinator.catalog_version() {
            true => None,
            false => Some(self.rebind(prepared, settings)?),
        };
        let prepared = fresh.as_ref().unwrap_or(prepared);
        self.settle_before(prepared, transaction).await?;
        match &prepared.body {
            PreparedBody::Select(select) => {
                let columns = prepared.columns.as_deref().unwrap_or_default();
                self.select(select, columns, parameters, transaction)
            }
            PreparedBody::Insert(insert) => {
                self.insert(insert, prepared.columns.as_deref(), parameters, transaction).await
            }
            PreparedBody::Change(change) => {
                self.change(change, prepared.columns.as_deref(), parameters, transaction).await
            }
            PreparedBody::Statement => Err(SqlError::internal("the statement was not bound")),
        }
    }

    /// The statement bound to the current catalog, with the same parameters and columns as before.
    fn rebind(&self, prepared: &Prepared, settings: &Settings) -> Result<Prepared, SqlError> {
        let declared: Vec<_> = prepared.parameters.iter().map(|parameter| Some(parameter.ty())).collect();
        let fresh = self.prepare(prepared.parsed.clone(), &declared, settings)?;
        if fresh.columns != prepared.columns || fresh.parameters != prepared.parameters {
            let message = "cached plan must not change result type";
            return Err(SqlError::new(SqlState::FeatureNotSupported, message)
                .with_hint("A relation it uses was dropped and created anew: prepare the statement again."));
        }
        Ok(fresh)
    }
}

fn check_parameters(prepared: &Prepared, parameters: &[ScalarValue]) -> Result<(), SqlError> {
    let (wanted, found) = (prepared.parameters.len(), parameters.len());
    if wanted == found {
        return Ok(());
    }
    let message = format!("the statement has {wanted} parameters, {found} values were given");
    Err(SqlError::new(SqlState::ProtocolViolation, message))
}
