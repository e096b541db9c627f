//! The columns that Postgres 15 gives its catalogs, in its order (`postgres.txt`, made from its `pg_attribute`).
//!
//! A relation of these names that Attune fills has all of them: those that it does not fill are NULL. One that it does not fill is
//! empty: there is nothing of its kind. What is not in the list does not exist: what Attune has but does not tell is no empty list.
//!
//! Oids are `bigint`, names and `"char"` are text.

use attune_sql::algebra::Type;
use attune_sql::types::SqlType;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Names and types of the columns of a relation.
pub(in crate::serve::engine) type Columns = Vec<(&'static str, Type)>;

static POSTGRES: LazyLock<BTreeMap<&'static str, (i64, Columns)>> =
    LazyLock::new(|| include_str!("postgres.txt").lines().filter_map(relation).collect());

/// The columns of a relation of `pg_catalog`, or of `information_schema` with that before its name.
pub(in crate::serve::engine) fn columns(name: &str) -> Option<&'static Columns> {
    POSTGRES.get(name).map(|(_, columns)| columns)
}

/// The oid that a relation has in Postgres; `pg_class` itself does not list it here.
pub(super) fn oid(name: &str) -> Option<i64> {
    POSTGRES.get(name).map(|(oid, _)| *oid)
}

/// The relation that has an oid in Postgres.
pub(super) fn name(oid: i64) -> Option<&'static str> {
    POSTGRES.iter().find(|(_, (own, _))| *own == oid).map(|(name, _)| *name)
}

/// `name oid column:type column:type ...`
fn relation(line: &'static str) -> Option<(&'static str, (i64, Columns))> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let oid = words.next()?.parse().ok()?;
    let columns = words.filter_map(|word| word.split_once(':')).map(|(column, letter)| (column, of_letter(letter)));
    Some((name, (oid, columns.collect())))
}

fn of_letter(letter: &str) -> Type {
    match letter {
        "b" => Type::BOOLEAN,
        "s" => Type::Sql(SqlType::SmallInt),
        "i" => Type::INTEGER,
        "l" => Type::BIGINT,
        "r" => Type::Sql(SqlType::Real),
        "d" => Type::DOUBLE,
        "z" => Type::Sql(SqlType::TimestampTz),
        "S" | "V" => Type::Array(SqlType::SmallInt),
        "L" => Type::Array(SqlType::BigInt),
        "R" => Type::Array(SqlType::Real),
        "T" => Type::Array(SqlType::Text),
        _ => Type::TEXT,
    }
}
