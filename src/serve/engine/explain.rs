//! EXPLAIN.

use super::ddl::view_plan;
use super::unordered::shown;
use super::{Engine, Outcome, PreparedBody, Settings, Transaction, errors, result};
use crate::serve::lookup::CompiledLookup;
use crate::serve::ranking::Ranking;
use attune_planner::PlannedQuery;
use attune_sql::SqlError;
use attune_sql::algebra::Type;
use attune_sql::statement::{Explain, Statement};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::displayable;
use datafusion::scalar::ScalarValue;
use futures::StreamExt;
use std::time::Instant;

/// Name of the one column.
pub(super) const COLUMN: &str = "QUERY PLAN";

impl Engine {
    /// EXPLAIN and EXPLAIN ANALYZE.
    pub(super) async fn explain(
        &self,
        explain: &Explain,
        parameters: Vec<ScalarValue>,
        transaction: &mut Transaction,
        settings: &mut Settings,
    ) -> Result<Outcome, SqlError> {
        let columns = result::text_columns(&[COLUMN]);
        let lines = match &explain.statement.statement {
            Statement::CreateView(view) => {
                if explain.analyze {
                    return Err(SqlError::unsupported(
                        "EXPLAIN ANALYZE of CREATE MATERIALIZED VIEW is not supported",
                        "Leave ANALYZE out; attune_views and attune_state show what a running view does.",
                    ));
                }
                attune_planner::explain(&view_plan(&self.coordinator.catalog(), view)?)
            }
            _ => self.explain_bound(explain, parameters, transaction, settings).await?,
        };
        let rows: Vec<Vec<String>> = lines.into_iter().map(|line| vec![line]).collect();
        result::text_rows(columns, &rows, "EXPLAIN")
    }

    async fn explain_bound(
        &self,
        explain: &Explain,
        parameters: Vec<ScalarValue>,
        transaction: &mut Transaction,
        settings: &mut Settings,
    ) -> Result<Vec<String>, SqlError> {
        let declared: Vec<Option<Type>> = parameters.iter().map(|p| Type::from_arrow(&p.data_type())).collect();
        let prepared = self.prepare(explain.statement.as_ref().clone(), &declared, settings)?;
        self.settle_before(&prepared, transaction).await?;
        let mut lines = Vec::new();
        let (select, verb) = match &prepared.body {
            PreparedBody::Select(select) => (select, None),
            PreparedBody::Change(change) => (change.query(), Some(change.describe())),
            PreparedBody::Insert(insert) => match insert.query() {
                Some(select) => (select, Some(insert.describe())),
                None => {
                    return self
                        .explain_write(vec![insert.describe()], explain, &prepared, parameters, transaction, settings)
                        .await;
                }
            },
            PreparedBody::Statement => return Err(SqlError::internal("the statement was not bound")),
        };
        if let Some(lookup) = self.runs_as_lookup(&prepared, transaction) {
            lines.extend(lookup);
            if !explain.analyze {
                return Ok(lines);
            }
        }
        let indent = if verb.is_some() { "  " } else { "" };
        lines.extend(verb.clone());
        let reads = self.reads(&select.relations, transaction)?;
        let bound = bind_all(&select.query, &prepared.parameters, parameters.clone())?;
        let run = explain.analyze && verb.is_none();
        let started = Instant::now();
        let (physical, rows) = self.queries.physical(bound, reads, run).await?;
        let elapsed = started.elapsed();
        let physical = shown(&physical).map_err(errors::datafusion)?;
        let shown = displayable(physical.as_ref()).indent(false).to_string();
        lines.extend(shown.lines().map(|l| format!("{indent}{l}")));
        if run {
            lines.push(format!("Rows: {rows}"));
            lines.push(format!("Planning and execution time: {:.3} ms", elapsed.as_secs_f64() * 1e3));
            return Ok(lines);
        }
        self.explain_write(lines, explain, &prepared, parameters, transaction, settings).await
    }

    /// The text of the lookup or ranking that a session would run for this statement; `None` when it would run a query.
    fn runs_as_lookup(&self, prepared: &super::Prepared, transaction: &Transaction) -> Option<Vec<String>> {
        if transaction.has_writes() {
            return None;
        }
        let catalog = self.coordinator.catalog();
        let Some(lookup) = prepared.lookup.as_ref() else {
            return Some(Ranking::compile(prepared, &catalog, self)?.explain(&catalog));
        };
        CompiledLookup::compile(prepared, &catalog, self.coordinator.store())?;
        let mut lines = attune_planner::explain_lookup(lookup, &catalog);
        if let Some(first) = lines.first_mut() {
            first.push_str(" (tier 1: straight from storage)");
        }
        Some(lines)
    }

    /// ANALYZE of a statement that writes runs it, as in Postgres.
    async fn explain_write(
        &self,
        mut lines: Vec<String>,
        explain: &Explain,
        prepared: &super::Prepared,
        parameters: Vec<ScalarValue>,
        transaction: &mut Transaction,
        settings: &mut Settings,
    ) -> Result<Vec<String>, SqlError> {
        if !explain.analyze {
            return Ok(lines);
        }
        let started = Instant::now();
        match Box::pin(self.execute(prepared, parameters, transaction, settings)).await? {
            Outcome::Command { tag, .. } => lines.push(format!("Result: {tag}")),
            Outcome::Rows { mut stream, tag, .. } => {
                let mut rows = 0;
                while let Some(batch) = stream.next().await {
                    rows += batch.map_err(errors::datafusion)?.num_rows();
                }
                lines.push(format!("Result: {tag} {rows}"));
            }
        }
        lines.push(format!("Execution time: {:.3} ms", started.elapsed().as_secs_f64() * 1e3));
        Ok(lines)
    }
}

/// Binds parameters; those without a value (a plain EXPLAIN of a statement with parameters) are NULL.
fn bind_all(
    query: &PlannedQuery,
    types: &[super::ParameterType],
    mut values: Vec<ScalarValue>,
) -> Result<LogicalPlan, SqlError> {
    for parameter in types.iter().skip(values.len()) {
        let element = parameter.sql_type.to_arrow();
        let data_type = if parameter.array { DataType::new_list(element, true) } else { element };
        values.push(ScalarValue::try_from(&data_type).map_err(errors::datafusion)?);
    }
    query.executable(values, super::select::now_micros())
}
