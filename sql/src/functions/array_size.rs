//! Sizes of values in arrays of any type, for bounds on results.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit};

/// Bytes of a value: of a text its own, of a list those of its elements, of anything else what its text may have.
pub(super) fn of(array: &ArrayRef, row: usize) -> u128 {
    if array.is_null(row) {
        return 0;
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).len() as u128,
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).len() as u128,
        DataType::Utf8View => array.as_string_view().value(row).len() as u128,
        DataType::Binary => array.as_binary::<i32>().value(row).len() as u128,
        DataType::List(_) | DataType::LargeList(_) => match list(array, row) {
            // What a slice of the elements takes, not the whole they lie in.
            Some(elements) => elements.to_data().get_slice_memory_size().unwrap_or(usize::MAX) as u128,
            None => 0,
        },
        _ => 40,
    }
}

/// The number of elements of a list.
pub(super) fn elements(array: &ArrayRef, row: usize) -> u128 {
    if array.is_null(row) { 0 } else { list(array, row).map_or(0, |elements| elements.len() as u128) }
}

fn list(array: &ArrayRef, row: usize) -> Option<ArrayRef> {
    match array.data_type() {
        DataType::List(_) => Some(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(array.as_list::<i64>().value(row)),
        _ => None,
    }
}

/// Whether a text has one byte per character.
pub(super) fn is_ascii(array: &ArrayRef, row: usize) -> bool {
    text(array, row).is_none_or(|text| text.is_ascii())
}

/// The number of backslashes in a text.
pub(super) fn backslashes(array: &ArrayRef, row: usize) -> u128 {
    text(array, row).map_or(0, |text| text.bytes().filter(|b| matches!(b, b'\\' | b'$')).count() as u128)
}

fn text(array: &ArrayRef, row: usize) -> Option<&str> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        _ => None,
    }
}

/// Of `range` and `generate_series` as values: eight bytes for each step from start to stop.
pub(super) fn series(arguments: &[ArrayRef], row: usize) -> u128 {
    let number = |index: usize| arguments.get(index).and_then(|array| nanos_or_number(array, row));
    let (start, stop) = match arguments.len() {
        1 => (Some(0), number(0)),
        _ => (number(0), number(1)),
    };
    let step = if arguments.len() > 2 { number(2) } else { Some(1) };
    match (start, stop, step) {
        (Some(start), Some(stop), Some(step)) if step != 0 => {
            (stop.abs_diff(start) / step.unsigned_abs() + 1).saturating_mul(8)
        }
        // NULL gives NULL, and a step of zero is refused by the function.
        _ => 0,
    }
}

/// A number as it is, times in nanoseconds, a month at its shortest.
fn nanos_or_number(array: &ArrayRef, row: usize) -> Option<i128> {
    const DAY: i128 = 86_400_000_000_000;
    let one = array.slice(row, 1);
    match array.data_type() {
        DataType::Interval(_) => {
            let intervals = cast(&one, &DataType::Interval(IntervalUnit::MonthDayNano)).ok()?;
            let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
            let value = intervals.is_valid(0).then(|| intervals.value(0))?;
            let days = i128::from(value.months) * 28 + i128::from(value.days);
            Some(days * DAY + i128::from(value.nanoseconds))
        }
        DataType::Timestamp(..) | DataType::Date32 => {
            let micros = cast(&one, &DataType::Timestamp(TimeUnit::Microsecond, None)).ok()?;
            Some(i128::from(first(&cast(&micros, &DataType::Int64).ok()?)?) * 1_000)
        }
        _ => first(&cast(&one, &DataType::Int64).ok()?).map(i128::from),
    }
}

fn first(numbers: &ArrayRef) -> Option<i64> {
    let numbers = numbers.as_primitive_opt::<Int64Type>()?;
    numbers.is_valid(0).then(|| numbers.value(0))
}
