//! Texts of simple queries with their literals taken out, so that one compiled lookup serves all of them.

/// Longest text that is looked at.
const MAX_TEXT: usize = 4 << 10;
/// Most literals.
const MAX_LITERALS: usize = 64;

/// A literal of a query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Literal {
    /// Its text, unquoted.
    pub(super) text: String,
    /// Written without quotes.
    pub(super) number: bool,
}

/// A text with `$1..` for its literals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Normalised {
    pub(super) text: String,
    pub(super) literals: Vec<Literal>,
}

/// Replaces the literals of a single SELECT by parameters.
///
/// Literals before the first FROM stay (a lookup returns columns only), and so do those of ORDER BY and GROUP BY, where a
/// number means a column. `None` for anything unusual: it goes the general way, which knows all of SQL.
pub(super) fn normalise(text: &str) -> Option<Normalised> {
    let text = text.trim().trim_end_matches(';').trim_end();
    let bytes = text.as_bytes();
    if text.len() > MAX_TEXT || !bytes.get(..7)?[..6].eq_ignore_ascii_case(b"select") || is_word(bytes[6]) {
        return None;
    }
    let mut pass =
        Pass { text, at: 0, copied: 0, out: String::with_capacity(text.len()), literals: Vec::new(), keep: true };
    let mut seen_from = false;
    while let Some(&byte) = bytes.get(pass.at) {
        match byte {
            b'\'' => pass.string()?,
            b'"' => pass.quoted_name()?,
            b'0'..=b'9' => pass.number()?,
            b'.' if bytes.get(pass.at + 1).is_some_and(u8::is_ascii_digit) => return None,
            b'$' | b';' | b'\\' | 0 => return None,
            b'-' if bytes.get(pass.at + 1) == Some(&b'-') => return None,
            b'/' if bytes.get(pass.at + 1) == Some(&b'*') => return None,
            _ if is_word(byte) => {
                let word = pass.word();
                // U&'..', E'..', B'..', date '..': the quote belongs to the word.
                let prefixes_string = matches!(bytes.get(pass.at), Some(b'\'' | b'&'));
                if prefixes_string {
                    return None;
                }
                match word.to_ascii_lowercase().as_str() {
                    "from" => {
                        seen_from = true;
                        pass.keep = false;
                    }
                    "where" | "limit" | "offset" | "fetch" => pass.keep = !seen_from,
                    "order" | "group" => pass.keep = true,
                    _ => {}
                }
            }
            _ => pass.at += 1,
        }
    }
    pass.copy_to(bytes.len());
    Some(Normalised { text: pass.out, literals: pass.literals })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

struct Pass<'a> {
    text: &'a str,
    at: usize,
    /// Everything before this is in `out`.
    copied: usize,
    out: String,
    literals: Vec<Literal>,
    /// Literals stay where they are.
    keep: bool,
}

impl<'a> Pass<'a> {
    fn copy_to(&mut self, end: usize) {
        self.out.push_str(&self.text[self.copied..end]);
        self.copied = end;
    }

    fn literal(&mut self, start: usize, text: String, number: bool) -> Option<()> {
        if self.keep {
            return Some(());
        }
        if self.literals.len() == MAX_LITERALS {
            return None;
        }
        self.copy_to(start);
        self.copied = self.at;
        self.literals.push(Literal { text, number });
        self.out.push('$');
        self.out.push_str(&self.literals.len().to_string());
        Some(())
    }

    fn word(&mut self) -> &'a str {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| is_word(*byte)) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn string(&mut self) -> Option<()> {
        let start = self.at;
        let body = self.quoted(b'\'')?;
        self.literal(start, body.replace("''", "'"), false)
    }

    fn quoted_name(&mut self) -> Option<()> {
        self.quoted(b'"').map(|_| ())
    }

    /// The inside of a quoted text, doubled quotes still doubled.
    fn quoted(&mut self, quote: u8) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        self.at = start;
        loop {
            self.at += bytes.get(self.at..)?.iter().position(|byte| *byte == quote)? + 1;
            if bytes.get(self.at) != Some(&quote) {
                return Some(&self.text[start..self.at - 1]);
            }
            self.at += 1;
        }
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let word = self.word();
        let decimals = self.text.as_bytes().get(self.at) == Some(&b'.');
        // 1e5, 0x10, 1_000, 1.5: rare in lookups, and the general way knows them.
        if decimals || !word.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.literal(start, word.to_owned(), true)
    }
}
