//! Statements that the session runs itself: PREPARE, EXECUTE, DEALLOCATE, COPY, and the empty one.

use super::cancel::Limits;
use super::engine::OutputColumn;
use super::execute_literals;
use super::extended::duplicate;
use super::session::{Session, SessionError};
use super::statement::{Body, Plan, PreparedStatement, current};
use super::value::Parameters;
use super::wire::backend;
use attune_sql::statement::{Parsed, Statement};
use attune_sql::{SqlError, SqlState};
use std::sync::Arc;

impl Session {
    /// Runs a statement of the session and answers it. `describe`: with RowDescription (the simple protocol).
    pub(super) async fn session_statement(
        &mut self,
        parsed: &Parsed,
        describe: bool,
        limits: &Limits,
    ) -> Result<(), SessionError> {
        let tag = match &parsed.statement {
            Statement::Empty => {
                backend::empty(&mut self.connection.output, b'I');
                return Ok(());
            }
            Statement::Prepare { name, types, statement } => {
                if self.statements.contains_key(name.as_str()) {
                    return Err(duplicate(name).into());
                }
                self.check_statements()?;
                let declared: Vec<_> = types.iter().copied().map(Some).collect();
                let engine = &self.shared.engine;
                let prepared = PreparedStatement::new(engine, (**statement).clone(), &declared, &self.settings)?;
                self.statements.insert(name.clone(), prepared);
                "PREPARE".to_owned()
            }
            Statement::Deallocate { name: Some(name) } => {
                if self.statements.remove(name.as_str()).is_none() {
                    let message = format!("prepared statement \"{name}\" does not exist");
                    return Err(SqlError::new(SqlState::InvalidStatementName, message).into());
                }
                "DEALLOCATE".to_owned()
            }
            Statement::Deallocate { name: None } => {
                self.statements.clear();
                "DEALLOCATE ALL".to_owned()
            }
            execute @ Statement::Execute { .. } => {
                // The extended protocol sends its rows itself, in the formats of the portal.
                debug_assert!(describe);
                let (plan, parameters) = self.executed(execute)?;
                return self.answer(&plan, parameters, None, limits).await;
            }
            copying @ Statement::CopyFrom(copy) => {
                match copy.batch_rows {
                    // Each batch is an epoch; what was written before is one of its own.
                    Some(_) => self.shared.engine.clone().end_implicit(&mut self.transaction, None).await?,
                    None => self.begin_implicit(copying),
                }
                format!("COPY {}", self.copy_from(copy, limits).await?)
            }
            Statement::CopyTo(copy) => {
                // What it gives cannot be taken back.
                self.again = None;
                format!("COPY {}", self.copy_to(copy, &parsed.text, limits).await?)
            }
            _ => return Err(SqlError::internal("a statement of the engine came to the session").into()),
        };
        backend::command_complete(&mut self.connection.output, &tag);
        Ok(())
    }

    /// What EXECUTE runs.
    pub(super) fn executed(&self, execute: &Statement) -> Result<(Arc<Plan>, Parameters), SqlError> {
        let Statement::Execute { name, arguments } = execute else {
            return Err(SqlError::internal("not an EXECUTE"));
        };
        let statement = self.statement(name)?.clone();
        let Body::Planned(plan) = &statement.body else { return Err(not_executable(name)) };
        let fresh = current(&self.shared.engine, plan, &statement.declared, &self.settings)?;
        let expected = fresh.prepared.parameters.len();
        if arguments.len() != expected {
            let message = format!("wrong number of parameters for prepared statement \"{name}\"");
            let detail = format!("Expected {expected} parameters but got {}.", arguments.len());
            return Err(SqlError::new(SqlState::SyntaxError, message).with_detail(detail));
        }
        Ok((fresh, execute_literals::parameters(arguments)?))
    }

    /// Columns of the result of a statement of the session.
    pub(super) fn session_columns(&self, parsed: &Parsed) -> Result<Option<&[OutputColumn]>, SqlError> {
        let Statement::Execute { name, .. } = &parsed.statement else { return Ok(None) };
        match &self.statement(name)?.body {
            Body::Planned(plan) => Ok(plan.prepared.columns.as_deref()),
            Body::Session(_) => Err(not_executable(name)),
        }
    }
}

fn not_executable(name: &str) -> SqlError {
    SqlError::new(SqlState::InvalidStatementName, format!("prepared statement \"{name}\" cannot be run by EXECUTE"))
        .with_hint("Only SELECT, INSERT, UPDATE and DELETE can.")
}
