//! Type names of SQL text.

use crate::SqlError;
use crate::algebra::Type;
use crate::types::SqlType;
use datafusion::sql::sqlparser::ast;

/// The type that a name means, arrays of one dimension included.
pub(crate) fn type_from_ast(data_type: &ast::DataType) -> Result<Type, SqlError> {
    match data_type {
        ast::DataType::Array(
            ast::ArrayElemTypeDef::SquareBracket(element, _)
            | ast::ArrayElemTypeDef::AngleBracket(element)
            | ast::ArrayElemTypeDef::Parenthesis(element),
        ) => match type_from_ast(element)? {
            Type::Sql(element) => Ok(Type::Array(element)),
            // Postgres does not tell the number of dimensions of a type either.
            nested => Ok(nested),
        },
        ast::DataType::Custom(name, _) => match name.to_string().to_ascii_lowercase().trim_start_matches("pg_catalog.")
        {
            // Types of the catalogs; psql casts to them.
            "name" | "\"char\"" | "cstring" => Ok(Type::TEXT),
            "oid" | "xid" | "cid" => Ok(Type::BIGINT),
            "int2vector" => Ok(Type::Array(SqlType::SmallInt)),
            "oidvector" => Ok(Type::Array(SqlType::BigInt)),
            "aclitem" => Ok(Type::TEXT),
            // Types have no schema of their own but this one: pg_catalog.text, pg_catalog.int4.
            plain if name.0.len() > 1 => match crate::statement::parse_expression(&format!("CAST(NULL AS {plain})"))? {
                ast::Expr::Cast { data_type, .. } => SqlType::from_ast(&data_type).map(Type::Sql),
                _ => SqlType::from_ast(data_type).map(Type::Sql),
            },
            _ => SqlType::from_ast(data_type).map(Type::Sql),
        },
        other => SqlType::from_ast(other).map(Type::Sql),
    }
}

/// The type whose name a function of one argument has: `text(x)` is a cast.
pub(super) fn type_of_function(name: &str) -> Option<Type> {
    let sql_type = match name {
        "bool" => SqlType::Boolean,
        "int2" => SqlType::SmallInt,
        "int4" => SqlType::Integer,
        "int8" => SqlType::BigInt,
        "float4" => SqlType::Real,
        "float8" => SqlType::Double,
        "numeric" => return Some(Type::NUMERIC),
        "text" => SqlType::Text,
        "varchar" => SqlType::Varchar { limit: None },
        "bytea" => SqlType::Bytea,
        "date" => SqlType::Date,
        "timestamp" => SqlType::Timestamp,
        "timestamptz" => SqlType::TimestampTz,
        "interval" => SqlType::Interval,
        _ => return None,
    };
    Some(Type::Sql(sql_type))
}
