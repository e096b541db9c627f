//! Scans: the columns that are read, and the conditions that the source can use.

use super::expr::combine;
use super::project::projection;
use super::{Lowered, Lowering, Scope, call, expr, fault};
use attune_sql::SqlError;
use attune_sql::algebra::{ColumnId, Expr, Scan};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{Column as DfColumn, TableReference};
use datafusion::logical_expr::{
    Expr as DfExpr, LogicalPlan, Operator, SubqueryAlias, TableProviderFilterPushDown, TableScanBuilder, TableSource,
};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Lowering {
    /// A scan with the condition right above it.
    pub(super) fn scan(&mut self, scan: &Scan, predicate: Option<&Expr>) -> Result<Lowered, SqlError> {
        let table = TableReference::bare(self.names.table(&scan.name));
        let schema = scan.source.schema();
        let (columns, places) = read(scan, &table, &schema)?;
        let as_declared = scan.columns.iter().all(|(column, place)| {
            schema.fields().get(*place).is_some_and(|field| *field.data_type() == column.ty.to_arrow())
        });
        let inlined = scan.source.get_logical_plan();
        if inlined.is_none() && as_declared {
            let conditions = conditions(predicate, &Scope::new(&columns))?;
            let (taken, left) = offered(scan.source.as_ref(), conditions)?;
            let plan = table_scan(table, scan, places, taken)?;
            return Ok(kept(Lowered { plan, columns, scans: 1 }, left));
        }
        let plan = match inlined {
            Some(plan) => {
                let alias = SubqueryAlias::try_new(Arc::new(plan.into_owned()), table);
                LogicalPlan::SubqueryAlias(alias.map_err(fault)?)
            }
            None => table_scan(table, scan, places, Vec::new())?,
        };
        let mut lowered = Lowered { plan, columns, scans: 1 };
        if !as_declared {
            lowered = self.conform(lowered, scan, &schema)?;
        }
        let conditions = conditions(predicate, &lowered.scope())?;
        Ok(kept(lowered, conditions))
    }

    /// Columns in the Arrow types of their types in SQL. Those of our relations are; a function may give nanoseconds.
    fn conform(&mut self, lowered: Lowered, scan: &Scan, schema: &SchemaRef) -> Result<Lowered, SqlError> {
        let mut columns = BTreeMap::new();
        let mut outputs = Vec::with_capacity(scan.columns.len());
        for (column, place) in &scan.columns {
            let source = lowered.column(column)?.clone();
            let wanted = column.ty.to_arrow();
            let given = schema.fields().get(*place).map_or_else(|| wanted.clone(), |f| f.data_type().clone());
            let name = self.names.column(column, lowered.scans, &[]);
            outputs.push(call::cast(DfExpr::Column(source), &given, &wanted).alias(&name));
            columns.insert(column.id, DfColumn::new_unqualified(name));
        }
        Ok(Lowered { plan: projection(lowered.plan, outputs)?, columns, scans: lowered.scans })
    }
}

fn table_scan(
    table: TableReference,
    scan: &Scan,
    places: Vec<usize>,
    filters: Vec<DfExpr>,
) -> Result<LogicalPlan, SqlError> {
    let builder = TableScanBuilder::new(table, Arc::clone(&scan.source));
    let scan = builder.with_projection(Some(places)).with_filters(filters).build();
    scan.map(LogicalPlan::TableScan).map_err(fault)
}

/// The columns of a scan in the plan, and their places in the source, each once.
fn read(
    scan: &Scan,
    table: &TableReference,
    schema: &SchemaRef,
) -> Result<(BTreeMap<ColumnId, DfColumn>, Vec<usize>), SqlError> {
    let mut columns = BTreeMap::new();
    let mut places = Vec::with_capacity(scan.columns.len());
    for (column, place) in &scan.columns {
        let missing = || SqlError::internal(format!("\"{}\" has no column {place}", scan.name));
        let field = schema.fields().get(*place).ok_or_else(missing)?;
        columns.insert(column.id, DfColumn::new(Some(table.clone()), field.name()));
        places.push(*place);
    }
    let mut seen = vec![false; schema.fields().len()];
    places.retain(|place| seen.get_mut(*place).is_some_and(|seen| !std::mem::replace(seen, true)));
    Ok((columns, places))
}

fn conditions(predicate: Option<&Expr>, scope: &Scope<'_>) -> Result<Vec<DfExpr>, SqlError> {
    let mut all = Vec::new();
    if let Some(predicate) = predicate {
        predicate.clone().into_conjuncts(&mut all);
    }
    all.iter().map(|e| expr(e, scope)).collect()
}

/// The conditions that the source can use, and those that must be checked above it: most sources read too much.
fn offered(source: &dyn TableSource, conditions: Vec<DfExpr>) -> Result<(Vec<DfExpr>, Vec<DfExpr>), SqlError> {
    let able: Vec<&DfExpr> = conditions.iter().filter(|e| !e.is_volatile()).collect();
    let answers = source.supports_filters_pushdown(&able).map_err(fault)?;
    let mut answers = answers.into_iter();
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for condition in conditions {
        let answer = if condition.is_volatile() { None } else { answers.next() };
        match answer {
            Some(TableProviderFilterPushDown::Exact) => taken.push(condition),
            Some(TableProviderFilterPushDown::Inexact) => {
                taken.push(condition.clone());
                left.push(condition);
            }
            Some(TableProviderFilterPushDown::Unsupported) | None => left.push(condition),
        }
    }
    Ok((taken, left))
}

/// The rows that meet the conditions.
fn kept(lowered: Lowered, conditions: Vec<DfExpr>) -> Lowered {
    if conditions.is_empty() { lowered } else { lowered.filter(combine(Operator::And, conditions)) }
}
