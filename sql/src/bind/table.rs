//! Relations by name: CTEs, relations of the catalog, plain views, system relations, functions in FROM.

use super::catalog::column_type;
use super::from::{Before, renamed};
use super::resolve::gives_rows;
use super::scope::{Env, Namespace, Scope, Table};
use super::{Bind, MAX_VIEW_DEPTH, Result};
use crate::algebra::{Callee, Column, Expr, Rel, Scan, Type};
use crate::bind::expr::Clause;
use crate::binder::visible_schema;
use crate::catalog::{Relation, RelationKind};
use crate::statement::{fold, parse_query};
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{TableSource, lit};
use datafusion::sql::sqlparser::ast::{self, FunctionArg, FunctionArgExpr, ObjectName, Spanned};
use std::sync::Arc;

impl Bind<'_> {
    /// The relation of a name, and the table it is under its alias.
    pub(super) fn named(
        &self,
        name: &ObjectName,
        alias: Option<&ast::TableAlias>,
        env: &Env<'_>,
    ) -> Result<(Rel, Table)> {
        let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident()).map(fold).collect();
        let (schema, own) = match parts.as_slice() {
            [own] => (None, own.as_str()),
            [schema, own] => (Some(schema.as_str()), own.as_str()),
            [_, schema, own] => (Some(schema.as_str()), own.as_str()),
            _ => return Err(SqlError::new(SqlState::SyntaxError, "improper relation name")),
        };
        let (rel, mut columns, key) = self.relation(schema, own, env)?;
        let visible = key.as_ref().map_or(columns.len(), |relation| relation.visible_columns().count());
        let hidden = columns.split_off(visible.min(columns.len()));
        let called = alias.map_or_else(|| own.to_owned(), |alias| fold(&alias.name));
        let columns = match alias {
            Some(alias) => renamed(columns, alias)?,
            None => columns,
        };
        let mut table = Table::new(Some(called), columns).of_relation(own);
        if let Some(relation) = key {
            table = table.with_key(&relation.key);
            table.hidden = hidden;
        }
        Ok((rel, table))
    }

    #[allow(clippy::type_complexity)]
    fn relation(
        &self,
        schema: Option<&str>,
        name: &str,
        env: &Env<'_>,
    ) -> Result<(Rel, Vec<(String, Column)>, Option<Arc<Relation>>)> {
        if schema.is_none()
            && let Some(cte) = env.cte(name)
        {
            let bound = self.apart(self.query(&cte.cte.query, &cte.env, true)?);
            let given = &cte.cte.alias;
            if given.columns.len() > bound.columns.len() {
                let message = format!(
                    "WITH query \"{name}\" has {} columns available but {} columns specified",
                    bound.columns.len(),
                    given.columns.len()
                );
                let error = SqlError::new(SqlState::InvalidColumnReference, message);
                return Err(error.or_at(given.name.span));
            }
            let columns = renamed(bound.columns, given)?;
            return Ok((bound.rel, columns, None));
        }
        match schema {
            None | Some("public") => {}
            Some(system @ ("pg_catalog" | "information_schema")) => {
                let Some(source) = self.binder.sources.system(Some(system), name) else {
                    let message = format!("relation \"{system}.{name}\" does not exist");
                    return Err(SqlError::new(SqlState::UndefinedTable, message));
                };
                return self.system_relation(name, source);
            }
            Some(schema) => {
                let message = format!("relation \"{schema}.{name}\" does not exist");
                let error = SqlError::new(SqlState::UndefinedTable, message);
                return Err(error.with_hint("There is one schema, \"public\"; leave the schema out."));
            }
        }
        if let Some(relation) = self.binder.catalog.find(name) {
            self.relations.borrow_mut().insert(relation.id);
            if relation.kind == RelationKind::View {
                let (rel, columns) = self.view(relation)?;
                return Ok((rel, columns, None));
            }
            let source = self.binder.sources.relation(relation)?;
            self.scanned.borrow_mut().insert(relation.id);
            let (rel, columns) = self.scan(name, source, Some(relation))?;
            return Ok((rel, columns, Some(Arc::clone(relation))));
        }
        if schema.is_none()
            && let Some(source) = self.binder.sources.system(None, name)
        {
            return self.system_relation(name, source);
        }
        // Not there: the catalog words the error.
        let relation = self.binder.catalog.relation(name).map_err(|mut error| {
            if let (Some(schema), SqlState::UndefinedTable) = (schema, error.state) {
                error.message = format!("relation \"{schema}.{name}\" does not exist");
            }
            error
        })?;
        Err(SqlError::internal(format!("\"{}\" is and is not in the catalog", relation.name)))
    }

    #[allow(clippy::type_complexity)]
    fn system_relation(
        &self,
        name: &str,
        source: Arc<dyn TableSource>,
    ) -> Result<(Rel, Vec<(String, Column)>, Option<Arc<Relation>>)> {
        self.system.set(true);
        let (rel, columns) = self.scan(name, source, None)?;
        Ok((rel, columns, None))
    }

    fn scan(
        &self,
        name: &str,
        source: Arc<dyn TableSource>,
        relation: Option<&Arc<Relation>>,
    ) -> Result<(Rel, Vec<(String, Column)>)> {
        let schema = source.schema();
        let visible: Vec<Type> = relation
            .map(|relation| relation.visible_columns().map(|(_, column)| Type::Sql(column.sql_type)).collect())
            .unwrap_or_default();
        let mut columns = Vec::with_capacity(schema.fields().len());
        for (index, field) in schema.fields().iter().enumerate() {
            let ty = match visible.get(index) {
                Some(ty) => *ty,
                None => match Type::from_arrow(field.data_type()) {
                    Some(ty) if ty.to_arrow() == *field.data_type() => column_type(field.name(), ty),
                    _ => return Err(SqlError::internal(format!("a type of {name} is none of SQL"))),
                },
            };
            let column = self.column(field.name().as_str(), ty, field.is_nullable());
            columns.push((field.name().clone(), column));
        }
        let scanned = columns.iter().enumerate().map(|(index, (_, column))| (column.clone(), index)).collect();
        let id = relation.map(|relation| relation.id);
        let rel = Rel::Scan(Scan { name: name.to_owned(), relation: id, source, columns: scanned });
        Ok((rel, columns))
    }

    /// The query of a plain view, its columns named and typed as the catalog says.
    fn view(&self, relation: &Arc<Relation>) -> Result<(Rel, Vec<(String, Column)>)> {
        let depth = self.views.get();
        if depth >= MAX_VIEW_DEPTH {
            let message = format!("views are nested more than {MAX_VIEW_DEPTH} deep at \"{}\"", relation.name);
            return Err(SqlError::new(SqlState::StatementTooComplex, message)
                .with_hint("Make one of them a materialized view."));
        }
        let in_view = |mut error: SqlError| {
            // Positions in the text of the view mean nothing in the text of the query.
            error.position = None;
            match error.context {
                None => error.in_context(format!("view \"{}\"", relation.name)),
                Some(_) => error,
            }
        };
        let text = relation.query.as_deref().ok_or_else(|| SqlError::internal("a view without a query"))?;
        let ast = parse_query(text).map_err(&in_view)?;
        let ast = super::syntax::prepared(&ast).map_err(in_view)?;
        // What the view reads is not what the text names.
        let named = self.relations.take();
        self.views.set(depth + 1);
        let bound = self.query(&ast, &Env::default(), true).map_err(in_view);
        self.views.set(depth);
        self.relations.replace(named);
        let bound = bound?;
        let schema = visible_schema(relation);
        if bound.columns.len() != schema.fields().len() {
            return Err(SqlError::internal("a view has another number of columns than its query"));
        }
        let mut exprs = Vec::with_capacity(bound.columns.len());
        for ((_, column), (_, declared)) in bound.columns.into_iter().zip(relation.visible_columns()) {
            let expr = self.resolver.cast(Expr::Column(column), Type::Sql(declared.sql_type))?;
            // Every column gets an id of its own, so that a view that names a column twice has two.
            exprs.push((self.column(declared.name.as_str(), Type::Sql(declared.sql_type), expr.nullable()), expr));
        }
        let columns = exprs.iter().map(|(column, _)| (column.name.to_string(), column.clone())).collect();
        Ok((bound.rel.project(exprs), columns))
    }

    /// A function in FROM.
    pub(super) fn function(
        &self,
        name: &ObjectName,
        args: &[FunctionArg],
        alias: Option<&ast::TableAlias>,
        ordinality: bool,
        before: Before<'_>,
    ) -> Result<(Rel, Namespace)> {
        let own = name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
        if own == "unnest" {
            let mut arrays = Vec::with_capacity(args.len());
            for arg in args {
                let FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) = arg else {
                    return Err(plain_arguments(&own));
                };
                arrays.push(arg.clone());
            }
            return self.unnest(&arrays, alias, ordinality, before);
        }
        if gives_rows(&own) {
            let scope = Scope { namespace: before.namespace, env: before.env };
            let mut bound = Vec::with_capacity(args.len());
            for arg in args {
                let FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) = arg else {
                    return Err(plain_arguments(&own));
                };
                bound.push(self.row_argument(&own, arg, &scope, Clause::From)?);
            }
            // A series of constants is made as it is read, however long it is.
            if ordinality || own != "generate_series" || !bound.iter().all(is_integer) {
                let rows = self.resolver.rows(&own, bound).map_err(|error| error.or_at(name.span()))?;
                return self.rows_of(&own, vec![rows], alias, ordinality);
            }
        }
        if ordinality {
            return Err(SqlError::unsupported(
                format!("WITH ORDINALITY of {own}() is not supported"),
                "Leave it out; row_number() OVER () numbers rows.",
            ));
        }
        let Some(function) = self.resolver.functions.table(&own) else {
            let message = format!("function {own}() cannot stand in FROM");
            return Err(SqlError::new(SqlState::UndefinedFunction, message)
                .with_hint("docs/sql.md lists what can stand in FROM."));
        };
        let scope = Scope { namespace: before.namespace, env: before.env };
        let mut constants = Vec::with_capacity(args.len());
        for arg in args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) = arg else {
                return Err(plain_arguments(&own));
            };
            let bound = self.settle(self.expr(arg, &scope, Clause::From)?)?;
            constants.push(lit(constant(bound)?));
        }
        let source = function.source(&constants)?;
        let (rel, mut columns) = self.scan(&own, source, None)?;
        // A function of one column gives it the name of its alias.
        if let (Some(alias), [(column, _)]) = (alias, columns.as_mut_slice()) {
            *column = fold(&alias.name);
        }
        let columns = match alias {
            Some(alias) => renamed(columns, alias)?,
            None => columns,
        };
        let called = alias.map_or(own, |alias| fold(&alias.name));
        Ok((rel, Namespace::of(Table::new(Some(called), columns))))
    }
}

/// The error for `f(a => 1)` and `f(*)` in FROM.
fn plain_arguments(function: &str) -> SqlError {
    let message = format!("function {function}() in FROM takes its arguments by position");
    SqlError::unsupported(message, "Write the values in the order that docs/sql.md gives.")
}

/// Whether it is an integer that is written out.
fn is_integer(expr: &Expr) -> bool {
    matches!(expr, Expr::Constant { value: ScalarValue::Int32(Some(_)) | ScalarValue::Int64(Some(_)), .. })
}

/// The value of a constant, or of a negated one.
fn constant(expr: Expr) -> Result<ScalarValue> {
    match expr {
        Expr::Constant { value, .. } => Ok(value),
        Expr::Call { callee: Callee::Negate, mut args, .. } if args.len() == 1 => {
            let value = constant(args.remove(0))?;
            value.arithmetic_negate().map_err(|error| crate::binder::map_datafusion_error(&error))
        }
        _ => Err(SqlError::new(SqlState::FeatureNotSupported, "the arguments of a function in FROM must be constants")
            .with_hint("Write numbers; expressions and columns cannot be arguments yet.")),
    }
}
