//! Functions that are constants of a session, put in place as literals before a query is bound.

use super::session_functions;
use crate::serve::engine::Settings;
use attune_sql::SqlError;
use attune_sql::statement::parse_expression;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, Ident, Query, Select, SelectItem, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::Span;
use std::ops::ControlFlow;

/// The query with the values of this session.
pub(in crate::serve::engine) fn with_session_values(query: &Query, settings: &Settings) -> Result<Query, SqlError> {
    let mut query = query.clone();
    match VisitMut::visit(&mut query, &mut Values { settings }) {
        ControlFlow::Continue(()) => Ok(query),
        ControlFlow::Break(error) => Err(*error),
    }
}

struct Values<'a> {
    settings: &'a Settings,
}

type Flow = ControlFlow<Box<SqlError>>;

impl VisitorMut for Values<'_> {
    type Break = Box<SqlError>;

    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        select.projection.iter_mut().for_each(name_call);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        let Expr::Function(call) = expr else { return ControlFlow::Continue(()) };
        let Some(name) = own_name(call) else { return ControlFlow::Continue(()) };
        if name == "current_schemas" {
            let implicit = call.args.to_string().eq_ignore_ascii_case("(true)");
            let schemas = if implicit { "{pg_catalog,public}" } else { "{public}" };
            return match parse_expression(&format!("CAST('{schemas}' AS text[])")) {
                Ok(schemas) => {
                    *expr = schemas;
                    ControlFlow::Continue(())
                }
                Err(error) => ControlFlow::Break(Box::new(error)),
            };
        }
        match session_functions::value(&name, call, self.settings) {
            Ok(None) => ControlFlow::Continue(()),
            Ok(Some(value)) => {
                *expr = literal(value);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(Box::new(error)),
        }
    }
}

/// A literal; texts have the type that the functions give.
fn literal(value: Value) -> Expr {
    Expr::Value(ValueWithSpan { value, span: Span::empty() })
}

/// The name of a function, folded and without `pg_catalog`.
fn own_name(call: &Function) -> Option<String> {
    let parts: Vec<&Ident> = call.name.0.iter().filter_map(|part| part.as_ident()).collect();
    match parts.as_slice() {
        [name] => Some(name.value.to_ascii_lowercase()),
        [schema, name] if schema.value.eq_ignore_ascii_case("pg_catalog") => Some(name.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// A call that will become a literal keeps its name as the column's.
fn name_call(item: &mut SelectItem) {
    const NAMED: [&str; 10] = [
        "version",
        "current_database",
        "current_catalog",
        "current_schema",
        "current_schemas",
        "current_user",
        "session_user",
        "pg_backend_pid",
        "pg_is_in_recovery",
        "current_setting",
    ];
    if let SelectItem::UnnamedExpr(expr) = item
        && let Expr::Function(function) = &*expr
        && let Some(name) = own_name(function)
        && NAMED.contains(&name.as_str())
    {
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::new(name) };
    }
}
