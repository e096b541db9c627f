//! DataFusion's settings for planning. Fixed: a view must plan the same on every server.

use datafusion::config::ConfigOptions;
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
