//! Messages to the client, appended to the connection's write buffer.

use crate::serve::engine::OutputColumn;
use crate::serve::value::Format;
use bytes::{BufMut, BytesMut};

/// Appends a message whose body `write` appends.
pub(in crate::serve) fn message(out: &mut BytesMut, tag: u8, write: impl FnOnce(&mut BytesMut)) {
    out.put_u8(tag);
    let start = out.len();
    out.put_i32(0);
    write(out);
    // No message comes near 2 GiB: what is put into one is bounded by the limits of the configuration.
    let length = i32::try_from(out.len() - start).unwrap_or(i32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// Appends a text and a zero byte. A zero byte within would end the text early and break the message: it is left out.
pub(in crate::serve) fn put_text(out: &mut BytesMut, text: &str) {
    for part in text.split('\0') {
        out.put_slice(part.as_bytes());
    }
    out.put_u8(0);
}

/// AuthenticationOk.
pub(in crate::serve) fn authentication_ok(out: &mut BytesMut) {
    message(out, b'R', |out| out.put_i32(0));
}

/// ParameterStatus.
pub(in crate::serve) fn parameter_status(out: &mut BytesMut, name: &str, value: &str) {
    message(out, b'S', |out| {
        put_text(out, name);
        put_text(out, value);
    });
}

/// BackendKeyData: what a CancelRequest must show.
pub(in crate::serve) fn backend_key_data(out: &mut BytesMut, id: i32, secret: i32) {
    message(out, b'K', |out| {
        out.put_i32(id);
        out.put_i32(secret);
    });
}

/// NegotiateProtocolVersion: version 3.0, and the protocol options that are not known.
pub(in crate::serve) fn negotiate_protocol_version(out: &mut BytesMut, unknown: &[&str]) {
    message(out, b'v', |out| {
        out.put_i32(0);
        out.put_i32(unknown.len() as i32);
        unknown.iter().for_each(|option| put_text(out, option));
    });
}

/// ReadyForQuery; `status` is `I` (idle), `T` (in a transaction block) or `E` (in a failed one).
pub(in crate::serve) fn ready_for_query(out: &mut BytesMut, status: u8) {
    message(out, b'Z', |out| out.put_u8(status));
}

/// A message without a body: ParseComplete `1`, BindComplete `2`, CloseComplete `3`, NoData `n`, PortalSuspended `s`,
/// EmptyQueryResponse `I`, CopyDone `c`.
pub(in crate::serve) fn empty(out: &mut BytesMut, tag: u8) {
    message(out, tag, |_| {});
}

/// CommandComplete.
pub(in crate::serve) fn command_complete(out: &mut BytesMut, tag: &str) {
    message(out, b'C', |out| put_text(out, tag));
}

/// ParameterDescription.
pub(in crate::serve) fn parameter_description(out: &mut BytesMut, oids: impl ExactSizeIterator<Item = u32>) {
    message(out, b't', |out| {
        out.put_u16(u16::try_from(oids.len()).unwrap_or(u16::MAX));
        oids.for_each(|oid| out.put_u32(oid));
    });
}

/// RowDescription. `formats` as Bind has them (none, one, or one each).
pub(in crate::serve) fn row_description(out: &mut BytesMut, columns: &[OutputColumn], formats: &[Format]) {
    message(out, b'T', |out| {
        out.put_u16(u16::try_from(columns.len()).unwrap_or(u16::MAX));
        for (index, column) in columns.iter().enumerate() {
            put_text(out, &column.name);
            out.put_i32(0); // the table's OID
            out.put_i16(0); // the column's number in it
            out.put_u32(column.sql_type.oid());
            out.put_i16(column.sql_type.typlen());
            out.put_i32(column.sql_type.typmod());
            out.put_i16(match format_of(formats, index) {
                Format::Text => 0,
                Format::Binary => 1,
            });
        }
    });
}

/// The format of a column, from none (text), one for all, or one each.
#[inline]
pub(in crate::serve) fn format_of(formats: &[Format], index: usize) -> Format {
    match formats {
        [] => Format::Text,
        [one] => *one,
        each => each.get(index).copied().unwrap_or_default(),
    }
}

/// CopyInResponse (`G`) or CopyOutResponse (`H`) for text in `columns` columns.
pub(in crate::serve) fn copy_response(out: &mut BytesMut, tag: u8, columns: usize) {
    message(out, tag, |out| {
        out.put_u8(0);
        out.put_u16(u16::try_from(columns).unwrap_or(u16::MAX));
        (0..columns).for_each(|_| out.put_i16(0));
    });
}
