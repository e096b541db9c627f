//! Calls of aggregates and window functions that the laws put into plans.

use attune_sql::SqlError;
use attune_sql::algebra::{AggregateCall, Expr, SortKey, Type, WindowCall, WindowFunction};
use attune_sql::functions::{Registry, single_value};
use datafusion::logical_expr::{AggregateUDF, WindowFrame};
use std::sync::Arc;

/// A call of an aggregate of these arguments.
fn call(function: Arc<AggregateUDF>, args: Vec<Expr>, ty: Type, nullable: bool) -> AggregateCall {
    AggregateCall { function, args, distinct: false, filter: None, order: Vec::new(), ty, nullable }
}

/// An aggregate of the registry.
pub(super) fn aggregate(name: &str, args: Vec<Expr>, ty: Type) -> Result<AggregateCall, SqlError> {
    let function = Registry::standard().aggregate(name);
    let function = function.ok_or_else(|| SqlError::internal(format!("no aggregate {name}")))?;
    Ok(call(Arc::clone(function), args, ty, name != "count"))
}

/// `count(*)`.
pub(super) fn count_rows() -> Result<AggregateCall, SqlError> {
    aggregate("count", Vec::new(), Type::BIGINT)
}

/// `count(value)`.
pub(super) fn count(value: Expr) -> Result<AggregateCall, SqlError> {
    aggregate("count", vec![value], Type::BIGINT)
}

/// The value in the only row; an error (21000) with several.
pub(super) fn only_value(value: Expr) -> AggregateCall {
    let ty = value.ty();
    call(single_value(), vec![value], ty, true)
}

/// Whether it fails with several rows.
pub(super) fn is_only_value(call: &AggregateCall) -> bool {
    call.function.name() == single_value().name()
}

/// The number of a row in its partition.
pub(super) fn row_number(partition: Vec<Expr>, order: Vec<SortKey>) -> Result<WindowCall, SqlError> {
    let function = Registry::standard().window("row_number");
    let function = function.ok_or_else(|| SqlError::internal("no window function row_number"))?;
    Ok(WindowCall {
        function: WindowFunction::Window(Arc::clone(function)),
        args: Vec::new(),
        distinct: false,
        filter: None,
        ignore_nulls: false,
        partition,
        frame: WindowFrame::new((!order.is_empty()).then_some(false)),
        order,
        ty: Type::BIGINT,
        nullable: false,
    })
}
