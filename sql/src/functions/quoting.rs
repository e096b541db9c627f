//! `quote_ident` and `quote_literal`: names and texts as SQL writes them.

use super::own::{Arguments, Own, is};
use crate::SqlError;
use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `quote_ident` and `quote_literal`.
pub(super) fn functions() -> [Arc<ScalarUDF>; 2] {
    [
        Own::function("quote_ident", types, |a| each(a, identifier)),
        Own::function("quote_literal", types, |a| each(a, literal)),
    ]
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    matches!(arguments, [text] if is(text, &DataType::Utf8)).then(|| (vec![DataType::Utf8], DataType::Utf8))
}

fn each(arguments: &Arguments<'_>, f: fn(&str) -> String) -> Result<ArrayRef, SqlError> {
    Ok(Arc::new(arguments.text(0)?.iter().map(|text| text.map(f)).collect::<StringArray>()))
}

/// A name: in quotes where it would not be read as this name without.
pub(super) fn identifier(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let first = name.chars().next().is_some_and(|c| !c.is_ascii_digit());
    if plain && first && !KEYWORDS.split(' ').any(|word| word == name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in quotes.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''").replace('\\', "\\\\");
    if text.contains('\\') { format!("E'{quoted}'") } else { format!("'{quoted}'") }
}

/// Words that are no plain names, in order: all of `pg_get_keywords()` of PostgreSQL 15 that are not unreserved.
const KEYWORDS: &str = "\
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case \
    cast char character check coalesce collate collation column concurrently constraint create cross \
    current_catalog current_date current_role current_schema current_time current_timestamp current_user dec \
    decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign \
    freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect \
    interval into is isnull join lateral leading least left like limit localtime localtimestamp national natural \
    nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay \
    placing position precision primary real references returning right row select session_user setof similar \
    smallint some substring symmetric table tablesample then time timestamp to trailing treat trim true union \
    unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement \
    xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable";
