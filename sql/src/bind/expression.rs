//! Binding of single expressions of statements that write: DEFAULT, VALUES, SET and WHERE of ON CONFLICT, RETURNING.
//!
//! They are over the columns of a row at hand, of one table or of two (the row that is there, and `excluded`).

use super::expr::Clause;
use super::resolve::CastContext;
use super::scope::{Env, Namespace, Scope, Table};
use super::{Bind, Result};
use crate::algebra::{Column, ColumnId, Expr, Type};
use crate::binder::{Binder, check_syntax, precedence};
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::common::{Column as DfColumn, DFSchema};
use datafusion::sql::sqlparser::ast::{self, Spanned, VisitMut, VisitorMut};
use std::cell::RefCell;
use std::ops::ControlFlow;

/// A bound expression.
#[derive(Clone, Debug)]
pub struct BoundExpression {
    /// The expression, without subqueries, aggregates and window functions.
    pub expr: Expr,
    /// What its columns are in the schema it was bound over.
    pub columns: Vec<(ColumnId, DfColumn)>,
    /// Types of the parameters, `$1` first; `None` for those that it does not have.
    pub parameters: Vec<Option<Type>>,
}

/// Where an expression stands, and what becomes of its value.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// DEFAULT of a column.
    Default(Assigned<'a>),
    /// VALUES of an INSERT.
    Values(Assigned<'a>),
    /// SET.
    Set(Assigned<'a>),
    /// WHERE.
    Where,
    /// RETURNING.
    Returning,
}

/// The column that a value is assigned to.
#[derive(Clone, Copy, Debug)]
pub struct Assigned<'a> {
    /// Its name.
    pub column: &'a str,
    /// Its type. The length of a `varchar` is left to the caller: a value that is too long is an error, a cast would cut it.
    pub sql_type: SqlType,
}

impl Place<'_> {
    /// As Postgres' errors call it.
    fn sql(self) -> &'static str {
        match self {
            Place::Default(_) => "DEFAULT expressions",
            Place::Values(_) => "VALUES",
            Place::Set(_) => "UPDATE",
            Place::Where => "WHERE",
            Place::Returning => "RETURNING",
        }
    }

    fn is_default(self) -> bool {
        matches!(self, Place::Default(_))
    }
}

/// Binds an expression over the columns of `schema`. `declared` are the types of parameters that are known.
///
/// # Errors
/// With SQLSTATE and position; 0A000 for a subquery.
pub fn bind_expression(
    binder: &Binder<'_>,
    expr: &ast::Expr,
    schema: &DFSchema,
    declared: &[Option<Type>],
    place: Place<'_>,
) -> std::result::Result<BoundExpression, SqlError> {
    let expr = prepared(expr, place)?;
    let mut known: Vec<Option<Type>> = declared.to_vec();
    // Twice, as a query is: a use may tell the type of a parameter that an earlier use took for text.
    for last in [false, true] {
        let parameters = RefCell::new(known);
        let bind = Bind::new(binder, &parameters);
        let (bound, columns) = bind.over_row(&expr, schema, place).map_err(|error| refusal(error, place))?;
        let defaulted = bind.defaulted.take();
        let mut found = parameters.borrow().clone();
        let again = defaulted.iter().any(|index| found.get(*index).is_some_and(Option::is_some));
        if again && !last {
            known = found;
            continue;
        }
        for index in defaulted {
            if let Some(found) = found.get_mut(index) {
                found.get_or_insert(Type::TEXT);
            }
        }
        return Ok(BoundExpression { expr: bound, columns, parameters: found });
    }
    Err(SqlError::internal("parameters have no types after two passes"))
}

/// The columns of a table by name; those of no table have no name of one.
type NamedColumns = (Option<String>, Vec<(String, Column)>);

impl Bind<'_> {
    fn over_row(
        &self,
        expr: &ast::Expr,
        schema: &DFSchema,
        place: Place<'_>,
    ) -> Result<(Expr, Vec<(ColumnId, DfColumn)>)> {
        let (namespace, columns) = self.row(schema)?;
        let env = Env::default();
        let scope = Scope { namespace: &namespace, env: &env };
        let bound = match place {
            Place::Where => {
                let bound = self.expr(expr, &scope, Clause::Where)?;
                self.resolver.boolean(bound, "WHERE").map_err(|error| error.or_at(expr.span()))?
            }
            Place::Returning => self.settle(self.expr(expr, &scope, Clause::Values)?)?,
            Place::Default(to) | Place::Values(to) | Place::Set(to) => {
                let bound = self.expr(expr, &scope, Clause::Values)?;
                self.assigned(bound, to, place).map_err(|error| error.or_at(expr.span()))?
            }
        };
        Ok((bound, columns))
    }

    /// The names of the columns of a row, and what they are in its schema.
    fn row(&self, schema: &DFSchema) -> Result<(Namespace, Vec<(ColumnId, DfColumn)>)> {
        let mut tables: Vec<NamedColumns> = Vec::new();
        let mut columns = Vec::with_capacity(schema.fields().len());
        for (qualifier, field) in schema.iter() {
            let ty = Type::from_arrow(field.data_type()).ok_or_else(|| {
                SqlError::internal(format!("column {} of a row has type {}", field.name(), field.data_type()))
            })?;
            let column = self.column(field.name().as_str(), ty, field.is_nullable());
            columns.push((column.id, DfColumn::new(qualifier.cloned(), field.name())));
            let named = (field.name().clone(), column);
            let table = qualifier.map(|qualifier| qualifier.table().to_owned());
            match tables.last_mut() {
                Some((name, own)) if *name == table => own.push(named),
                _ => tables.push((table, vec![named])),
            }
        }
        let mut namespace = Namespace::default();
        for (name, columns) in tables {
            namespace = namespace.with(Namespace::of(Table::new(name, columns)))?;
        }
        Ok((namespace, columns))
    }

    /// The value in the type of the column that it is assigned to.
    fn assigned(&self, expr: Expr, to: Assigned<'_>, place: Place<'_>) -> std::result::Result<Expr, SqlError> {
        let expr = match expr {
            // It may have got a type meanwhile.
            Expr::Parameter { index, ty: Type::Unknown } => self.resolver.parameter(index),
            other => other,
        };
        let ty = match to.sql_type {
            SqlType::Varchar { .. } if !matches!(expr, Expr::Parameter { ty: Type::Unknown, .. }) => Type::TEXT,
            other => Type::Sql(other),
        };
        if !self.resolver.can_coerce(expr.ty(), ty, CastContext::Assignment) {
            let what = if place.is_default() { "default expression" } else { "expression" };
            let wanted = Type::Sql(to.sql_type);
            let message = format!("column \"{}\" is of type {wanted} but {what} is of type {}", to.column, expr.ty());
            return Err(SqlError::new(SqlState::DatatypeMismatch, message)
                .with_hint("You will need to rewrite or cast the expression."));
        }
        self.resolver.coerce(expr, ty, CastContext::Assignment)
    }
}

/// The expression as it is bound: operators put together as Postgres reads them, subqueries refused.
fn prepared(expr: &ast::Expr, place: Place<'_>) -> std::result::Result<ast::Expr, SqlError> {
    let mut expr = expr.clone();
    match VisitMut::visit(&mut expr, &mut Visitor { place }) {
        ControlFlow::Continue(()) => Ok(expr),
        ControlFlow::Break(error) => Err(*error),
    }
}

struct Visitor<'a> {
    place: Place<'a>,
}

impl VisitorMut for Visitor<'_> {
    type Break = Box<SqlError>;

    fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<Self::Break> {
        let error = if self.place.is_default() {
            SqlError::new(SqlState::FeatureNotSupported, "cannot use subquery in DEFAULT expression")
        } else {
            SqlError::unsupported(
                "subqueries are not supported here",
                "Read the value with a SELECT first, or use INSERT INTO ... SELECT.",
            )
        };
        ControlFlow::Break(Box::new(error.or_at(query.span())))
    }

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<Self::Break> {
        precedence::restore(expr);
        match check_syntax::expr_only(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Box::new(error)),
        }
    }
}

/// Why an expression cannot stand in its place, in the words for that place.
fn refusal(mut error: SqlError, place: Place<'_>) -> SqlError {
    match error.state {
        SqlState::GroupingError | SqlState::WindowingError => {
            // All but WHERE are bound like VALUES, which can have neither.
            if let Some(start) = error.message.strip_suffix(Clause::Values.sql()) {
                error.message = format!("{start}{}", place.sql());
            }
        }
        SqlState::FeatureNotSupported => {
            let start = error.message.strip_suffix(Clause::Values.sql());
            if let Some(start) = start.filter(|start| start.starts_with("set-returning")) {
                error.message = format!("{start}{}", place.sql());
            }
        }
        SqlState::UndefinedColumn if place.is_default() => {
            error = SqlError::new(SqlState::FeatureNotSupported, "cannot use column reference in DEFAULT expression");
        }
        _ => {}
    }
    error
}
