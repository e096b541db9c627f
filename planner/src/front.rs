//! A query from its syntax tree to the plans that are made of it.
//!
//! Text is bound to the algebra ([`attune_sql::bind`]), decorrelated when it is bound, and rewritten and turned into a plan when its
//! parameters have values, or at once for what is planned with parameters in it: views, lookups, rankings.

use crate::batch::to_datafusion;
use crate::decorrelate::decorrelate;
use crate::rewrite::rewrite;
use attune_sql::algebra::{Callee, Column, Expr, Query, Rel, Type};
use attune_sql::bind::bind_query;
use attune_sql::binder::{Binder, RelationSources, map_datafusion_error};
use attune_sql::catalog::{Catalog, RelationId};
use attune_sql::functions::Registry;
use attune_sql::types::{SqlType, text};
use attune_sql::{SqlError, SqlState};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{LogicalPlan, ScalarUDF, Volatility};
use datafusion::sql::sqlparser::ast;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A bound query, decorrelated.
#[derive(Clone, Debug)]
pub struct PlannedQuery {
    /// Names of the output columns as Postgres prints them; they may repeat.
    pub names: Vec<String>,
    /// Relations the query names (not those that views it names read).
    pub relations: BTreeSet<RelationId>,
    /// Arrow types of the parameters, `$1` first.
    pub parameters: Vec<DataType>,
    query: Box<Query>,
}

impl PlannedQuery {
    /// Binds a query. `declared` are the parameter types that the client gave.
    ///
    /// # Errors
    /// With SQLSTATE and position.
    pub fn bind(binder: &Binder<'_>, query: &ast::Query, declared: &[Option<Type>]) -> Result<PlannedQuery, SqlError> {
        let mut bound = bind_query(binder, query, declared)?;
        let rel = std::mem::replace(&mut bound.rel, Rel::Unit);
        bound.rel = decorrelate(rel, &mut bound.ids)?;
        Ok(PlannedQuery {
            names: bound.names.clone(),
            relations: bound.relations.clone(),
            parameters: bound.parameters.iter().map(|ty| ty.to_arrow()).collect(),
            query: Box::new(bound),
        })
    }

    /// SQL types of the output columns.
    ///
    /// # Errors
    /// 0A000 for a column of a type that no column can have: an array.
    pub fn types(&self) -> Result<Vec<SqlType>, SqlError> {
        self.query.columns.iter().zip(&self.names).map(|(column, name)| shown(column, name)).collect()
    }

    /// Streams, tables and materialized views that are read, also through plain views.
    #[must_use]
    pub fn scanned(&self) -> &BTreeSet<RelationId> {
        &self.query.scanned
    }

    /// Checks that the query of a materialized view depends on its inputs only.
    ///
    /// # Errors
    /// 0A000 for `now()`, `random()` and their like; 42P02 for parameters.
    pub fn check_view(&self) -> Result<(), SqlError> {
        let mut found = None;
        self.query.rel.visit_exprs(&mut |expr| {
            if found.is_none() {
                found = check_view_expr(expr);
            }
        });
        found.map_or(Ok(()), Err)
    }

    /// The plan with its parameters in it: of a view, a lookup or a ranking.
    ///
    /// # Errors
    /// 0A000 for what no plan can have, 22P02 and its like for constants that cannot be computed.
    pub fn plan(&self) -> Result<LogicalPlan, SqlError> {
        self.plan_of(self.query.rel.clone())
    }

    /// The plan over schemas only, for a query that was bound over readable relations: of a lookup or a ranking. `None` where
    /// there is none.
    #[must_use]
    pub fn plan_over(&self, catalog: &Catalog, sources: &dyn RelationSources) -> Option<LogicalPlan> {
        let mut rel = self.query.rel.clone();
        rescan(&mut rel, catalog, sources)?;
        self.plan_of(rel).ok()
    }

    /// The plan to run with these values of its parameters; `now` is the time of the statement, in microseconds since 1970.
    ///
    /// # Errors
    /// 42P02 if a value is missing; 22P02 and its like if a value does not fit its type.
    pub fn executable(&self, values: Vec<ScalarValue>, now: i64) -> Result<LogicalPlan, SqlError> {
        let values = self.values(values)?;
        self.plan_of(with_values(self.query.rel.clone(), &values, now))
    }

    fn plan_of(&self, rel: Rel) -> Result<LogicalPlan, SqlError> {
        let mut ids = self.query.ids.clone();
        let rel = rewrite(rel, &self.query.columns, &mut ids)?;
        to_datafusion(&rel, &self.query.columns, &self.query.names)
    }

    /// The values in the types of their parameters.
    fn values(&self, values: Vec<ScalarValue>) -> Result<Vec<Expr>, SqlError> {
        let types = &self.query.parameters;
        if values.len() < types.len() {
            let message = format!("there is no value for parameter ${}", values.len() + 1);
            return Err(SqlError::new(SqlState::UndefinedParameter, message));
        }
        types.iter().zip(values).map(|(ty, value)| Ok(Expr::constant(converted(value, *ty)?, *ty))).collect()
    }
}

/// A value in a type.
pub(crate) fn converted(value: ScalarValue, ty: Type) -> Result<ScalarValue, SqlError> {
    let wanted = ty.to_arrow();
    let value = match (&value, ty) {
        (value, _) if value.is_null() => {
            return ScalarValue::try_new_null(&wanted).map_err(|error| map_datafusion_error(&error));
        }
        (value, _) if value.data_type() == wanted => value.clone(),
        (ScalarValue::Utf8(Some(text)), Type::Sql(sql_type)) => text::read_value(text, sql_type)?,
        (value, _) => value.cast_to(&wanted).map_err(|error| map_datafusion_error(&error))?,
    };
    Ok(match value {
        ScalarValue::Float64(Some(v)) => ScalarValue::Float64(Some(if v.is_nan() { f64::NAN } else { v + 0.0 })),
        ScalarValue::Float32(Some(v)) => ScalarValue::Float32(Some(if v.is_nan() { f32::NAN } else { v + 0.0 })),
        other => other,
    })
}

/// The relation with constants in the place of its parameters, and of the time.
fn with_values(rel: Rel, values: &[Expr], now: i64) -> Rel {
    rel.map_exprs(&mut |expr| expr_with_values(expr, &|index| values.get(index).cloned(), now))
}

/// The expression with constants in the place of its parameters, and of the time.
pub(crate) fn expr_with_values(expr: Expr, value: &impl Fn(usize) -> Option<Expr>, now: i64) -> Expr {
    expr.rewrite(&mut |expr| match expr {
        Expr::Parameter { index, ty } => value(index).unwrap_or(Expr::Parameter { index, ty }),
        Expr::Call { callee: Callee::Function(function), args, ty } => {
            if args.is_empty() {
                return time(function.name(), ty, now).unwrap_or(call(function, args, ty));
            }
            any_element(function, args, ty)
        }
        other => other,
    })
}

fn call(function: Arc<ScalarUDF>, args: Vec<Expr>, ty: Type) -> Expr {
    Expr::Call { callee: Callee::Function(function), args, ty }
}

/// `value = ANY (array)` is called so that a lookup knows it; with a constant in it, it is called so that NULLs count as in Postgres.
fn any_element(function: Arc<ScalarUDF>, mut args: Vec<Expr>, ty: Type) -> Expr {
    if function.name() == "array_has"
        && let [Expr::Constant { value: ScalarValue::List(_), .. }, _] = args.as_slice()
        && let Some(any) = Registry::standard().scalar("any_eq")
    {
        args.reverse();
        return call(Arc::clone(any), args, ty);
    }
    call(function, args, ty)
}

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// What a function of the time gives for a statement.
fn time(function: &str, ty: Type, now: i64) -> Option<Expr> {
    let value = match (function, ty) {
        ("now", Type::Sql(SqlType::TimestampTz)) => ScalarValue::TimestampMicrosecond(Some(now), Some("+00:00".into())),
        ("now", Type::Sql(SqlType::Timestamp)) => ScalarValue::TimestampMicrosecond(Some(now), None),
        ("current_date", Type::Sql(SqlType::Date)) => ScalarValue::Date32(i32::try_from(now.div_euclid(DAY)).ok()),
        _ => return None,
    };
    Some(Expr::constant(value, ty))
}

/// Gives every scan of a relation of the catalog its source of `sources`.
fn rescan(rel: &mut Rel, catalog: &Catalog, sources: &dyn RelationSources) -> Option<()> {
    if let Rel::Scan(scan) = rel {
        let relation = catalog.get(scan.relation?)?;
        scan.source = sources.relation(relation).ok()?;
    }
    rel.inputs_mut().into_iter().try_for_each(|input| rescan(input, catalog, sources))
}

fn shown(column: &Column, name: &str) -> Result<SqlType, SqlError> {
    column.ty.sql().ok_or_else(|| {
        SqlError::unsupported(
            format!("column \"{name}\" has a type that cannot be shown ({})", column.ty),
            "Turn it into text: array_to_string for arrays.",
        )
    })
}

fn check_view_expr(expr: &Expr) -> Option<SqlError> {
    match expr {
        Expr::Parameter { index, .. } => Some(
            SqlError::new(SqlState::UndefinedParameter, format!("there is no parameter ${}", index + 1))
                .with_hint("The query of a view has no parameters; write the value, or filter when reading the view."),
        ),
        Expr::Call { callee: Callee::Function(function), .. } => {
            let what = format!("function {}() is not supported in a materialized view", function.name());
            match function.signature().volatility {
                Volatility::Immutable => None,
                Volatility::Volatile => Some(SqlError::unsupported(
                    what,
                    "Its result changes with every call; compute the value where the row is written, or when reading \
                     the view.",
                )),
                Volatility::Stable => Some(SqlError::unsupported(
                    what,
                    "Its result changes without any input changing; filter by time when reading the view.",
                )),
            }
        }
        _ => None,
    }
}
