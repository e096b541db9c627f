//! Expressions over a row at hand, which no query is planned for: DEFAULT, VALUES, SET, RETURNING.
//!
//! They stay in the algebra until a statement is executed, since only then parameters and the time have values.

use crate::batch::{Scope, expr};
use crate::front::{converted, expr_with_values};
use attune_sql::algebra::{ColumnId, Expr, Ids, Type};
use attune_sql::bind::{Place, bind_expression};
use attune_sql::binder::Binder;
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Column as DfColumn, DFSchema, ScalarValue};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::Expr as DfExpr;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::sql::sqlparser::ast;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A bound expression over the columns of a schema.
#[derive(Clone, Debug)]
pub struct RowExpression {
    expr: Expr,
    columns: BTreeMap<ColumnId, DfColumn>,
    /// As far as is known; also of parameters that it does not have.
    parameters: Vec<Option<Type>>,
    /// The parameters that it has.
    used: BTreeMap<usize, Type>,
}

impl RowExpression {
    /// Binds an expression over the columns of `schema`. `declared` are the types of parameters that are known.
    ///
    /// # Errors
    /// As [`bind_expression`].
    pub fn bind(
        binder: &Binder<'_>,
        expr: &ast::Expr,
        schema: &DFSchema,
        declared: &[Option<Type>],
        place: Place<'_>,
    ) -> Result<RowExpression, SqlError> {
        let bound = bind_expression(binder, expr, schema, declared, place)?;
        let mut used = BTreeMap::new();
        bound.expr.visit(&mut |e| {
            if let Expr::Parameter { index, ty } = e {
                used.insert(*index, *ty);
            }
        });
        let columns = bound.columns.into_iter().collect();
        Ok(RowExpression { expr: bound.expr, columns, parameters: bound.parameters, used })
    }

    /// A column of the schema.
    #[must_use]
    pub fn column(column: DfColumn, sql_type: SqlType) -> RowExpression {
        let own = Ids::default().column(column.name.as_str(), Type::Sql(sql_type), true);
        let columns = BTreeMap::from([(own.id, column)]);
        RowExpression { columns, ..RowExpression::of(Expr::Column(own)) }
    }

    /// A constant; its Arrow type is that of its type.
    #[must_use]
    pub fn constant(value: ScalarValue, sql_type: SqlType) -> RowExpression {
        RowExpression::of(Expr::constant(value, Type::Sql(sql_type)))
    }

    /// NULL.
    #[must_use]
    pub fn null(sql_type: SqlType) -> RowExpression {
        RowExpression::of(Expr::null(Type::Sql(sql_type)))
    }

    fn of(expr: Expr) -> RowExpression {
        RowExpression { expr, columns: BTreeMap::new(), parameters: Vec::new(), used: BTreeMap::new() }
    }

    /// The type of its value.
    #[must_use]
    pub fn ty(&self) -> Type {
        self.expr.ty()
    }

    /// Types of parameters, `$1` first, as far as the expression and what was declared tell.
    #[must_use]
    pub fn parameters(&self) -> &[Option<Type>] {
        &self.parameters
    }

    /// The expression with these values of its parameters, over the columns of the schema; `now` is the time of the statement,
    /// in microseconds since 1970.
    ///
    /// # Errors
    /// 42P02 if a value is missing; 22P02 and its like if a value does not fit its type.
    pub fn with_values(&self, values: &[ScalarValue], now: i64) -> Result<DfExpr, SqlError> {
        let mut constants = BTreeMap::new();
        for (index, ty) in &self.used {
            let value = values.get(*index).ok_or_else(|| {
                let message = format!("there is no value for parameter ${}", index + 1);
                SqlError::new(SqlState::UndefinedParameter, message)
            })?;
            constants.insert(*index, Expr::constant(converted(value.clone(), *ty)?, *ty));
        }
        let bound = expr_with_values(self.expr.clone(), &|index| constants.get(&index).cloned(), now);
        expr(&bound, &Scope::new(&self.columns))
    }
}

/// An expression that can be computed, as it is: its types fit, and nothing is simplified, since that may change what NULLs give.
///
/// # Errors
/// For columns that the schema does not have, and for what a function does not take.
pub fn compile(expr: &DfExpr, schema: &DFSchema, options: &Arc<ConfigOptions>) -> DfResult<Arc<dyn PhysicalExpr>> {
    let mut props = ExecutionProps::new();
    props.config_options = Some(Arc::clone(options));
    create_physical_expr(expr, schema, &props, &PhysicalPlanningContext::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_sql::bind::Assigned;
    use attune_sql::binder::SchemaSources;
    use attune_sql::catalog::Catalog;
    use attune_sql::statement::parse_expression;
    use datafusion::arrow::array::{Int32Array, RecordBatch, StringArray};
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::common::TableReference;

    /// A row of `t (a int, b text)` and one of `excluded`.
    fn rows() -> (DFSchema, RecordBatch) {
        let own = Schema::new(vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Utf8, true)]);
        let schema = |name| DFSchema::try_from_qualified_schema(TableReference::bare(name), &own).expect("a schema");
        let both = schema("t").join(&schema("excluded")).expect("two tables");
        let batch = RecordBatch::try_new(
            Arc::clone(both.inner()),
            vec![
                Arc::new(Int32Array::from(vec![1])),
                Arc::new(StringArray::from(vec!["one"])),
                Arc::new(Int32Array::from(vec![None])),
                Arc::new(StringArray::from(vec!["two"])),
            ],
        );
        (both, batch.expect("a batch"))
    }

    fn bind(text: &str, schema: &DFSchema, place: Place<'_>) -> Result<RowExpression, SqlError> {
        let catalog = Catalog::default();
        let binder = Binder { catalog: &catalog, sources: &SchemaSources };
        RowExpression::bind(&binder, &parse_expression(text)?, schema, &[], place)
    }

    fn computed(bound: &RowExpression, values: &[ScalarValue]) -> Result<String, SqlError> {
        let (schema, batch) = rows();
        let logical = bound.with_values(values, 86_400_000_000)?;
        let physical = compile(&logical, &schema, &Arc::new(ConfigOptions::default())).expect("it compiles");
        let value = physical.evaluate(&batch).and_then(|value| value.into_array(1)).expect("a value");
        assert_eq!(value.data_type(), &bound.ty().to_arrow());
        Ok(ScalarValue::try_from_array(&value, 0).expect("a scalar").to_string())
    }

    const DATE: Assigned<'static> = Assigned { column: "d", sql_type: SqlType::Date };
    const INTEGER: Assigned<'static> = Assigned { column: "n", sql_type: SqlType::Integer };
    const SHORT: Assigned<'static> = Assigned { column: "s", sql_type: SqlType::Varchar { limit: Some(2) } };

    #[test]
    fn values_of_rows() {
        let (schema, _) = rows();
        for (text, place, expected) in [
            ("t.a + 1", Place::Returning, "2"),
            ("excluded.a IS NULL AND t.b || 'x' = 'onex'", Place::Where, "true"),
            ("excluded.a + t.a", Place::Set(INTEGER), "NULL"),
            ("1.5", Place::Set(INTEGER), "2"),
            ("t.a", Place::Set(SHORT), "1"),
            // Whether it is too long is found when it is stored.
            ("t.b || '!'", Place::Set(SHORT), "one!"),
            ("now()", Place::Values(DATE), "1970-01-02"),
            ("current_date", Place::Default(DATE), "1970-01-02"),
            ("NULL", Place::Returning, "NULL"),
            ("coalesce(excluded.a, t.a, 7)", Place::Returning, "1"),
        ] {
            let bound = bind(text, &schema, place).expect(text);
            assert_eq!(computed(&bound, &[]).expect(text), expected, "{text}");
        }
    }

    #[test]
    fn parameters_get_their_types() {
        let (schema, _) = rows();
        let texts = [ScalarValue::from("5"), ScalarValue::from("x")];
        for (text, place, types, expected) in [
            ("$1", Place::Values(INTEGER), vec![Some(Type::INTEGER)], "5"),
            ("$1::int + 1", Place::Returning, vec![Some(Type::INTEGER)], "6"),
            ("$2 || $1::int", Place::Returning, vec![Some(Type::INTEGER), Some(Type::TEXT)], "x5"),
            ("upper($2)", Place::Values(SHORT), vec![None, Some(Type::TEXT)], "X"),
            ("$1", Place::Returning, vec![Some(Type::TEXT)], "5"),
        ] {
            let bound = bind(text, &schema, place).expect(text);
            assert_eq!(bound.parameters(), types, "{text}");
            assert_eq!(computed(&bound, &texts).expect(text), expected, "{text}");
        }
        let bound = bind("$3 + t.a", &schema, Place::Returning).expect("it binds");
        assert_eq!(computed(&bound, &texts).expect_err("no value").state.code(), "42P02");
        let bound = bind("$2::int", &schema, Place::Returning).expect("it binds");
        assert_eq!(computed(&bound, &texts).expect_err("no number").state.code(), "22P02");
    }

    #[test]
    fn what_is_refused() {
        let (schema, _) = rows();
        for (text, place, expected) in [
            ("a", Place::Where, "42702: column reference \"a\" is ambiguous"),
            ("t.c", Place::Returning, "42703: column t.c does not exist"),
            ("t.b", Place::Set(INTEGER), "42804: column \"n\" is of type integer but expression is of type text"),
            (
                "true",
                Place::Default(DATE),
                "42804: column \"d\" is of type date but default expression is of type boolean",
            ),
            ("'x'", Place::Values(DATE), "22007: invalid input syntax for type date: \"x\""),
            ("t.a", Place::Where, "42804: argument of WHERE must be type boolean, not type integer"),
            ("sum(t.a)", Place::Where, "42803: aggregate functions are not allowed in WHERE"),
            ("sum(t.a)", Place::Set(INTEGER), "42803: aggregate functions are not allowed in UPDATE"),
            ("1 + count(*)", Place::Values(INTEGER), "42803: aggregate functions are not allowed in VALUES"),
            ("rank() OVER ()", Place::Returning, "42P20: window functions are not allowed in RETURNING"),
            ("(SELECT 1)", Place::Default(INTEGER), "0A000: cannot use subquery in DEFAULT expression"),
            ("x + 1", Place::Default(INTEGER), "0A000: cannot use column reference in DEFAULT expression"),
            ("EXISTS (SELECT 1)", Place::Where, "0A000: subqueries are not supported here"),
        ] {
            let error = bind(text, &schema, place).expect_err(text);
            assert_eq!(format!("{}: {}", error.state.code(), error.message), expected, "{text}");
        }
    }
}
