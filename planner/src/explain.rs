//! EXPLAIN of a view: its operators as a tree, with what each costs per epoch and what state it keeps (docs/sql.md, "Materialized views").

use crate::expr::sql;
use crate::plan::{Aggregate, AggregateFunction, DataflowPlan, Field, JoinKind, Kept, Node, Op, SortColumn};

/// EXPLAIN text of a dataflow plan: one line per operator, the view's output first, inputs below their users. After the
/// operator come the key of its rows, how its inputs are distributed, the work per epoch (d: rows in the change, g: rows of a
/// touched group) and the state it keeps.
#[must_use]
pub fn explain(plan: &DataflowPlan) -> Vec<String> {
    let Some(root) = plan.nodes.len().checked_sub(1) else { return vec![] };
    let mut lines = Vec::new();
    let mut open = vec![(root, 0)];
    while let Some((index, depth)) = open.pop() {
        let node = &plan.nodes[index];
        let indent = if depth == 0 { String::new() } else { format!("{}-> ", "   ".repeat(depth - 1)) };
        lines.push((format!("{indent}{}", what(plan, node)), properties(plan, node)));
        open.extend(node.inputs.iter().rev().map(|input| (*input, depth + 1)));
    }
    align(lines)
}

/// Whose a state table is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateOwner {
    /// The operator, as [`explain`] shows it.
    pub operator: String,
    /// What of it is in the table.
    pub holds: &'static str,
}

/// The owner of each state table of a plan, by slot.
#[must_use]
pub fn explain_state(plan: &DataflowPlan) -> Vec<StateOwner> {
    let mut owners: Vec<(u32, StateOwner)> = Vec::new();
    for node in &plan.nodes {
        for (number, (slot, holds)) in node.state.iter().zip(held(&node.op)).enumerate() {
            let holds =
                if number == 0 && is_in_rows(plan, node) { "nothing: groups are in the view's rows" } else { holds };
            owners.push((*slot, StateOwner { operator: what(plan, node), holds }));
        }
    }
    owners.sort_by_key(|(slot, _)| *slot);
    let mut owners: Vec<StateOwner> = owners.into_iter().map(|(_, owner)| owner).collect();
    if plan.counts_rows() {
        owners.push(StateOwner { operator: "rows of the view".to_owned(), holds: "how often each is there" });
    }
    owners
}

/// Whether an operator keeps its state in the rows of the view.
fn is_in_rows(plan: &DataflowPlan, node: &Node) -> bool {
    // State tables are of one node each.
    plan.state_in_rows && plan.row_aggregate().is_some_and(|found| plan.nodes[found.node].state == node.state)
}

/// What the state tables of an operator hold, in their order.
fn held(op: &Op) -> &'static [&'static str] {
    match op {
        Op::Join { .. } => &["left rows", "right rows", "match counts of left rows"],
        Op::Aggregate { .. } => &["groups", "values in order"],
        Op::Distinct => &["a count per row"],
        Op::TopK { kept: Kept::Window, .. } => &["first rows"],
        Op::TopK { .. } => &["rows in order"],
        Op::Scan { .. } | Op::Values { .. } | Op::Filter { .. } | Op::Project { .. } | Op::UnionAll => &[],
    }
}

/// Properties in one column, unless an operator is too long for that.
fn align(lines: Vec<(String, String)>) -> Vec<String> {
    const LONGEST: usize = 72;
    let lengths = lines.iter().map(|(what, _)| what.chars().count());
    let column = lengths.filter(|length| *length <= LONGEST).max().unwrap_or(0);
    lines.into_iter().map(|(what, properties)| format!("{what:column$}  {properties}").trim_end().to_owned()).collect()
}

fn input<'p>(plan: &'p DataflowPlan, node: &Node, number: usize) -> &'p [Field] {
    node.inputs.get(number).map_or(&[], |i| &plan.nodes[*i].schema)
}

fn what(plan: &DataflowPlan, node: &Node) -> String {
    let first = input(plan, node, 0);
    match &node.op {
        Op::Scan { name, .. } => format!("scan {name} ({})", names(&node.schema, 0..node.schema.len())),
        Op::Values { rows } if rows.is_empty() => "no rows".to_owned(),
        Op::Values { rows } => values(rows),
        Op::Filter { predicate } => format!("filter {}", sql(predicate, first)),
        Op::Project { exprs } => {
            let columns = exprs.iter().zip(&node.schema).map(|(expr, field)| {
                let text = sql(expr, first);
                if text == field.name { text } else { format!("{text} AS {}", field.name) }
            });
            format!("project {}", columns.collect::<Vec<_>>().join(", "))
        }
        Op::Join { kind, on, null_equals_null, residual } => {
            let second = input(plan, node, 1);
            let both: Vec<Field> = first.iter().chain(second).cloned().collect();
            let equal = if *null_equals_null { "IS NOT DISTINCT FROM" } else { "=" };
            let pairs = on.iter().map(|(l, r)| format!("{} {equal} {}", name(first, *l), name(second, *r)));
            let conditions = pairs.chain(residual.iter().map(|e| sql(e, &both))).collect::<Vec<_>>();
            match (conditions.is_empty(), kind) {
                (true, JoinKind::Inner) => "cross join".to_owned(),
                (true, kind) => format!("{} ON true", join_name(*kind)),
                (false, kind) => format!("{} ON {}", join_name(*kind), conditions.join(" AND ")),
            }
        }
        Op::Aggregate { group, aggregates } => {
            let calls = aggregates.iter().map(|a| call(a, first)).collect::<Vec<_>>().join(", ");
            match group.is_empty() {
                true => format!("aggregate {calls}"),
                false => format!("aggregate {calls} BY {}", names(first, group.iter().copied())),
            }
        }
        Op::Distinct => "distinct".to_owned(),
        Op::UnionAll => "union all".to_owned(),
        Op::TopK { partition, order, offset, limit, rank, .. } => {
            top_k(first, partition, order, *offset, *limit, *rank)
        }
    }
}

fn values(rows: &[Vec<crate::Expr>]) -> String {
    const SHOWN: usize = 3;
    let row = |row: &Vec<crate::Expr>| format!("({})", row.iter().map(|e| sql(e, &[])).collect::<Vec<_>>().join(", "));
    let mut shown = rows.iter().take(SHOWN).map(row).collect::<Vec<_>>();
    if rows.len() > SHOWN {
        shown.push(format!("... {} rows", rows.len()));
    }
    format!("values {}", shown.join(", "))
}

fn join_name(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "join",
        JoinKind::Left => "left join",
        JoinKind::LeftSemi => "semi join",
        JoinKind::LeftAnti => "anti join",
    }
}

/// The call of an aggregate in SQL.
pub(crate) fn call(aggregate: &Aggregate, input: &[Field]) -> String {
    let function = match aggregate.function {
        AggregateFunction::Count => "count",
        AggregateFunction::Sum => "sum",
        AggregateFunction::Avg => "avg",
        AggregateFunction::Min => "min",
        AggregateFunction::Max => "max",
        AggregateFunction::VarPop => "var_pop",
        AggregateFunction::VarSamp => "var_samp",
        AggregateFunction::StddevPop => "stddev_pop",
        AggregateFunction::StddevSamp => "stddev_samp",
    };
    let distinct = if aggregate.distinct { "DISTINCT " } else { "" };
    let argument = aggregate.argument.map_or("*".to_owned(), |column| name(input, column));
    let filter = aggregate.filter.map(|c| format!(" FILTER (WHERE {})", name(input, c))).unwrap_or_default();
    format!("{function}({distinct}{argument}){filter}")
}

fn top_k(
    input: &[Field],
    partition: &[usize],
    order: &[SortColumn],
    offset: u64,
    limit: Option<u64>,
    rank: bool,
) -> String {
    let mut text = match limit {
        Some(limit) => format!("top {limit}"),
        None => "all rows in order".to_owned(),
    };
    if offset > 0 {
        text += &format!(" after {offset}");
    }
    if !partition.is_empty() {
        text += &format!(" per {}", names(input, partition.iter().copied()));
    }
    if !order.is_empty() {
        let columns = order.iter().map(|sort| {
            let direction = if sort.descending { " DESC" } else { "" };
            // As in Postgres: NULLs are largest unless said otherwise.
            let nulls = match (sort.nulls_first, sort.descending) {
                (true, false) => " NULLS FIRST",
                (false, true) => " NULLS LAST",
                _ => "",
            };
            format!("{}{direction}{nulls}", name(input, sort.column))
        });
        text += &format!(" ORDER BY {}", columns.collect::<Vec<_>>().join(", "));
    }
    if rank { text + " with row number" } else { text }
}

fn properties(plan: &DataflowPlan, node: &Node) -> String {
    let mut parts = Vec::new();
    parts.push(match &node.key {
        None => "key=none".to_owned(),
        Some(key) if key.is_empty() => "key=(single row)".to_owned(),
        Some(key) => format!("key=({})", names(&node.schema, key.iter().copied())),
    });
    let exchanges = node.exchange.iter().enumerate().filter_map(|(number, exchange)| {
        let columns = exchange.as_ref()?;
        Some(match columns.is_empty() {
            true => "one".to_owned(),
            false => format!("hash({})", names(input(plan, node, number), columns.iter().copied())),
        })
    });
    let exchanges = exchanges.collect::<Vec<_>>();
    if !exchanges.is_empty() {
        parts.push(format!("exchange={}", exchanges.join(",")));
    }
    parts.push(format!("cost={}", cost(&node.op)));
    parts.push(format!("state={}", state(plan, node)));
    if node.append_only {
        parts.push("append-only".to_owned());
    }
    parts.join("  ")
}

/// Aggregates that need the values of a group in order.
fn keeps_values(aggregate: &Aggregate) -> bool {
    aggregate.distinct || matches!(aggregate.function, AggregateFunction::Min | AggregateFunction::Max)
}

fn cost(op: &Op) -> &'static str {
    match op {
        Op::Scan { .. } | Op::Filter { .. } | Op::Project { .. } | Op::UnionAll | Op::Distinct => "O(d)",
        Op::Values { .. } => "O(1)",
        Op::Join { .. } => "O(d * matches)",
        Op::Aggregate { aggregates, .. } if aggregates.iter().any(keeps_values) => "O(d log g)",
        Op::Aggregate { .. } => "O(d)",
        // Row numbers of all rows change with one row.
        Op::TopK { limit: None, rank: true, .. } => "O(g)",
        Op::TopK { kept: Kept::Window, .. } => "O(d)",
        Op::TopK { .. } => "O(d log g)",
    }
}

fn state(plan: &DataflowPlan, node: &Node) -> String {
    match &node.op {
        Op::Scan { .. } | Op::Values { .. } | Op::Filter { .. } | Op::Project { .. } | Op::UnionAll => {
            "none".to_owned()
        }
        Op::Join { kind: JoinKind::Inner, .. } => "rows of both sides".to_owned(),
        Op::Join { .. } => "rows of both sides, match counts".to_owned(),
        Op::Aggregate { group, aggregates } => {
            let rows = match (group.is_empty(), is_in_rows(plan, node)) {
                (true, _) => "one row",
                (false, true) => "in the view's rows",
                (false, false) => "a row per group",
            };
            let kept = aggregates.iter().filter(|a| keeps_values(a)).filter_map(|a| a.argument);
            let mut columns: Vec<usize> = kept.collect();
            columns.sort_unstable();
            columns.dedup();
            match columns.is_empty() {
                true => rows.to_owned(),
                false => format!("{rows}, values of {}", names(input(plan, node, 0), columns.into_iter())),
            }
        }
        Op::Distinct => "a count per row".to_owned(),
        Op::TopK { partition, kept: Kept::Window, .. } if partition.is_empty() => "the first rows".to_owned(),
        Op::TopK { kept: Kept::Window, .. } => "the first rows per group".to_owned(),
        Op::TopK { partition, .. } if partition.is_empty() => "all rows in order".to_owned(),
        Op::TopK { .. } => "rows per group in order".to_owned(),
    }
}

fn name(fields: &[Field], column: usize) -> String {
    fields.get(column).map_or_else(|| format!("column {column}"), |field| field.name.clone())
}

fn names(fields: &[Field], columns: impl Iterator<Item = usize>) -> String {
    columns.map(|column| name(fields, column)).collect::<Vec<_>>().join(", ")
}
