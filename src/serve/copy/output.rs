//! COPY TO STDOUT.

use crate::serve::cancel::Limits;
use crate::serve::rows::Cell;
use crate::serve::session::{Session, SessionError, Started};
use crate::serve::statement::plan;
use crate::serve::value::{Parameters, write_text};
use crate::serve::wire::backend;
use attune_sql::SqlError;
use attune_sql::statement::{CopyFormat, CopyTo, Parsed, Statement};
use attune_sql::types::SqlType;
use attune_storage::codec::Value;
use bytes::BytesMut;

impl Session {
    /// Sends the rows of a query as COPY data, one message each. Returns their number.
    pub(in crate::serve) async fn copy_to(
        &mut self,
        copy: &CopyTo,
        text: &str,
        limits: &Limits,
    ) -> Result<u64, SessionError> {
        let parsed = Parsed { statement: Statement::Query(copy.query.clone()), text: text.to_owned() };
        let plan = plan(&self.shared.engine, parsed, &[], &self.settings)?;
        let Started::Rows(mut rows) = self.start(&plan, &Parameters::default(), limits).await? else {
            return Err(SqlError::internal("a query gave no rows").into());
        };
        let columns = rows.columns().len();
        backend::copy_response(&mut self.connection.output, b'H', columns);
        let mut line = Line::new(copy.format.clone(), columns);
        if copy.header {
            for column in rows.columns() {
                line.field(Some(Value::Text(&column.name)), SqlType::Text);
            }
            line.send(&mut self.connection.output);
        }
        let count = rows
            .for_each(&mut self.connection, limits, &mut |connection, cell| {
                match cell {
                    Cell::Value(value, sql_type) => line.field(value, sql_type),
                    Cell::EndOfRow => line.send(&mut connection.output),
                }
                Ok(())
            })
            .await?;
        backend::empty(&mut self.connection.output, b'c');
        Ok(count)
    }
}

/// A line of COPY data being written.
pub(super) struct Line {
    format: CopyFormat,
    columns: usize,
    line: BytesMut,
    fields: usize,
    /// The field before it is escaped.
    plain: BytesMut,
}

impl Line {
    pub(super) fn new(format: CopyFormat, columns: usize) -> Line {
        Line { format, columns, line: BytesMut::new(), fields: 0, plain: BytesMut::new() }
    }

    /// Adds a field; `None` is NULL.
    pub(super) fn field(&mut self, value: Option<Value<'_>>, sql_type: SqlType) {
        self.plain.clear();
        if let Some(value) = value {
            write_text(&mut self.plain, value, sql_type);
        }
        let first = self.fields == 0;
        self.fields += 1;
        match &self.format {
            CopyFormat::Text { delimiter, null } => {
                if !first {
                    self.line.extend_from_slice(&[*delimiter]);
                }
                match value {
                    None => self.line.extend_from_slice(null.as_bytes()),
                    Some(_) => escape_text(&mut self.line, &self.plain, *delimiter),
                }
            }
            CopyFormat::Csv { delimiter, quote, escape, null } => {
                if !first {
                    self.line.extend_from_slice(&[*delimiter]);
                }
                match value {
                    None => self.line.extend_from_slice(null.as_bytes()),
                    Some(_) => {
                        // Alone on a line it would be the end of the data.
                        let marker = self.columns == 1 && self.plain[..] == *b"\\.";
                        let special = |byte: &u8| [*delimiter, *quote, b'\n', b'\r'].contains(byte);
                        if marker || self.plain[..] == *null.as_bytes() || self.plain.iter().any(special) {
                            quote_csv(&mut self.line, &self.plain, *quote, *escape);
                        } else {
                            self.line.extend_from_slice(&self.plain);
                        }
                    }
                }
            }
        }
    }

    /// Ends the line and appends it as CopyData.
    pub(super) fn send(&mut self, out: &mut BytesMut) {
        self.line.extend_from_slice(b"\n");
        backend::message(out, b'd', |out| out.extend_from_slice(&self.line));
        self.line.clear();
        self.fields = 0;
    }
}

fn escape_text(out: &mut BytesMut, field: &[u8], delimiter: u8) {
    for byte in field {
        let escaped = match byte {
            8 => b'b',
            12 => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            11 => b'v',
            b'\\' => b'\\',
            byte if *byte == delimiter => *byte,
            byte => {
                out.extend_from_slice(&[*byte]);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', escaped]);
    }
}

fn quote_csv(out: &mut BytesMut, field: &[u8], quote: u8, escape: u8) {
    out.extend_from_slice(&[quote]);
    for byte in field {
        if *byte == quote || *byte == escape {
            out.extend_from_slice(&[escape]);
        }
        out.extend_from_slice(&[*byte]);
    }
    out.extend_from_slice(&[quote]);
}
