//! The bytes of rows, written down. A change here is a change of the format on disk: it needs a new version.

use super::hex;
use crate::ColumnType;
use crate::codec::{RowCodec, Value, split_state, with_state};
use expect_test::{Expect, expect};

fn check(columns: &[(ColumnType, Option<Value<'_>>)], expected: Expect) {
    let codec = RowCodec::new(columns.iter().map(|(column, _)| *column).collect());
    let mut out = Vec::new();
    codec.encode_values(&columns.iter().map(|(_, value)| *value).collect::<Vec<_>>(), &mut out).unwrap();
    expected.assert_eq(&hex(&out));
}

#[test]
fn each_type_alone() {
    let decimal = ColumnType::Decimal { precision: 10, scale: 2 };
    check(&[(ColumnType::Boolean, Some(Value::Boolean(true)))], expect!["010001"]);
    check(&[(ColumnType::Int16, Some(Value::Int16(-2)))], expect!["0100feff"]);
    check(&[(ColumnType::Int32, Some(Value::Int32(258)))], expect!["01000201 0000"]);
    check(&[(ColumnType::Int64, Some(Value::Int64(42)))], expect!["01002a00 00000000 0000"]);
    check(&[(ColumnType::UInt64, Some(Value::UInt64(u64::MAX - 1)))], expect!["0100feff ffffffff ffff"]);
    check(&[(ColumnType::Float32, Some(Value::Float32(1.5)))], expect!["01000000 c03f"]);
    check(&[(ColumnType::Float32, Some(Value::Float32(-f32::NAN)))], expect!["01000000 c07f"]);
    check(&[(ColumnType::Float64, Some(Value::Float64(1.5)))], expect!["01000000 00000000 f83f"]);
    check(&[(ColumnType::Float64, Some(Value::Float64(-0.0)))], expect!["01000000 00000000 0000"]);
    check(&[(ColumnType::Float64, Some(Value::Float64(-f64::NAN)))], expect!["01000000 00000000 f87f"]);
    check(&[(decimal, Some(Value::Decimal(-12_345)))], expect!["0100c7cf ffffffff ffffffff ffffffff ffff"]);
    check(&[(ColumnType::Text, Some(Value::Text("dairy")))], expect!["01000500 00006461 697279"]);
    check(&[(ColumnType::Bytes, Some(Value::Bytes(&[0, 0xff])))], expect!["01000200 000000ff"]);
    check(&[(ColumnType::Date, Some(Value::Date(20_000)))], expect!["0100204e 0000"]);
    check(&[(ColumnType::Timestamp, Some(Value::Timestamp(1_000_000)))], expect!["01004042 0f000000 0000"]);
    check(&[(ColumnType::TimestampTz, Some(Value::TimestampTz(-1)))], expect!["0100ffff ffffffff ffff"]);
    check(
        &[(ColumnType::Interval, Some(Value::Interval(1, 2, 3)))],
        expect!["01000100 00000200 00000300 00000000 0000"],
    );
}

#[test]
fn nulls_are_zero_but_for_the_ends_of_variable_columns() {
    let row = [
        (ColumnType::Int32, None),
        (ColumnType::Text, Some(Value::Text("ab"))),
        (ColumnType::Text, None),
        (ColumnType::Bytes, Some(Value::Bytes(b"c"))),
        (ColumnType::Float64, None),
    ];
    check(&row, expect!["01150000 00000200 00000200 00000300 00000000 00000000 00006162 63"]);
    let all_null: Vec<_> = super::sample::TYPES.iter().map(|column| (*column, None)).collect();
    check(
        &all_null,
        expect![
            "01ff3f00 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 0000"
        ],
    );
}

/// The example of docs/storage-format.md.
#[test]
fn worked_example() {
    let row = [
        (ColumnType::Int64, Some(Value::Int64(42))),
        (ColumnType::Text, Some(Value::Text("dairy"))),
        (ColumnType::Int64, Some(Value::Int64(7))),
        (ColumnType::Text, None),
        (ColumnType::Text, Some(Value::Text("x"))),
    ];
    check(&row, expect!["01082a00 00000000 00000500 00000700 00000000 00000500 00000600 00006461 69727978"]);
}

#[test]
fn a_row_with_state() {
    let codec = RowCodec::new(vec![ColumnType::Int16, ColumnType::Text]);
    let values = [Some(Value::Int16(7)), Some(Value::Text("ab"))];
    let (mut row, mut stored) = (Vec::new(), Vec::new());
    codec.encode_values(&values, &mut row).unwrap();
    with_state(&[0xaa, 0xbb], &row, &mut stored).unwrap();
    expect!["02020000 00aabb01 00070002 00000061 62"].assert_eq(&hex(&stored));
    assert_eq!(split_state(&stored).unwrap(), (Some(&[0xaa, 0xbb][..]), &row[..]));
    assert_eq!(split_state(&row).unwrap(), (None, &row[..]));
    for (column, value) in values.into_iter().enumerate() {
        assert_eq!(codec.column(&stored, column).unwrap(), value);
    }
    assert!(split_state(&stored[..6]).is_err(), "cut short");
}
