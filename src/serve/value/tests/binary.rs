//! Binary in both directions, with bytes that `*_send` of PostgreSQL 15 gives.

use super::super::{Format, Formats, Parameters, elements, parse_binary, write_field};
use super::{printed, read};
use crate::serve::engine::ParameterType;
use attune_sql::types::SqlType;
use bytes::{Bytes, BytesMut};
use datafusion::scalar::ScalarValue;
use smallvec::smallvec;

fn sent(text: &str, sql_type: SqlType) -> Vec<u8> {
    let mut out = BytesMut::new();
    write_field(&mut out, Some(read(text, sql_type).value()), sql_type, Format::Binary);
    out[4..].to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn golden_bytes() {
    let numeric = |precision, scale| SqlType::Numeric { precision, scale };
    for (text, sql_type, expected) in [
        ("t", SqlType::Boolean, "01"),
        ("-2", SqlType::SmallInt, "fffe"),
        ("258", SqlType::Integer, "00000102"),
        ("-1", SqlType::BigInt, "ffffffffffffffff"),
        ("1.5", SqlType::Real, "3fc00000"),
        ("-2", SqlType::Double, "c000000000000000"),
        ("ab", SqlType::Text, "6162"),
        ("\\x00ff", SqlType::Bytea, "00ff"),
        ("2000-01-02", SqlType::Date, "00000001"),
        ("1970-01-01", SqlType::Date, "ffffd533"),
        ("2000-01-01 00:00:01", SqlType::Timestamp, "00000000000f4240"),
        ("1999-12-31 23:59:59+00", SqlType::TimestampTz, "fffffffffff0bdc0"),
        ("1 mon 2 days 00:00:01", SqlType::Interval, "00000000000f42400000000200000001"),
        // ndigits, weight, sign, dscale, digits: numeric_send in PostgreSQL 15.
        ("0", numeric(10, 2), "0000000000000002"),
        ("1", numeric(10, 2), "00010000000000020001"),
        ("-12345.67", numeric(10, 2), "0003000140000002000109291a2c"),
        ("0.01", numeric(10, 2), "0001ffff000000020064"),
        ("10000", numeric(10, 0), "00010001000000000001"),
        ("0.00001", numeric(10, 5), "0001fffe0000000503e8"),
        ("123456789012.5", numeric(20, 1), "0004000200000001 04d2162e23341388"),
    ] {
        let expected = expected.replace(' ', "");
        assert_eq!(hex(&sent(text, sql_type)), expected, "{text}");
        let bytes = sent(text, sql_type);
        let back = parse_binary(&bytes, sql_type).unwrap();
        assert_eq!(printed(back.value(), sql_type), printed(read(text, sql_type).value(), sql_type));
    }
}

#[test]
fn wrong_lengths_are_22p03() {
    for (sql_type, bytes) in [
        (SqlType::Integer, &[0; 8][..]),
        (SqlType::BigInt, &[0; 4]),
        (SqlType::Boolean, &[]),
        (SqlType::Interval, &[0; 15]),
        (SqlType::Numeric { precision: 10, scale: 2 }, &[0; 7]),
        (SqlType::Numeric { precision: 10, scale: 2 }, &[0, 1, 0, 0, 0, 0, 0, 0]),
        (SqlType::Numeric { precision: 10, scale: 2 }, &[0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10]),
        (SqlType::Date, &[0; 3]),
    ] {
        assert_eq!(parse_binary(bytes, sql_type).unwrap_err().state.code(), "22P03", "{sql_type}");
    }
}

#[test]
fn numerics_are_rounded_to_the_scale() {
    let fine = sent("1.005", SqlType::Numeric { precision: 10, scale: 3 });
    let coarse = SqlType::Numeric { precision: 10, scale: 2 };
    assert_eq!(printed(parse_binary(&fine, coarse).unwrap().value(), coarse), "1.01");
    let large = sent("12345", SqlType::Numeric { precision: 10, scale: 0 });
    let error = parse_binary(&large, SqlType::Numeric { precision: 4, scale: 0 }).unwrap_err();
    assert_eq!((error.state.code(), error.message.as_str()), ("22003", "numeric field overflow"));
}

fn array(text: &[u8], element: SqlType, format: Format) -> Vec<Option<String>> {
    let mut all = Vec::new();
    elements(text, element, format, &mut |datum| {
        all.push(datum.map(|datum| printed(datum.value(), element)));
        Ok(())
    })
    .unwrap();
    all
}

#[test]
fn arrays() {
    let strings = |all: &[Option<&str>]| all.iter().map(|one| one.map(str::to_owned)).collect::<Vec<_>>();
    let text = |text: &str, element| array(text.as_bytes(), element, Format::Text);
    assert_eq!(text("{1, 2,NULL}", SqlType::BigInt), strings(&[Some("1"), Some("2"), None]));
    assert_eq!(text("{}", SqlType::BigInt), strings(&[]));
    assert_eq!(
        text(r#"{a b ,"c,\"d",null,"NULL","",\{}"#, SqlType::Text),
        strings(&[Some("a b"), Some("c,\"d"), None, Some("NULL"), Some(""), Some("{")])
    );
    let binary = b"\0\0\0\x01\0\0\0\x01\0\0\0\x17\0\0\0\x02\0\0\0\x01\0\0\0\x04\0\0\0\x07\xff\xff\xff\xff";
    // int4[] sent for a bigint key.
    assert_eq!(array(binary, SqlType::BigInt, Format::Binary), strings(&[Some("7"), None]));
    assert_eq!(array(b"\0\0\0\0\0\0\0\0\0\0\0\x14", SqlType::BigInt, Format::Binary), strings(&[]));
}

#[test]
fn malformed_arrays() {
    let text = |text: &str| elements(text.as_bytes(), SqlType::BigInt, Format::Text, &mut |_| Ok(())).unwrap_err();
    for bad in ["", "1,2", "{1", "{1,}", "{,1}", "{1}x", "{\"1", "{x}"] {
        assert_eq!(text(bad).state.code(), "22P02", "{bad}");
    }
    assert_eq!(text("{{1},{2}}").state.code(), "0A000");
    let binary = b"\0\0\0\x01\0\0\0\0\0\0\0\x14\0\0\0\x02\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0\x07\xff\xff\xff\xff";
    for length in 0..binary.len() {
        let result = elements(&binary[..length], SqlType::BigInt, Format::Binary, &mut |_| Ok(()));
        assert!(result.is_err(), "{length}");
    }
    assert!(elements(binary, SqlType::BigInt, Format::Binary, &mut |_| Ok(())).is_ok());
}

#[test]
fn parameters_have_exactly_their_arrow_type() {
    let message = Bytes::from_static(b"{1,2}12.5");
    let parameters = Parameters::new(message, smallvec![Some(0..5), Some(5..9), None], Formats::new());
    let types = [
        ParameterType { sql_type: SqlType::Integer, array: true },
        ParameterType { sql_type: SqlType::Numeric { precision: 10, scale: 2 }, array: false },
        ParameterType { sql_type: SqlType::TimestampTz, array: false },
    ];
    let scalars = parameters.scalars(&types).unwrap();
    assert!(matches!(&scalars[0], ScalarValue::List(list) if list.value_type() == SqlType::Integer.to_arrow()));
    assert_eq!(scalars[1], ScalarValue::Decimal128(Some(1250), 10, 2));
    assert_eq!(scalars[2], ScalarValue::TimestampMicrosecond(None, Some("+00:00".into())));
    let error = parameters.datum(0, SqlType::Integer).unwrap_err();
    assert_eq!(error.context.as_deref(), Some("unnamed portal parameter $1"));
}
