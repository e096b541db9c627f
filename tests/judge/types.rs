//! The types of generated expressions, and values of each.

use rand::RngExt;
use rand::rngs::StdRng;

/// A type that columns have. `varchar(n)` is a text with a length; see [`super::schema::Column`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ty {
    Bool,
    Int2,
    Int4,
    Int8,
    Real,
    Double,
    Numeric,
    Text,
    Bytea,
    Date,
    Timestamp,
    TimestampTz,
    Interval,
}

/// Which values a column has. What is computed with, and must not overflow, comes from tame columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Domain {
    /// Small and few, so that joins and groups meet; floats are sums of quarters, so that their sums are exact.
    Tame,
    /// With NaN, infinities and -0: no computation overflows.
    Special,
    /// With the extremes of the type.
    Wild,
}

impl Ty {
    pub const ALL: [Ty; 13] = [
        Ty::Bool,
        Ty::Int2,
        Ty::Int4,
        Ty::Int8,
        Ty::Real,
        Ty::Double,
        Ty::Numeric,
        Ty::Text,
        Ty::Bytea,
        Ty::Date,
        Ty::Timestamp,
        Ty::TimestampTz,
        Ty::Interval,
    ];
    pub const INTEGERS: [Ty; 3] = [Ty::Int2, Ty::Int4, Ty::Int8];
    pub const NUMBERS: [Ty; 6] = [Ty::Int2, Ty::Int4, Ty::Int8, Ty::Real, Ty::Double, Ty::Numeric];

    /// As SQL writes it.
    pub fn name(self) -> &'static str {
        match self {
            Ty::Bool => "boolean",
            Ty::Int2 => "smallint",
            Ty::Int4 => "integer",
            Ty::Int8 => "bigint",
            Ty::Real => "real",
            Ty::Double => "double precision",
            Ty::Numeric => "numeric(12, 2)",
            Ty::Text => "text",
            Ty::Bytea => "bytea",
            Ty::Date => "date",
            Ty::Timestamp => "timestamp",
            Ty::TimestampTz => "timestamptz",
            Ty::Interval => "interval",
        }
    }

    /// By its name in `grammar.txt`.
    pub fn by_word(word: &str) -> Option<Ty> {
        Some(match word {
            "bool" => Ty::Bool,
            "int2" => Ty::Int2,
            "int4" => Ty::Int4,
            "int8" => Ty::Int8,
            "real" => Ty::Real,
            "double" => Ty::Double,
            "numeric" => Ty::Numeric,
            "text" => Ty::Text,
            "bytea" => Ty::Bytea,
            "date" => Ty::Date,
            "timestamp" => Ty::Timestamp,
            "timestamptz" => Ty::TimestampTz,
            "interval" => Ty::Interval,
            _ => return None,
        })
    }

    /// By its number in the protocol.
    pub fn by_oid(oid: u32) -> Option<Ty> {
        Some(match oid {
            16 => Ty::Bool,
            17 => Ty::Bytea,
            20 => Ty::Int8,
            21 => Ty::Int2,
            23 => Ty::Int4,
            25 | 1043 => Ty::Text,
            700 => Ty::Real,
            701 => Ty::Double,
            1082 => Ty::Date,
            1114 => Ty::Timestamp,
            1184 => Ty::TimestampTz,
            1186 => Ty::Interval,
            1700 => Ty::Numeric,
            _ => return None,
        })
    }

    /// No computed value may be larger: then nothing overflows.
    pub fn limit(self) -> f64 {
        match self {
            Ty::Int2 => 3e4,
            Ty::Int4 => 2e9,
            Ty::Int8 => 9e18,
            Ty::Real => 1e30,
            Ty::Double => 1e150,
            Ty::Numeric => 1e15,
            Ty::Interval => 1e7,
            _ => f64::INFINITY,
        }
    }

    pub fn is_float(self) -> bool {
        matches!(self, Ty::Real | Ty::Double)
    }

    pub fn is_number(self) -> bool {
        Ty::NUMBERS.contains(&self)
    }

    fn tame(self) -> &'static [&'static str] {
        match self {
            Ty::Bool => &["true", "false"],
            Ty::Int2 => &["0", "1", "2", "3", "-1", "7"],
            Ty::Int4 => &["0", "1", "2", "3", "-1", "5", "42"],
            Ty::Int8 => &["0", "1", "2", "3", "-1", "5", "100"],
            Ty::Real => &["0", "1", "0.5", "-2.25", "3"],
            Ty::Double => &["0", "1", "0.5", "-2.25", "3", "2.5"],
            Ty::Numeric => &["0", "1.5", "2.50", "-3.25", "10.01", "1"],
            Ty::Text => TEXTS,
            Ty::Bytea => &["\\x", "\\x00", "\\x6162", "\\xff"],
            Ty::Date => &[
                "2024-02-29",
                "2024-03-01",
                "1999-12-31",
                "0001-01-01",
                "1500-01-01",
                "2500-06-01",
                "9999-12-31",
                "1970-01-01",
            ],
            Ty::Timestamp => &[
                "2024-02-29 12:34:00",
                "2024-03-01 00:00:00",
                "1969-12-31 23:59:59.999999",
                "0001-01-01 00:00:00",
                "1500-06-01 00:00:00",
                "9999-12-31 23:59:59",
                "2024-02-29 12:34",
                "2024-02-29",
            ],
            Ty::TimestampTz => &[
                "2024-02-29 12:34:00+00",
                "2024-03-01 00:00:00+02",
                "2024-02-29 22:00:00Z",
                "1500-01-01 00:00:00+00",
                "9999-12-31 00:00:00+00",
                "2024-02-29 12:34",
            ],
            Ty::Interval => &[
                "1 day",
                "24 hours",
                "25 hours",
                "1 month",
                "30 days",
                "-1 day 02:03:04",
                "00:00:00",
                "6",
                "1 year 2 mons 3 days 04:05:06.789",
            ],
        }
    }

    fn wild(self) -> &'static [&'static str] {
        match self {
            Ty::Bool => self.tame(),
            Ty::Int2 => &["32767", "-32768", "32766"],
            Ty::Int4 => &["2147483647", "-2147483648", "2147483646"],
            Ty::Int8 => &["9223372036854775807", "-9223372036854775808", "9007199254740993", "2147483648"],
            Ty::Real => &["3.4028235e+38", "-3.4028235e+38", "1e-45", "16777217", "0.1"],
            Ty::Double => &["1.7976931348623157e+308", "5e-324", "1e-300", "9007199254740993", "0.1", "1e15"],
            Ty::Numeric => &["9999999999.99", "-9999999999.99", "0.01", "0.005", "1e3"],
            Ty::Text => &[
                " ",
                "\\",
                "\\N",
                "a\tb",
                "x\ny",
                "\"",
                "{}",
                "NULL",
                "日本語",
                "😀",
                "É",
                "a  ",
                "12",
                "1.5e2",
                "2024-02-30",
                "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
            ],
            Ty::Bytea => &["\\x00ff5c27", "\\x0000", "\\x5c", "\\x27"],
            Ty::Date => &["0001-12-31", "1677-09-21", "2262-04-12", "2000-02-29", "9999-01-01"],
            Ty::Timestamp => {
                &["1677-09-21 00:12:43.145224", "2262-04-11 23:47:16.854776", "2000-01-01 00:00:00.000001"]
            }
            Ty::TimestampTz => &["1677-09-21 00:12:43+00", "2262-04-11 23:47:17+00", "2000-01-01 00:00:00.5-08"],
            Ty::Interval => &["100 years", "-178 years 11 mons", "1000000:00:00", "-00:00:00.000001", "1 mon -29 days"],
        }
    }

    /// A value as text.
    pub fn value(self, rng: &mut StdRng, domain: Domain) -> &'static str {
        let special = self.is_float() && domain != Domain::Tame && rng.random_bool(0.35);
        if special {
            return pick(rng, &["NaN", "Infinity", "-Infinity", "-0"]);
        }
        if domain == Domain::Wild && rng.random_bool(0.35) { pick(rng, self.wild()) } else { pick(rng, self.tame()) }
    }

    /// One of many values, for keys.
    pub fn key_value(self, rng: &mut StdRng) -> String {
        let n: u32 = rng.random_range(0..30);
        let letter = |n: u32| char::from(b'a' + u8::try_from(n % 6).unwrap_or(0));
        match self {
            Ty::Int2 | Ty::Int4 | Ty::Int8 => (i64::from(n) - 4).to_string(),
            Ty::Real | Ty::Double => format!("{}", f64::from(n) / 4.0 - 1.0),
            Ty::Numeric => format!("{}.{:02}", n / 4, n % 4 * 25),
            Ty::Text if n == 0 => String::new(),
            Ty::Text => format!("{}{}", letter(n), letter(n / 6)),
            Ty::Bytea => format!("\\x{n:02x}"),
            Ty::Date => format!("2024-02-{:02}", n % 29 + 1),
            Ty::Timestamp => format!("2024-02-{:02} 12:34:00", n % 29 + 1),
            Ty::TimestampTz => format!("2024-02-{:02} 12:34:00+00", n % 29 + 1),
            Ty::Bool => if n.is_multiple_of(2) { "true" } else { "false" }.to_owned(),
            Ty::Interval => format!("{n} days"),
        }
    }
}

/// Tame texts; most are short, so that they meet.
pub const TEXTS: &[&str] = &["a", "b", "ab", "", "a b", "B", "ä", "日本", "a\\b", "%", "it's"];

pub fn pick<T: Copy>(rng: &mut StdRng, of: &[T]) -> T {
    of[rng.random_range(0..of.len())]
}

/// As a quoted literal.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A literal with its type, or NULL, in one of the ways to write it.
pub fn literal(rng: &mut StdRng, ty: Ty) -> String {
    if rng.random_bool(0.04) {
        return format!("NULL::{}", ty.name());
    }
    let value = ty.value(rng, Domain::Tame);
    match rng.random_range(0..4) {
        0 if ty == Ty::Int4 && value.starts_with('-') => format!("({value})"),
        0 if ty == Ty::Int4 || ty == Ty::Bool => value.to_owned(),
        1 => format!("CAST({} AS {})", quoted(value), ty.name()),
        2 if !ty.is_number() => format!("{} {}", ty.name(), quoted(value)),
        _ => format!("{}::{}", quoted(value), ty.name()),
    }
}

/// A literal as a list of values may have it: typed, without a type, or NULL.
pub fn loose_literal(rng: &mut StdRng, ty: Ty) -> String {
    match rng.random_range(0..3) {
        0 => "NULL".to_owned(),
        1 => quoted(ty.value(rng, Domain::Tame)),
        _ => literal(rng, ty),
    }
}
