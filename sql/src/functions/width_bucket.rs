//! `width_bucket(value, low, high, count)`: which of `count` equal parts between two bounds a value is in, from 1; 0 and
//! `count + 1` beside them. `boolean_letters(array)`: booleans as the letters that they are sent as.

use super::own::{Arguments, Own, is};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListArray, StringArray};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, Float64Type, Int32Type, i256};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `width_bucket` and `boolean_letters`.
pub(super) fn functions() -> [Arc<ScalarUDF>; 2] {
    [Own::function("width_bucket", types, compute), Own::function("boolean_letters", letter_types, letters)]
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let [value, low, high, count] = arguments else { return None };
    let numbers = [value, low, high];
    let count_is = count.is_integer() || count.is_null();
    let exact = |t: &&DataType| matches!(t, DataType::Decimal128(..));
    let taken = |t: &DataType| match t {
        DataType::Decimal128(..) => t.clone(),
        _ => DataType::Decimal128(38, 0),
    };
    let number = |t: &DataType| t.is_numeric() || t.is_null();
    (count_is && numbers.iter().all(|t| number(t))).then(|| {
        let mut wanted: Vec<DataType> = match numbers.iter().any(exact) {
            true => numbers.iter().map(|t| taken(t)).collect(),
            false => vec![DataType::Float64; 3],
        };
        wanted.push(DataType::Int32);
        (wanted, DataType::Int32)
    })
}

fn refused<T>(message: &str) -> Result<T, SqlError> {
    Err(SqlError::new(SqlState::InvalidArgumentForWidthBucket, message))
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let counts = arguments.primitive::<Int32Type>(3)?;
    let count = |row: usize| match counts.is_valid(row).then(|| counts.value(row)) {
        Some(count) if count <= 0 => refused("count must be greater than zero"),
        count => Ok(count),
    };
    let rows = 0..arguments.rows();
    if arguments.array(0)?.data_type() == &DataType::Float64 {
        let [value, low, high] = [0, 1, 2].map(|index| arguments.primitive::<Float64Type>(index));
        let (value, low, high) = (value?, low?, high?);
        let one = |row: usize| match [&value, &low, &high].iter().all(|column| column.is_valid(row)) {
            true => count(row)?.map(|n| of_float(value.value(row), low.value(row), high.value(row), n)).transpose(),
            false => Ok(None),
        };
        return Ok(Arc::new(rows.map(one).collect::<Result<Int32Array, SqlError>>()?));
    }
    let [value, low, high] = [0, 1, 2].map(|index| arguments.primitive::<Decimal128Type>(index));
    let columns = [value?, low?, high?];
    let scale = columns.iter().map(|column| column.scale()).max().unwrap_or(0);
    let one = |row: usize| {
        if columns.iter().any(|column| column.is_null(row)) {
            return Ok(None);
        }
        let [value, low, high] = [0, 1, 2].map(|index: usize| {
            let power = i256::from_i128(10).wrapping_pow(u32::from((scale - columns[index].scale()).unsigned_abs()));
            // 38 digits times 38 more fit 256 bits.
            i256::from_i128(columns[index].value(row)).wrapping_mul(power)
        });
        count(row)?.map(|n| of_exact(value, low, high, n)).transpose()
    };
    Ok(Arc::new(rows.map(one).collect::<Result<Int32Array, SqlError>>()?))
}

/// The number after the last part.
fn beyond(count: i32) -> Result<i32, SqlError> {
    count.checked_add(1).ok_or_else(|| SqlError::new(SqlState::NumericValueOutOfRange, "integer out of range"))
}

fn of_float(value: f64, low: f64, high: f64, count: i32) -> Result<i32, SqlError> {
    if value.is_nan() || low.is_nan() || high.is_nan() {
        return refused("operand, lower bound, and upper bound cannot be NaN");
    }
    if low.is_infinite() || high.is_infinite() {
        return refused("lower and upper bounds must be finite");
    }
    if low == high {
        return refused("lower bound cannot equal upper bound");
    }
    // Downwards it is the same of the negatives.
    let (value, low, high) = if low < high { (value, low, high) } else { (-value, -low, -high) };
    if value < low {
        return Ok(0);
    }
    if value >= high {
        return beyond(count);
    }
    // Halves where the difference of the bounds is no double.
    let part = match (high - low).is_finite() {
        true => (value - low) / (high - low),
        false => (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0),
    };
    let bucket = (part * f64::from(count)) as i32;
    Ok(bucket.min(count - 1) + 1)
}

fn of_exact(value: i256, low: i256, high: i256, count: i32) -> Result<i32, SqlError> {
    if low == high {
        return refused("lower bound cannot equal upper bound");
    }
    let (value, low, high) = if low < high { (value, low, high) } else { (-value, -low, -high) };
    if value < low {
        return Ok(0);
    }
    if value >= high {
        return beyond(count);
    }
    let out_of_range = || SqlError::new(SqlState::NumericValueOutOfRange, "value out of range: overflow");
    let parts = value.wrapping_sub(low).checked_mul(i256::from_i128(i128::from(count))).ok_or_else(out_of_range)?;
    let bucket = parts.wrapping_div(high.wrapping_sub(low)).to_i128().and_then(|b| i32::try_from(b).ok());
    bucket.map(|bucket| bucket + 1).ok_or_else(out_of_range)
}

fn letter_types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let of = |element: DataType| DataType::List(Arc::new(Field::new_list_field(element, true)));
    let booleans = of(DataType::Boolean);
    matches!(arguments, [array] if is(array, &booleans)).then(|| (vec![booleans], of(DataType::Utf8)))
}

fn letters(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let lists = arguments.array(0)?;
    let lists = lists.as_list_opt::<i32>().ok_or_else(|| SqlError::internal("an array that is no list"))?;
    let booleans: &BooleanArray =
        lists.values().as_boolean_opt().ok_or_else(|| SqlError::internal("booleans that are none"))?;
    let letter = |value: bool| if value { "t" } else { "f" };
    let texts: StringArray = booleans.iter().map(|value| value.map(letter)).collect();
    let field = Arc::new(Field::new_list_field(DataType::Utf8, true));
    Ok(Arc::new(ListArray::new(field, lists.offsets().clone(), Arc::new(texts), lists.nulls().cloned())))
}
