//! The simple protocol: a text of statements, answered at once and in text form.
//!
//! All statements of a text are one transaction (see `implicit`).

use super::session::{Session, SessionError, Started};
use super::statement::{is_of_session, plan};
use super::value::Parameters;
use super::wire::backend;
use super::wire::frontend::{self, Frame};
use attune_sql::statement::{Parsed, parse};

impl Session {
    /// Query: runs its statements up to the first error.
    pub(super) async fn simple_query(&mut self, frame: &Frame) -> Result<(), SessionError> {
        // Postgres drops the unnamed statement and portal at a simple query.
        self.statements.remove("");
        self.portals.remove("");
        let answered = self.simple_text(frame).await;
        self.following = None;
        match answered {
            Err(SessionError::Sql(error)) => self.failed(&error),
            Err(error) => return Err(error),
            Ok(()) => self.end_implicit().await?,
        }
        self.ready().await
    }

    async fn simple_text(&mut self, frame: &Frame) -> Result<(), SessionError> {
        let text = frontend::query(&frame.body)?;
        if let Some((plan, parameters)) = self.shared.cache.find(text, &self.shared.engine, &self.settings) {
            let limits = self.limits();
            let started = self.start(&plan, &parameters, &limits).await?;
            return self.send_simple(started, &limits).await;
        }
        let statements = parse(text)?;
        if statements.is_empty() {
            backend::empty(&mut self.connection.output, b'I');
        }
        let count = statements.len();
        for (number, parsed) in statements.into_iter().enumerate() {
            self.following = Some(count - number - 1);
            self.simple_statement(parsed).await?;
            self.connection.flush_if_full().await?;
        }
        Ok(())
    }

    async fn simple_statement(&mut self, parsed: Parsed) -> Result<(), SessionError> {
        self.check_not_failed(&parsed.statement)?;
        let limits = self.limits();
        if is_of_session(&parsed.statement) {
            return self.session_statement(&parsed, true, &limits).await;
        }
        let plan = plan(&self.shared.engine, parsed, &[], &self.settings)?;
        if !plan.prepared.parameters.is_empty() {
            return Err(no_parameters().into());
        }
        self.answer(&plan, Parameters::default(), None, &limits).await
    }

    /// Sends a result with its description, in text form.
    pub(super) async fn send_simple(
        &mut self,
        started: Started,
        limits: &super::cancel::Limits,
    ) -> Result<(), SessionError> {
        let tag = match started {
            Started::Command(tag) => tag.into(),
            Started::Rows(mut rows) => {
                backend::row_description(&mut self.connection.output, rows.columns(), &[]);
                let (sent, _) = rows.send(&mut self.connection, &[], None, limits).await?;
                rows.tag(sent)
            }
        };
        backend::command_complete(&mut self.connection.output, &tag);
        Ok(())
    }
}

fn no_parameters() -> attune_sql::SqlError {
    attune_sql::SqlError::new(attune_sql::SqlState::UndefinedParameter, "there is no parameter $1")
        .with_hint("The simple protocol has no parameters; use a prepared statement.")
}
