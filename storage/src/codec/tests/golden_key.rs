//! The bytes of keys, written down. A change here is a change of the format on disk: it needs a new version.

use super::hex;
use crate::codec::{KeyCodec, Value};
use crate::{ColumnType, KeyColumn};
use expect_test::{Expect, expect};

const DECIMAL: ColumnType = ColumnType::Decimal { precision: 10, scale: 2 };
const NAN: f64 = f64::NAN;

/// Every order of every value, as one line each (without the vnode byte).
fn check(column: ColumnType, values: &[Option<Value<'_>>], expected: Expect) {
    let mut lines = String::new();
    for value in values {
        let bytes = |descending, nulls_first| {
            let key = KeyColumn { column: 0, descending, nulls_first };
            let mut out = Vec::new();
            KeyCodec::new(vec![(column, key)], 0).encode_values(&[*value], &mut out).unwrap();
            hex(&out[1..])
        };
        let value = value.map_or("NULL".to_owned(), |value| format!("{value:?}"));
        lines += &format!("{value}: {} | desc {}\n", bytes(false, false), bytes(true, true));
    }
    expected.assert_eq(&lines);
}

#[test]
fn integers() {
    use Value::{Date, Int16, Int32, Int64, Timestamp, TimestampTz, UInt64};
    check(
        ColumnType::Int16,
        &[None, Some(Int16(-1)), Some(Int16(0)), Some(Int16(258))],
        expect![[r#"
        NULL: 02 | desc 00
        Int16(-1): 017fff | desc 018000
        Int16(0): 018000 | desc 017fff
        Int16(258): 018102 | desc 017efd
    "#]],
    );
    check(
        ColumnType::Int32,
        &[None, Some(Int32(i32::MIN)), Some(Int32(1))],
        expect![[r#"
        NULL: 02 | desc 00
        Int32(-2147483648): 01000000 00 | desc 01ffffff ff
        Int32(1): 01800000 01 | desc 017fffff fe
    "#]],
    );
    check(
        ColumnType::Int64,
        &[None, Some(Int64(-2)), Some(Int64(42))],
        expect![[r#"
        NULL: 02 | desc 00
        Int64(-2): 017fffff ffffffff fe | desc 01800000 00000000 01
        Int64(42): 01800000 00000000 2a | desc 017fffff ffffffff d5
    "#]],
    );
    check(
        ColumnType::UInt64,
        &[None, Some(UInt64(0)), Some(UInt64(u64::MAX))],
        expect![[r#"
        NULL: 02 | desc 00
        UInt64(0): 01000000 00000000 00 | desc 01ffffff ffffffff ff
        UInt64(18446744073709551615): 01ffffff ffffffff ff | desc 01000000 00000000 00
    "#]],
    );
    check(
        ColumnType::Date,
        &[None, Some(Date(-1)), Some(Date(20_000))],
        expect![[r#"
        NULL: 02 | desc 00
        Date(-1): 017fffff ff | desc 01800000 00
        Date(20000): 0180004e 20 | desc 017fffb1 df
    "#]],
    );
    check(
        ColumnType::Timestamp,
        &[None, Some(Timestamp(1_000_000))],
        expect![[r#"
        NULL: 02 | desc 00
        Timestamp(1000000): 01800000 00000f42 40 | desc 017fffff fffff0bd bf
    "#]],
    );
    check(
        ColumnType::TimestampTz,
        &[None, Some(TimestampTz(-1))],
        expect![[r#"
        NULL: 02 | desc 00
        TimestampTz(-1): 017fffff ffffffff ff | desc 01800000 00000000 00
    "#]],
    );
}

#[test]
fn boolean_decimal_floats() {
    use Value::{Boolean, Decimal, Float32, Float64};
    check(
        ColumnType::Boolean,
        &[None, Some(Boolean(false)), Some(Boolean(true))],
        expect![[r#"
        NULL: 02 | desc 00
        Boolean(false): 0100 | desc 01ff
        Boolean(true): 0101 | desc 01fe
    "#]],
    );
    check(
        DECIMAL,
        &[None, Some(Decimal(-1)), Some(Decimal(12_345))],
        expect![[r#"
        NULL: 02 | desc 00
        Decimal(-1): 017fffff ffffffff ffffffff ffffffff ff | desc 01800000 00000000 00000000 00000000 00
        Decimal(12345): 01800000 00000000 00000000 00000030 39 | desc 017fffff ffffffff ffffffff ffffffcf c6
    "#]],
    );
    let floats = [f64::NEG_INFINITY, -1.5, -0.0, 0.0, 1.5, f64::INFINITY, NAN, -NAN];
    check(
        ColumnType::Float32,
        &floats.map(|v| Some(Float32(v as f32))),
        expect![[r#"
        Float32(-inf): 01007fff ff | desc 01ff8000 00
        Float32(-1.5): 01403fff ff | desc 01bfc000 00
        Float32(-0.0): 01800000 00 | desc 017fffff ff
        Float32(0.0): 01800000 00 | desc 017fffff ff
        Float32(1.5): 01bfc000 00 | desc 01403fff ff
        Float32(inf): 01ff8000 00 | desc 01007fff ff
        Float32(NaN): 01ffc000 00 | desc 01003fff ff
        Float32(NaN): 01ffc000 00 | desc 01003fff ff
    "#]],
    );
    check(
        ColumnType::Float64,
        &floats.map(|v| Some(Float64(v))),
        expect![[r#"
        Float64(-inf): 01000fff ffffffff ff | desc 01fff000 00000000 00
        Float64(-1.5): 014007ff ffffffff ff | desc 01bff800 00000000 00
        Float64(-0.0): 01800000 00000000 00 | desc 017fffff ffffffff ff
        Float64(0.0): 01800000 00000000 00 | desc 017fffff ffffffff ff
        Float64(1.5): 01bff800 00000000 00 | desc 014007ff ffffffff ff
        Float64(inf): 01fff000 00000000 00 | desc 01000fff ffffffff ff
        Float64(NaN): 01fff800 00000000 00 | desc 010007ff ffffffff ff
        Float64(NaN): 01fff800 00000000 00 | desc 010007ff ffffffff ff
    "#]],
    );
}

#[test]
fn text_bytes_interval() {
    use Value::{Bytes, Interval, Text};
    check(
        ColumnType::Text,
        &[None, Some(Text("")), Some(Text("a\0b")), Some(Text("é"))],
        expect![[r#"
        NULL: 02 | desc 00
        Text(""): 010001 | desc 01fffe
        Text("a\0b"): 016100ff 620001 | desc 019eff00 9dfffe
        Text("é"): 01c3a900 01 | desc 013c56ff fe
    "#]],
    );
    check(
        ColumnType::Bytes,
        &[None, Some(Bytes(&[0, 1, 0xff]))],
        expect![[r#"
        NULL: 02 | desc 00
        Bytes([0, 1, 255]): 0100ff01 ff0001 | desc 01ff00fe 00fffe
    "#]],
    );
    let intervals = [(-1, 0, 0), (0, 30, 0), (1, 0, 0), (1, 0, 1)];
    check(
        ColumnType::Interval,
        &intervals.map(|(m, d, n)| Some(Interval(m, d, n))),
        expect![[r#"
        Interval(-1, 0, 0): 017fffff ffffffff fffff6ca 96f8be00 007fffff ff800000 00 | desc 01800000 00000000 00000935 690741ff ff800000 007fffff ff
        Interval(0, 30, 0): 01800000 00000000 00000935 69074200 00800000 00800000 1e | desc 017fffff ffffffff fffff6ca 96f8bdff ff7fffff ff7fffff e1
        Interval(1, 0, 0): 01800000 00000000 00000935 69074200 00800000 01800000 00 | desc 017fffff ffffffff fffff6ca 96f8bdff ff7fffff fe7fffff ff
        Interval(1, 0, 1): 01800000 00000000 00000935 69074200 01800000 01800000 00 | desc 017fffff ffffffff fffff6ca 96f8bdff fe7fffff fe7fffff ff
    "#]],
    );
}

/// The vnode is the first byte; it does not depend on the order of the column.
#[test]
fn vnodes_and_prefixes() {
    let columns = |descending| {
        let user = KeyColumn { column: 0, descending, nulls_first: descending };
        vec![(ColumnType::Int64, user), (ColumnType::Text, KeyColumn::ascending(1))]
    };
    let mut lines = String::new();
    for (values, descending) in [
        (vec![Some(Value::Int64(42)), Some(Value::Text("dairy"))], false),
        (vec![Some(Value::Int64(42)), Some(Value::Text("dairy"))], true),
        (vec![Some(Value::Int64(42))], false),
        (vec![Some(Value::Int64(43))], false),
        (vec![None, None], false),
        (vec![None, None], true),
    ] {
        let mut out = Vec::new();
        KeyCodec::new(columns(descending), 1).encode_values(&values, &mut out).unwrap();
        lines += &format!("{}\n", hex(&out));
    }
    expect![[r#"
        0a018000 00000000 002a0164 61697279 0001
        0a017fff ffffffff ffd50164 61697279 0001
        0a018000 00000000 002a
        86018000 00000000 002b
        ff0202
        ff0002
    "#]]
    .assert_eq(&lines);
}

/// The example of docs/storage-format.md.
#[test]
fn worked_example() {
    let n = KeyColumn { column: 1, descending: true, nulls_first: true };
    let columns = vec![
        (ColumnType::Int64, KeyColumn::ascending(0)),
        (ColumnType::Int64, n),
        (ColumnType::Text, KeyColumn::ascending(2)),
    ];
    let values = [Some(Value::Int64(42)), Some(Value::Int64(7)), Some(Value::Text("dairy"))];
    let mut out = Vec::new();
    KeyCodec::new(columns, 1).encode_values(&values, &mut out).unwrap();
    expect!["0a018000 00000000 002a017f ffffffff fffff801 64616972 790001"].assert_eq(&hex(&out));
}
