//! COPY data in and out, without a connection.

use super::fields::Fields;
use super::output::Line;
use super::records::Records;
use super::rows::CopyRows;
use attune_sql::SqlError;
use attune_sql::statement::CopyFormat;
use attune_sql::types::SqlType;
use attune_storage::codec::Value;
use bytes::BytesMut;

fn text() -> CopyFormat {
    CopyFormat::Text { delimiter: b'\t', null: "\\N".into() }
}

fn csv() -> CopyFormat {
    CopyFormat::Csv { delimiter: b',', quote: b'"', escape: b'"', null: String::new() }
}

type Row = Vec<Option<Vec<u8>>>;

/// All records, with the data arriving in pieces of `piece` bytes, and the line each ends on.
fn read(data: &[u8], format: &CopyFormat, piece: usize) -> Result<Vec<(u64, Row)>, SqlError> {
    let mut records = Records::new(format);
    let mut fields = Fields::default();
    let mut rows = Vec::new();
    let mut add = |record: &[u8], line: u64| {
        fields.cut(record, format)?;
        rows.push((line, (0..fields.len()).map(|i| fields.get(i).map(<[u8]>::to_vec)).collect()));
        Ok::<_, SqlError>(())
    };
    for piece in data.chunks(piece) {
        records.push(piece);
        while let Some(record) = records.next().map(<[u8]>::to_vec) {
            add(&record, records.line)?;
        }
    }
    if let Some(record) = records.last()?.map(<[u8]>::to_vec) {
        add(&record, records.line)?;
    }
    Ok(rows)
}

fn check(data: &[u8], format: &CopyFormat, expected: &[(u64, &[Option<&str>])]) {
    for piece in 1..=data.len().max(1) {
        let rows = read(data, format, piece).unwrap();
        let expected: Vec<(u64, Row)> = expected
            .iter()
            .map(|(line, row)| (*line, row.iter().map(|f| f.map(|f| f.as_bytes().to_vec())).collect()))
            .collect();
        assert_eq!(rows, expected, "in pieces of {piece}");
    }
}

#[test]
fn text_however_it_is_split() {
    check(
        b"1\ta b\t\\N\n2\t\\tx\\\\\\n\\101\\x42\t\n",
        &text(),
        &[(1, &[Some("1"), Some("a b"), None]), (2, &[Some("2"), Some("\tx\\\nAB"), Some("")])],
    );
    // A backslash before a line end or a delimiter makes it data; \\N is not NULL.
    check(b"a\\\nb\\\tc\t\\\\N\n", &text(), &[(1, &[Some("a\nb\tc"), Some("\\N")])]);
    check(b"1\r\n2", &text(), &[(1, &[Some("1")]), (2, &[Some("2")])]);
    check(b"1\n\\.\nignored\n", &text(), &[(1, &[Some("1")])]);
    check(b"", &text(), &[]);
    check(b"\n", &text(), &[(1, &[Some("")])]);
}

#[test]
fn csv_however_it_is_split() {
    check(
        b"1,\"a,\"\"b\"\"\",\n2,\"\",\"x\ny\"\r\n3,a\"b\"c,z",
        &csv(),
        &[
            (1, &[Some("1"), Some("a,\"b\""), None]),
            (3, &[Some("2"), Some(""), Some("x\ny")]),
            (4, &[Some("3"), Some("abc"), Some("z")]),
        ],
    );
    check(b",\n", &csv(), &[(1, &[None, None])]);
    let other = CopyFormat::Csv { delimiter: b';', quote: b'\'', escape: b'\\', null: "NULL".into() };
    check(b"'a\\'b\\\\';NULL;'NULL'\n", &other, &[(1, &[Some("a'b\\"), None, Some("NULL")])]);
}

#[test]
fn an_open_quote_is_an_error() {
    let error = read(b"1,\"open\nmore", &csv(), 3).unwrap_err();
    assert_eq!(error.state.code(), "22P04");
    assert_eq!(error.message, "unterminated CSV quoted field");
}

#[test]
fn random_bytes_never_panic() {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand::rngs::StdRng::seed_from_u64(11);
    let bytes = b"\\\\\"\"\n\r,\t.Nx1\xff0";
    for _ in 0..5_000 {
        let data: Vec<u8> = (0..rng.random_range(0..30)).map(|_| bytes[rng.random_range(0..bytes.len())]).collect();
        let piece = rng.random_range(1..5);
        let whole = data.len().max(1);
        for format in [text(), csv()] {
            // The same outcome however it is split.
            assert_eq!(read(&data, &format, piece), read(&data, &format, whole), "{data:?}");
        }
    }
}

#[test]
fn what_is_written_reads_back() {
    let values = [Some("plain"), None, Some(""), Some("a,\"b\"\n\t\\.\r"), Some("\\N"), Some("\\.")];
    for format in [text(), csv()] {
        let mut line = Line::new(format.clone(), values.len());
        values.iter().for_each(|value| line.field(value.map(Value::Text), SqlType::Text));
        let mut out = BytesMut::new();
        line.send(&mut out);
        let rows = read(&out[5..], &format, 2).unwrap();
        let expected: Row = values.iter().map(|value| value.map(|value| value.as_bytes().to_vec())).collect();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].1, expected);
    }
}

#[test]
fn errors_name_line_and_column() {
    let columns = [("id".to_owned(), SqlType::BigInt), ("price".to_owned(), SqlType::Double)];
    let mut rows = CopyRows::new(columns.into_iter()).unwrap();
    let mut fields = Fields::default();
    let mut add = |record: &[u8]| {
        fields.cut(record, &csv()).unwrap();
        rows.add(&fields, record, &|| "COPY purchases, line 3".to_owned())
    };
    assert_eq!(add(b"1,2.5"), Ok(()));
    let error = add(b"1,abc").unwrap_err();
    assert_eq!(error.message, "invalid input syntax for type double precision: \"abc\"");
    assert_eq!(error.context.as_deref(), Some("COPY purchases, line 3, column price: \"abc\""));
    let error = add(b"1").unwrap_err();
    assert_eq!((error.state.code(), error.message.as_str()), ("22P04", "missing data for column \"price\""));
    assert_eq!(error.context.as_deref(), Some("COPY purchases, line 3: \"1\""));
    assert_eq!(add(b"1,2,3").unwrap_err().message, "extra data after last expected column");
    assert_eq!(add(b"\xff,2").unwrap_err().state.code(), "22021");
}

#[test]
fn collected_rows_become_a_batch() {
    let columns = [("a".to_owned(), SqlType::Integer), ("b".to_owned(), SqlType::Text)];
    let mut rows = CopyRows::new(columns.into_iter()).unwrap();
    let mut fields = Fields::default();
    for record in [&b"1,x"[..], b"2,"] {
        fields.cut(record, &csv()).unwrap();
        rows.add(&fields, record, &String::new).unwrap();
    }
    assert_eq!((rows.len(), rows.bytes), (2, 5));
    let batch = rows.take().unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (2, 2));
    assert_eq!(batch.column(1).null_count(), 1);
    assert_eq!((rows.len(), rows.bytes), (0, 0));
}
