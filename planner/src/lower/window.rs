//! Window functions: row_number() as top-k with a rank.

use super::Lowering;
use super::columns::fields;
use crate::expr::Scope;
use crate::plan::{Field, Kept, Op};
use attune_sql::SqlError;
use attune_storage::ColumnType;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr as DfExpr, Window};

impl Lowering<'_> {
    /// Each row_number() becomes a top-k without limit, which adds its column behind those of its input. A filter on the
    /// number above becomes the limit (see `super::rank`); without one, the whole partition is numbered again when a row of it
    /// changes.
    pub(super) fn window(&mut self, window: &Window) -> Result<usize, SqlError> {
        let fields = fields(&window.schema)?;
        let input_schema = window.input.schema();
        let width = input_schema.fields().len();
        let mut node = self.lower(&window.input)?;
        // Columns of the query in the node so far: those of the input, then one rank per function.
        let mut columns: Vec<usize> = (0..width).collect();
        for function in &window.window_expr {
            node = self.row_number(node, row_number(function)?, Scope::of(input_schema))?;
            columns.push(self.schema(node).len() - 1);
        }
        if columns.len() == self.schema(node).len() {
            return Ok(node);
        }
        Ok(self.select(node, columns.into_iter(), fields))
    }

    fn row_number(&mut self, input: usize, function: &WindowFunction, scope: Scope<'_>) -> Result<usize, SqlError> {
        let params = &function.params;
        let partition = params.partition_by.iter().filter(|e| !matches!(e, DfExpr::Literal(..))).collect::<Vec<_>>();
        let (node, partition) = self.as_columns(input, &partition, scope)?;
        let (node, order) = self.order_columns(node, &params.order_by, scope, &partition)?;
        let mut schema = self.schema(node).to_vec();
        schema.push(Field { name: "row_number".to_owned(), column_type: ColumnType::Int64, nullable: false });
        let op = Op::TopK { partition, order, offset: 0, limit: None, rank: true, kept: Kept::Rows };
        Ok(self.push(op, vec![node], schema))
    }
}

/// The call, if it is row_number().
fn row_number(expr: &DfExpr) -> Result<&WindowFunction, SqlError> {
    match expr {
        DfExpr::Alias(alias) => row_number(&alias.expr),
        DfExpr::WindowFunction(function) if function.fun.name() == "row_number" => Ok(function),
        DfExpr::WindowFunction(function) => Err(refused(function.fun.name())),
        other => Err(SqlError::internal(format!("{other} is not a window function"))),
    }
}

fn refused(name: &str) -> SqlError {
    let instead = match name {
        "rank" | "dense_rank" => {
            "Use row_number(), with further columns in its ORDER BY that say how ties are broken, or count the rows that come \
             before with a join."
        }
        "first_value" | "last_value" | "nth_value" => {
            "Number the rows with row_number() OVER (PARTITION BY ... ORDER BY ...) and keep the one you want."
        }
        "count" | "sum" | "avg" | "min" | "max" => "Aggregate with GROUP BY in a subquery and join it to the rows.",
        _ => "Compute it in the query that reads the view; row_number() is supported here.",
    };
    SqlError::unsupported(format!("the window function {name}() cannot be kept in a materialized view yet"), instead)
}
