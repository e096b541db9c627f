//! From DataFusion's optimised logical plan to a [`DataflowPlan`]: one file per kind of plan node.
//!
//! The nodes of a plan are a tree: each has one user. Column i of a lowered node is column i of the logical plan it was made
//! from; where that has no columns at all (below `count(*)`), the node has one constant column, the *unit* column.
//!
//! After lowering, [`rank`] turns `row_number() <= k` into a limit, [`simplify`] merges neighbours, [`semi`] moves semi joins
//! down, and [`finish`] derives keys, exchange marks and state slots.

mod aggregate;
mod columns;
mod distinct;
mod filter;
mod finish;
mod join;
mod limit;
mod project;
mod rank;
mod scan;
mod semi;
mod simplify;
mod top_k;
mod union;
mod values;
mod window;

pub(crate) use scan::relation;

use crate::exchange::exchange;
use crate::plan::{DataflowPlan, Field, Node, Op};
use crate::properties;
use attune_sql::catalog::Catalog;
use attune_sql::{SqlError, SqlState};
use datafusion::logical_expr::{Distinct, LogicalPlan};

/// Plan nodes above one another. Far more than people write, and far less than overflows the stack.
const MAX_PLAN_DEPTH: usize = 200;

/// Lowers an optimised logical plan (over `attune_sql::binder::SchemaSources`) to a dataflow plan.
///
/// The plan's columns are exactly those of the query. A view has no order: an ORDER BY without LIMIT is dropped.
///
/// # Errors
/// 0A000 with what to write instead, for anything that cannot be kept incrementally yet; 54001 for plans or expressions that
/// are nested too deeply; 42P16 for a query without columns.
pub fn lower(plan: &LogicalPlan, catalog: &Catalog) -> Result<DataflowPlan, SqlError> {
    if plan.schema().fields().is_empty() {
        let message = "a materialized view must have at least one column";
        return Err(SqlError::new(SqlState::InvalidTableDefinition, message));
    }
    let mut lowering = Lowering { catalog, nodes: Vec::new(), depth: 0 };
    let root = lowering.lower(plan)?;
    let mut lowered = finish::finish(lowering.nodes, root, catalog);
    // Columns of the output are named as in the query, whatever node gives them.
    if let Some(root) = lowered.nodes.last_mut() {
        for (field, column) in root.schema.iter_mut().zip(plan.schema().fields()) {
            field.name.clone_from(column.name());
        }
    }
    Ok(lowered)
}

struct Lowering<'a> {
    catalog: &'a Catalog,
    nodes: Vec<Node>,
    depth: usize,
}

impl Lowering<'_> {
    /// Lowers a plan with its inputs; gives the index of its node.
    fn lower(&mut self, plan: &LogicalPlan) -> Result<usize, SqlError> {
        if self.depth >= MAX_PLAN_DEPTH {
            return Err(SqlError::new(SqlState::StatementTooComplex, "the query is nested too deeply")
                .with_hint("Make parts of it views of their own."));
        }
        self.depth += 1;
        let node = self.lower_one(plan);
        self.depth -= 1;
        node
    }

    fn lower_one(&mut self, plan: &LogicalPlan) -> Result<usize, SqlError> {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Projection(projection) => self.projection(projection),
            LogicalPlan::Filter(filter) => self.filter(filter),
            LogicalPlan::SubqueryAlias(alias) => self.lower(&alias.input),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Distinct(Distinct::All(input)) => self.distinct(input),
            LogicalPlan::Distinct(Distinct::On(on)) => self.distinct_on(on),
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::Sort(sort) => self.sort(sort),
            LogicalPlan::Limit(limit) => self.limit(limit),
            LogicalPlan::Window(window) => self.window(window),
            LogicalPlan::Values(values) => self.values(values),
            LogicalPlan::EmptyRelation(empty) => self.empty_relation(empty),
            // Only says where rows are computed.
            LogicalPlan::Repartition(repartition) => self.lower(&repartition.input),
            other => Err(refused(other)),
        }
    }

    /// Adds a node. Its key is known at once, since it decides how some of its users are lowered; [`finish`] derives all
    /// properties again.
    fn push(&mut self, op: Op, inputs: Vec<usize>, schema: Vec<Field>) -> usize {
        let node = derive(op, inputs, schema, &self.nodes, self.catalog);
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn schema(&self, node: usize) -> &[Field] {
        &self.nodes[node].schema
    }
}

/// A node with its derived properties (state slots are given later).
fn derive(op: Op, inputs: Vec<usize>, schema: Vec<Field>, nodes: &[Node], catalog: &Catalog) -> Node {
    let read: Vec<&Node> = inputs.iter().map(|i| &nodes[*i]).collect();
    let key = properties::key(&op, &read, schema.len(), nodes, catalog);
    let append_only = properties::append_only(&op, &read, catalog);
    let exchange = exchange(&op, &inputs, |input| nodes[input].schema.len());
    Node { op, inputs, schema, exchange, key, append_only, state: Vec::new() }
}

fn refused(plan: &LogicalPlan) -> SqlError {
    let (what, instead) = match plan {
        LogicalPlan::RecursiveQuery(_) => (
            "WITH RECURSIVE cannot be kept in a materialized view",
            "Write out a fixed number of steps as joins, or run the recursive query over the view.",
        ),
        LogicalPlan::Unnest(_) => (
            "functions that give rows cannot be kept in a materialized view yet",
            "Store one row per element, or call the function when reading the view.",
        ),
        LogicalPlan::Subquery(_) => {
            ("this subquery cannot be turned into a join", "Write it as a join with a subquery in FROM.")
        }
        LogicalPlan::Extension(_) => {
            ("this construct cannot be kept in a materialized view", "Write the query with standard SQL.")
        }
        _ => ("only a query can be kept in a materialized view", "Write CREATE MATERIALIZED VIEW ... AS SELECT ..."),
    };
    SqlError::unsupported(what, instead)
}
