//! The functions SQL can call: DataFusion's, and own ones (one file each, one line in [`Registry::standard`]).
//!
//! The serving side adds what needs a session or a store (`version()`, `pg_typeof`, ...) with [`Registry::with_scalar`]
//! and [`Registry::with_table_function`], and hands the result out from `RelationSources::functions`.

mod array_size;
mod bounded;
mod canonical;
mod characters;
mod choice;
mod coalesce;
mod containment;
mod dimensions;
mod encodings;
mod exact;
mod extremes;
mod floats;
mod format;
pub(crate) mod generate_series;
mod interval_order;
mod inverse_trig;
mod like_escape;
pub mod limit;
mod nullif;
mod numbers;
mod ordered;
mod own;
mod percentile;
mod placeholder;
mod quantified;
mod quoting;
mod regression;
mod series;
mod single_value;
mod slice;
mod string_agg;
mod subscript;
mod substr_bytes;
mod template;
mod time;
mod to_char;
mod totals;
mod width_bucket;

pub use interval_order::interval_order;
pub use ordered::{depends_on_order, ordered};
pub(crate) use placeholder::{elements, grouping};
pub use single_value::single_value;
pub use string_agg::string_agg;

use crate::SqlError;
use crate::binder::CONFIG;
use datafusion::functions;
use datafusion::functions::datetime::now::NowFunc;
use datafusion::functions_aggregate;
use datafusion::functions_nested;
use datafusion::functions_window;
use datafusion::logical_expr::{AggregateUDF, Expr, ScalarUDF, TableSource, WindowUDF};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// A function that stands in FROM.
pub trait TableFunction: fmt::Debug + Send + Sync {
    /// The source of a call. Arguments are literals, or expressions of literals.
    ///
    /// # Errors
    /// 42883 for arguments it does not take.
    fn source(&self, arguments: &[Expr]) -> Result<Arc<dyn TableSource>, SqlError>;
}

/// Functions by name.
#[derive(Clone, Debug)]
pub struct Registry {
    scalar: BTreeMap<String, Arc<ScalarUDF>>,
    aggregate: BTreeMap<String, Arc<AggregateUDF>>,
    window: BTreeMap<String, Arc<WindowUDF>>,
    table: BTreeMap<String, Arc<dyn TableFunction>>,
}

static STANDARD: LazyLock<Registry> = LazyLock::new(Registry::build);

/// Functions of DataFusion that make no sense in a server: they show how files were read or how values are encoded.
const HIDDEN: [&str; 6] =
    ["input_file_name", "file_row_index", "arrow_metadata", "with_metadata", "get_field", "version"];

/// Names of Postgres for functions that DataFusion calls otherwise.
const OTHER_NAMES: [(&str, &str); 3] = [("gen_random_uuid", "uuid"), ("every", "bool_and"), ("variance", "var_samp")];

impl Registry {
    /// What every binder has.
    #[must_use]
    pub fn standard() -> &'static Registry {
        &STANDARD
    }

    fn build() -> Registry {
        let mut registry = Registry {
            scalar: BTreeMap::new(),
            aggregate: BTreeMap::new(),
            window: BTreeMap::new(),
            table: BTreeMap::new(),
        };
        for function in
            functions::all_default_functions().into_iter().chain(functions_nested::all_default_nested_functions())
        {
            if !HIDDEN.contains(&function.name()) {
                registry = registry.with_scalar(as_in_postgres(function));
            }
        }
        // now() with the zone of the settings: DataFusion's default has none, and gives a timestamp without zone.
        registry = registry.with_scalar(Arc::new(NowFunc::new_with_config(&CONFIG).into()));
        registry = own().into_iter().fold(registry, Registry::with_scalar);
        let aggregates = functions_aggregate::all_default_aggregate_functions();
        let own = extremes::functions().into_iter().chain(totals::functions()).chain(regression::functions());
        let own = own.chain([percentile::function()]);
        for function in aggregates.into_iter().chain(own) {
            let names = std::iter::once(function.name()).chain(function.aliases().iter().map(String::as_str));
            registry.aggregate.extend(names.map(|n| (n.to_owned(), Arc::clone(&function))));
        }
        registry = registry.with_table_function(generate_series::NAME, Arc::new(generate_series::GenerateSeries));
        for function in functions_window::all_default_window_functions() {
            let names = std::iter::once(function.name()).chain(function.aliases().iter().map(String::as_str));
            registry.window.extend(names.map(|n| (n.to_owned(), Arc::clone(&function))));
        }
        for (name, of) in OTHER_NAMES {
            if let Some(function) = registry.scalar.get(of).cloned() {
                registry.scalar.insert(name.to_owned(), function);
            } else if let Some(function) = registry.aggregate.get(of).cloned() {
                registry.aggregate.insert(name.to_owned(), function);
            }
        }
        registry
    }

    /// Adds a scalar function under its name and aliases; one of the same name is replaced.
    #[must_use]
    pub fn with_scalar(mut self, function: Arc<ScalarUDF>) -> Registry {
        let names = std::iter::once(function.name()).chain(function.aliases().iter().map(String::as_str));
        self.scalar.extend(names.map(|n| (n.to_owned(), Arc::clone(&function))));
        self
    }

    /// Adds a table function; one of the same name is replaced.
    #[must_use]
    pub fn with_table_function(mut self, name: &str, function: Arc<dyn TableFunction>) -> Registry {
        self.table.insert(name.to_owned(), function);
        self
    }

    /// A scalar function.
    #[must_use]
    pub fn scalar(&self, name: &str) -> Option<&Arc<ScalarUDF>> {
        self.scalar.get(name)
    }

    /// An aggregate.
    #[must_use]
    pub fn aggregate(&self, name: &str) -> Option<&Arc<AggregateUDF>> {
        self.aggregate.get(name)
    }

    /// A window function that is no aggregate.
    #[must_use]
    pub fn window(&self, name: &str) -> Option<&Arc<WindowUDF>> {
        self.window.get(name)
    }

    /// A function for FROM.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Arc<dyn TableFunction>> {
        self.table.get(name)
    }

    /// Names of all scalar functions.
    pub fn scalar_names(&self) -> impl Iterator<Item = &str> {
        self.scalar.keys().map(String::as_str)
    }

    /// Names of all aggregates.
    pub fn aggregate_names(&self) -> impl Iterator<Item = &str> {
        self.aggregate.keys().map(String::as_str)
    }

    /// Names of all window functions that are no aggregates.
    pub fn window_names(&self) -> impl Iterator<Item = &str> {
        self.window.keys().map(String::as_str)
    }
}

/// A function of DataFusion with what is missing of Postgres' results.
fn as_in_postgres(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    let own = exact::exact(&function).or_else(|| choice::choice(&function));
    if let Some(own) = own.or_else(|| coalesce::coalesce(&function)) {
        return own;
    }
    // All others that give floats only choose among their arguments.
    match MATHEMATICS.contains(function.name()) {
        true => canonical::canonical(function),
        false => bounded::bounded(function),
    }
}

static MATHEMATICS: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| functions::math::functions().iter().map(|function| function.name().to_owned()).collect());

/// Functions of our own. Those with names of DataFusion's take their places.
fn own() -> Vec<Arc<ScalarUDF>> {
    let mut all = vec![to_char::function(), interval_order(), subscript::function(), substr_bytes::function()];
    all.extend([
        nullif::function(),
        like_escape::function(),
        format::function(),
        series::function(),
        slice::function(),
    ]);
    all.extend(characters::functions());
    all.extend(encodings::functions());
    all.extend(inverse_trig::functions());
    all.extend(floats::functions());
    all.extend(quoting::functions());
    all.extend(width_bucket::functions());
    all.extend(dimensions::functions());
    all.extend(numbers::functions());
    all.extend(quantified::functions());
    all.extend(containment::functions());
    all.extend(time::functions());
    all
}
