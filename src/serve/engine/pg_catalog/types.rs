//! `pg_type`: the types Attune has.

use super::{CATALOG_SCHEMA, OWNER_OID, io_functions};
use crate::serve::engine::system::{Cell, SystemRelation};
use crate::serve::value::array_oid;
use attune_sql::algebra::Type;
use attune_sql::statement::parse_expression;
use attune_sql::types::{PLAIN_NUMERIC, SqlType};
use datafusion::sql::sqlparser::ast::Expr;

const ALL: [SqlType; 14] = [
    SqlType::Boolean,
    SqlType::SmallInt,
    SqlType::Integer,
    SqlType::BigInt,
    SqlType::Real,
    SqlType::Double,
    PLAIN_NUMERIC,
    SqlType::Text,
    SqlType::Varchar { limit: None },
    SqlType::Bytea,
    SqlType::Date,
    SqlType::Timestamp,
    SqlType::TimestampTz,
    SqlType::Interval,
];

pub(super) static TYPE: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_type",
    columns: &[
        ("oid", SqlType::BigInt),
        ("typname", SqlType::Text),
        ("typnamespace", SqlType::BigInt),
        ("typowner", SqlType::BigInt),
        ("typlen", SqlType::SmallInt),
        ("typbyval", SqlType::Boolean),
        ("typtype", SqlType::Text),
        ("typcategory", SqlType::Text),
        ("typisdefined", SqlType::Boolean),
        ("typdelim", SqlType::Text),
        ("typrelid", SqlType::BigInt),
        ("typelem", SqlType::BigInt),
        ("typarray", SqlType::BigInt),
        ("typbasetype", SqlType::BigInt),
        ("typtypmod", SqlType::Integer),
        ("typnotnull", SqlType::Boolean),
        ("typcollation", SqlType::BigInt),
        ("typinput", SqlType::BigInt),
        ("typoutput", SqlType::BigInt),
        ("typreceive", SqlType::BigInt),
        ("typsend", SqlType::BigInt),
        ("typispreferred", SqlType::Boolean),
    ],
    rows: |_| Ok(ALL.iter().map(|t| row(*t)).chain(ALL.iter().map(|t| array_row(*t))).collect()),
};

fn row(sql_type: SqlType) -> Vec<Cell> {
    let [input, output, receive, send] =
        io_functions::of_type(sql_type.typname()).map_or([0; 4], |functions| functions.oids).map(Cell::Int);
    let category = match sql_type {
        SqlType::Boolean => "B",
        SqlType::Text | SqlType::Varchar { .. } => "S",
        SqlType::Date | SqlType::Timestamp | SqlType::TimestampTz => "D",
        SqlType::Interval => "T",
        SqlType::Bytea => "U",
        _ => "N",
    };
    let zero = || Cell::Int(0);
    vec![
        Cell::Int(i64::from(sql_type.oid())),
        sql_type.typname().into(),
        Cell::Int(CATALOG_SCHEMA),
        Cell::Int(OWNER_OID),
        Cell::Int(i64::from(sql_type.typlen())),
        Cell::Bool((1..=8).contains(&sql_type.typlen())),
        "b".into(),
        category.into(),
        Cell::Bool(true),
        ",".into(),
        zero(),
        zero(),
        Cell::Int(i64::from(array_oid(sql_type))),
        zero(),
        Cell::Int(-1),
        Cell::Bool(false),
        zero(),
        input,
        output,
        receive,
        send,
        Cell::Bool(Type::Sql(sql_type).is_preferred()),
    ]
}

/// The array of a type: of parameters, and of values within a query.
fn array_row(element: SqlType) -> Vec<Cell> {
    let mut cells = row(element);
    let [input, output, receive, send] =
        io_functions::of_type("_").map_or([0; 4], |functions| functions.oids).map(Cell::Int);
    let of_array: [(usize, Cell); 11] = [
        (0, Cell::Int(i64::from(array_oid(element)))),
        (1, format!("_{}", element.typname()).into()),
        (4, Cell::Int(-1)),
        (5, Cell::Bool(false)),
        (7, "A".into()),
        (11, Cell::Int(i64::from(element.oid()))),
        (12, Cell::Int(0)),
        (17, input),
        (18, output),
        (19, receive),
        (20, send),
    ];
    for (place, cell) in of_array {
        if let Some(old) = cells.get_mut(place) {
            *old = cell;
        }
    }
    if let Some(preferred) = cells.get_mut(21) {
        *preferred = Cell::Bool(false);
    }
    cells
}

/// The oid of a type by any of its names.
pub(super) fn oid_of(name: &str) -> Option<i64> {
    let name = name.trim().trim_start_matches("pg_catalog.").to_lowercase();
    let element = name.strip_suffix("[]").or_else(|| name.strip_prefix('_'));
    if let Some(element) = element.and_then(oid_of) {
        let element = ALL.iter().find(|sql_type| i64::from(sql_type.oid()) == element)?;
        return Some(i64::from(array_oid(*element)));
    }
    let found = ALL.iter().find(|sql_type| sql_type.typname() == name).copied();
    let found = found.or_else(|| match parse_expression(&format!("CAST(NULL AS {name})")) {
        Ok(Expr::Cast { data_type, .. }) => SqlType::from_ast(&data_type).ok(),
        _ => None,
    });
    found.map(|sql_type| i64::from(sql_type.oid()))
}

/// `format_type(oid, typmod)`: the name with its precision or length.
pub(super) fn formatted(oid: i64, typmod: i64) -> Option<String> {
    let oid = u32::try_from(oid).ok()?;
    if let Some(element) = ALL.iter().find(|element| array_oid(**element) == oid) {
        return formatted(i64::from(element.oid()), typmod).map(|element| format!("{element}[]"));
    }
    let sql_type = SqlType::from_oid(oid)?;
    let modifier = typmod - 4;
    Some(match sql_type {
        SqlType::Numeric { .. } if modifier >= 0 => format!("numeric({},{})", modifier >> 16, modifier & 0x7ff),
        SqlType::Numeric { .. } => "numeric".to_owned(),
        SqlType::Varchar { .. } if modifier > 0 => format!("character varying({modifier})"),
        other => other.to_string(),
    })
}
