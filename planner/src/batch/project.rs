//! Projections: only where something is computed, left out or named.

use super::{Lowered, Lowering, Needed, Scope, expr, fault, ids, missing, reading};
use attune_sql::SqlError;
use attune_sql::algebra::{Column, ColumnId, Expr, Rel};
use datafusion::common::Column as DfColumn;
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlan, Projection, TableScanBuilder};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

impl Lowering {
    /// Expressions over each row. A column that is passed on stays the plan's column, under whichever id.
    pub(super) fn project(&mut self, input: Lowered, exprs: &[(Column, Expr)]) -> Result<Lowered, SqlError> {
        let passed = passed(&input, exprs)?;
        if exprs.iter().all(|(_, e)| e.as_column().is_some()) {
            return narrowed(input, exprs, passed);
        }
        let (columns, outputs) = self.outputs(&input, exprs, &passed)?;
        Ok(Lowered { plan: projection(input.plan, outputs)?, columns, scans: input.scans })
    }

    /// The expressions of a projection node, and where its columns are.
    fn outputs(
        &mut self,
        input: &Lowered,
        exprs: &[(Column, Expr)],
        passed: &[DfColumn],
    ) -> Result<(BTreeMap<ColumnId, DfColumn>, Vec<DfExpr>), SqlError> {
        let mut columns = BTreeMap::new();
        let mut outputs = Vec::with_capacity(exprs.len());
        let mut given = HashSet::new();
        for (column, e) in exprs {
            if let Some(source) = e.as_column() {
                let source = input.column(source)?;
                if given.insert(source) {
                    outputs.push(DfExpr::Column(source.clone()));
                }
                columns.insert(column.id, source.clone());
            } else {
                let name = self.names.column(column, input.scans, passed);
                outputs.push(expr(e, &input.scope())?.alias(&name));
                columns.insert(column.id, DfColumn::new_unqualified(name));
            }
        }
        Ok((columns, outputs))
    }

    /// A plan that gives exactly these columns under exactly these names, which differ.
    pub(super) fn exactly(&mut self, rel: &Rel, columns: &[Column], names: &[String]) -> Result<LogicalPlan, SqlError> {
        let needed = ids(columns);
        if let Rel::Project { input, exprs } = rel
            && needed.len() == columns.len()
        {
            let input = self.rel(input, &reading(rel, &needed))?;
            let outputs = chosen(exprs, columns, &input.scope())?;
            return named(input.plan, outputs, names);
        }
        let lowered = self.rel(rel, &needed)?;
        let outputs = columns.iter().map(|column| lowered.column(column).map(|c| DfExpr::Column(c.clone())));
        let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
        named(lowered.plan, outputs, names)
    }
}

/// The expressions of a projection that these columns are.
fn chosen(exprs: &[(Column, Expr)], columns: &[Column], scope: &Scope<'_>) -> Result<Vec<DfExpr>, SqlError> {
    let by_id: BTreeMap<ColumnId, &Expr> = exprs.iter().map(|(column, e)| (column.id, e)).collect();
    let one = |column: &Column| expr(by_id.get(&column.id).ok_or_else(|| missing(column))?, scope);
    columns.iter().map(one).collect()
}

/// The plan's columns that a projection passes on, each once.
fn passed(input: &Lowered, exprs: &[(Column, Expr)]) -> Result<Vec<DfColumn>, SqlError> {
    let mut seen = HashSet::new();
    let mut passed = Vec::new();
    for column in exprs.iter().filter_map(|(_, e)| e.as_column()) {
        let column = input.column(column)?;
        if seen.insert(column) {
            passed.push(column.clone());
        }
    }
    Ok(passed)
}

/// A projection that computes nothing: a node only if it leaves columns out.
fn narrowed(input: Lowered, exprs: &[(Column, Expr)], passed: Vec<DfColumn>) -> Result<Lowered, SqlError> {
    let mut columns = BTreeMap::new();
    for (column, e) in exprs {
        let Some(source) = e.as_column() else { continue };
        columns.insert(column.id, input.column(source)?.clone());
    }
    let scans = input.scans;
    // Rows without columns are no narrower: what counts them reads none.
    let plan = match passed.len() {
        0 => input.plan,
        width if width == input.plan.schema().fields().len() => input.plan,
        _ => select(input.plan, passed)?,
    };
    Ok(Lowered { plan, columns, scans })
}

/// The relation without the columns that nothing reads: where rows are kept, sent or sorted, narrow ones are cheaper.
pub(super) fn narrow(mut input: Lowered, needed: &Needed) -> Result<Lowered, SqlError> {
    input.columns.retain(|id, _| needed.contains(id));
    let read: HashSet<&DfColumn> = input.columns.values().collect();
    let all = input.plan.schema().columns();
    if read.is_empty() || read.len() == all.len() {
        return Ok(input);
    }
    let kept = all.into_iter().filter(|column| read.contains(column)).collect();
    let plan = select(input.plan, kept)?;
    Ok(Lowered { plan, columns: input.columns, scans: input.scans })
}

/// The plan reduced to these of its columns, in this order. A scan reads only them.
pub(super) fn select(plan: LogicalPlan, columns: Vec<DfColumn>) -> Result<LogicalPlan, SqlError> {
    let LogicalPlan::TableScan(scan) = plan else {
        return projection(plan, columns.into_iter().map(DfExpr::Column).collect());
    };
    let places = columns.iter().map(|column| {
        let place = scan.projected_schema.index_of_column(column).map_err(fault)?;
        Ok(scan.projection.as_ref().and_then(|read| read.get(place).copied()).unwrap_or(place))
    });
    let places = places.collect::<Result<Vec<_>, SqlError>>()?;
    let scan = TableScanBuilder::from(scan).with_projection(Some(places)).build();
    scan.map(LogicalPlan::TableScan).map_err(fault)
}

/// A projection node.
pub(super) fn projection(plan: LogicalPlan, outputs: Vec<DfExpr>) -> Result<LogicalPlan, SqlError> {
    Projection::try_new(outputs, Arc::new(plan)).map(LogicalPlan::Projection).map_err(fault)
}

/// The plan with exactly these outputs and names; no node if it is that already.
fn named(plan: LogicalPlan, outputs: Vec<DfExpr>, names: &[String]) -> Result<LogicalPlan, SqlError> {
    let named = outputs.into_iter().zip(names).map(|(output, name)| match output {
        DfExpr::Column(column) if column.name == *name => DfExpr::Column(column),
        other => other.alias(name),
    });
    let outputs: Vec<DfExpr> = named.collect();
    let plain = outputs.iter().map(|output| match output {
        DfExpr::Column(column) => Some(column.clone()),
        _ => None,
    });
    match plain.collect::<Option<Vec<DfColumn>>>() {
        Some(columns) if columns == plan.schema().columns() => Ok(plan),
        Some(columns) => select(plan, columns),
        None => projection(plan, outputs),
    }
}
