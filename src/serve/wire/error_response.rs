//! Errors and notices as messages.

use super::backend::{message, put_text};
use attune_sql::SqlError;
use bytes::{BufMut, BytesMut};

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::serve) enum Severity {
    /// The statement failed.
    Error,
    /// The connection ends.
    Fatal,
}

/// Appends ErrorResponse.
pub(in crate::serve) fn write_error(out: &mut BytesMut, severity: Severity, error: &SqlError) {
    let severity = match severity {
        Severity::Error => "ERROR",
        Severity::Fatal => "FATAL",
    };
    message(out, b'E', |out| {
        put_field(out, b'S', severity);
        put_field(out, b'V', severity);
        put_field(out, b'C', error.state.code());
        put_field(out, b'M', &error.message);
        for (kind, text) in [(b'D', &error.detail), (b'H', &error.hint), (b'W', &error.context)] {
            if let Some(text) = text {
                put_field(out, kind, text);
            }
        }
        if let Some(position) = error.position {
            put_field(out, b'P', &position.to_string());
        }
        if let Some(subject) = &error.subject {
            put_field(out, b's', "public");
            put_field(out, b't', &subject.table);
            for (kind, name) in [(b'c', &subject.column), (b'n', &subject.constraint)] {
                if let Some(name) = name {
                    put_field(out, kind, name);
                }
            }
        }
        out.put_u8(0);
    });
}

/// Appends NoticeResponse.
pub(in crate::serve) fn write_notice(out: &mut BytesMut, text: &str) {
    message(out, b'N', |out| {
        put_field(out, b'S', "NOTICE");
        put_field(out, b'V', "NOTICE");
        put_field(out, b'C', "00000");
        put_field(out, b'M', text);
        out.put_u8(0);
    });
}

fn put_field(out: &mut BytesMut, kind: u8, text: &str) {
    out.put_u8(kind);
    put_text(out, text);
}
