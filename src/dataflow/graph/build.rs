//! From the nodes of a plan to operators. The plan may come from disk, so nothing in it is taken for granted.

use super::{GraphNode, NodeKind};
use crate::dataflow::batch::arrow_schema;
use crate::dataflow::operator::{
    AggregateOperator, Distinct, Filter, Join, JoinPlan, Operator, Project, RowAggregates, Rules, TopK, TopKPlan,
    UnionAll, Values, pair_schema,
};
use crate::dataflow::{Expression, Failing};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use attune_planner::{Aggregate, DataflowPlan, Expr, JoinKind, Node, OLDEST_PLAN_VERSION, Op, PLAN_VERSION};
use attune_sql::SqlError;
use attune_storage::{Delta, ObjectId, StorageError, Table, TableLayout};
use std::sync::Arc;

/// The parts of a graph.
pub(super) struct Built {
    pub(super) nodes: Vec<GraphNode>,
    pub(super) rows: Option<(usize, RowAggregates)>,
    /// No change of the view.
    pub(super) nothing: Delta,
}

/// The nodes of `plan`, in its order; without the last ones when they write the view's rows.
pub(super) fn graph(layout: &TableLayout, plan: &DataflowPlan, state_base: u32) -> Result<Built, SqlError> {
    if !(OLDEST_PLAN_VERSION..=PLAN_VERSION).contains(&plan.version) {
        return Err(SqlError::internal(format!(
            "the plan has version {}, this build reads versions {OLDEST_PLAN_VERSION} to {PLAN_VERSION}",
            plan.version
        )));
    }
    if plan.nodes.is_empty() {
        return Err(broken("it has no nodes"));
    }
    let schemas: Vec<SchemaRef> = plan.nodes.iter().map(|node| arrow_schema(&node.schema)).collect();
    let builder = |place: usize| {
        let node = &plan.nodes[place];
        if node.inputs.iter().any(|input| *input >= place) {
            return Err(broken("a node reads one that comes after it"));
        }
        Ok(Builder { plan, place, node, schemas: &schemas, state_base })
    };
    let node = |place: usize| {
        let builder = builder(place)?;
        let node = builder.node;
        let kind = match &node.op {
            Op::Scan { relation, columns, .. } if columns.len() == node.schema.len() => {
                NodeKind::Scan { relation: *relation, columns: columns.clone() }
            }
            Op::Scan { .. } => return Err(broken("a scan has more or fewer columns than its schema")),
            _ => NodeKind::Operator(builder.operator()?),
        };
        Ok(GraphNode { kind, inputs: node.inputs.clone(), nothing: Delta::empty(schemas[place].clone()) })
    };
    let last = plan.nodes.len() - 1;
    let rows = if plan.state_in_rows {
        let found = plan.row_aggregate().ok_or_else(|| broken("its rows are not those of an aggregate"))?;
        let project = if found.node == last { None } else { Some(builder(last)?) };
        Some((found.node, builder(found.node)?.row_aggregates(project, &found.key, layout)?))
    } else {
        None
    };
    let nodes = (0..rows.as_ref().map_or(plan.nodes.len(), |(node, _)| *node)).map(node).collect::<Result<_, _>>()?;
    let rows = rows.map(|(node, rows)| (plan.nodes[node].inputs[0], rows));
    Ok(Built { nodes, rows, nothing: Delta::empty(schemas[last].clone()) })
}

fn broken(reason: &str) -> SqlError {
    SqlError::internal(format!("the plan of the view is damaged: {reason}"))
}

fn storage(error: StorageError) -> SqlError {
    SqlError::internal(error.to_string())
}

struct Builder<'a> {
    plan: &'a DataflowPlan,
    place: usize,
    node: &'a Node,
    schemas: &'a [SchemaRef],
    state_base: u32,
}

impl Builder<'_> {
    /// One arm per operator.
    fn operator(&self) -> Result<Box<dyn Operator>, SqlError> {
        let schema = self.schemas[self.place].clone();
        Ok(match &self.node.op {
            Op::Scan { .. } => return Err(broken("a scan is no operator")),
            Op::Values { rows } => {
                let none = Schema::empty();
                let row = |row: &Vec<Expr>| self.expressions(row, &none);
                Box::new(Values::new(rows.iter().map(row).collect::<Result<_, _>>()?, schema))
            }
            Op::Filter { predicate } => {
                let input = self.passed_through()?;
                Box::new(Filter::new(Expression::new(predicate, &input, DataType::Boolean, self.failing())?))
            }
            Op::Project { exprs } => {
                let input = self.only_input()?;
                Box::new(Project::new(self.expressions(exprs, &input)?, schema))
            }
            Op::Join { kind, on, null_equals_null, residual } => {
                Box::new(self.join(*kind, on, *null_equals_null, residual.as_ref())?)
            }
            Op::Aggregate { group, aggregates } => Box::new(self.aggregate(group, aggregates)?),
            Op::Distinct => {
                self.passed_through()?;
                Box::new(Distinct::new(schema, self.table(0)?).map_err(storage)?)
            }
            Op::UnionAll => {
                let types = |schema: &Schema| schema.fields().iter().map(|f| f.data_type().clone()).collect::<Vec<_>>();
                if self.node.inputs.iter().any(|input| types(&self.schemas[*input]) != types(&schema)) {
                    return Err(broken("the inputs of a union have other types than its output"));
                }
                Box::new(UnionAll::new(schema))
            }
            Op::TopK { partition, order, offset, limit, rank, kept } => {
                let input = self.only_input()?;
                self.check_columns(&input, partition.iter().copied().chain(order.iter().map(|o| o.column)))?;
                if schema.fields().len() != input.fields().len() + usize::from(*rank) {
                    return Err(broken("a top-k has more or fewer columns than its schema"));
                }
                let plan = TopKPlan {
                    input: &input,
                    partition,
                    order,
                    offset: *offset,
                    limit: *limit,
                    rank: *rank,
                    append_only: self.plan.nodes[self.node.inputs[0]].append_only,
                    kept: *kept,
                    unique: self.plan.nodes[self.node.inputs[0]].key.is_some(),
                    rows: self.table(0)?,
                    schema,
                };
                Box::new(TopK::new(plan).map_err(storage)?)
            }
        })
    }

    fn aggregate(&self, group: &[usize], aggregates: &[Aggregate]) -> Result<AggregateOperator, SqlError> {
        let (input, schema) = (self.only_input()?, self.schemas[self.place].clone());
        let arguments = aggregates.iter().flat_map(|a| [a.argument, a.filter]).flatten();
        self.check_columns(&input, group.iter().copied().chain(arguments))?;
        if schema.fields().len() != group.len() + aggregates.len() {
            return Err(broken("an aggregate has more or fewer columns than its schema"));
        }
        let append_only = self.plan.nodes[self.node.inputs[0]].append_only;
        let rules = Rules { append_only, averages_are_cut_off: self.plan.averages_are_cut_off() };
        AggregateOperator::new(group, aggregates, &input, rules, schema, [self.table(0)?, self.table(1)?])
    }

    /// The aggregate that makes the view's rows, and the projection after it.
    fn row_aggregates(
        &self,
        project: Option<Builder<'_>>,
        key: &[usize],
        layout: &TableLayout,
    ) -> Result<RowAggregates, SqlError> {
        let Op::Aggregate { group, aggregates } = &self.node.op else {
            return Err(broken("its rows have no aggregate"));
        };
        let aggregate = self.aggregate(group, aggregates)?;
        let schema = self.schemas[self.schemas.len() - 1].clone();
        let project = match project.as_ref().map(|builder| (builder, &builder.node.op)) {
            Some((builder, Op::Project { exprs })) => {
                let input = builder.only_input()?;
                Some(builder.expressions(exprs, &input)?)
            }
            _ => None,
        };
        let stored_key = layout.key.iter().map(|key| key.column);
        if !stored_key.eq(self.plan.key.iter().copied()) || layout.columns.len() != schema.fields().len() {
            return Err(broken("the view has other columns, or another key, than its plan"));
        }
        Ok(RowAggregates::new(aggregate, project, key, layout, schema))
    }

    fn join(
        &self,
        kind: JoinKind,
        on: &[(usize, usize)],
        null_equals_null: bool,
        residual: Option<&Expr>,
    ) -> Result<Join, SqlError> {
        let [left_node, right_node] = *self.node.inputs else { return Err(broken("a join without two inputs")) };
        let (left, right) = (self.schemas[left_node].clone(), self.schemas[right_node].clone());
        let (left_on, right_on): (Vec<usize>, Vec<usize>) = on.iter().copied().unzip();
        self.check_columns(&left, left_on.iter().copied())?;
        self.check_columns(&right, right_on.iter().copied())?;
        let pairs = pair_schema(&left, &right);
        let residual =
            residual.map(|expr| Expression::new(expr, &pairs, DataType::Boolean, self.failing())).transpose()?;
        let unique = |node: usize, on: &[usize]| {
            self.plan.nodes[node].key.as_ref().is_some_and(|key| key.iter().all(|column| on.contains(column)))
        };
        // Semi and anti joins that only count keep no right rows, so the slot may be missing.
        let counts = self.node.state.get(2).map(|_| self.table(2)).transpose()?;
        Join::new(JoinPlan {
            kind,
            unique: [unique(left_node, &left_on), unique(right_node, &right_on)],
            keyed: [left_node, right_node].map(|node| self.plan.nodes[node].key.is_some()),
            append_only: [left_node, right_node].map(|node| self.plan.nodes[node].append_only),
            inputs: [left, right],
            on: [left_on, right_on],
            null_equals_null,
            residual,
            schema: self.schemas[self.place].clone(),
            rows: [self.table(0)?, self.table(1)?],
            counts,
        })
    }

    /// Expressions for the columns of the node.
    fn expressions(&self, exprs: &[Expr], input: &Schema) -> Result<Vec<Expression>, SqlError> {
        let fields = self.schemas[self.place].fields();
        if exprs.len() != fields.len() {
            return Err(broken("there are more or fewer expressions than columns"));
        }
        let of = |(expr, field): (&Expr, &Arc<Field>)| {
            Expression::new(expr, input, field.data_type().clone(), self.failing())
        };
        exprs.iter().zip(fields).map(of).collect()
    }

    fn failing(&self) -> Failing {
        Failing::of_plan(self.plan.version)
    }

    /// The schema of the only input.
    fn only_input(&self) -> Result<SchemaRef, SqlError> {
        match *self.node.inputs {
            [input] => Ok(self.schemas[input].clone()),
            _ => Err(broken("an operator has more or fewer inputs than it reads")),
        }
    }

    /// The schema of the only input, whose rows become output as they are.
    fn passed_through(&self) -> Result<SchemaRef, SqlError> {
        let input = self.only_input()?;
        let types = |schema: &Schema| schema.fields().iter().map(|f| f.data_type().clone()).collect::<Vec<_>>();
        match types(&input) == types(&self.schemas[self.place]) {
            true => Ok(input),
            false => Err(broken("an operator changes the types of rows that it passes on")),
        }
    }

    fn check_columns(&self, input: &Arc<Schema>, mut columns: impl Iterator<Item = usize>) -> Result<(), SqlError> {
        match columns.find(|column| *column >= input.fields().len()) {
            Some(column) => Err(broken(&format!("column {column} of {}", input.fields().len()))),
            None => Ok(()),
        }
    }

    /// State table number `number` of the node.
    fn table(&self, number: usize) -> Result<Table, SqlError> {
        let slot = self.node.state.get(number).ok_or_else(|| broken("an operator has too few state tables"))?;
        let object = self.state_base.checked_add(*slot).filter(|_| *slot < self.plan.state_slots);
        Ok(Table::State(ObjectId(object.ok_or_else(|| broken("a state table out of range"))?)))
    }
}
