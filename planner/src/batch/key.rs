//! Values that are compared for order or for being the same: sort keys, groups, partitions, join keys.
//!
//! Arrow compares bits, which is Postgres' order of everything but intervals: one month is thirty days and one day is twenty-four
//! hours. So an interval stands for its length wherever values are compared.

use super::{Scope, call, expr};
use attune_sql::SqlError;
use attune_sql::algebra::{Column, Expr, SortKey, Type};
use attune_sql::functions;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Column as DfColumn;
use datafusion::logical_expr::{Expr as DfExpr, SortExpr};

/// Whether values are intervals.
pub(super) fn is_interval(ty: Type) -> bool {
    ty == Type::INTERVAL
}

/// What a value of a type is compared by.
pub(super) fn key(value: DfExpr, ty: Type) -> DfExpr {
    if is_interval(ty) { length(value) } else { value }
}

/// The keys of expressions. Constants are the same in every row, so they are left out.
pub(super) fn keys<'a>(exprs: impl IntoIterator<Item = &'a Expr>, scope: &Scope<'_>) -> Result<Vec<DfExpr>, SqlError> {
    let varying = exprs.into_iter().filter(|e| !matches!(e, Expr::Constant { .. }));
    varying.map(|e| Ok(key(expr(e, scope)?, e.ty()))).collect()
}

/// The key of a column.
pub(super) fn of_column(column: &Column, place: &DfColumn) -> DfExpr {
    key(DfExpr::Column(place.clone()), column.ty)
}

/// The keys of a sort, constants left out.
pub(super) fn sort(by: &[SortKey], scope: &Scope<'_>) -> Result<Vec<SortExpr>, SqlError> {
    let varying = by.iter().filter(|sort| !matches!(sort.expr, Expr::Constant { .. }));
    let one = |sort: &SortKey| {
        let value = key(expr(&sort.expr, scope)?, sort.expr.ty());
        Ok(SortExpr::new(value, !sort.descending, sort.nulls_first))
    };
    varying.map(one).collect()
}

/// The type of the length of an interval.
pub(super) const LENGTH: DataType = DataType::Decimal128(38, 0);

/// The length of an interval.
pub(super) fn length(interval: DfExpr) -> DfExpr {
    call::kernel(functions::interval_order(), vec![interval])
}
