//! Calls: functions, aggregates, window functions, and the syntax that is a call in other words.

use super::expand::check_operands;
use super::expr::Clause;
use super::resolve::gives_rows;
use super::scope::Scope;
use super::{Bind, Result};
use crate::algebra::{Expr, SortKey, Type};
use crate::statement::fold;
use crate::types::text::read_zone;
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    self, CeilFloorKind, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    NullTreatment, Spanned, TrimWhereField,
};

/// The arguments of a call.
#[derive(Default)]
struct Arguments<'a> {
    exprs: Vec<&'a ast::Expr>,
    star: bool,
    distinct: bool,
    order: &'a [ast::OrderByExpr],
    ignore_nulls: bool,
}

impl Bind<'_> {
    /// Syntax that is a call in other words.
    pub(super) fn special(&self, expr: &ast::Expr, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        let bind = |expr: &ast::Expr| self.expr(expr, scope, clause);
        let call = |name: &str, args: Vec<Expr>| self.resolver.function(name, args);
        match expr {
            ast::Expr::Function(function) => match self.expanded_array(expr, None, scope, clause)? {
                Some(rows) => Ok(rows),
                None => self.call(function, scope, clause),
            },
            ast::Expr::AtTimeZone { timestamp, time_zone } => {
                let zone = bind(time_zone)?;
                // Told here: in a view it would be a failure of every row.
                if let Expr::Constant { value: ScalarValue::Utf8(Some(name)), .. } = &zone
                    && read_zone(name).is_none()
                {
                    let what = format!("AT TIME ZONE '{name}' is not supported");
                    return Err(SqlError::unsupported(what, "Use UTC or an offset such as '+02:00'."));
                }
                call("timezone", vec![zone, bind(timestamp)?])
            }
            ast::Expr::Extract { field, expr, .. } => {
                let field = field.to_string().to_lowercase();
                let field = Expr::constant(ScalarValue::Utf8(Some(field)), Type::TEXT);
                call("extract", vec![field, bind(expr)?])
            }
            ast::Expr::Ceil { expr, field } if is_plain(field) => call("ceil", vec![bind(expr)?]),
            ast::Expr::Floor { expr, field } if is_plain(field) => call("floor", vec![bind(expr)?]),
            ast::Expr::Position { expr, r#in } => call("strpos", vec![bind(r#in)?, bind(expr)?]),
            ast::Expr::Substring { expr, substring_from, substring_for, shorthand, .. } => {
                let mut args = vec![bind(expr)?];
                match (substring_from, substring_for) {
                    (Some(from), length) => {
                        args.push(bind(from)?);
                        args.extend(length.as_deref().map(bind).transpose()?);
                    }
                    (None, Some(length)) => {
                        args.push(Expr::constant(ScalarValue::Int32(Some(1)), Type::INTEGER));
                        args.push(bind(length)?);
                    }
                    (None, None) => {}
                }
                call(if *shorthand { "substr" } else { "substring" }, args)
            }
            ast::Expr::Trim { trim_where, trim_what, expr, trim_characters } => {
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                    _ => "btrim",
                };
                let mut args = vec![bind(expr)?];
                args.extend(trim_what.as_deref().map(bind).transpose()?);
                for characters in trim_characters.iter().flatten() {
                    args.push(bind(characters)?);
                }
                call(name, args)
            }
            ast::Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let mut args = vec![bind(expr)?, bind(overlay_what)?, bind(overlay_from)?];
                args.extend(overlay_for.as_deref().map(bind).transpose()?);
                call("overlay", args)
            }
            ast::Expr::Tuple(values) if values.is_empty() => {
                Err(SqlError::new(SqlState::SyntaxError, "syntax error at or near \")\""))
            }
            ast::Expr::Tuple(_) => Err(no_rows_as_values()),
            other => {
                let what = "this form of expression is not supported";
                let instead = "docs/sql.md lists the expressions that queries can contain.";
                Err(SqlError::unsupported(what, instead).or_at(other.span()))
            }
        }
    }

    fn call(&self, function: &ast::Function, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        let parts: Vec<String> = function.name.0.iter().filter_map(|part| part.as_ident()).map(fold).collect();
        let name = match parts.as_slice() {
            [name] => name.as_str(),
            [schema, name] | [_, schema, name]
                if matches!(schema.as_str(), "pg_catalog" | "public" | "information_schema") =>
            {
                name.as_str()
            }
            [schema, _] | [_, schema, _] => {
                let error = SqlError::new(SqlState::InvalidSchemaName, format!("schema \"{schema}\" does not exist"));
                let hint = "Functions are in pg_catalog; leave the schema out.";
                return Err(error.with_hint(hint).or_at(function.name.span()));
            }
            _ => {
                let message = format!("improper qualified name (too many dotted names): {}", function.name);
                return Err(SqlError::new(SqlState::SyntaxError, message).or_at(function.name.span()));
            }
        };
        if name == "row" {
            return Err(no_rows_as_values());
        }
        if !matches!(function.parameters, FunctionArguments::None) {
            let what = format!("a call of {name} with two lists of arguments is not supported");
            let error = SqlError::unsupported(what, "Write one list: f(a, b).");
            return Err(error.or_at(function.name.span()));
        }
        if name == "array"
            && let FunctionArguments::Subquery(query) = &function.args
        {
            return self.array_subquery(query, scope, clause);
        }
        let arguments = arguments(function).map_err(|error| error.or_at(function.name.span()))?;
        let error = |error: SqlError| match function.name.0.first().and_then(|part| part.as_ident()) {
            Some(ident) => error.or_at(ident.span),
            None => error,
        };
        if function.over.is_some() {
            clause.check_window().map_err(error)?;
            return self.window_call(name, function, scope);
        }
        if name == "grouping" {
            return self.grouping_call(&arguments.exprs, scope, clause).map_err(error);
        }
        if self.resolver.is_aggregate(name) {
            return self.aggregate_call(name, function, &arguments, scope, clause).map_err(error);
        }
        if self.resolver.is_window(name) {
            let message = format!("window function {name} requires an OVER clause");
            return Err(error(SqlError::new(SqlState::WrongObjectType, message)));
        }
        if arguments.star {
            let message = format!("function {name}() does not exist");
            return Err(error(SqlError::new(SqlState::UndefinedFunction, message)));
        }
        let call = match gives_rows(name) {
            true => self.rows_call(name, &arguments.exprs, scope, clause),
            false => self.function_call(name, &arguments.exprs, scope, clause),
        };
        let call = call.map_err(error)?;
        match misplaced(function, &arguments) {
            Some(what) => {
                let message = format!("{what} specified, but {name} is not an aggregate function");
                Err(error(SqlError::new(SqlState::WrongObjectType, message)))
            }
            None => Ok(call),
        }
    }

    fn function_call(&self, name: &str, args: &[&ast::Expr], scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        let arg = |e: &&ast::Expr| match name {
            "pg_typeof" => self.typed_expr(e, scope, clause),
            _ => self.expr(e, scope, clause),
        };
        let bound = args.iter().map(arg).collect::<Result<Vec<_>>>()?;
        if name == "coalesce" {
            check_operands(bound.iter().zip(args.iter().copied()), "COALESCE")?;
        }
        self.resolver.function(name, bound)
    }

    fn aggregate_call(
        &self,
        name: &str,
        function: &ast::Function,
        arguments: &Arguments<'_>,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        if name == "count" && arguments.exprs.is_empty() && !arguments.star {
            let message = "count(*) must be used to call a parameterless aggregate function";
            return Err(SqlError::new(SqlState::WrongObjectType, message));
        }
        let mut args =
            arguments.exprs.iter().map(|e| self.expr(e, scope, Clause::Aggregate)).collect::<Result<Vec<_>>>()?;
        let mut order = self.sort_keys(arguments.order, scope, Clause::Aggregate)?;
        if function.within_group.is_empty() && name == ORDERED_SET {
            let message = format!("WITHIN GROUP is required for ordered-set aggregate {name}");
            return Err(SqlError::new(SqlState::WrongObjectType, message));
        }
        if !function.within_group.is_empty() {
            if arguments.distinct {
                return Err(SqlError::new(SqlState::SyntaxError, "cannot use DISTINCT with WITHIN GROUP"));
            }
            if !arguments.order.is_empty() {
                let message = "cannot use multiple ORDER BY clauses with WITHIN GROUP";
                return Err(SqlError::new(SqlState::SyntaxError, message));
            }
            order = self.sort_keys(&function.within_group, scope, Clause::Aggregate)?;
            // An ordered-set aggregate is called with the value it sorts before its own arguments.
            let at = if self.resolver.is_ordered_set(name) { 0 } else { args.len() };
            args.splice(at..at, order.iter().map(|key| key.expr.clone()));
        }
        if arguments.ignore_nulls {
            let what = format!("IGNORE NULLS is not supported for the aggregate {name}");
            let instead = "Add FILTER (WHERE value IS NOT NULL).";
            return Err(SqlError::unsupported(what, instead));
        }
        let filter = match &function.filter {
            Some(filter) => Some(self.condition(filter, scope, Clause::Filter)?),
            None => None,
        };
        let in_arguments = |key: &SortKey| args.iter().any(|arg| arg.is_same(&key.expr));
        if arguments.distinct
            && let Some(at) = order.iter().position(|key| !in_arguments(key))
        {
            let message = "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list";
            let error = SqlError::new(SqlState::InvalidColumnReference, message);
            return Err(match arguments.order.get(at) {
                Some(by) => error.or_at(by.expr.span()),
                None => error,
            });
        }
        let call = self.resolver.aggregate(name, args, arguments.distinct, filter, order, arguments.star)?;
        if !function.within_group.is_empty() && !self.resolver.is_ordered_set(name) {
            let message = format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP");
            return Err(SqlError::new(SqlState::WrongObjectType, message));
        }
        self.at_its_level(call, scope, clause)
    }

    /// Keys of a sort inside a call.
    pub(super) fn sort_keys(
        &self,
        order: &[ast::OrderByExpr],
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Vec<SortKey>> {
        order
            .iter()
            .map(|by| {
                let expr = self.settle(self.expr(&by.expr, scope, clause)?)?;
                let (descending, nulls_first) = direction(by);
                Ok(SortKey { expr, descending, nulls_first })
            })
            .collect()
    }
}

/// What only a call of an aggregate may have.
fn misplaced(function: &ast::Function, arguments: &Arguments<'_>) -> Option<&'static str> {
    let parts = [
        (arguments.distinct, "DISTINCT"),
        (!function.within_group.is_empty(), "WITHIN GROUP"),
        (!arguments.order.is_empty(), "ORDER BY"),
        (function.filter.is_some(), "FILTER"),
    ];
    parts.into_iter().find(|(is, _)| *is).map(|(_, what)| what)
}

fn no_rows_as_values() -> SqlError {
    let instead = "Compare rows with = or IN, and select the values one by one.";
    SqlError::unsupported("a row is not supported as a value", instead)
}

/// The aggregate of Postgres that is called with WITHIN GROUP.
const ORDERED_SET: &str = "percentile_cont";

/// `ceil(x)`, not `ceil(x TO day)`.
fn is_plain(field: &CeilFloorKind) -> bool {
    matches!(field, CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime))
}

/// ASC and DESC, NULLS FIRST and LAST: NULL is larger than every value.
pub(super) fn direction(by: &ast::OrderByExpr) -> (bool, bool) {
    let descending = by.options.asc == Some(false);
    (descending, by.options.nulls_first.unwrap_or(descending))
}

fn arguments(function: &ast::Function) -> std::result::Result<Arguments<'_>, SqlError> {
    let mut found = Arguments {
        ignore_nulls: matches!(function.null_treatment, Some(NullTreatment::IgnoreNulls)),
        ..Arguments::default()
    };
    let list = match &function.args {
        FunctionArguments::None => return Ok(found),
        FunctionArguments::Subquery(_) => {
            let error = SqlError::new(SqlState::SyntaxError, "a query cannot be a list of arguments");
            return Err(error.with_hint("Put it in parentheses of its own: f((SELECT ...))."));
        }
        FunctionArguments::List(list) => list,
    };
    found.distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    for clause in &list.clauses {
        match clause {
            FunctionArgumentClause::OrderBy(order) => found.order = order,
            FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                found.ignore_nulls = *treatment == NullTreatment::IgnoreNulls;
            }
            _ => {
                let what = format!("{clause} in a list of arguments is not supported");
                return Err(SqlError::unsupported(what, "Only ORDER BY can follow the arguments."));
            }
        }
    }
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => found.exprs.push(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => found.star = true,
            FunctionArg::Unnamed(_) => {
                let what = "a row is not supported as an argument";
                return Err(SqlError::unsupported(what, "Write * for all rows, or a column."));
            }
            FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => {
                let what = format!("named arguments are not supported ({})", function.name);
                return Err(SqlError::unsupported(what, "Write the values in the order that the function has."));
            }
        }
    }
    Ok(found)
}

impl Bind<'_> {
    /// The arguments of a window function, and whether it is `f(*)`, DISTINCT and IGNORE NULLS.
    pub(super) fn window_arguments(
        &self,
        function: &ast::Function,
        scope: &Scope<'_>,
    ) -> Result<(Vec<Expr>, bool, bool, bool)> {
        let arguments = arguments(function).map_err(|error| error.or_at(function.name.span()))?;
        if function.name.0.last().and_then(|part| part.as_ident()).is_some_and(|ident| fold(ident) == ORDERED_SET) {
            return Err(SqlError::unsupported(
                format!("OVER is not supported for ordered-set aggregate {ORDERED_SET}"),
                "Compute it with GROUP BY in a subquery, and join that.",
            ));
        }
        if !arguments.order.is_empty() || !function.within_group.is_empty() {
            return Err(SqlError::unsupported(
                "ORDER BY in the arguments of a window function is not supported",
                "Order the window: OVER (ORDER BY ...).",
            ));
        }
        let args = arguments.exprs.iter().map(|e| self.expr(e, scope, Clause::Window)).collect::<Result<Vec<_>>>()?;
        Ok((args, arguments.star, arguments.distinct, arguments.ignore_nulls))
    }
}
