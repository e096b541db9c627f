//! The text of a date or time, cut into fields as Postgres' `ParseDateTime` (`datetime.c`) cuts it.

/// A field, by what it looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Field<'a> {
    /// Digits, with a fraction perhaps.
    Number(&'a str),
    /// Several parts with the same separator: `2024-02-29`, `8-Jan-99`, `America/New_York`.
    Parts(&'a str),
    /// Digits with colons.
    Time(&'a str),
    /// `+05:30`, without blanks behind the sign.
    Zone {
        /// West of Greenwich.
        negative: bool,
        /// What follows the sign.
        text: &'a str,
    },
    /// Letters.
    Word(&'a str),
}

/// Fields in one text; a timestamp with everything has ten.
const MOST: usize = 25;

/// The fields of a text; `None` for what cannot be a date.
pub(super) fn fields(text: &str) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(super::read::is_blank);
        let Some(first) = rest.bytes().next() else { return Some(fields) };
        if fields.len() == MOST {
            return None;
        }
        let field = match first {
            b'0'..=b'9' => Some(after_digit(rest)),
            b'.' => {
                let length = 1 + count(&rest[1..], |byte| byte.is_ascii_digit());
                (length > 1).then(|| (Field::Number(&rest[..length]), length))
            }
            b'+' | b'-' => {
                let behind = rest[1..].trim_start_matches(super::read::is_blank);
                let length = count(behind, |byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'-'));
                let zone = Field::Zone { negative: first == b'-', text: &behind[..length] };
                let starts_well = behind.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
                starts_well.then(|| (zone, rest.len() - behind.len() + length))
            }
            _ if first.is_ascii_alphabetic() => Some(after_letter(rest)),
            _ if first.is_ascii_punctuation() => {
                rest = &rest[1..];
                continue;
            }
            _ => None,
        };
        let (field, length) = field?;
        fields.push(field);
        rest = &rest[length..];
    }
}

fn count(text: &str, is_part: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| is_part(*byte)).count()
}

/// A number, time or date that begins with a digit, and its length.
fn after_digit(text: &str) -> (Field<'_>, usize) {
    let digits = count(text, |byte| byte.is_ascii_digit());
    let separator = match text.as_bytes().get(digits) {
        Some(b':') => {
            let length = count(text, |byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
            return (Field::Time(&text[..length]), length);
        }
        Some(separator @ (b'-' | b'/' | b'.')) => *separator,
        _ => return (Field::Number(&text[..digits]), digits),
    };
    let second = digits + 1;
    let more = count(&text[second..], |byte| byte.is_ascii_digit());
    let end = second + more;
    if more == 0 {
        let end = second + count(&text[second..], |byte| byte.is_ascii_alphanumeric() || byte == separator);
        return (Field::Parts(&text[..end]), end);
    }
    // The separators must match for three parts.
    if text.as_bytes().get(end) == Some(&separator) {
        let end = end + count(&text[end..], |byte| byte.is_ascii_digit() || byte == separator);
        return (Field::Parts(&text[..end]), end);
    }
    let two = &text[..end];
    (if separator == b'.' { Field::Number(two) } else { Field::Parts(two) }, end)
}

/// A word, or a date or zone that begins with letters, and its length.
fn after_letter(text: &str) -> (Field<'_>, usize) {
    let letters = count(text, |byte| byte.is_ascii_alphabetic());
    if matches!(text.as_bytes().get(letters), Some(b'-' | b'/' | b'.')) {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-/_.:".contains(&byte);
        let end = letters + count(&text[letters..], is_part);
        return (Field::Parts(&text[..end]), end);
    }
    (Field::Word(&text[..letters]), letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_as_in_postgres() {
        use Field::*;
        assert_eq!(
            fields("2024-02-29T12:34:56.5Z"),
            Some(vec![Parts("2024-02-29"), Word("T"), Time("12:34:56.5"), Word("Z")])
        );
        let zone = Zone { negative: true, text: "08" };
        assert_eq!(fields("20240229 1234 - 08"), Some(vec![Number("20240229"), Number("1234"), zone]));
        assert_eq!(fields("Jan 8, 1999"), Some(vec![Word("Jan"), Number("8"), Number("1999")]));
        assert_eq!(fields("8-Jan-99 x"), Some(vec![Parts("8-Jan-99"), Word("x")]));
        assert_eq!(fields("1999.008"), Some(vec![Number("1999.008")]));
        assert_eq!(fields("+x"), None);
        assert_eq!(fields("é"), None);
    }
}
