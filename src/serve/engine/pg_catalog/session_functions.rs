//! Functions that are constants of a session: put in place as literals, so that no plan depends on a session.

use super::{DATABASE, OWNER};
use crate::serve::engine::Settings;
use attune_sql::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Value};

/// What `version()` says: first what clients parse, then who answers.
const VERSION: &str = concat!("PostgreSQL 15.0 (Attune ", env!("CARGO_PKG_VERSION"), ")");

/// The value of a call, if it is one of these functions.
pub(super) fn value(name: &str, call: &Function, settings: &Settings) -> Result<Option<Value>, SqlError> {
    let text = |t: &str| Ok(Some(Value::SingleQuotedString(t.to_owned())));
    let named = |key: &str, otherwise: &str| settings.values.get(key).cloned().unwrap_or_else(|| otherwise.to_owned());
    match name {
        "version" => text(VERSION),
        "current_database" | "current_catalog" => text(&named("database", DATABASE)),
        "current_schema" => text("public"),
        "current_user" | "session_user" | "user" | "current_role" => text(&named("user", OWNER)),
        "pg_backend_pid" => Ok(Some(Value::Number(named("backend_pid", "0"), false))),
        "pg_is_in_recovery" => Ok(Some(Value::Boolean(false))),
        "pg_my_temp_schema" => Ok(Some(Value::Number("0".to_owned(), false))),
        "inet_server_addr" | "inet_client_addr" => Ok(Some(Value::Null)),
        // Pools call it when a connection is given back; there are no such locks.
        "pg_advisory_unlock_all" => text(""),
        "current_setting" => current_setting(call, settings),
        "set_config" => Err(SqlError::unsupported("set_config() is not supported", "Use SET name = value.")),
        _ => Ok(None),
    }
}

fn current_setting(call: &Function, settings: &Settings) -> Result<Option<Value>, SqlError> {
    let arguments = arguments(call);
    let Some(Expr::Value(name)) = arguments.first() else { return Ok(None) };
    let Value::SingleQuotedString(name) = &name.value else { return Ok(None) };
    if let Some(value) = settings.get(&name.to_ascii_lowercase()) {
        return Ok(Some(Value::SingleQuotedString(value)));
    }
    match arguments.get(1) {
        Some(Expr::Value(v)) if v.value == Value::Boolean(true) => Ok(Some(Value::Null)),
        _ => {
            let message = format!("unrecognized configuration parameter \"{name}\"");
            Err(SqlError::new(SqlState::UndefinedObject, message))
        }
    }
}

/// The arguments of a call that are plain expressions.
pub(super) fn arguments(call: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &call.args else { return Vec::new() };
    list.args
        .iter()
        .filter_map(|a| match a {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e),
            _ => None,
        })
        .collect()
}
