//! Golden bytes and properties of the codecs.

mod corrupt;
mod golden_key;
mod golden_row;
mod key_order;
mod round_trip;
mod sample;

use super::Value;
use arrow::array::{Array, Int32Array, Int64Array, StringViewArray};

/// Bytes as hex, in groups that a person can count.
fn hex(bytes: &[u8]) -> String {
    bytes.chunks(4).map(|c| c.iter().map(|b| format!("{b:02x}")).collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[test]
fn value_from_array() {
    let array: &dyn Array = &Int64Array::from(vec![Some(7), None]);
    assert_eq!(Value::from_array(array, 0).unwrap(), Some(Value::Int64(7)));
    assert_eq!(Value::from_array(array, 1).unwrap(), None);
    let error = Value::from_array(array, 2).unwrap_err();
    assert_eq!(error.to_string(), "values do not fit the stored columns: row 2 was asked of an array of 2 rows");
    let sliced = Int32Array::from(vec![1, 2, 3]).slice(2, 1);
    assert_eq!(Value::from_array(&sliced, 0).unwrap(), Some(Value::Int32(3)));
    let view = StringViewArray::from(vec!["a"]);
    assert_eq!(Value::from_array(&view, 0).unwrap_err().to_string(), "type Utf8View cannot be stored");
}
