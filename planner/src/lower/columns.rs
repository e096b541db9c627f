//! Columns and typed expressions of plan nodes.

use super::Lowering;
use crate::expr::{Expr, Literal, Scope, arrow_schema, from_datafusion, physical, sql};
use crate::plan::{Field, Op};
use crate::types::{column_type, shown, sql_name};
use attune_sql::SqlError;
use attune_storage::ColumnType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::Expr as DfExpr;

/// The columns of a logical plan's output; the unit column if there are none.
///
/// Errors: 0A000 for a column of a type that is not stored.
pub(super) fn fields(schema: &DFSchema) -> Result<Vec<Field>, SqlError> {
    if schema.fields().is_empty() {
        return Ok(vec![unit_field()]);
    }
    let fields = schema.fields().iter().map(|field| {
        let column_type = column_type(field.data_type()).ok_or_else(|| {
            let message =
                format!("column \"{}\" has {}, which cannot be stored", field.name(), shown(field.data_type()));
            SqlError::unsupported(message, "Cast it to one of Attune's column types, or store one row per element.")
        })?;
        Ok(Field { name: field.name().clone(), column_type, nullable: field.is_nullable() })
    });
    fields.collect()
}

/// The column of a node whose logical plan has none.
pub(super) fn unit_field() -> Field {
    Field { name: "unit".to_owned(), column_type: ColumnType::Boolean, nullable: false }
}

/// The value of the unit column.
pub(super) fn unit_value() -> Expr {
    Expr::Literal(Literal::truth())
}

impl Lowering<'_> {
    /// An expression over a node's columns with its type. It is compiled once, so that what cannot run is refused here.
    pub(super) fn typed(&self, expr: Expr, input: &[Field]) -> Result<(Expr, ColumnType), SqlError> {
        let expr = without_idle_casts(expr, input);
        if let Expr::Column(index) = expr {
            let field = input.get(index).ok_or_else(|| SqlError::internal(format!("column {index} is missing")))?;
            return Ok((expr, field.column_type));
        }
        let schema = arrow_schema(input);
        let compiled = physical(&expr, &schema)?;
        let data_type = compiled.data_type(&schema).map_err(|e| SqlError::internal(e.to_string()))?;
        if let Ok(exact) = ColumnType::from_arrow(&data_type) {
            return Ok((expr, exact));
        }
        let to = column_type(&data_type).ok_or_else(|| {
            let message = format!("an expression has {}, which cannot be stored", shown(&data_type));
            SqlError::unsupported(message, "Cast it to one of Attune's column types.")
        })?;
        Ok((Expr::Cast { expr: Box::new(expr), to }, to))
    }

    /// A logical expression over a node's columns, of exactly this type.
    pub(super) fn expr(
        &self,
        expr: &DfExpr,
        scope: Scope<'_>,
        input: &[Field],
        target: ColumnType,
    ) -> Result<Expr, SqlError> {
        let (expr, found) = self.typed(from_datafusion(expr, scope)?, input)?;
        Ok(cast_to(expr, found, target))
    }

    /// Logical expressions as columns: those that are columns already stay where they are, the others are added behind the
    /// columns of `input` by a projection. Gives the node and where each expression is.
    pub(super) fn as_columns(
        &mut self,
        input: usize,
        exprs: &[&DfExpr],
        scope: Scope<'_>,
    ) -> Result<(usize, Vec<usize>), SqlError> {
        let mut fields = self.schema(input).to_vec();
        let mut all: Vec<Expr> = (0..fields.len()).map(Expr::Column).collect();
        let width = all.len();
        let mut places = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let (converted, column_type) = self.typed(from_datafusion(expr, scope)?, self.schema(input))?;
            let known = all.iter().position(|e| *e == converted);
            places.push(known.unwrap_or(all.len()));
            if known.is_none() {
                let name = sql(&converted, self.schema(input));
                all.push(converted);
                fields.push(Field { name, column_type, nullable: true });
            }
        }
        if all.len() == width {
            return Ok((input, places));
        }
        Ok((self.push(Op::Project { exprs: all }, vec![input], fields), places))
    }

    /// The node reduced to some of its columns, which get these fields' names and nullability.
    pub(super) fn select(&mut self, input: usize, columns: impl Iterator<Item = usize>, fields: Vec<Field>) -> usize {
        let exprs = columns.map(Expr::Column).collect();
        self.push(Op::Project { exprs }, vec![input], fields)
    }
}

/// The expression without casts of columns to the type that they have: DataFusion casts what is another type to it only, such
/// as the unsigned row numbers.
fn without_idle_casts(expr: Expr, input: &[Field]) -> Expr {
    expr.rewrite(&mut |expr| match expr {
        Expr::Cast { expr, to } => match *expr {
            Expr::Column(column) if input.get(column).is_some_and(|f| f.column_type == to) => Expr::Column(column),
            other => Expr::Cast { expr: Box::new(other), to },
        },
        other => other,
    })
}

/// The expression, with a cast unless it has this type already.
pub(super) fn cast_to(expr: Expr, found: ColumnType, target: ColumnType) -> Expr {
    match expr {
        expr if found == target => expr,
        // A constant NULL has every type.
        Expr::Literal(Literal { value: None, .. }) => Expr::Literal(Literal { column_type: target, value: None }),
        expr => Expr::Cast { expr: Box::new(expr), to: target },
    }
}

/// Types that may be summed.
pub(super) fn check_numeric(function: &str, column_type: ColumnType) -> Result<(), SqlError> {
    match column_type {
        ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 | ColumnType::UInt64 => Ok(()),
        ColumnType::Float32 | ColumnType::Float64 | ColumnType::Decimal { .. } => Ok(()),
        other => Err(SqlError::unsupported(
            format!("{function}({}) cannot be kept in a materialized view", sql_name(other)),
            "Aggregate numbers: convert the value, for example with extract(epoch from ...).",
        )),
    }
}

/// Types whose variance is kept: those of exact numbers, since of floats something would be left of values taken away.
pub(super) fn check_exact(function: &str, column_type: ColumnType) -> Result<(), SqlError> {
    match column_type {
        ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 | ColumnType::Decimal { .. } => Ok(()),
        other => Err(SqlError::unsupported(
            format!("{function}({}) cannot be kept in a materialized view", sql_name(other)),
            "Cast the value to numeric, or compute it in the query that reads the view.",
        )),
    }
}
