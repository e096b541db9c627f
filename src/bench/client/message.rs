//! Messages of the Postgres protocol, written and read.

/// Tags of what a server sends.
pub(super) const DATA_ROW: u8 = b'D';
pub(super) const COPY_DATA: u8 = b'd';
pub(super) const READY: u8 = b'Z';
pub(super) const ERROR: u8 = b'E';

/// OIDs of types.
pub(in crate::bench) const BIGINT: u32 = 20;
pub(in crate::bench) const BIGINT_ARRAY: u32 = 1016;
pub(in crate::bench) const INTEGER: u32 = 23;
pub(in crate::bench) const DOUBLE: u32 = 701;
pub(in crate::bench) const TIMESTAMP: u32 = 1114;

const PROTOCOL: u32 = 3 << 16;
/// Format codes: binary.
const BINARY: u16 = 1;

/// The first message of a connection.
pub(super) fn startup(user: &str, database: &str) -> Vec<u8> {
    let mut body = PROTOCOL.to_be_bytes().to_vec();
    for (name, value) in [("user", user), ("database", database), ("application_name", "attune bench")] {
        text(&mut body, name);
        text(&mut body, value);
    }
    body.push(0);
    let mut out = length(body.len() + 4).to_vec();
    out.extend_from_slice(&body);
    out
}

/// Query.
pub(super) fn query(sql: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(sql.len() + 6);
    framed(&mut out, b'Q', |out| text(out, sql));
    out
}

/// Parse.
pub(super) fn parse(out: &mut Vec<u8>, name: &str, sql: &str, types: &[u32]) {
    framed(out, b'P', |out| {
        text(out, name);
        text(out, sql);
        out.extend_from_slice(&count(types.len()));
        for oid in types {
            out.extend_from_slice(&oid.to_be_bytes());
        }
    });
}

/// Bind and Execute of a prepared statement: parameters and results in binary.
pub(in crate::bench) fn execute(out: &mut Vec<u8>, statement: &str, parameters: &[&[u8]]) {
    framed(out, b'B', |out| {
        out.push(0);
        text(out, statement);
        out.extend_from_slice(&[0, 1]);
        out.extend_from_slice(&BINARY.to_be_bytes());
        out.extend_from_slice(&count(parameters.len()));
        for parameter in parameters {
            out.extend_from_slice(&length(parameter.len()));
            out.extend_from_slice(parameter);
        }
        out.extend_from_slice(&[0, 1]);
        out.extend_from_slice(&BINARY.to_be_bytes());
    });
    framed(out, b'E', |out| out.extend_from_slice(&[0; 5]));
}

/// Sync.
pub(in crate::bench) fn sync(out: &mut Vec<u8>) {
    framed(out, b'S', |_| {});
}

/// CopyData.
pub(super) fn copy_data(out: &mut Vec<u8>, data: &[u8]) {
    framed(out, b'd', |out| out.extend_from_slice(data));
}

/// CopyDone.
pub(super) fn copy_done(out: &mut Vec<u8>) {
    framed(out, b'c', |_| {});
}

/// An array of bigint in binary.
pub(in crate::bench) fn bigint_array(out: &mut Vec<u8>, values: &[i64]) {
    for number in [1, 0, BIGINT, u32::from_be_bytes(length(values.len())), 1] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    for value in values {
        out.extend_from_slice(&length(8));
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// The values of a DataRow.
pub(super) fn values(mut body: &[u8]) -> Vec<Option<&[u8]>> {
    let mut values = Vec::new();
    body = body.get(2..).unwrap_or_default();
    while let Some((head, rest)) = body.split_first_chunk::<4>() {
        // -1 is NULL, and no length of anything that is there.
        let value = usize::try_from(i32::from_be_bytes(*head)).ok().and_then(|length| rest.get(..length));
        body = &rest[value.map_or(0, <[u8]>::len)..];
        values.push(value);
    }
    values
}

/// What an ErrorResponse says: message, SQLSTATE, hint.
pub(super) fn error(body: &[u8]) -> String {
    let fields: Vec<(u8, String)> = body
        .split(|byte| *byte == 0)
        .filter_map(|field| field.split_first())
        .map(|(kind, text)| (*kind, String::from_utf8_lossy(text).into_owned()))
        .collect();
    let field = |kind: u8| fields.iter().find(|(found, _)| *found == kind).map(|(_, text)| text.as_str());
    let hint = field(b'H').map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{} ({}){hint}", field(b'M').unwrap_or("error"), field(b'C').unwrap_or("no SQLSTATE"))
}

/// A message: tag, length, body.
fn framed(out: &mut Vec<u8>, tag: u8, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = length(out.len() - at);
    out[at..at + 4].copy_from_slice(&length);
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("a benchmark's messages are far below 4 GB").to_be_bytes()
}

fn count(count: usize) -> [u8; 2] {
    u16::try_from(count).expect("a benchmark's statements have few parameters").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_the_protocol() {
        assert_eq!(query("SELECT 1"), b"Q\0\0\0\x0dSELECT 1\0");
        let mut out = Vec::new();
        execute(&mut out, "s", &[&7i64.to_be_bytes()]);
        sync(&mut out);
        let bind = b"B\0\0\0\x1d\0s\0\0\x01\0\x01\0\x01\0\0\0\x08\0\0\0\0\0\0\0\x07\0\x01\0\x01";
        assert_eq!(out, [&bind[..], b"E\0\0\0\x09\0\0\0\0\0", b"S\0\0\0\x04"].concat());
    }

    #[test]
    fn rows_and_errors_are_read() {
        assert_eq!(values(b"\0\x02\0\0\0\x01a\xff\xff\xff\xff"), [Some(&b"a"[..]), None]);
        assert_eq!(error(b"SERROR\0C42P01\0Mno such table\0\0"), "no such table (42P01)");
    }
}
