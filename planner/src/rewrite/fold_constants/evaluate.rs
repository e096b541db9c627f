//! Constant expressions, evaluated by the kernels that would evaluate them when the query runs.

use crate::batch::{Scope, expr as to_datafusion};
use crate::rewrite::facts::is_immutable;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use attune_sql::algebra::Expr;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::create_physical_expr;
use std::sync::{Arc, LazyLock};

/// Settings that functions see. Timestamps with time zone are UTC, whatever a session shows.
static CONFIG: LazyLock<Arc<ConfigOptions>> = LazyLock::new(|| {
    let mut config = ConfigOptions::default();
    config.execution.time_zone = Some(attune_storage::UTC.to_owned());
    Arc::new(config)
});

/// The value of an operator, cast or immutable function of constants; the expression itself if it is no such, or fails.
pub(super) fn evaluated(expr: Expr) -> Expr {
    let computes = !matches!(expr, Expr::Column(_) | Expr::Constant { .. } | Expr::Parameter { .. });
    let constant = expr.children().into_iter().all(|operand| matches!(operand, Expr::Constant { .. }));
    if !computes || !constant || !is_immutable(&expr) {
        return expr;
    }
    match value(&expr) {
        // A result of another Arrow type is cast where the expression is used.
        Some(value) if value.data_type() == expr.ty().to_arrow() => Expr::constant(value, expr.ty()),
        _ => expr,
    }
}

fn value(expr: &Expr) -> Option<ScalarValue> {
    let logical = to_datafusion(expr, &Scope::none()).ok()?;
    let mut props = ExecutionProps::new();
    props.config_options = Some(Arc::clone(&CONFIG));
    let compiled =
        create_physical_expr(&logical, &DFSchema::empty(), &props, &PhysicalPlanningContext::default()).ok()?;
    // One row without columns.
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).ok()?;
    match compiled.evaluate(&row).ok()? {
        ColumnarValue::Scalar(value) => Some(value),
        ColumnarValue::Array(values) => ScalarValue::try_from_array(&values, 0).ok(),
    }
}
