//! DataFusion's settings for planning. Fixed: a view must plan the same on every server.

use datafusion::config::ConfigOptions;
use datafusion::sql::planner::{NullOrdering, ParserOptions};
use std::sync::{Arc, LazyLock};

/// Shared by planning, analysis and optimisation.
pub(crate) static CONFIG: LazyLock<Arc<ConfigOptions>> = LazyLock::new(|| {
    let mut config = ConfigOptions::default();
    config.execution.time_zone = Some("+00:00".to_owned());
    // Views keep scalar subqueries as joins, which have an incremental form.
    config.optimizer.enable_physical_uncorrelated_scalar_subquery = false;
    config.optimizer.skip_failed_rules = false;
    config.sql_parser.map_string_types_to_utf8view = false;
    config.sql_parser.collect_spans = true;
    Arc::new(config)
});

/// How SQL text becomes expressions: names folded and NULLs ordered as in Postgres, text as `Utf8`, positions kept.
pub(super) fn parser_options() -> ParserOptions {
    ParserOptions::new()
        .with_map_string_types_to_utf8view(false)
        .with_enable_ident_normalization(true)
        .with_collect_spans(true)
        .with_default_null_ordering(NullOrdering::NullsMax)
}
