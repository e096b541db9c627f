//! Rankings: a lookup, joins by key, expressions, ORDER BY and LIMIT, prepared once and then run on the session's thread over
//! one batch of rows, without planning.
//!
//! Everything is of one epoch. A ranking with more rows than `ranking_rows` is run as any other query.

mod compile;
mod expression;
mod join;
mod step;

use super::engine::{Engine, ParameterType, Prepared, conform, query_error};
use super::lookup::{CompiledLookup, Most};
use super::value::Parameters;
use attune_planner::Lookup;
use attune_sql::SqlError;
use attune_sql::catalog::Catalog;
use attune_storage::Store;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use step::{Inputs, Step};

/// Bytes of stored rows that one step of a ranking reads; with more it is run as any other query.
const MOST_BYTES: usize = 4 << 20;

/// A ranking, ready to run.
pub(super) struct Ranking {
    store: Store,
    base: Base,
    steps: Vec<Step>,
    /// Types of all parameters, if expressions have some.
    types: Option<Vec<ParameterType>>,
    most: Most,
    /// The announced columns.
    schema: SchemaRef,
}

/// Where the rows come from.
struct Base {
    lookup: Lookup,
    compiled: CompiledLookup,
    schema: SchemaRef,
}

impl Ranking {
    /// Compiles the ranking of a statement; `None` when it is none, or has a part that only the general path can run.
    pub(super) fn compile(prepared: &Prepared, catalog: &Catalog, engine: &Engine) -> Option<Ranking> {
        let plan = prepared.ranking.as_deref()?;
        let rows = engine.config.ranking_rows;
        let store = engine.coordinator.store();
        let compiler = compile::Compiler::new(catalog, store, &prepared.parameters, engine);
        let mut steps = Vec::new();
        let base = compiler.rows(plan, &mut steps)?;
        let columns = prepared.columns.as_deref()?;
        if plan.schema().fields().len() != columns.len() {
            return None;
        }
        let fields = columns.iter().map(|c| Field::new(&c.name, c.sql_type.to_arrow(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let most = Most { rows, bytes: MOST_BYTES };
        let types = compiler.has_parameters().then(|| prepared.parameters.clone());
        Some(Ranking { store: store.clone(), base, steps, types, most, schema })
    }

    /// The result for these parameters; `None` when the general path has to find it.
    ///
    /// # Errors
    /// What reading a parameter or computing an expression gives; XX000 and XX001 when storage fails.
    pub(super) fn run(&self, parameters: &Parameters) -> Result<Option<RecordBatch>, SqlError> {
        let values = match &self.types {
            Some(types) => parameters.scalars(types)?,
            None => Vec::new(),
        };
        self.store.at_one_epoch(|view| {
            let inputs = Inputs { parameters, values: &values, view, most: self.most };
            // A panic of an expression is for the query threads, which survive it.
            catch_unwind(AssertUnwindSafe(|| self.attempt(&inputs))).unwrap_or(Ok(None))
        })
    }

    fn attempt(&self, inputs: &Inputs<'_>) -> Result<Option<RecordBatch>, SqlError> {
        let (parameters, schema) = (inputs.parameters, &self.base.schema);
        let Some(mut batch) = self.base.compiled.batch(parameters, inputs.view, inputs.most, schema)? else {
            return Ok(None);
        };
        for step in &self.steps {
            match step.run(batch, inputs)? {
                Some(next) => batch = next,
                None => return Ok(None),
            }
        }
        conform(batch, &self.schema).map(Some).map_err(query_error)
    }

    /// Whether parameters are in expressions. As literals they might have other types.
    pub(super) fn computes_with_parameters(&self) -> bool {
        self.types.is_some()
    }

    /// EXPLAIN text.
    pub(super) fn explain(&self, catalog: &Catalog) -> Vec<String> {
        let mut lines = vec![format!("Ranking of {} (tier 1: straight from storage)", self.base.lookup.name)];
        let lookup = attune_planner::explain_lookup(&self.base.lookup, catalog);
        lines.extend(lookup.into_iter().map(|line| format!("  {line}")));
        lines.extend(self.steps.iter().map(|step| format!("  {}", step.describe())));
        lines
    }
}
