//! The operators of one view.

mod build;

use super::batch::batch_of;
use super::operator::{Operator, RowAggregates};
use super::{Fault, StepScope};
use arrow::datatypes::SchemaRef;
use attune_planner::DataflowPlan;
use attune_sql::SqlError;
use attune_storage::{Delta, TableLayout};
use std::collections::HashMap;

/// The operators of one view, run in topological order on one thread.
pub struct ViewGraph {
    nodes: Vec<GraphNode>,
    /// What takes the output of a node and writes the view's rows itself; `None`: the output of the last node is the change of
    /// the view, for others to write.
    rows: Option<(usize, RowAggregates)>,
    inputs: Vec<ScanInput>,
    /// No change of the view.
    nothing: Delta,
}

/// What a step of a view gave.
pub struct ViewChange {
    /// The change of the view, not consolidated; without rows when it was not [wanted](StepScope::delta_wanted).
    pub delta: Delta,
    /// How many rows changed in the view, when the graph has written them; `None`: the delta is to be written.
    pub written: Option<usize>,
}

/// A relation that a view reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScanInput {
    /// Relation id.
    pub relation: u32,
    /// Columns of the relation.
    pub columns: Vec<usize>,
    /// Node of the plan.
    pub node: usize,
}

struct GraphNode {
    kind: NodeKind,
    inputs: Vec<usize>,
    /// No change, with the schema of the node.
    nothing: Delta,
}

enum NodeKind {
    /// Some columns of a relation's changes.
    Scan {
        relation: u32,
        columns: Vec<usize>,
    },
    Operator(Box<dyn Operator>),
}

impl ViewGraph {
    /// The operators of `plan` for a view with this layout. Slot `i` of its state is object `state_base + i`.
    ///
    /// # Errors
    /// When the plan is of another version, contradicts itself, or holds an expression or aggregate that cannot be run.
    pub fn new(layout: &TableLayout, plan: &DataflowPlan, state_base: u32) -> Result<ViewGraph, SqlError> {
        let build::Built { nodes, rows, nothing } = build::graph(layout, plan, state_base)?;
        let scans = nodes.iter().enumerate().filter_map(|(node, n)| match &n.kind {
            NodeKind::Scan { relation, columns } => {
                Some(ScanInput { relation: *relation, columns: columns.clone(), node })
            }
            NodeKind::Operator(_) => None,
        });
        Ok(ViewGraph { inputs: scans.collect(), nodes, rows, nothing })
    }

    /// The relations it reads, one entry per scan (a self join has two).
    #[must_use]
    pub fn inputs(&self) -> &[ScanInput] {
        &self.inputs
    }

    /// The schema of the output.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.nothing.schema()
    }

    /// The first output of a new view, before any input. Once in the life of a view.
    ///
    /// # Errors
    /// A fault of an operator.
    pub fn start(&mut self, scope: &mut StepScope<'_>) -> Result<ViewChange, Fault> {
        self.run(true, &HashMap::new(), scope)
    }

    /// Takes the changes of relations (all their columns, by relation id; a missing one is no change) through the
    /// operators.
    ///
    /// # Errors
    /// A fault of an operator: the scope must be dropped then.
    pub fn step(&mut self, inputs: &HashMap<u32, &Delta>, scope: &mut StepScope<'_>) -> Result<ViewChange, Fault> {
        self.run(false, inputs, scope)
    }

    fn run(
        &mut self,
        starting: bool,
        inputs: &HashMap<u32, &Delta>,
        scope: &mut StepScope<'_>,
    ) -> Result<ViewChange, Fault> {
        let mut outputs: Vec<Option<Delta>> = Vec::with_capacity(self.nodes.len());
        for place in 0..self.nodes.len() {
            let output = self.run_node(place, starting, inputs, &outputs, scope)?;
            outputs.push(output.filter(|delta| !delta.is_empty()));
        }
        if let Some((input, rows)) = &mut self.rows {
            let Some(input) = outputs[*input].take() else {
                return Ok(ViewChange { delta: self.nothing.clone(), written: Some(0) });
            };
            let changes = rows.step(&input, scope)?;
            let delta = changes.delta.unwrap_or_else(|| self.nothing.clone());
            return Ok(ViewChange { delta, written: Some(changes.rows) });
        }
        let delta = match outputs.pop().flatten() {
            // Operators that pass rows through leave the names of their input.
            Some(delta) => delta.with_schema(&self.nothing.schema())?,
            None => self.nothing.clone(),
        };
        Ok(ViewChange { delta, written: None })
    }

    fn run_node(
        &mut self,
        place: usize,
        starting: bool,
        relations: &HashMap<u32, &Delta>,
        outputs: &[Option<Delta>],
        scope: &mut StepScope<'_>,
    ) -> Result<Option<Delta>, Fault> {
        let (before, rest) = self.nodes.split_at_mut(place);
        let node = &mut rest[0];
        let schema = node.nothing.schema();
        let operator = match &mut node.kind {
            NodeKind::Scan { relation, columns } => {
                let Some(delta) = relations.get(relation).filter(|delta| !delta.is_empty()) else { return Ok(None) };
                return scan(delta, columns, &schema).map(Some);
            }
            NodeKind::Operator(operator) => operator,
        };
        let first = if starting { operator.start(scope)? } else { None };
        let inputs: Vec<&Delta> =
            node.inputs.iter().map(|input| outputs[*input].as_ref().unwrap_or(&before[*input].nothing)).collect();
        if inputs.iter().all(|input| input.is_empty()) {
            return Ok(first);
        }
        let output = operator.step(&inputs, scope)?;
        match first {
            Some(first) => Ok(Some(Delta::concat(&schema, &[first, output])?)),
            None => Ok(Some(output)),
        }
    }
}

/// Some columns of a relation's delta.
fn scan(delta: &Delta, columns: &[usize], schema: &SchemaRef) -> Result<Delta, Fault> {
    let column = |column: &usize| {
        let found = delta.rows().columns().get(*column).cloned();
        found.ok_or_else(|| Fault::internal(format!("column {column} of a relation of {}", delta.rows().num_columns())))
    };
    let columns = columns.iter().map(column).collect::<Result<_, _>>()?;
    Ok(delta.with_rows(batch_of(schema, columns, delta.len())?))
}

#[cfg(test)]
impl ViewGraph {
    /// One operator over all columns of a relation, for tests of what plans cannot make.
    pub(super) fn of_operator(relation: u32, schema: &SchemaRef, operator: Box<dyn Operator>) -> ViewGraph {
        let columns: Vec<usize> = (0..schema.fields().len()).collect();
        let node = |kind, inputs| GraphNode { kind, inputs, nothing: Delta::empty(schema.clone()) };
        let scan = node(NodeKind::Scan { relation, columns: columns.clone() }, Vec::new());
        let inputs = vec![ScanInput { relation, columns, node: 0 }];
        let nodes = vec![scan, node(NodeKind::Operator(operator), vec![0])];
        ViewGraph { nodes, rows: None, inputs, nothing: Delta::empty(schema.clone()) }
    }
}
