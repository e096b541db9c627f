//! RETURNING: expressions over the rows a statement wrote or deleted.

use super::conflict::visible;
use super::prepare_insert::Parameters;
use super::target::Target;
use crate::serve::engine::query::conform;
use crate::serve::engine::row_program::{Execution, RowProgram};
use crate::serve::engine::{Engine, OutputColumn, errors, result};
use attune_planner::RowExpression;
use attune_sql::bind::Place;
use attune_sql::binder::Binder;
use attune_sql::statement::fold;
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{Column, DFSchema};
use datafusion::sql::sqlparser::ast::{self, SelectItem, SelectItemQualifiedWildcardKind};
use std::sync::Arc;

/// A bound RETURNING.
pub(crate) struct Returning {
    /// What the client sees.
    pub(super) columns: Vec<OutputColumn>,
    schema: SchemaRef,
    program: RowProgram,
    visible: usize,
}

impl Returning {
    /// Binds the items of RETURNING; `alias` is what the target is called. What they tell of parameters is noted.
    pub(super) fn bind(
        binder: &Binder<'_>,
        target: &Target,
        alias: &str,
        items: Option<&[SelectItem]>,
        parameters: &mut Parameters,
    ) -> Result<Option<Returning>, SqlError> {
        let Some(items) = items else { return Ok(None) };
        let schema = visible(target, alias)?;
        let mut columns = Vec::new();
        let mut exprs: Vec<RowExpression> = Vec::new();
        for item in items {
            match item {
                SelectItem::Wildcard(_) => all(target, &schema, &mut columns, &mut exprs),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    if name.0.last().and_then(|p| p.as_ident()).map(fold).as_deref() != Some(alias) {
                        let message = format!("missing FROM-clause entry for table \"{name}\"");
                        return Err(SqlError::new(SqlState::UndefinedTable, message));
                    }
                    all(target, &schema, &mut columns, &mut exprs);
                }
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    let bound = RowExpression::bind(binder, expr, &schema, &parameters.declared(), Place::Returning)?;
                    parameters.note_types(bound.parameters());
                    let ty = bound.ty();
                    let sql_type = target_type(target, expr).or(ty.sql()).ok_or_else(|| {
                        SqlError::unsupported(format!("RETURNING cannot show type {ty}"), "Cast it to text.")
                    })?;
                    let name = match item {
                        SelectItem::ExprWithAlias { alias, .. } => fold(alias),
                        _ => output_name(expr),
                    };
                    columns.push(OutputColumn { name, sql_type });
                    exprs.push(bound);
                }
                other => {
                    return Err(SqlError::new(SqlState::SyntaxError, format!("{other} cannot stand in RETURNING")));
                }
            }
        }
        let output = result::schema(&columns);
        let program = RowProgram::new(schema, exprs);
        Ok(Some(Returning { columns, schema: output, program, visible: target.visible() }))
    }

    /// The result for these rows (of all columns).
    pub(super) fn evaluate(
        &self,
        engine: &Engine,
        execution: Execution<'_>,
        rows: &RecordBatch,
    ) -> Result<RecordBatch, SqlError> {
        let visible: Vec<usize> = (0..self.visible).collect();
        let input = rows.project(&visible).map_err(errors::arrow)?;
        let arrays = self.program.evaluate(engine, execution, &input)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let fields: Vec<_> = arrays
            .iter()
            .zip(self.schema.fields())
            .map(|(a, f)| f.as_ref().clone().with_data_type(a.data_type().clone()))
            .collect();
        let schema = Arc::new(datafusion::arrow::datatypes::Schema::new(fields));
        let batch = RecordBatch::try_new_with_options(schema, arrays, &options).map_err(errors::arrow)?;
        conform(batch, &self.schema).map_err(errors::datafusion)
    }
}

fn all(target: &Target, schema: &DFSchema, columns: &mut Vec<OutputColumn>, exprs: &mut Vec<RowExpression>) {
    for (index, column) in target.relation.visible_columns() {
        let (qualifier, field) = schema.qualified_field(index);
        columns.push(OutputColumn { name: column.name.clone(), sql_type: column.sql_type });
        exprs.push(RowExpression::column(Column::new(qualifier.cloned(), field.name()), column.sql_type));
    }
}

/// The declared type of a plain column (`varchar(10)` is text for Arrow).
fn target_type(target: &Target, expr: &ast::Expr) -> Option<SqlType> {
    let ident = match expr {
        ast::Expr::Identifier(ident) => ident,
        ast::Expr::CompoundIdentifier(parts) => parts.last()?,
        _ => return None,
    };
    Some(target.relation.columns[target.relation.column_index(&fold(ident))?].sql_type)
}

/// The name Postgres gives an unnamed expression.
fn output_name(expr: &ast::Expr) -> String {
    match expr {
        ast::Expr::Identifier(ident) => fold(ident),
        ast::Expr::CompoundIdentifier(parts) => parts.last().map_or_else(|| "?column?".to_owned(), fold),
        ast::Expr::Function(f) => {
            f.name.0.last().and_then(|p| p.as_ident()).map_or_else(|| "?column?".to_owned(), fold)
        }
        ast::Expr::Cast { expr, .. } | ast::Expr::Nested(expr) => output_name(expr),
        ast::Expr::Case { .. } => "case".to_owned(),
        _ => "?column?".to_owned(),
    }
}
