//! The extended protocol: Parse, Bind, Describe, Execute, Close, Flush. Answers wait for Sync or Flush.
//!
//! What comes between two Syncs is one transaction (see `implicit`).

use super::cancel::Limits;
use super::engine::{OutputColumn, ParameterType};
use super::rows::Rows;
use super::session::{Session, SessionError, Started};
use super::statement::{Body, Portal, PortalState, PreparedStatement, current};
use super::value::{Format, array_element, parameter_oid};
use super::wire::backend;
use super::wire::frontend::{self, Frame, Target};
use attune_sql::algebra::Type;
use attune_sql::statement::{Parsed, Statement, parse};
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};

impl Session {
    /// Answers one message.
    pub(super) async fn extended_message(&mut self, frame: &Frame) -> Result<(), SessionError> {
        match frame.tag {
            b'P' => self.parse_message(frame)?,
            b'B' => self.bind(frame)?,
            b'D' => self.describe(frame)?,
            b'E' => self.execute(frame).await?,
            b'C' => self.close(frame)?,
            _ => self.connection.flush().await?,
        }
        Ok(())
    }

    fn parse_message(&mut self, frame: &Frame) -> Result<(), SqlError> {
        let message = frontend::parse(&frame.body)?;
        if message.name.is_empty() {
            self.statements.remove("");
        } else if self.statements.contains_key(message.name) {
            return Err(duplicate(message.name));
        }
        self.check_statements()?;
        let declared =
            message.oids.iter().enumerate().map(|(n, oid)| declared(n, *oid)).collect::<Result<Vec<_>, _>>()?;
        let mut statements = parse(message.query)?;
        if statements.len() > 1 {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(SqlError::new(SqlState::SyntaxError, message));
        }
        let parsed = statements.pop().unwrap_or_else(|| Parsed { statement: Statement::Empty, text: String::new() });
        self.check_not_failed(&parsed.statement)?;
        let statement = self.prepared(parsed, &declared)?;
        self.statements.insert(message.name.to_owned(), statement);
        backend::empty(&mut self.connection.output, b'1');
        Ok(())
    }

    /// The statement with its parameters as declared. What arrays hold is found out where that is possible, since they say it
    /// themselves: a key is read by an array of any integers.
    fn prepared(&self, parsed: Parsed, declared: &[Option<Type>]) -> Result<PreparedStatement, SqlError> {
        let new =
            |parsed, declared: &[_]| PreparedStatement::new(&self.shared.engine, parsed, declared, &self.settings);
        let open = |ty: Option<Type>| ty.filter(|ty| !matches!(ty, Type::Array(_)));
        if declared.iter().all(|ty| open(*ty) == *ty) {
            return new(parsed, declared);
        }
        let elements_open: Vec<_> = declared.iter().map(|ty| open(*ty)).collect();
        let found = new(parsed.clone(), &elements_open);
        let is_scalar = |at: usize| !found.as_ref().is_ok_and(|found| found.has_array(at));
        if !declared.iter().enumerate().any(|(at, ty)| open(*ty) != *ty && is_scalar(at)) {
            return found;
        }
        new(parsed, declared)
    }

    fn bind(&mut self, frame: &Frame) -> Result<(), SqlError> {
        let message = frontend::bind(&frame.body, &frame.body)?;
        let mut statement = self.statement(message.statement)?.clone();
        if !message.portal.is_empty() && self.portals.get(message.portal).is_some() {
            let text = format!("cursor \"{}\" already exists", message.portal);
            return Err(SqlError::new(SqlState::DuplicatePreparedStatement, text));
        }
        if self.portals.len() >= self.shared.engine.config.prepared_statements_max {
            return Err(over_limit("portals"));
        }
        let (parameters, columns) = match &statement.body {
            Body::Planned(plan) => {
                self.check_not_failed(&plan.prepared.parsed.statement)?;
                let fresh = current(&self.shared.engine, plan, &statement.declared, &self.settings)?;
                let sizes = (fresh.prepared.parameters.len(), fresh.columns().len());
                if !std::sync::Arc::ptr_eq(&fresh, plan) {
                    statement.body = Body::Planned(fresh);
                    self.statements.insert(message.statement.to_owned(), statement.clone());
                }
                sizes
            }
            Body::Session(parsed) => (0, self.session_columns(parsed)?.map_or(0, <[OutputColumn]>::len)),
        };
        if message.parameters.len() != parameters {
            let text = format!(
                "bind message supplies {} parameters, but prepared statement \"{}\" requires {parameters}",
                message.parameters.len(),
                message.statement
            );
            return Err(SqlError::new(SqlState::ProtocolViolation, text));
        }
        if message.formats.len() > 1 && message.formats.len() != columns {
            let text =
                format!("bind message has {} result formats but query has {columns} columns", message.formats.len());
            return Err(SqlError::new(SqlState::ProtocolViolation, text));
        }
        let portal =
            Portal { statement, parameters: message.parameters, formats: message.formats, state: PortalState::Ready };
        self.portals.insert(message.portal, portal);
        backend::empty(&mut self.connection.output, b'2');
        Ok(())
    }

    fn describe(&mut self, frame: &Frame) -> Result<(), SqlError> {
        match frontend::target(&frame.body)? {
            Target::Statement(name) => {
                let statement = self.statement(name)?.clone();
                let parameters: Vec<ParameterType> = match &statement.body {
                    Body::Planned(plan) => plan.prepared.parameters.clone(),
                    Body::Session(_) => Vec::new(),
                };
                backend::parameter_description(
                    &mut self.connection.output,
                    parameters.iter().map(|parameter| parameter_oid(*parameter)),
                );
                self.describe_columns(&statement.body, &[])
            }
            Target::Portal(name) => {
                let portal = self.portals.get(name).ok_or_else(|| no_portal(name))?;
                let (body, formats) = (portal.statement.body.clone(), portal.formats.clone());
                self.describe_columns(&body, &formats)
            }
        }
    }

    fn describe_columns(&mut self, body: &Body, formats: &[Format]) -> Result<(), SqlError> {
        let columns = match body {
            Body::Planned(plan) => plan.prepared.columns.clone(),
            Body::Session(parsed) => self.session_columns(parsed)?.map(<[OutputColumn]>::to_vec),
        };
        match columns {
            Some(columns) => backend::row_description(&mut self.connection.output, &columns, formats),
            None => backend::empty(&mut self.connection.output, b'n'),
        }
        Ok(())
    }

    async fn execute(&mut self, frame: &Frame) -> Result<(), SessionError> {
        let (name, most) = frontend::execute(&frame.body)?;
        // Taken out while it runs: a portal that fails is gone.
        let mut portal = self.portals.remove(name).ok_or_else(|| no_portal(name))?;
        let limits = self.limits();
        let begun = self.connection.output.len();
        let (plan, parameters) =
            match (std::mem::replace(&mut portal.state, PortalState::Ready), &portal.statement.body) {
                (PortalState::Done(tag), _) => {
                    backend::command_complete(&mut self.connection.output, &tag);
                    portal.state = PortalState::Done(tag);
                    self.portals.insert(name, portal);
                    return Ok(());
                }
                (PortalState::Suspended(rows), _) => return self.send_part((name, portal), rows, most, &limits).await,
                (PortalState::Ready, Body::Session(parsed)) => {
                    let parsed = parsed.clone();
                    self.check_not_failed(&parsed.statement)?;
                    if !matches!(parsed.statement, Statement::Execute { .. }) {
                        return self.session_statement(&parsed, false, &limits).await;
                    }
                    self.executed(&parsed.statement)?
                }
                (PortalState::Ready, Body::Planned(plan)) => {
                    let plan = current(&self.shared.engine, plan, &portal.statement.declared, &self.settings)?;
                    // A portal runs once.
                    (plan, std::mem::take(&mut portal.parameters))
                }
            };
        let started = self.start(&plan, &parameters, &limits).await?;
        let formats = self.again.as_ref().map(|_| portal.formats.clone());
        match started {
            Started::Rows(rows) => self.send_part((name, portal), rows, most, &limits).await?,
            Started::Command(tag) => backend::command_complete(&mut self.connection.output, &tag),
        }
        self.note(begun, &plan, &parameters, formats);
        Ok(())
    }

    /// Sends the next rows of a portal, and puts it back.
    async fn send_part(
        &mut self,
        (name, mut portal): (&str, Portal),
        mut rows: Rows,
        most: Option<usize>,
        limits: &Limits,
    ) -> Result<(), SessionError> {
        let (sent, last) = rows.send(&mut self.connection, &portal.formats, most, limits).await?;
        if last {
            let tag = rows.tag(sent);
            backend::command_complete(&mut self.connection.output, &tag);
            portal.state = PortalState::Done(rows.tag(0));
        } else {
            backend::empty(&mut self.connection.output, b's');
            portal.state = PortalState::Suspended(rows);
            // Half a result cannot be given anew.
            self.again = None;
        }
        self.portals.insert(name, portal);
        Ok(())
    }

    fn close(&mut self, frame: &Frame) -> Result<(), SqlError> {
        match frontend::target(&frame.body)? {
            Target::Statement(name) => drop(self.statements.remove(name)),
            Target::Portal(name) => drop(self.portals.remove(name)),
        }
        backend::empty(&mut self.connection.output, b'3');
        Ok(())
    }

    /// A prepared statement by name.
    pub(super) fn statement(&self, name: &str) -> Result<&PreparedStatement, SqlError> {
        self.statements.get(name).ok_or_else(|| {
            let message = match name {
                "" => "unnamed prepared statement does not exist".to_owned(),
                _ => format!("prepared statement \"{name}\" does not exist"),
            };
            SqlError::new(SqlState::InvalidStatementName, message)
        })
    }

    /// Room for one more prepared statement.
    pub(super) fn check_statements(&self) -> Result<(), SqlError> {
        let full = self.statements.len() >= self.shared.engine.config.prepared_statements_max;
        if full { Err(over_limit("prepared statements")) } else { Ok(()) }
    }
}

/// 42P05.
pub(super) fn duplicate(name: &str) -> SqlError {
    let message = format!("prepared statement \"{name}\" already exists");
    SqlError::new(SqlState::DuplicatePreparedStatement, message)
}

fn no_portal(name: &str) -> SqlError {
    SqlError::new(SqlState::InvalidCursorName, format!("portal \"{name}\" does not exist"))
}

fn over_limit(what: &str) -> SqlError {
    SqlError::new(SqlState::ConfigurationLimitExceeded, format!("too many {what} (prepared_statements_max)"))
        .with_hint("Close those that are not needed any more, or raise prepared_statements_max.")
}

/// A declared parameter type; `None` asks the server to find it.
fn declared(index: usize, oid: u32) -> Result<Option<Type>, SqlError> {
    const UNKNOWN: u32 = 705;
    match SqlType::from_oid(oid) {
        Some(sql_type) => Ok(Some(Type::Sql(sql_type))),
        None if oid == 0 || oid == UNKNOWN => Ok(None),
        None if let Some(element) = array_element(oid) => Ok(Some(Type::Array(element))),
        None => Err(SqlError::new(
            SqlState::UndefinedObject,
            format!("parameter ${} is declared with type OID {oid}, which is not supported", index + 1),
        )
        .with_hint("Declare it as text or as one of the types in docs/sql.md, or leave the type open (0).")),
    }
}
