//! Names of output columns as Postgres gives them (`FigureColname` in its parse_target.c).

use crate::statement::fold;
use crate::types::SqlType;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, DataType, Expr, Function, Query, SelectItem, SetExpr, TrimWhereField,
};

/// The name of an expression without one.
pub(crate) const NO_NAME: &str = "?column?";

/// The name of an expression, and whether it is a strong one: a cast keeps a strong name and replaces a weak one.
pub(crate) fn expr_name(expr: &Expr) -> Option<(String, bool)> {
    let strong = |name: &str| Some((name.to_owned(), true));
    match expr {
        Expr::Identifier(ident) => strong(&fold(ident)),
        Expr::CompoundIdentifier(parts) => strong(&fold(parts.last()?)),
        Expr::Function(function) => strong(&function_name(function)?),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => expr_name(inner),
        Expr::Cast { expr, data_type, .. } => match expr_name(expr) {
            Some((name, true)) => Some((name, true)),
            _ => Some((type_name(data_type), false)),
        },
        Expr::TypedString(typed) => Some((type_name(&typed.data_type), false)),
        Expr::Interval(_) => Some(("interval".to_owned(), false)),
        Expr::Case { else_result, .. } => match else_result.as_deref().and_then(expr_name) {
            Some((name, true)) => Some((name, true)),
            _ => Some(("case".to_owned(), false)),
        },
        Expr::Extract { .. } => strong("extract"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::Position { .. } => strong("position"),
        Expr::Substring { shorthand, .. } => strong(if *shorthand { "substr" } else { "substring" }),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::Trim { trim_where, .. } => strong(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }),
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::Array(_) => strong("array"),
        // An element is called as its array is, or as the last field.
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(field)) => strong(&fold(field)),
                _ => None,
            });
            field.or_else(|| expr_name(root))
        }
        Expr::Tuple(_) => strong("row"),
        Expr::Exists { negated: false, .. } => strong("exists"),
        Expr::Subquery(query) => subquery_name(query),
        _ => None,
    }
}

fn function_name(function: &Function) -> Option<String> {
    function.name.0.last().and_then(|part| part.as_ident()).map(fold)
}

/// A scalar subquery is called as its only column, whatever that is called.
fn subquery_name(query: &Query) -> Option<(String, bool)> {
    column_name(&query.body).map(|name| (name, true))
}

/// The name of the first column of a query.
fn column_name(query: &SetExpr) -> Option<String> {
    match query {
        SetExpr::Select(select) => match select.projection.as_slice() {
            [SelectItem::ExprWithAlias { alias, .. }] => Some(fold(alias)),
            [SelectItem::UnnamedExpr(expr)] => {
                Some(expr_name(expr).map_or_else(|| NO_NAME.to_owned(), |(name, _)| name))
            }
            _ => None,
        },
        SetExpr::Query(query) => column_name(&query.body),
        SetExpr::SetOperation { left, .. } => column_name(left),
        SetExpr::Values(_) => Some("column1".to_owned()),
        _ => None,
    }
}

/// The name of a type in `pg_type`, which a cast without a better name is called by.
fn type_name(data_type: &DataType) -> String {
    match SqlType::from_ast(data_type) {
        Ok(sql_type) => sql_type.typname().to_owned(),
        Err(_) => data_type.to_string().to_lowercase(),
    }
}
