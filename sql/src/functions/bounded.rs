//! Functions whose results may be far larger than their arguments, within [`limit`](super::limit).
//!
//! Each has a bound on the size of its result, computed from the arguments before anything is made. Rows are given to the
//! function in slices whose bounds together fit the limit, so a bound that is far above the real size refuses only what one
//! row alone might make.

use super::{array_size, limit};
use crate::operators::of_no_rows;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::{cast, concat};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature};
use std::sync::Arc;

/// Largest number of bytes that a row may give, by the arguments of the row.
type Bound = fn(&[ArrayRef], usize) -> u128;

/// The functions with bounds, by DataFusion's name.
const BOUNDS: [(&str, Bound); 15] = [
    ("repeat", repeat),
    ("lpad", pad),
    ("rpad", pad),
    ("replace", replace),
    ("regexp_replace", regexp_replace),
    ("concat", all),
    ("concat_ws", separated),
    ("array_to_string", joined),
    ("array_repeat", array_repeat),
    ("array_resize", array_resize),
    ("array_concat", all),
    ("array_append", all),
    ("array_prepend", all),
    ("range", array_size::series),
    ("generate_series", array_size::series),
];

/// The function with its bound, if it needs one.
pub(super) fn bounded(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    match BOUNDS.iter().find(|(name, _)| *name == function.name()) {
        Some((_, bound)) => Arc::new(ScalarUDF::new_from_impl(Bounded { inner: function, bound: *bound })),
        None => function,
    }
}

#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    bound: Bound,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Bounded) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl std::hash::Hash for Bounded {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(arguments)
    }

    fn return_field_from_args(
        &self,
        arguments: datafusion::logical_expr::ReturnFieldArgs<'_>,
    ) -> Result<datafusion::arrow::datatypes::FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(none) = of_no_rows(&arguments) {
            return Ok(none);
        }
        let most = limit::max_bytes(&arguments.config_options);
        let constant = arguments.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let columns: Vec<ArrayRef> = arguments.args.iter().map(|a| a.to_array(rows)).collect::<Result<_>>()?;
        let slices = slices(rows, most, |row| (self.bound)(&columns, row));
        let Some(slices) = slices else {
            return Err(limit::too_large(self.name(), &arguments.config_options));
        };
        match slices.as_slice() {
            [] | [_] => self.inner.invoke_with_args(arguments),
            slices => self.in_slices(arguments, slices, most),
        }
    }
}

/// Neighbouring rows whose bounds together are within the limit; `None` if one row alone is not.
fn slices(rows: usize, most: u128, bound: impl Fn(usize) -> u128) -> Option<Vec<std::ops::Range<usize>>> {
    let mut slices = Vec::new();
    let (mut start, mut bytes) = (0, 0_u128);
    for row in 0..rows {
        let one = bound(row);
        if one > most {
            return None;
        }
        if bytes + one > most {
            slices.push(start..row);
            (start, bytes) = (row, 0);
        }
        bytes += one;
    }
    slices.push(start..rows);
    Some(slices)
}

impl Bounded {
    /// Calls the function slice by slice, as long as what it really made is within the limit.
    fn in_slices(
        &self,
        arguments: ScalarFunctionArgs,
        slices: &[std::ops::Range<usize>],
        most: u128,
    ) -> Result<ColumnarValue> {
        let (mut parts, mut bytes) = (Vec::with_capacity(slices.len()), 0);
        for slice in slices {
            let part = |value: &ColumnarValue| match value {
                ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(slice.start, slice.len())),
                scalar @ ColumnarValue::Scalar(_) => scalar.clone(),
            };
            let part = ScalarFunctionArgs {
                args: arguments.args.iter().map(part).collect(),
                arg_fields: arguments.arg_fields.clone(),
                number_rows: slice.len(),
                return_field: arguments.return_field.clone(),
                config_options: Arc::clone(&arguments.config_options),
            };
            let made = self.inner.invoke_with_args(part)?.into_array(slice.len())?;
            bytes += made.get_array_memory_size() as u128;
            if bytes > most {
                return Err(limit::too_large(self.name(), &arguments.config_options));
            }
            parts.push(made);
        }
        Ok(ColumnarValue::Array(concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>())?))
    }
}

/// An integer argument; nothing and negative ones make nothing.
fn count(arguments: &[ArrayRef], index: usize, row: usize) -> u128 {
    let Some(array) = arguments.get(index) else { return 0 };
    let Ok(numbers) = cast(&array.slice(row, 1), &DataType::Int64) else { return 0 };
    let numbers = numbers.as_primitive::<Int64Type>();
    if numbers.is_null(0) { 0 } else { u128::try_from(numbers.value(0)).unwrap_or(0) }
}

fn size(arguments: &[ArrayRef], index: usize, row: usize) -> u128 {
    arguments.get(index).map_or(0, |array| array_size::of(array, row))
}

fn repeat(arguments: &[ArrayRef], row: usize) -> u128 {
    size(arguments, 0, row).saturating_mul(count(arguments, 1, row))
}

/// A character has up to four bytes, where the text has any that are not ASCII.
fn pad(arguments: &[ArrayRef], row: usize) -> u128 {
    let ascii = |index| arguments.get(index).is_none_or(|array| array_size::is_ascii(array, row));
    let width = if ascii(0) && ascii(2) { 1 } else { 4 };
    count(arguments, 1, row).saturating_mul(width)
}

fn replace(arguments: &[ArrayRef], row: usize) -> u128 {
    let (text, from, to) = (size(arguments, 0, row), size(arguments, 1, row), size(arguments, 2, row));
    text.saturating_add((text / from.max(1)).saturating_mul(to))
}

/// Each match may be empty, and the replacement may repeat it (`\1`). Without flags only the first is replaced.
fn regexp_replace(arguments: &[ArrayRef], row: usize) -> u128 {
    let (text, replacement) = (size(arguments, 0, row), size(arguments, 2, row));
    let matches = if arguments.len() > 3 { text.saturating_add(1) } else { 1 };
    let references = array_size::backslashes(&arguments[2.min(arguments.len() - 1)], row);
    text.saturating_add(matches.saturating_mul(replacement)).saturating_add(references.saturating_mul(text))
}

fn all(arguments: &[ArrayRef], row: usize) -> u128 {
    (0..arguments.len()).map(|index| size(arguments, index, row)).fold(0, u128::saturating_add)
}

fn separated(arguments: &[ArrayRef], row: usize) -> u128 {
    let separators = size(arguments, 0, row).saturating_mul(arguments.len() as u128);
    all(arguments, row).saturating_add(separators)
}

fn joined(arguments: &[ArrayRef], row: usize) -> u128 {
    let Some(list) = arguments.first() else { return 0 };
    let each = size(arguments, 1, row).saturating_add(size(arguments, 2, row));
    // Eight bytes of a number are at most 24 characters.
    size(arguments, 0, row).saturating_mul(4).saturating_add(array_size::elements(list, row).saturating_mul(each))
}

fn array_repeat(arguments: &[ArrayRef], row: usize) -> u128 {
    size(arguments, 0, row).max(8).saturating_mul(count(arguments, 1, row))
}

fn array_resize(arguments: &[ArrayRef], row: usize) -> u128 {
    let each = size(arguments, 2, row).max(8);
    size(arguments, 0, row).saturating_add(each.saturating_mul(count(arguments, 1, row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_where_the_bounds_reach_the_limit() {
        let bounds = [3, 3, 3, 10, 0];
        assert_eq!(slices(5, 10, |row| bounds[row]), Some(vec![0..3, 3..5]));
        assert_eq!(slices(5, 9, |row| bounds[row]), None);
        assert_eq!(slices(0, 9, |_| 1).map(|slices| slices.len()), Some(1));
    }

    #[test]
    fn every_bound_is_of_a_function() {
        for (name, _) in BOUNDS {
            let function = super::super::Registry::standard().scalar(name);
            assert!(function.is_some_and(|f| f.inner().is::<Bounded>()), "{name}");
        }
    }
}
