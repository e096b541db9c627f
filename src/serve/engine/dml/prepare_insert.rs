//! Binding INSERT.

use super::assemble::Defaults;
use super::coerce;
use super::conflict::{self, assigned_to, default_syntax, is_default, value_expression};
use super::insert::Insert;
use super::insert_source::{Cell, Source, Values};
use super::literal;
use super::returning::Returning;
use super::target::Target;
use crate::serve::engine::read::Identity;
use crate::serve::engine::row_program::{RowProgram, parameter_number};
use crate::serve::engine::select::{Select, output_columns, parameter_types};
use crate::serve::engine::{Engine, ParameterType, Prepared, PreparedBody, Settings};
use attune_sql::algebra::Type;
use attune_sql::bind::Place;
use attune_sql::binder::Binder;
use attune_sql::catalog::Catalog;
use attune_sql::statement::{Parsed, fold, parse_expression, relation_name};
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use datafusion::common::DFSchema;
use datafusion::sql::sqlparser::ast::{self, SelectItem, SetExpr, Spanned, TableObject, Value, Visit, Visitor};
use datafusion::sql::sqlparser::tokenizer::Span;
use std::ops::ControlFlow;

/// Types of the parameters as they are found out.
#[derive(Default)]
pub(super) struct Parameters {
    types: Vec<Option<ParameterType>>,
}

impl Parameters {
    pub(super) fn new(declared: &[Option<Type>]) -> Parameters {
        Parameters { types: declared.iter().map(|declared| declared.and_then(ParameterType::of)).collect() }
    }

    /// The first use decides, unless the client has declared a type.
    pub(super) fn note(&mut self, number: usize, found: ParameterType) {
        if self.types.len() <= number {
            self.types.resize(number + 1, None);
        }
        self.types[number].get_or_insert(found);
    }

    pub(super) fn note_all(&mut self, types: &[ParameterType]) {
        for (number, found) in types.iter().enumerate() {
            self.note(number, *found);
        }
    }

    /// What an expression has told.
    pub(super) fn note_types(&mut self, types: &[Option<Type>]) {
        for (number, ty) in types.iter().enumerate() {
            if let Some(found) = ty.and_then(ParameterType::of) {
                self.note(number, found);
            }
        }
    }

    pub(super) fn declared(&self) -> Vec<Option<Type>> {
        self.types.iter().map(|found| found.map(ParameterType::ty)).collect()
    }

    /// A parameter that nothing tells the type of is text.
    pub(super) fn finish(self) -> Vec<ParameterType> {
        let text = ParameterType { sql_type: SqlType::Text, array: false };
        self.types.into_iter().map(|t| t.unwrap_or(text)).collect()
    }
}

impl Engine {
    /// Binds an INSERT.
    pub(in crate::serve::engine) fn prepare_insert(
        &self,
        parsed: Parsed,
        insert: &ast::Insert,
        declared: &[Option<Type>],
        settings: &Settings,
    ) -> Result<Prepared, SqlError> {
        let catalog = self.coordinator.catalog();
        let TableObject::TableName(name) = &insert.table else {
            return Err(SqlError::new(SqlState::SyntaxError, "INSERT INTO needs the name of a table or stream"));
        };
        refuse_clauses(insert)?;
        let target = relation_name(name).and_then(|name| Target::new(&catalog, &name, "insert into"));
        let target = target.map_err(|error| error.or_at(name.span()))?;
        let alias = insert.table_alias.as_ref().map_or_else(|| target.relation.name.clone(), |a| fold(&a.alias));
        let columns = target_columns(&target, insert)?;
        let mut parameters = Parameters::new(declared);
        let (source, columns) = self.bind_source(&catalog, &target, columns, insert, &mut parameters, settings)?;
        let sources = self.sources(&catalog, Identity::Hidden);
        let binder = Binder { catalog: &catalog, sources: &sources };
        let conflict = conflict::bind(&binder, &target, &alias, insert.on.as_ref(), &mut parameters)?;
        let returning = Returning::bind(&binder, &target, &alias, insert.returning.as_deref(), &mut parameters)?;
        let defaults = Defaults::new(self, &catalog, &target)?;
        Ok(Prepared {
            parsed,
            parameters: parameters.finish(),
            columns: returning.as_ref().map(|r| r.columns.clone()),
            lookup: None,
            ranking: None,
            catalog_version: catalog.version(),
            body: PreparedBody::Insert(Box::new(Insert { target, defaults, columns, source, conflict, returning })),
        })
    }

    fn bind_source(
        &self,
        catalog: &Catalog,
        target: &Target,
        columns: Vec<usize>,
        insert: &ast::Insert,
        parameters: &mut Parameters,
        settings: &Settings,
    ) -> Result<(Source, Vec<usize>), SqlError> {
        let Some(query) = insert.source.as_deref() else { return Ok((Source::Defaults, columns)) };
        if let SetExpr::Values(values) = query.body.as_ref()
            && query.with.is_none()
            && query.order_by.is_none()
            && query.limit_clause.is_none()
        {
            let rows: Vec<&[ast::Expr]> = values.rows.iter().map(|r| r.content.as_slice()).collect();
            let spans: Vec<Span> = rows.first().map_or(Vec::new(), |row| row.iter().map(Spanned::span).collect());
            let columns = check_width(columns.clone(), &spans, insert)?;
            if let Some(values) = self.bind_values(catalog, target, &columns, &rows, parameters)? {
                return Ok((Source::Values(values), columns));
            }
        }
        let query = with_column_types(query, target, &columns)?;
        let bound = self.bind(catalog, &query, &parameters.declared(), settings, Identity::Hidden)?;
        parameters.note_all(&parameter_types(&bound.parameters)?);
        let output = output_columns(&bound)?;
        let spans = spans_of(&query, output.len());
        let columns = check_width(columns, &spans, insert)?;
        for ((column, found), span) in columns.iter().zip(&output).zip(spans) {
            coerce::check(found.sql_type, &target.relation.columns[*column]).map_err(|error| error.or_at(span))?;
        }
        let relations = bound.scanned().clone();
        Ok((Source::Query(Select { query: bound, relations }, output), columns))
    }

    /// `None` when a value needs more than a row: the VALUES are then run as a query.
    fn bind_values(
        &self,
        catalog: &Catalog,
        target: &Target,
        columns: &[usize],
        rows: &[&[ast::Expr]],
        parameters: &mut Parameters,
    ) -> Result<Option<Values>, SqlError> {
        let sources = self.sources(catalog, Identity::Hidden);
        let binder = Binder { catalog, sources: &sources };
        let mut computed = Vec::new();
        let mut cells = Vec::with_capacity(rows.len());
        for row in rows {
            if row.len() != columns.len() {
                let error = SqlError::new(SqlState::SyntaxError, "VALUES lists must all be the same length");
                return Err(row.first().map_or(error.clone(), |first| error.or_at(first.span())));
            }
            let mut bound = Vec::with_capacity(row.len());
            for (expr, column) in row.iter().zip(columns) {
                let definition = &target.relation.columns[*column];
                bound.push(if is_default(expr) {
                    Cell::Default
                } else if let Some(number) = placeholder(expr) {
                    parameters.note(number, ParameterType { sql_type: definition.sql_type, array: false });
                    Cell::Parameter(number)
                } else if let Some(value) = literal::parse_at(expr, definition)? {
                    Cell::Literal(value)
                } else if has_subquery(expr) {
                    return Ok(None);
                } else {
                    let place = Place::Values(assigned_to(definition));
                    computed.push(value_expression(&binder, definition, expr, &DFSchema::empty(), place, parameters)?);
                    Cell::Computed(computed.len() - 1)
                });
            }
            cells.push(bound);
        }
        let computed = RowProgram::new(DFSchema::empty(), computed);
        Ok(Some(Values { rows: cells, computed }))
    }
}

fn refuse_clauses(insert: &ast::Insert) -> Result<(), SqlError> {
    let other = insert.or.is_some()
        || insert.ignore
        || insert.overwrite
        || insert.replace_into
        || insert.partitioned.is_some()
        || !insert.assignments.is_empty()
        || insert.output.is_some();
    if other {
        let what = "this form of INSERT is not supported";
        return Err(SqlError::unsupported(
            what,
            "Write INSERT INTO t (columns) VALUES (...) or SELECT ..., with ON CONFLICT.",
        ));
    }
    Ok(())
}

/// The columns named, or all.
fn target_columns(target: &Target, insert: &ast::Insert) -> Result<Vec<usize>, SqlError> {
    if insert.columns.is_empty() {
        return Ok((0..target.visible()).collect());
    }
    let mut columns = Vec::with_capacity(insert.columns.len());
    for name in &insert.columns {
        let ident = name.0.last().and_then(|p| p.as_ident());
        let ident = ident.ok_or_else(|| SqlError::new(SqlState::SyntaxError, format!("{name} is no column name")))?;
        let index = target.column(&fold(ident)).map_err(|error| error.or_at(ident.span))?;
        if columns.contains(&index) {
            let message = format!("column \"{}\" specified more than once", fold(ident));
            return Err(SqlError::new(SqlState::DuplicateColumn, message).or_at(ident.span));
        }
        columns.push(index);
    }
    Ok(columns)
}

/// Without a column list, fewer values (here: where they stand) than columns fill the first ones.
fn check_width(mut columns: Vec<usize>, values: &[Span], insert: &ast::Insert) -> Result<Vec<usize>, SqlError> {
    if let Some(extra) = values.get(columns.len()) {
        let error = SqlError::new(SqlState::SyntaxError, "INSERT has more expressions than target columns");
        return Err(error.or_at(*extra));
    }
    if let Some(extra) = insert.columns.get(values.len()) {
        let error = SqlError::new(SqlState::SyntaxError, "INSERT has more target columns than expressions");
        return Err(error.or_at(extra.span()));
    }
    columns.truncate(values.len());
    Ok(columns)
}

/// Where the output columns of a query stand; nowhere if they are not written one by one.
fn spans_of(query: &ast::Query, columns: usize) -> Vec<Span> {
    match query.body.as_ref() {
        SetExpr::Select(select) if select.projection.len() == columns => {
            select.projection.iter().map(Spanned::span).collect()
        }
        _ => vec![Span::empty(); columns],
    }
}

fn placeholder(expr: &ast::Expr) -> Option<usize> {
    match expr {
        ast::Expr::Value(v) => match &v.value {
            Value::Placeholder(id) => parameter_number(id),
            _ => None,
        },
        ast::Expr::Nested(inner) => placeholder(inner),
        _ => None,
    }
}

fn has_subquery(expr: &ast::Expr) -> bool {
    struct Queries;
    impl Visitor for Queries {
        type Break = ();

        fn pre_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expr.visit(&mut Queries).is_break()
}

/// Text literals and parameters that are whole output columns take the type of their target column, as unknown literals do
/// in Postgres.
fn with_column_types(query: &ast::Query, target: &Target, columns: &[usize]) -> Result<ast::Query, SqlError> {
    let mut query = query.clone();
    match query.body.as_mut() {
        SetExpr::Select(select) => {
            for (item, column) in select.projection.iter_mut().zip(columns) {
                if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                    if let ast::Expr::Value(ast::ValueWithSpan { value: Value::SingleQuotedString(_), .. }) = expr {
                        literal::parse_at(expr, &target.relation.columns[*column])?;
                    }
                    typed(expr, target.relation.columns[*column].sql_type)?;
                }
            }
        }
        SetExpr::Values(values) => {
            for row in &mut values.rows {
                for (expr, column) in row.content.iter_mut().zip(columns) {
                    let definition = &target.relation.columns[*column];
                    if is_default(expr) {
                        *expr = default_syntax(definition)?;
                    }
                    typed(expr, definition.sql_type)?;
                }
            }
        }
        _ => {}
    }
    Ok(query)
}

/// Wraps an untyped literal (NULL included) or parameter in a cast.
pub(super) fn typed(expr: &mut ast::Expr, sql_type: SqlType) -> Result<(), SqlError> {
    let unknown = matches!(&*expr, ast::Expr::Value(v)
    if matches!(
        v.value,
        Value::SingleQuotedString(_) | Value::Placeholder(_) | Value::EscapedStringLiteral(_) | Value::Null
    ));
    if !unknown {
        return Ok(());
    }
    let name = match sql_type {
        SqlType::Varchar { .. } => "text".to_owned(),
        other => other.to_string(),
    };
    let mut cast = parse_expression(&format!("CAST(NULL AS {name})"))?;
    if let ast::Expr::Cast { expr: inner, .. } = &mut cast {
        **inner = expr.clone();
    }
    *expr = cast;
    Ok(())
}
