//! Queries of Postgres' tools, changed into what DataFusion plans to the same answer.

use super::empty;
use super::session_functions::{self, arguments};
use crate::serve::engine::Settings;
use attune_sql::SqlError;
use attune_sql::statement::parse_expression;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, JoinOperator, ObjectName, Query, Select, SelectItem, SetExpr,
    TableFactor, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::Span;
use std::ops::ControlFlow;

/// The query as the binder shall see it. What does not concern the catalogs stays as it is.
pub(in crate::serve::engine) fn rewrite(query: &Query, settings: &Settings) -> Result<Query, SqlError> {
    let mut query = query.clone();
    let catalogs = mentions_catalogs(&query);
    let mut rewriter = Rewriter { settings, catalogs };
    match VisitMut::visit(&mut query, &mut rewriter) {
        ControlFlow::Continue(()) => Ok(query),
        ControlFlow::Break(error) => Err(*error),
    }
}

fn mentions_catalogs(query: &Query) -> bool {
    let text = query.to_string();
    text.contains("pg_") || text.contains("information_schema") || text.contains("::reg") || text.contains("AS reg")
}

struct Rewriter<'a> {
    settings: &'a Settings,
    /// Whether the query is about the catalogs at all: others keep their COLLATE and are refused for it.
    catalogs: bool,
}

type Flow = ControlFlow<Box<SqlError>>;

impl VisitorMut for Rewriter<'_> {
    type Break = Box<SqlError>;

    fn pre_visit_query(&mut self, query: &mut Query) -> Flow {
        // The order may name columns that the empty select no longer has.
        if self.catalogs && matches!(query.body.as_ref(), SetExpr::Select(select) if reads_nothing(select)) {
            query.order_by = None;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        if self.catalogs && reads_nothing(select) {
            return flow(make_empty(select));
        }
        for item in &mut select.projection {
            name_call(item);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        flow(self.expr(expr))
    }
}

fn flow(result: Result<(), SqlError>) -> Flow {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(Box::new(error)),
    }
}

impl Rewriter<'_> {
    fn expr(&self, expr: &mut Expr) -> Result<(), SqlError> {
        match expr {
            Expr::Function(call) => {
                let name = unqualify(call);
                if let Some(value) = session_functions::value(&name, call, self.settings)? {
                    *expr = literal(value);
                } else if self.catalogs && is_list(&name, call) {
                    // Access lists and options: nothing has any.
                    *expr = parse_expression("CAST(NULL AS text)")?;
                } else if name == "pg_typeof" {
                    *expr = pg_typeof(call)?;
                }
                Ok(())
            }
            Expr::Collate { expr: inner, .. } if self.catalogs => {
                *expr = inner.as_ref().clone();
                self.expr(expr)
            }
            Expr::BinaryOp { op, .. } => {
                if let BinaryOperator::PGCustomBinaryOperator(parts) = op {
                    *op = match parts.last().map(String::as_str) {
                        Some("~") => BinaryOperator::PGRegexMatch,
                        Some("~*") => BinaryOperator::PGRegexIMatch,
                        Some("!~") => BinaryOperator::PGRegexNotMatch,
                        Some("=") => BinaryOperator::Eq,
                        Some("<>") => BinaryOperator::NotEq,
                        _ => op.clone(),
                    };
                }
                Ok(())
            }
            Expr::Subquery(query) if self.catalogs => {
                if let Some(replacement) = subquery(query)? {
                    *expr = replacement;
                }
                Ok(())
            }
            Expr::Exists { subquery, negated } if self.catalogs && is_about(subquery, "pg_constraint") => {
                // Whether a constraint is deferrable: none is.
                *expr = literal(Value::Boolean(*negated));
                Ok(())
            }
            Expr::Cast { expr: inner, data_type, .. } => match cast_to(data_type).as_deref() {
                Some("text") => {
                    *data_type = DataType::Text;
                    Ok(())
                }
                Some("oid") => {
                    *data_type = DataType::BigInt(None);
                    Ok(())
                }
                Some("regclass") => {
                    let function = match inner.as_ref() {
                        Expr::Value(_) => "attune_regclass",
                        _ => "attune_regclass_name",
                    };
                    *expr = call(function, inner)?;
                    Ok(())
                }
                Some("regtype") => {
                    *expr = call("format_type", inner)?;
                    Ok(())
                }
                Some("regnamespace") => {
                    *expr = call("attune_regnamespace_name", inner)?;
                    Ok(())
                }
                Some("regproc") => {
                    *expr = inner.as_ref().clone();
                    self.expr(expr)
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// The type a cast names, without its schema, when it is one of Postgres' catalogs or spelled with `pg_catalog`.
fn cast_to(data_type: &DataType) -> Option<String> {
    let DataType::Custom(name, _) = data_type else {
        return matches!(data_type, DataType::Regclass).then(|| "regclass".to_owned());
    };
    let name = name.to_string().to_ascii_lowercase();
    Some(name.trim_start_matches("pg_catalog.").to_owned())
}

fn literal(value: Value) -> Expr {
    Expr::Value(ValueWithSpan { value, span: Span::empty() })
}

fn call(function: &str, argument: &Expr) -> Result<Expr, SqlError> {
    let mut template = parse_expression(&format!("{function}(NULL)"))?;
    if let Expr::Function(call) = &mut template
        && let datafusion::sql::sqlparser::ast::FunctionArguments::List(list) = &mut call.args
    {
        use datafusion::sql::sqlparser::ast::{FunctionArg, FunctionArgExpr};
        list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(argument.clone()))];
    }
    Ok(template)
}

/// Takes `pg_catalog.` off a function's name; gives the name, folded.
fn unqualify(call: &mut Function) -> String {
    let parts = &call.name.0;
    let is_catalog = |p: &datafusion::sql::sqlparser::ast::ObjectNamePart| {
        p.as_ident().is_some_and(|i| i.value.eq_ignore_ascii_case("pg_catalog"))
    };
    if parts.len() == 2 && is_catalog(&parts[0]) {
        call.name = ObjectName(vec![parts[1].clone()]);
    }
    match call.name.0.as_slice() {
        [part] => part.as_ident().map(|i| i.value.to_ascii_lowercase()).unwrap_or_default(),
        _ => String::new(),
    }
}

/// A call that will become a literal keeps its name as the column's.
fn name_call(item: &mut SelectItem) {
    const NAMED: [&str; 10] = [
        "version",
        "current_database",
        "current_catalog",
        "current_schema",
        "current_user",
        "session_user",
        "pg_backend_pid",
        "pg_is_in_recovery",
        "current_setting",
        "pg_typeof",
    ];
    if let SelectItem::UnnamedExpr(expr @ Expr::Function(_)) = item
        && let Expr::Function(function) = &expr
        && let Some(name) = function.name.0.last().and_then(|p| p.as_ident()).map(|i| i.value.to_ascii_lowercase())
        && NAMED.contains(&name.as_str())
    {
        let alias = datafusion::sql::sqlparser::ast::Ident::new(name);
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
    }
}

/// `pg_typeof` of a literal or cast; of columns it would need their types.
fn pg_typeof(function: &Function) -> Result<Expr, SqlError> {
    let arguments = arguments(function);
    let name = match arguments.as_slice() {
        [Expr::Cast { data_type, .. }] => attune_sql::types::SqlType::from_ast(data_type)?.to_string(),
        [Expr::Value(v)] => match &v.value {
            Value::Number(n, _) if n.contains(['.', 'e', 'E']) => "numeric".to_owned(),
            Value::Number(n, _) if n.parse::<i32>().is_ok() => "integer".to_owned(),
            Value::Number(..) => "bigint".to_owned(),
            Value::Boolean(_) => "boolean".to_owned(),
            _ => "unknown".to_owned(),
        },
        _ => {
            return Err(SqlError::unsupported(
                "pg_typeof() of columns is not supported",
                "\\d name and information_schema.columns show the types of columns.",
            ));
        }
    };
    Ok(literal(Value::SingleQuotedString(name)))
}

/// `array(SELECT ...)`, and `array_to_string` of the columns that hold lists in Postgres.
fn is_list(name: &str, call: &Function) -> bool {
    if name == "array" {
        return true;
    }
    let of_list = |e: &&Expr| {
        let text = e.to_string();
        ["acl", "options", "array("].iter().any(|w| text.to_ascii_lowercase().contains(w))
    };
    name == "array_to_string" && arguments(call).first().is_some_and(of_list)
}

fn table_name(factor: &TableFactor) -> Option<String> {
    let TableFactor::Table { name, .. } = factor else { return None };
    name.0.last()?.as_ident().map(|i| i.value.to_ascii_lowercase())
}

/// Whether FROM joins, not from an outer side, a catalog that never has rows.
fn reads_nothing(select: &Select) -> bool {
    let is_empty = |factor: &TableFactor| table_name(factor).is_some_and(|n| empty::is_empty(&n));
    select.from.iter().any(|table| {
        is_empty(&table.relation)
            || table.joins.iter().any(|join| {
                matches!(
                    join.join_operator,
                    JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_)
                ) && is_empty(&join.relation)
            })
    })
}

/// The same output columns, and no rows.
fn make_empty(select: &mut Select) -> Result<(), SqlError> {
    for item in &mut select.projection {
        let alias = match &*item {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.clone()),
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(ident.clone()),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().cloned(),
            _ => None,
        };
        let expr = parse_expression("CAST(NULL AS text)")?;
        *item = match alias {
            Some(alias) => SelectItem::ExprWithAlias { expr, alias },
            None => SelectItem::UnnamedExpr(expr),
        };
    }
    select.from.clear();
    select.selection = Some(parse_expression("false")?);
    select.distinct = None;
    select.having = None;
    Ok(())
}

fn is_about(query: &Query, relation: &str) -> bool {
    match query.body.as_ref() {
        SetExpr::Select(select) => select.from.iter().any(|t| table_name(&t.relation).as_deref() == Some(relation)),
        _ => false,
    }
}

/// Scalar subqueries of psql's own queries: on empty catalogs they are NULL; defaults of columns are a function here.
fn subquery(query: &Query) -> Result<Option<Expr>, SqlError> {
    let SetExpr::Select(select) = query.body.as_ref() else { return Ok(None) };
    if reads_nothing(select) {
        return parse_expression("CAST(NULL AS text)").map(Some);
    }
    if is_about(query, "pg_attrdef") && select.selection.as_ref().is_some_and(|s| s.to_string().contains("a.attrelid"))
    {
        return parse_expression("attune_column_default(a.attrelid, a.attnum)").map(Some);
    }
    // \dT asks whether the relation of a type is a composite type: there are none.
    if is_about(query, "pg_class")
        && matches!(select.projection.as_slice(), [SelectItem::UnnamedExpr(e)] if e.to_string() == "c.relkind = 'c'")
    {
        return Ok(Some(literal(Value::Boolean(false))));
    }
    Ok(None)
}
