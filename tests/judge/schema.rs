//! Random relations: streams and tables of all types.

use super::scope::{Col, Relation};
use super::types::{Domain, Ty, pick, quoted};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// A stream, or a table with or without primary key.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub stream: bool,
    pub columns: Vec<Column>,
    /// The primary key, as places in `columns`.
    pub key: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub ty: Ty,
    pub domain: Domain,
    /// The n of `varchar(n)`.
    pub length: Option<usize>,
    pub not_null: bool,
    pub key: bool,
}

impl Column {
    fn declaration(&self) -> String {
        let ty = match self.length {
            Some(length) => format!("varchar({length})"),
            None => self.ty.name().to_owned(),
        };
        let not_null = if self.not_null && !self.key { " NOT NULL" } else { "" };
        format!("{} {ty}{not_null}", self.name)
    }

    /// A value as text; None is NULL.
    pub fn value(&self, rng: &mut StdRng) -> Option<String> {
        if self.key {
            return Some(self.ty.key_value(rng));
        }
        // Seldom NULL where that is an error.
        if rng.random_bool(if self.not_null { 0.002 } else { 0.15 }) {
            return None;
        }
        let value = self.ty.value(rng, self.domain);
        Some(match self.length {
            Some(length) => value.chars().take(length).collect(),
            None => value.to_owned(),
        })
    }

    /// A value as a literal.
    pub fn literal(&self, rng: &mut StdRng) -> String {
        match self.value(rng) {
            None => "NULL".to_owned(),
            Some(value) if self.ty.is_number() && value.starts_with(|c: char| c.is_ascii_digit()) => value,
            Some(value) => quoted(&value),
        }
    }

    fn col(&self) -> Col {
        let magnitude = match self.domain {
            _ if !self.ty.is_number() && self.ty != Ty::Interval => 0.0,
            Domain::Wild => f64::INFINITY,
            // Updates let integers grow to 1000.
            _ => 1000.0,
        };
        let mut col = Col::new(&self.name, self.ty, magnitude);
        col.special = self.ty.is_float() && self.domain != Domain::Tame;
        col
    }
}

impl Table {
    pub fn relation(&self) -> Relation {
        Relation { name: self.name.clone(), columns: self.columns.iter().map(Column::col).collect() }
    }

    /// CREATE, for Attune or for Postgres.
    pub fn create(&self, attune: bool) -> String {
        let mut parts: Vec<String> = self.columns.iter().map(Column::declaration).collect();
        if !self.key.is_empty() {
            parts.push(format!("PRIMARY KEY ({})", self.key_names().join(", ")));
        }
        let kind = if self.stream && attune { "STREAM" } else { "TABLE" };
        format!("CREATE {kind} {} ({})", self.name, parts.join(", "))
    }

    pub fn key_names(&self) -> Vec<&str> {
        self.key.iter().map(|at| self.columns[*at].name.as_str()).collect()
    }

    pub fn names(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Types that keys have.
const KEYS: [Ty; 12] = [
    Ty::Int4,
    Ty::Int8,
    Ty::Int8,
    Ty::Int4,
    Ty::Int2,
    Ty::Text,
    Ty::Text,
    Ty::Date,
    Ty::Timestamp,
    Ty::TimestampTz,
    Ty::Numeric,
    Ty::Bytea,
];

/// Three tables and a stream or two, with few names of columns, most of them with the same type everywhere.
pub fn random(rng: &mut StdRng) -> Vec<Table> {
    let types: Vec<(&str, Ty)> =
        ["id", "k", "a", "b", "c", "g", "n", "s", "t", "v", "item"].map(|name| (name, pick(rng, &Ty::ALL))).to_vec();
    // Some tables are called like columns.
    let mut names = ["item", "e", "k", "likes", "u", "events"];
    names.shuffle(rng);
    let streams = rng.random_range(1..3);
    (0..3 + streams)
        .map(|at| {
            let key = if at < 2 { rng.random_range(1..3) } else { 0 };
            table(rng, names[at], at >= 3, key, &types)
        })
        .collect()
}

fn table(rng: &mut StdRng, name: &str, stream: bool, key: usize, types: &[(&str, Ty)]) -> Table {
    let mut types = types.to_vec();
    types.shuffle(rng);
    types.truncate(rng.random_range(key.max(2)..9));
    let columns = types
        .iter()
        .enumerate()
        .map(|(at, (name, ty))| {
            let is_key = at < key;
            let other = rng.random_bool(0.25);
            let ty = if is_key && !KEYS.contains(ty) {
                pick(rng, &KEYS)
            } else if other && !is_key {
                pick(rng, &Ty::ALL)
            } else {
                *ty
            };
            let domain = if is_key { Domain::Tame } else { pick(rng, &[Domain::Tame, Domain::Special, Domain::Wild]) };
            let length = (ty == Ty::Text && !is_key && rng.random_bool(0.25)).then(|| rng.random_range(2..12));
            let not_null = is_key || rng.random_bool(0.2);
            Column { name: (*name).to_owned(), ty, domain, length, not_null, key: is_key }
        })
        .collect();
    Table { name: name.to_owned(), stream, columns, key: (0..key).collect() }
}
