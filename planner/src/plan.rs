//! The dataflow plan of a view: pure, printable, persisted data.

use crate::expr::Expr;
use attune_storage::ColumnType;
use serde::{Deserialize, Serialize};

/// Version written into [`DataflowPlan::version`].
pub const PLAN_VERSION: u32 = 6;
/// Oldest version that is read. Version 2 had no `in_log`, version 3 no `state_in_rows`. Up to version 4 an expression that fails
/// on a row gives NULL as a whole, since then the operation in it that fails; and there was no [`Expr::Operator`]. Up to version 5
/// an average of numerics is cut off ([`DataflowPlan::averages_are_cut_off`]), and there were no variances and deviations.
pub const OLDEST_PLAN_VERSION: u32 = 2;

/// A column of a node's output.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Field {
    /// Name, for people.
    pub name: String,
    /// Type.
    pub column_type: ColumnType,
    /// Whether NULL may occur.
    pub nullable: bool,
}

/// The dataflow of one materialized view.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DataflowPlan {
    /// Version of this form.
    pub version: u32,
    /// Nodes, inputs before their users; the last one is the view's output.
    pub nodes: Vec<Node>,
    /// Number of state tables over all nodes; slot i is storage object `first state object + i`. One more slot, the
    /// last, is the `counts` table of a keyless view whose rows are not in its log.
    pub state_slots: u32,
    /// Key columns of the view's rows, in stored order; empty: keyless, unless `single_row`.
    pub key: Vec<usize>,
    /// The view never has more than one row (an aggregate without GROUP BY, a LIMIT 1): its key is empty and it is not
    /// keyless.
    #[serde(default)]
    pub single_row: bool,
    /// The rows of the view are appended to its log: it only grows, and has no key.
    #[serde(default)]
    pub in_log: bool,
    /// The state of the aggregate that makes the view's rows ([`DataflowPlan::row_aggregate`]) lies with those rows: its
    /// first state table stays empty.
    #[serde(default)]
    pub state_in_rows: bool,
}

/// The aggregate of a view that has a row for each of its groups.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowAggregate {
    /// Its node.
    pub node: usize,
    /// For each key column of the view: which of the aggregate's group columns it is.
    pub key: Vec<usize>,
}

impl DataflowPlan {
    /// The aggregate that makes the view's rows, when there is one row per group: it is the last node, or the last but one
    /// with a projection after it, and the view's key are its group columns. Without group columns there is none.
    #[must_use]
    pub fn row_aggregate(&self) -> Option<RowAggregate> {
        let (root, before) = self.nodes.split_last()?;
        let (node, aggregate, projected) = match (&root.op, before.last()) {
            (Op::Project { exprs }, Some(aggregate)) if root.inputs == [before.len() - 1] => {
                (before.len() - 1, aggregate, Some(exprs))
            }
            _ => (before.len(), root, None),
        };
        let Op::Aggregate { group, .. } = &aggregate.op else { return None };
        let group_column = |column: &usize| match projected {
            None => Some(*column),
            Some(exprs) => match exprs.get(*column)? {
                Expr::Column(column) => Some(*column),
                _ => None,
            },
        };
        let key: Vec<usize> = self.key.iter().map(group_column).collect::<Option<_>>()?;
        let mut columns = key.clone();
        columns.sort_unstable();
        (!key.is_empty() && columns.iter().copied().eq(0..group.len())).then_some(RowAggregate { node, key })
    }

    /// Averages of numerics are cut off, not rounded: so they are in the rows that the view has.
    #[must_use]
    pub fn averages_are_cut_off(&self) -> bool {
        self.version < 6
    }

    /// A view whose rows have no key: rows may repeat.
    #[must_use]
    pub fn is_keyless(&self) -> bool {
        self.key.is_empty() && !self.single_row
    }

    /// Whether the last state slot counts equal rows of the view.
    #[must_use]
    pub fn counts_rows(&self) -> bool {
        self.is_keyless() && !self.in_log
    }
}

/// One operator of a plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// Indexes of the nodes it reads.
    pub inputs: Vec<usize>,
    /// Columns it produces; at least one (where the query needs none, as below count(*), a constant column stands in, so
    /// that no batch is without columns). Names may repeat and mean nothing to execution.
    pub schema: Vec<Field>,
    /// Per input: the columns by which rows must be brought together on one worker (first column decides the vnode);
    /// `None` leaves rows where they are, `Some([])` brings all to one.
    pub exchange: Vec<Option<Vec<usize>>>,
    /// A unique key of the output, if one is known (NULLs count as equal); `Some([])`: never more than one row.
    pub key: Option<Vec<usize>>,
    /// The output never has deletes.
    pub append_only: bool,
    /// State tables: slot numbers, in the order the operator documents.
    pub state: Vec<u32>,
}

/// A column to sort by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SortColumn {
    /// Column of the input.
    pub column: usize,
    /// Largest first.
    pub descending: bool,
    /// NULL before values.
    pub nulls_first: bool,
}

/// Kind of a join. Output: left columns then right columns (left columns only for semi and anti).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinKind {
    /// Matching pairs.
    Inner,
    /// Matching pairs, and left rows without match padded with NULL.
    Left,
    /// Left rows with at least one match.
    LeftSemi,
    /// Left rows without a match.
    LeftAnti,
}

/// An aggregate function that is kept incrementally.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregateFunction {
    /// count(*) (no argument) and count(x).
    Count,
    /// sum(x).
    Sum,
    /// avg(x).
    Avg,
    /// min(x).
    Min,
    /// max(x).
    Max,
    /// var_pop(x) of exact numbers.
    VarPop,
    /// var_samp(x), variance(x) of exact numbers.
    VarSamp,
    /// stddev_pop(x) of exact numbers.
    StddevPop,
    /// stddev_samp(x), stddev(x) of exact numbers.
    StddevSamp,
}

/// One aggregate of an aggregate node.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Aggregate {
    /// Function.
    pub function: AggregateFunction,
    /// Argument column of the input; `None` for count(*).
    pub argument: Option<usize>,
    /// DISTINCT.
    pub distinct: bool,
    /// Boolean column of the input: only rows where it is true count (FILTER).
    pub filter: Option<usize>,
    /// Type of the result.
    pub returns: ColumnType,
}

/// What a node computes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Changes of a stream, table or materialized view, some of its columns (indexes into the relation's columns).
    Scan {
        /// Relation id.
        relation: u32,
        /// Name, for people.
        name: String,
        /// Columns.
        columns: Vec<usize>,
    },
    /// Constant rows, inserted once, when the view is created. No rows is the empty relation. The types of the expressions
    /// are those of `schema`.
    Values {
        /// Rows of constant expressions.
        rows: Vec<Vec<Expr>>,
    },
    /// Rows for which the predicate is true (not those for which it is NULL).
    Filter {
        /// Boolean expression.
        predicate: Expr,
    },
    /// One expression per output column.
    Project {
        /// Expressions over the input.
        exprs: Vec<Expr>,
    },
    /// Join of two inputs: pairs whose `on` columns are equal (types are the same on both sides) and for which the residual
    /// is true are matches. `kind` says what matches and rows without a match give. `Left` with an empty `on` and no residual
    /// pads its rows only while the right side is empty.
    ///
    /// State: [left rows, right rows] for Inner, and [left rows, right rows, match counts of left rows] for Left, LeftSemi
    /// and LeftAnti (an operator that does not need the counts leaves the third empty).
    Join {
        /// Kind.
        kind: JoinKind,
        /// Equal column pairs (left, right); empty is a cross join.
        on: Vec<(usize, usize)>,
        /// NULL = NULL matches (IS NOT DISTINCT FROM, and joins the optimizer makes).
        null_equals_null: bool,
        /// Further condition over left columns then right columns.
        residual: Option<Expr>,
    },
    /// GROUP BY (NULLs are one group). Output: group columns then aggregates. No group columns: exactly one row, also for
    /// empty input. There is at least one aggregate (GROUP BY without any is a Distinct).
    ///
    /// State: [groups, ordered values for MIN/MAX and DISTINCT], always both.
    Aggregate {
        /// Group columns of the input.
        group: Vec<usize>,
        /// Aggregates.
        aggregates: Vec<Aggregate>,
    },
    /// Each row once. State: [count per row].
    Distinct,
    /// All rows of all inputs. Their columns have the types of `schema`; names come from the first.
    UnionAll,
    /// Per partition the rows from `offset` to `offset + limit` in `order` (ties broken by all columns, so the result is
    /// deterministic). With `rank`, a last column with the row number (as
    /// `schema` says: Int64 in plans of this version) is added. `limit: Some(0)` gives nothing.
    /// State: [rows in order], as `kept` says.
    TopK {
        /// Partition columns; empty: the whole input.
        partition: Vec<usize>,
        /// Order.
        order: Vec<SortColumn>,
        /// Rows to skip.
        offset: u64,
        /// Rows to keep; `None` keeps all (OFFSET without LIMIT, or a row number that is not limited).
        limit: Option<u64>,
        /// Whether the row number (from 1) is an output column.
        rank: bool,
        /// What is kept of a partition.
        #[serde(default)]
        kept: Kept,
    },
}

/// What a top-k keeps of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// An entry for each row; of an append-only input only rows that are in the first `offset + limit` places.
    #[default]
    Rows,
    /// One entry with the rows in the first `offset + limit` places, since what falls out of them does not come back: no row
    /// of the input is deleted but for one that comes before it in the order.
    Window,
}
