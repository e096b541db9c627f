//! Type names in casts and typed literals.

use crate::SqlError;
use crate::types::SqlType;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast;
use std::sync::Arc;

/// Gives the Arrow types of the type map (DataFusion's own timestamps are nanoseconds, its own numeric is (38, 10)).
#[derive(Debug)]
pub(super) struct PostgresTypes;

impl TypePlanner for PostgresTypes {
    fn plan_type_field(&self, sql_type: &ast::DataType) -> Result<Option<FieldRef>> {
        let data_type = match sql_type {
            // DataFusion takes lists apart and asks again for the element.
            ast::DataType::Array(_) => return Ok(None),
            ast::DataType::Custom(name, _) if is_catalog_text(name) => DataType::Utf8,
            ast::DataType::Custom(name, _) if name.to_string().eq_ignore_ascii_case("oid") => DataType::Int32,
            ast::DataType::Varchar(Some(_))
            | ast::DataType::CharacterVarying(Some(_))
            | ast::DataType::CharVarying(Some(_)) => {
                return Err(DataFusionError::External(Box::new(SqlError::unsupported(
                    format!("cast to {} is not supported", sql_type.to_string().to_lowercase()),
                    "Use left(value, n) to cut a text, or cast to text.",
                ))));
            }
            other => SqlType::from_ast(other).map_err(|e| DataFusionError::External(Box::new(e)))?.to_arrow(),
        };
        Ok(Some(Arc::new(Field::new("", data_type, true))))
    }
}

/// Types of Postgres' catalogs that are text here; psql casts to them.
fn is_catalog_text(name: &ast::ObjectName) -> bool {
    let name = name.to_string().to_ascii_lowercase();
    matches!(name.trim_start_matches("pg_catalog."), "name" | "\"char\"" | "cstring")
}
