//! A record of COPY data cut into fields.

use super::bad_format;
use attune_sql::SqlError;
use attune_sql::statement::CopyFormat;

/// The fields of one record, unescaped, in one buffer that is used again for the next.
#[derive(Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
    /// End of each field, and whether it is NULL.
    ends: Vec<(usize, bool)>,
}

impl Fields {
    /// Number of fields.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field; `None` is NULL.
    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        let start = if index == 0 { 0 } else { self.ends[index - 1].0 };
        let (end, null) = self.ends[index];
        (!null).then(|| &self.bytes[start..end])
    }

    /// Cuts a record.
    ///
    /// # Errors
    /// 22P04 when quotes do not close.
    pub(super) fn cut(&mut self, record: &[u8], format: &CopyFormat) -> Result<(), SqlError> {
        self.bytes.clear();
        self.ends.clear();
        match format {
            CopyFormat::Text { delimiter, null } => {
                self.cut_text(record, *delimiter, null.as_bytes());
                Ok(())
            }
            CopyFormat::Csv { delimiter, quote, escape, null } => {
                self.cut_csv(record, *delimiter, *quote, *escape, null.as_bytes())
            }
        }
    }

    fn cut_text(&mut self, record: &[u8], delimiter: u8, null: &[u8]) {
        let mut rest = record;
        loop {
            let mut end = 0;
            let mut escapes = false;
            while let Some(byte) = rest.get(end) {
                if *byte == b'\\' {
                    escapes = true;
                    end += 1;
                } else if *byte == delimiter {
                    break;
                }
                end += 1;
            }
            let end = end.min(rest.len());
            let field = &rest[..end];
            // The marker is looked for before escapes are taken away.
            let is_null = field == null;
            match escapes && !is_null {
                true => self.unescape(field),
                false if is_null => {}
                false => self.bytes.extend_from_slice(field),
            }
            self.ends.push((self.bytes.len(), is_null));
            match rest.get(end + 1..) {
                Some(more) => rest = more,
                None => return,
            }
        }
    }

    /// Backslash sequences of the text format: `\b \f \n \r \t \v`, `\nnn` octal, `\xhh` hexadecimal; any other byte is
    /// itself.
    fn unescape(&mut self, field: &[u8]) {
        let mut at = 0;
        while let Some(&byte) = field.get(at) {
            at += 1;
            if byte != b'\\' {
                self.bytes.push(byte);
                continue;
            }
            let Some(&escaped) = field.get(at) else {
                self.bytes.push(b'\\');
                return;
            };
            at += 1;
            let meaning = match escaped {
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 11,
                b'0'..=b'7' => {
                    at -= 1;
                    number(field, &mut at, 3, 8)
                }
                b'x' if field.get(at).is_some_and(u8::is_ascii_hexdigit) => number(field, &mut at, 2, 16),
                other => other,
            };
            self.bytes.push(meaning);
        }
    }

    fn cut_csv(&mut self, record: &[u8], delimiter: u8, quote: u8, escape: u8, null: &[u8]) -> Result<(), SqlError> {
        let mut at = 0;
        loop {
            let start = self.bytes.len();
            let (mut quoted, mut in_quotes) = (false, false);
            loop {
                let byte = record.get(at).copied();
                at += 1;
                match byte {
                    None if in_quotes => return Err(bad_format("unterminated CSV quoted field")),
                    None => break,
                    Some(byte) if in_quotes => {
                        let next = record.get(at).copied();
                        if byte == escape && next.is_some_and(|next| next == quote || next == escape) {
                            self.bytes.extend(next);
                            at += 1;
                        } else if byte == quote {
                            in_quotes = false;
                        } else {
                            self.bytes.push(byte);
                        }
                    }
                    Some(byte) if byte == quote => (quoted, in_quotes) = (true, true),
                    Some(byte) if byte == delimiter => break,
                    Some(byte) => self.bytes.push(byte),
                }
            }
            let is_null = !quoted && self.bytes[start..] == *null;
            if is_null {
                self.bytes.truncate(start);
            }
            self.ends.push((self.bytes.len(), is_null));
            if at > record.len() {
                return Ok(());
            }
        }
    }
}

/// Up to `most` digits of `base` from `at` on, as a byte (octal numbers above 255 wrap, as in Postgres).
fn number(field: &[u8], at: &mut usize, most: usize, base: u32) -> u8 {
    let mut value = 0_u32;
    for _ in 0..most {
        let Some(digit) = field.get(*at).and_then(|byte| char::from(*byte).to_digit(base)) else { break };
        value = value * base + digit;
        *at += 1;
    }
    value as u8
}
