//! Compiled lookups of simple queries, by normalised text.

use super::normalise::{Literal, normalise};
use crate::serve::engine::{Engine, ParameterType, Settings};
use crate::serve::statement::{Plan, plan};
use crate::serve::value::{Parameters, parse_text};
use attune_sql::statement::{Statement, parse};
use attune_sql::types::SqlType;
use hashbrown::HashMap;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is known about normalised texts; shared by all sessions and bounded.
pub(in crate::serve) struct StatementCache {
    entries: RwLock<HashMap<String, Entry>>,
    most: usize,
}

struct Entry {
    /// `None`: not a lookup, do not try again.
    plan: Option<Arc<Plan>>,
    catalog_version: u64,
    /// Used since the last time room was made.
    used: AtomicBool,
}

impl StatementCache {
    /// A cache of at most `most` texts; 0 turns it off.
    pub(in crate::serve) fn new(most: usize) -> StatementCache {
        StatementCache { entries: RwLock::default(), most }
    }

    /// The compiled lookup for a query text, with the literals of the text as its parameters.
    pub(in crate::serve) fn find(
        &self,
        text: &str,
        engine: &Engine,
        settings: &Settings,
    ) -> Option<(Arc<Plan>, Parameters)> {
        if self.most == 0 {
            return None;
        }
        let normalised = normalise(text)?;
        let version = engine.coordinator.catalog_version();
        let plan = match self.get(&normalised.text, version) {
            Some(found) => found,
            None => self.add(normalised.text, version, engine, settings),
        }?;
        let types = &plan.prepared.parameters;
        let fits = types.len() == normalised.literals.len()
            && types.iter().zip(&normalised.literals).all(|(parameter, literal)| means_the_same(*parameter, literal));
        let texts = normalised.literals.iter().map(|literal| Some(literal.text.as_str()));
        fits.then(|| (plan.clone(), Parameters::from_texts(texts)))
    }

    fn get(&self, text: &str, version: u64) -> Option<Option<Arc<Plan>>> {
        let entries = self.entries.read();
        let entry = entries.get(text).filter(|entry| entry.catalog_version == version)?;
        entry.used.store(true, Ordering::Relaxed);
        Some(entry.plan.clone())
    }

    fn add(&self, text: String, version: u64, engine: &Engine, settings: &Settings) -> Option<Arc<Plan>> {
        let plan = compile(&text, engine, settings);
        let entry = Entry { plan: plan.clone(), catalog_version: version, used: AtomicBool::new(true) };
        let mut entries = self.entries.write();
        if entries.len() >= self.most && !entries.contains_key(&text) {
            // A second chance for what was used lately, as a clock gives it.
            entries.retain(|_, entry| entry.used.swap(false, Ordering::Relaxed));
            if entries.len() >= self.most {
                entries.clear();
            }
        }
        entries.insert(text, entry);
        plan
    }
}

fn compile(text: &str, engine: &Engine, settings: &Settings) -> Option<Arc<Plan>> {
    let parsed = parse(text).ok().filter(|statements| statements.len() == 1)?.pop()?;
    if !matches!(parsed.statement, Statement::Query(_)) {
        return None;
    }
    plan(engine, parsed, &[], settings).ok().filter(|plan| {
        plan.lookup.is_some() || plan.ranking.as_ref().is_some_and(|ranking| !ranking.computes_with_parameters())
    })
}

/// Whether the literal as a parameter is what it was as a literal. A number is one of its own type, which a parameter of
/// type text would hide; a quoted literal has no type until it is used, as a parameter.
fn means_the_same(parameter: ParameterType, literal: &Literal) -> bool {
    let numeric = matches!(
        parameter.sql_type,
        SqlType::SmallInt
            | SqlType::Integer
            | SqlType::BigInt
            | SqlType::Numeric { .. }
            | SqlType::Real
            | SqlType::Double
    );
    !parameter.array && (!literal.number || (numeric && parse_text(&literal.text, parameter.sql_type).is_ok()))
}
