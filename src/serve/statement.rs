//! Prepared statements and portals of a session.

use super::engine::{Engine, OutputColumn, Prepared, Settings};
use super::lookup::CompiledLookup;
use super::ranking::Ranking;
use super::rows::Rows;
use super::value::{Formats, Parameters};
use attune_sql::algebra::Type;
use attune_sql::statement::{Parsed, Statement};
use attune_sql::{SqlError, SqlState};
use hashbrown::HashMap;
use std::borrow::Cow;
use std::sync::Arc;

/// A bound statement with its compiled read, if it is one.
pub(super) struct Plan {
    pub(super) prepared: Prepared,
    pub(super) lookup: Option<CompiledLookup>,
    pub(super) ranking: Option<Ranking>,
}

impl Plan {
    /// Columns of the result; none for statements without rows.
    pub(super) fn columns(&self) -> &[OutputColumn] {
        self.prepared.columns.as_deref().unwrap_or_default()
    }
}

/// Binds a statement and compiles its lookup.
///
/// # Errors
/// As [`Engine::prepare`].
pub(super) fn plan(
    engine: &Engine,
    parsed: Parsed,
    declared: &[Option<Type>],
    settings: &Settings,
) -> Result<Arc<Plan>, SqlError> {
    let prepared = engine.prepare(parsed, declared, settings)?;
    let catalog = engine.coordinator.catalog();
    // A lookup of an older catalog is never run: `current` prepares it again.
    let (lookup, ranking) = match prepared.catalog_version == catalog.version() {
        true => (
            CompiledLookup::compile(&prepared, &catalog, engine.coordinator.store()),
            Ranking::compile(&prepared, &catalog, engine),
        ),
        false => (None, None),
    };
    Ok(Arc::new(Plan { prepared, lookup, ranking }))
}

/// What a statement is run by.
#[derive(Clone)]
pub(super) enum Body {
    /// The engine, or a lookup.
    Planned(Arc<Plan>),
    /// The session itself: COPY, PREPARE, EXECUTE, DEALLOCATE, and the empty statement.
    Session(Arc<Parsed>),
}

/// A prepared statement.
#[derive(Clone)]
pub(super) struct PreparedStatement {
    pub(super) body: Body,
    /// Declared parameter types, for binding again.
    pub(super) declared: Arc<[Option<Type>]>,
}

impl PreparedStatement {
    /// Prepares a statement.
    pub(super) fn new(
        engine: &Engine,
        parsed: Parsed,
        declared: &[Option<Type>],
        settings: &Settings,
    ) -> Result<PreparedStatement, SqlError> {
        let body = match is_of_session(&parsed.statement) {
            true => Body::Session(Arc::new(parsed)),
            false => Body::Planned(plan(engine, parsed, declared, settings)?),
        };
        Ok(PreparedStatement { body, declared: declared.into() })
    }
}

impl PreparedStatement {
    /// Whether a parameter is an array.
    pub(super) fn has_array(&self, parameter: usize) -> bool {
        match &self.body {
            Body::Planned(plan) => plan.prepared.parameters.get(parameter).is_some_and(|parameter| parameter.array),
            Body::Session(_) => false,
        }
    }
}

/// Whether the session runs the statement, not the engine.
pub(super) fn is_of_session(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::CopyFrom(_)
            | Statement::CopyTo(_)
            | Statement::Prepare { .. }
            | Statement::Execute { .. }
            | Statement::Deallocate { .. }
            | Statement::Empty
    )
}

/// Whether a statement writes rows.
pub(super) fn writes(statement: &Statement) -> bool {
    match statement {
        Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) | Statement::CopyFrom(_) => true,
        Statement::Explain(explain) => explain.analyze && writes(&explain.statement.statement),
        _ => false,
    }
}

/// The plan bound to the current catalog: itself, or made anew.
///
/// # Errors
/// As [`Engine::prepare`]; 0A000 when the result would have other columns than were announced.
pub(super) fn current(
    engine: &Engine,
    plan: &Arc<Plan>,
    declared: &[Option<Type>],
    settings: &Settings,
) -> Result<Arc<Plan>, SqlError> {
    if plan.prepared.catalog_version == engine.coordinator.catalog_version() {
        return Ok(plan.clone());
    }
    let fresh = self::plan(engine, plan.prepared.parsed.clone(), declared, settings)?;
    if fresh.prepared.columns != plan.prepared.columns {
        return Err(SqlError::new(SqlState::FeatureNotSupported, "cached plan must not change result type")
            .with_hint("Prepare the statement again; most drivers do it when told to."));
    }
    if fresh.prepared.parameters != plan.prepared.parameters {
        return Err(SqlError::new(
            SqlState::FeatureNotSupported,
            "the parameter types of the cached plan have changed",
        )
        .with_hint("Prepare the statement again; most drivers do it when told to."));
    }
    Ok(fresh)
}

/// A statement with parameters, ready to run or running.
pub(super) struct Portal {
    pub(super) statement: PreparedStatement,
    pub(super) parameters: Parameters,
    pub(super) formats: Formats,
    pub(super) state: PortalState,
}

/// How far a portal is.
pub(super) enum PortalState {
    /// Not started.
    Ready,
    /// Has sent some of its rows.
    Suspended(Rows),
    /// Has finished with this tag (for a query: of no more rows).
    Done(Cow<'static, str>),
}

/// The portals of a session, by name. The unnamed one (""), which is the one of nearly all drivers, is in no table.
#[derive(Default)]
pub(super) struct Portals {
    unnamed: Option<Portal>,
    named: HashMap<String, Portal>,
}

impl Portals {
    pub(super) fn len(&self) -> usize {
        self.named.len() + usize::from(self.unnamed.is_some())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Portal> {
        if name.is_empty() { self.unnamed.as_ref() } else { self.named.get(name) }
    }

    /// Puts a portal in place of the one with this name.
    pub(super) fn insert(&mut self, name: &str, portal: Portal) {
        if name.is_empty() {
            self.unnamed = Some(portal);
        } else {
            self.named.insert(name.to_owned(), portal);
        }
    }

    /// Takes a portal out.
    pub(super) fn remove(&mut self, name: &str) -> Option<Portal> {
        if name.is_empty() { self.unnamed.take() } else { self.named.remove(name) }
    }

    pub(super) fn clear(&mut self) {
        self.unnamed = None;
        self.named.clear();
    }
}
