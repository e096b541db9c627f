//! Any value survives text and binary; any bytes are read or refused.

use super::super::{Format, parse, parse_binary, parse_text, write_field};
use super::{TYPES, printed};
use attune_sql::types::SqlType;
use attune_storage::codec::Value;
use bytes::BytesMut;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn random(rng: &mut StdRng, sql_type: SqlType) -> Option<Value<'static>> {
    // Dates within what both ends can hold, years 4713 BC to 294276.
    let micros = rng.random_range(-210_866_803_200_000_000..9_223_371_331_200_000_000_i64);
    Some(match sql_type {
        SqlType::Boolean => Value::Boolean(rng.random()),
        SqlType::SmallInt => Value::Int16(rng.random()),
        SqlType::Integer => Value::Int32(rng.random()),
        SqlType::BigInt => Value::Int64(rng.random()),
        SqlType::Real => Value::Float32(f32::from_bits(rng.random())),
        SqlType::Double => Value::Float64(f64::from_bits(rng.random())),
        SqlType::Numeric { precision, .. } => {
            let limit = 10_i128.pow(rng.random_range(0..=u32::from(precision)));
            Value::Decimal(rng.random_range(-limit + 1..limit))
        }
        SqlType::Date => Value::Date(rng.random_range(-2_440_588..106_741_034)),
        SqlType::Timestamp => Value::Timestamp(micros),
        SqlType::TimestampTz => Value::TimestampTz(micros),
        SqlType::Interval => {
            let nanos: i64 = rng.random_range(-9_000_000_000_000_000..9_000_000_000_000_000);
            Value::Interval(rng.random_range(-9_999..9_999), rng.random(), nanos / 1_000 * 1_000)
        }
        _ => return None,
    })
}

fn same(a: Value<'_>, b: Value<'_>) -> bool {
    match (a, b) {
        (Value::Float64(a), Value::Float64(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (Value::Float32(a), Value::Float32(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (a, b) => a == b,
    }
}

#[test]
fn values_survive() {
    let mut rng = StdRng::seed_from_u64(42);
    for sql_type in TYPES {
        for _ in 0..3_000 {
            let Some(value) = random(&mut rng, sql_type) else { continue };
            let text = printed(value, sql_type);
            let back = parse_text(&text, sql_type).unwrap_or_else(|error| panic!("{sql_type} {text}: {error}"));
            assert!(same(back.value(), value), "{sql_type} {text}: {value:?} {back:?}");
            let mut out = BytesMut::new();
            write_field(&mut out, Some(value), sql_type, Format::Binary);
            let back = parse_binary(&out[4..], sql_type).unwrap_or_else(|error| panic!("{sql_type} {text}: {error}"));
            assert!(same(back.value(), value), "{sql_type} {text}: {value:?} {back:?}");
        }
    }
}

#[test]
fn any_bytes_are_read_or_refused() {
    let mut rng = StdRng::seed_from_u64(43);
    let likely = b"0123456789-+:. TZeEPYMDHx\\{}\",aginfBC/\xc3\xa9\xff\0";
    for _ in 0..60_000 {
        let length = rng.random_range(0..20);
        let bytes: Vec<u8> = (0..length).map(|_| likely[rng.random_range(0..likely.len())]).collect();
        for sql_type in TYPES {
            let _ = parse(&bytes, sql_type, Format::Text);
            let _ = parse(&bytes, sql_type, Format::Binary);
        }
        let ignore = &mut |_: Option<super::super::Datum<'_>>| Ok(());
        let _ = super::super::elements(&bytes, SqlType::BigInt, Format::Text, ignore);
        let _ = super::super::elements(&bytes, SqlType::Text, Format::Binary, ignore);
    }
}

#[test]
fn nulls_have_length_minus_one() {
    let mut out = BytesMut::new();
    write_field(&mut out, None, SqlType::Text, Format::Text);
    assert_eq!(out[..], (-1_i32).to_be_bytes());
}
