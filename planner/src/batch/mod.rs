//! From the algebra to a DataFusion plan that is taken as it is: nothing analyses or optimises it afterwards.
//!
//! One plan serves all that follow: `lower` (views), `lookup`, the rankings of the server, and DataFusion's physical planner
//! for everything else. So it has no node that one of them lacks: DISTINCT is an aggregate of groups only,
//! DISTINCT ON keeps the row with number 1, INTERSECT and EXCEPT are joins.
//!
//! Every expression has exactly the Arrow type of its [`Type`](attune_sql::algebra::Type). Columns are found by id here, and by
//! name in the plan: see [`name`] for how names are kept apart.

mod aggregate;
mod call;
mod expr;
mod join;
mod key;
mod name;
mod order;
mod project;
mod scan;
mod set;
mod unnest;
mod values;
mod window;

pub(crate) use expr::{Scope, expr};

use attune_sql::SqlError;
use attune_sql::algebra::{Column, ColumnId, Rel};
use attune_sql::binder::map_datafusion_error;
use datafusion::common::{Column as DfColumn, DataFusionError};
use datafusion::logical_expr::{Expr as DfExpr, Filter, LogicalPlan};
use name::Names;
use project::narrow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Stack that one level of a tree needs at most before the next one looks again.
const RED_ZONE: usize = 256 << 10;
/// How much is added when less is left.
const STACK: usize = 2 << 20;

/// The plan of a query. It gives `columns` in order (one may repeat), named `names`; a name that repeats gets a number.
///
/// The tree has been decorrelated. Sort order that the query asks for is kept.
///
/// # Errors
/// 0A000 for what cannot be computed, XX000 for a tree that breaks the algebra's rules.
pub(crate) fn to_datafusion(rel: &Rel, columns: &[Column], names: &[String]) -> Result<LogicalPlan, SqlError> {
    let names = name::distinct(columns, names);
    let mut lowering = Lowering { names: Names::of(rel, columns, &names), ordered: 0 };
    lowering.exactly(rel, columns, &names)
}

/// Columns that are read above.
type Needed = BTreeSet<ColumnId>;

struct Lowering {
    names: Names,
    /// How many relations above ask for an order of their own; see [`order`].
    ordered: usize,
}

/// A relation as a plan, and which of the plan's columns are its own. The plan may have more.
struct Lowered {
    plan: LogicalPlan,
    columns: BTreeMap<ColumnId, DfColumn>,
    /// How many scans are in it.
    scans: usize,
}

impl Lowered {
    fn scope(&self) -> Scope<'_> {
        Scope::new(&self.columns)
    }

    fn column(&self, column: &Column) -> Result<&DfColumn, SqlError> {
        self.columns.get(&column.id).ok_or_else(|| missing(column))
    }

    /// The rows for which a condition on the plan's columns is true.
    fn filter(self, predicate: DfExpr) -> Lowered {
        Lowered { plan: LogicalPlan::Filter(Filter::new(predicate, Arc::new(self.plan))), ..self }
    }
}

impl Lowering {
    /// A relation with all that it reads. It gives the `needed` columns at least.
    fn rel(&mut self, rel: &Rel, needed: &Needed) -> Result<Lowered, SqlError> {
        stacker::maybe_grow(RED_ZONE, STACK, || self.one(rel, needed))
    }

    /// The same of what is put in an order of its own above.
    fn rel_below_order(&mut self, rel: &Rel, needed: &Needed) -> Result<Lowered, SqlError> {
        self.ordered += 1;
        let lowered = self.rel(rel, needed);
        self.ordered -= 1;
        lowered
    }

    fn one(&mut self, rel: &Rel, needed: &Needed) -> Result<Lowered, SqlError> {
        match rel {
            Rel::Unit => Ok(values::unit()),
            Rel::Scan(scan) => self.scan(scan, None),
            Rel::Values { columns, rows } => self.values(columns, rows),
            Rel::Filter { input, predicate } => match &**input {
                Rel::Scan(scan) => self.scan(scan, Some(predicate)),
                input => {
                    let input = self.rel(input, &reading(rel, needed))?;
                    let predicate = expr(predicate, &input.scope())?;
                    Ok(input.filter(predicate))
                }
            },
            Rel::Project { input, exprs } => {
                let input = self.rel(input, &reading(rel, needed))?;
                self.project(input, exprs)
            }
            Rel::Join(join) => self.join(join, &reading(rel, needed)),
            Rel::Unnest { input, arrays, ordinality } => {
                let input = self.rel(input, &reading(rel, needed))?;
                self.unnest(narrow(input, &reading(rel, needed))?, arrays, ordinality.as_ref())
            }
            Rel::Aggregate { input, group, aggregates } => {
                self.aggregate(input, &reading(rel, needed), group, aggregates)
            }
            Rel::Window { input, calls } => {
                let reads = reading(rel, needed);
                let input = self.rel_below_order(input, &reads)?;
                self.window(narrow(input, &reads)?, calls)
            }
            Rel::Distinct { input } => {
                let columns = input.columns();
                let input = self.rel_below_order(input, &ids(&columns))?;
                self.distinct(input, &columns)
            }
            Rel::DistinctOn { input, on, order } => {
                let reads = reading(rel, needed);
                let input = self.rel_below_order(input, &reads)?;
                self.distinct_on(narrow(input, &reads)?, on, order)
            }
            Rel::SetOperation { op, all, inputs, inputs_columns, columns } => {
                self.set_operation(*op, *all, inputs, inputs_columns, columns)
            }
            Rel::Sort { input, by } => {
                let input = self.rel_below_order(input, &reading(rel, needed))?;
                order::sort(input, by)
            }
            Rel::Limit { input, skip, fetch } => self.limit(input, needed, skip.as_ref(), fetch.as_ref()),
        }
    }
}

/// What a relation reads of its inputs to give some columns: those, unless it makes its own, and what its expressions read.
fn reading(rel: &Rel, needed: &Needed) -> Needed {
    let mut reads = match rel {
        Rel::Project { .. } | Rel::Aggregate { .. } => Needed::new(),
        _ => needed.clone(),
    };
    for e in rel.exprs() {
        reads.extend(e.columns());
    }
    reads
}

fn ids(columns: &[Column]) -> Needed {
    columns.iter().map(|column| column.id).collect()
}

fn missing(column: &Column) -> SqlError {
    SqlError::internal(format!("column {column} is read where nothing gives it"))
}

/// An error of DataFusion's constructors: of ours inside, or a fault.
fn fault(error: DataFusionError) -> SqlError {
    map_datafusion_error(&error)
}

#[cfg(test)]
mod tests;
