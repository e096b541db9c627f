//! `nullif(a, b)`: `a`, or NULL where the two are equal as Postgres has it. Intervals are equal by their length, floats have one
//! zero and one NaN.

use super::own::{Arguments, Own};
use crate::SqlError;
use crate::binder::map_datafusion_error;
use crate::operators::{canonical, cast_array, lengths};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::nullif;
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{ColumnarValue, Operator, ScalarUDF};
use datafusion::physical_expr_common::datum::apply_cmp;
use std::sync::Arc;

/// `nullif`.
pub(super) fn function() -> Arc<ScalarUDF> {
    Own::function("nullif", types, compute)
}

/// The type in which the two are compared. They may differ in width: `a` is given as it is.
fn compared(left: &DataType, right: &DataType) -> Option<DataType> {
    match (left, right) {
        (left, right) if left == right => return Some(left.clone()),
        // DataFusion would compare in nanoseconds, which few centuries have.
        (DataType::Date32, DataType::Timestamp(..)) => return Some(right.clone()),
        (DataType::Timestamp(..), DataType::Date32) | (DataType::Timestamp(_, Some(_)), DataType::Timestamp(..)) => {
            return Some(left.clone());
        }
        (DataType::Timestamp(..), DataType::Timestamp(..)) => return Some(right.clone()),
        _ => {}
    }
    BinaryTypeCoercer::new(left, &Operator::Eq, right).get_input_types().ok().map(|(common, _)| common)
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let [left, right] = arguments else { return None };
    compared(left, right)?;
    let (left, right) = match (left.is_null(), right.is_null()) {
        (true, _) => (right, right),
        (_, true) => (left, left),
        _ => (left, right),
    };
    Some((vec![left.clone(), right.clone()], left.clone()))
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let (left, right) = (arguments.array(0)?, arguments.array(1)?);
    let Some(common) = compared(left.data_type(), right.data_type()) else {
        return Err(SqlError::internal("nullif of types that have no equality"));
    };
    let value = |array: &ArrayRef| cast_array(array, &common).map(|array| ColumnarValue::Array(comparable(array)));
    let equal = apply_cmp(Operator::Eq, &value(&left)?, &value(&right)?).and_then(|v| v.into_array(left.len()));
    let equal = equal.map_err(|error| map_datafusion_error(&error))?;
    let equal = equal.as_boolean_opt().ok_or_else(|| SqlError::internal("an equality that is no boolean"))?;
    nullif(&left, equal).map_err(|error| map_datafusion_error(&error.into()))
}

/// Values whose equality in Arrow is that of Postgres.
fn comparable(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Interval(_) => lengths(&array),
        _ => canonical(array),
    }
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::{call, call_values, list};
    use crate::types::SqlType::{
        BigInt, Date, Double, Integer, Interval, Numeric, SmallInt, Text, Timestamp, TimestampTz,
    };

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn equal_values_become_null() {
        assert_eq!(call("nullif", &[("1", Integer), ("1", Integer)]), "NULL");
        assert_eq!(call("nullif", &[("1", Integer), ("2", Integer)]), "1");
        assert_eq!(call("nullif", &[("1", Integer), ("NULL", Integer)]), "1");
        assert_eq!(call("nullif", &[("NULL", Text), ("a", Text)]), "NULL");
        assert_eq!(call("nullif", &[("NaN", Double), ("NaN", Double)]), "NULL");
        assert_eq!(call("nullif", &[("-0", Double), ("0", Double)]), "NULL");
        assert_eq!(call("nullif", &[("1 day", Interval), ("24 hours", Interval)]), "NULL");
        assert_eq!(call("nullif", &[("1 day", Interval), ("23 hours", Interval)]), "1 day");
        let lists = |a: &str, b: &str| call_values("nullif", vec![list(a, BigInt), list(b, BigInt)]);
        assert_eq!(lists("{1,NULL}", "{1,NULL}"), "NULL");
        assert_eq!(lists("{1}", "{1,2}"), "{1}");
    }

    #[test]
    fn the_first_keeps_its_type() {
        assert_eq!(call("nullif", &[("1", SmallInt), ("1", BigInt)]), "NULL");
        assert_eq!(call("nullif", &[("3", SmallInt), ("3000000000", BigInt)]), "3");
        assert_eq!(call("nullif", &[("3000000000", BigInt), ("3", SmallInt)]), "3000000000");
        let numeric = |scale| Numeric { precision: 10, scale };
        assert_eq!(call("nullif", &[("1.5", numeric(1)), ("1.500", numeric(3))]), "NULL");
        assert_eq!(call("nullif", &[("1.5", numeric(1)), ("1.501", numeric(3))]), "1.5");
        assert_eq!(call("nullif", &[("2024-01-01", Date), ("2024-01-01 00:00:01", Timestamp)]), "2024-01-01");
        assert_eq!(call("nullif", &[("2024-01-01", Date), ("2024-01-01", Timestamp)]), "NULL");
        assert_eq!(call("nullif", &[("4024-01-01", Timestamp), ("4024-01-01", Date)]), "NULL");
        assert_eq!(
            call("nullif", &[("4024-01-01 00:00:01", Timestamp), ("4024-01-01", TimestampTz)]),
            "4024-01-01 00:00:01"
        );
    }
}
