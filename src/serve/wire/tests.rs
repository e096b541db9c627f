//! Messages taken apart and put together, and what malformed ones give.

use super::frontend::{self, Target};
use super::{Severity, backend, write_error};
use crate::serve::engine::OutputColumn;
use crate::serve::value::Format;
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use bytes::{Bytes, BytesMut};

const BIND: &[u8] = b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x02ab\xff\xff\xff\xff\0\x01\0\x01";

#[test]
fn bind_is_read() {
    let frame = Bytes::from_static(BIND);
    let bind = frontend::bind(&frame, &frame).unwrap();
    assert_eq!((bind.portal, bind.statement), ("p", "s"));
    assert_eq!(bind.formats.as_slice(), [Format::Binary]);
    assert_eq!(bind.parameters.get(0), Ok((Some(&b"ab"[..]), Format::Binary)));
    assert_eq!(bind.parameters.get(1), Ok((None, Format::Binary)));
    assert_eq!(bind.parameters.get(2).unwrap_err().state, SqlState::UndefinedParameter);
}

#[test]
fn every_truncation_is_an_error_not_a_panic() {
    for length in 0..BIND.len() {
        let frame = Bytes::from_static(&BIND[..length]);
        let error = frontend::bind(&frame, &frame).err().expect("a truncated message");
        assert_eq!(error.state, SqlState::ProtocolViolation, "{length}");
    }
    let parse = b"name\0SELECT $1\0\0\x01\0\0\0\x14";
    assert_eq!(frontend::parse(parse).unwrap().oids, [20]);
    for length in 0..parse.len() {
        assert!(frontend::parse(&parse[..length]).is_err(), "{length}");
    }
    assert!(frontend::target(b"").is_err());
    assert!(frontend::target(b"X\0").is_err());
    assert!(matches!(frontend::target(b"Sx\0"), Ok(Target::Statement("x"))));
    assert!(frontend::execute(b"\0\0\0\0").is_err());
    assert_eq!(frontend::execute(b"p\0\0\0\0\x05").unwrap(), ("p", Some(5)));
    assert_eq!(frontend::execute(b"\0\0\0\0\0").unwrap(), ("", None));
}

#[test]
fn a_count_larger_than_the_message_is_refused() {
    assert!(frontend::parse(b"\0\0\xff\xff").is_err());
    let frame = Bytes::from_static(b"\0\0\0\0\xff\xff");
    assert!(frontend::bind(&frame, &frame).is_err());
}

#[test]
fn random_bytes_never_panic() {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand::rngs::StdRng::seed_from_u64(7);
    for _ in 0..20_000 {
        let length = rng.random_range(0..40);
        let mut bytes: Vec<u8> = (0..length).map(|_| rng.random_range(0..6)).collect();
        if rng.random_bool(0.5) && !bytes.is_empty() {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = 0xff;
        }
        let frame = Bytes::from(bytes);
        let _ = frontend::bind(&frame, &frame);
        let _ = frontend::parse(&frame);
        let _ = frontend::target(&frame);
        let _ = frontend::execute(&frame);
        let _ = frontend::query(&frame);
        let _ = frontend::startup(&frame);
    }
}

#[test]
fn not_utf8_is_22021() {
    assert_eq!(frontend::query(b"SELECT '\xff'\0").unwrap_err().state, SqlState::CharacterNotInRepertoire);
}

#[test]
fn golden_row_description() {
    let mut out = BytesMut::new();
    let columns = [OutputColumn { name: "n".into(), sql_type: SqlType::BigInt }];
    backend::row_description(&mut out, &columns, &[Format::Binary]);
    let expected = b"T\0\0\0\x1a\0\x01n\0\0\0\0\0\0\0\0\0\0\x14\0\x08\xff\xff\xff\xff\0\x01";
    assert_eq!(&out[..], expected);
}

#[test]
fn golden_error() {
    let mut out = BytesMut::new();
    let error = SqlError::new(SqlState::SyntaxError, "bad\0text").with_hint("try").at(3);
    write_error(&mut out, Severity::Error, &error);
    assert_eq!(&out[5..], b"SERROR\0VERROR\0C42601\0Mbadtext\0Htry\0P3\0\0");
    assert_eq!(out[..5], [b'E', 0, 0, 0, (out.len() - 1) as u8]);
}
