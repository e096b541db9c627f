//! Relations.

use super::{AggregateCall, Column, ColumnId, Expr, Ids, SortKey, Type, WindowCall};
use crate::catalog::RelationId;
use datafusion::logical_expr::TableSource;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A relation: a bag of rows.
#[derive(Clone, PartialEq, Debug)]
pub enum Rel {
    /// One row without columns: SELECT without FROM.
    Unit,
    /// Rows of a table, stream, view, system relation or constant function.
    Scan(Scan),
    /// Rows of expressions. No rows is the empty relation.
    Values {
        /// What it gives.
        columns: Vec<Column>,
        /// For each row one expression per column, of its type.
        rows: Vec<Vec<Expr>>,
    },
    /// The rows for which a condition is true.
    Filter {
        /// Where the rows come from.
        input: Box<Rel>,
        /// The condition.
        predicate: Expr,
    },
    /// For each row, expressions over it: it gives these columns and no others. A column that is passed on keeps its id.
    Project {
        /// Where the rows come from.
        input: Box<Rel>,
        /// What it gives.
        exprs: Vec<(Column, Expr)>,
    },
    /// A join.
    Join(Join),
    /// For each row of the input one row per element of the arrays, side by side; the shorter ones are NULL at their end. Gives
    /// the input's columns and these.
    Unnest {
        /// Where the rows come from.
        input: Box<Rel>,
        /// A column of elements for each array.
        arrays: Vec<(Column, Expr)>,
        /// WITH ORDINALITY: the number of the element, from 1.
        ordinality: Option<Column>,
    },
    /// GROUP BY. Without `group` exactly one row, also for no input. Gives the group columns, then the aggregates.
    Aggregate {
        /// Where the rows come from.
        input: Box<Rel>,
        /// What is grouped by; NULLs are one group.
        group: Vec<(Column, Expr)>,
        /// Aggregates.
        aggregates: Vec<(Column, AggregateCall)>,
    },
    /// Window functions: the input's columns, then these.
    Window {
        /// Where the rows come from.
        input: Box<Rel>,
        /// Calls.
        calls: Vec<(Column, WindowCall)>,
    },
    /// Each row once.
    Distinct {
        /// Where the rows come from.
        input: Box<Rel>,
    },
    /// Of the rows that agree in `on` the first in `order`, which begins with nothing that `on` fixes. Gives the input's columns.
    DistinctOn {
        /// Where the rows come from.
        input: Box<Rel>,
        /// DISTINCT ON.
        on: Vec<Expr>,
        /// ORDER BY within a group.
        order: Vec<SortKey>,
    },
    /// UNION, EXCEPT, INTERSECT.
    SetOperation {
        /// Which.
        op: SetOperator,
        /// ALL: rows count as often as they are there.
        all: bool,
        /// Two inputs; of UNION any number.
        inputs: Vec<Rel>,
        /// For each input the columns that meet, in order, of the types of `columns`.
        inputs_columns: Vec<Vec<Column>>,
        /// What it gives.
        columns: Vec<Column>,
    },
    /// Rows in an order. What lies above keeps it only where that says so: LIMIT, a projection, the result of a statement.
    Sort {
        /// Where the rows come from.
        input: Box<Rel>,
        /// Keys, the first decides first.
        by: Vec<SortKey>,
    },
    /// OFFSET and LIMIT. The counts are constants or parameters, of type bigint; NULL is none.
    Limit {
        /// Where the rows come from.
        input: Box<Rel>,
        /// OFFSET.
        skip: Option<Expr>,
        /// LIMIT.
        fetch: Option<Expr>,
    },
}

/// A scan of a relation.
#[derive(Clone)]
pub struct Scan {
    /// Its name or alias, for people.
    pub name: String,
    /// Its id, if it is in the catalog.
    pub relation: Option<RelationId>,
    /// Where rows come from.
    pub source: Arc<dyn TableSource>,
    /// Columns of the source that are read, by their place in its schema.
    pub columns: Vec<(Column, usize)>,
}

impl PartialEq for Scan {
    fn eq(&self, other: &Scan) -> bool {
        let of_catalog = self.relation.is_some() && self.relation == other.relation;
        self.columns == other.columns && (of_catalog || Arc::ptr_eq(&self.source, &other.source))
    }
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan").field("name", &self.name).field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// What a join gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JoinKind {
    /// Pairs.
    Inner,
    /// Pairs, and left rows without a pair beside NULLs.
    Left,
    /// Pairs, and rows of either side without a pair beside NULLs.
    Full,
    /// Left rows that have a pair. Gives the left columns.
    Semi,
    /// Left rows that have none. Gives the left columns.
    Anti,
    /// As `Left`; it is an error (21000) if a left row has two pairs.
    Single,
}

impl JoinKind {
    /// Whether the columns of the right side come out.
    #[must_use]
    pub fn gives_right(self) -> bool {
        !matches!(self, JoinKind::Semi | JoinKind::Anti)
    }
}

/// A join: pairs of rows for which `on` is true. The right side may refer to columns of the left one (LATERAL) until it is
/// decorrelated.
#[derive(Clone, PartialEq, Debug)]
pub struct Join {
    /// What it gives.
    pub kind: JoinKind,
    /// Left side.
    pub left: Box<Rel>,
    /// Right side.
    pub right: Box<Rel>,
    /// The condition.
    pub on: Expr,
}

/// The operator of [`Rel::SetOperation`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetOperator {
    /// Rows of any input.
    Union,
    /// Rows of the first that are not in the second.
    Except,
    /// Rows that are in both.
    Intersect,
}

/// A bound query.
#[derive(Clone, Debug)]
pub struct Query {
    /// Its rows, in order if it is a sort or limit of one.
    pub rel: Rel,
    /// Which of its columns are the result, in order; one may repeat.
    pub columns: Vec<Column>,
    /// Names of the result's columns as Postgres prints them; they may repeat.
    pub names: Vec<String>,
    /// Types of the parameters, `$1` first.
    pub parameters: Vec<Type>,
    /// Relations of the catalog that the text names (not those that views read which it names).
    pub relations: BTreeSet<RelationId>,
    /// Relations of the catalog that are read, also through plain views.
    pub scanned: BTreeSet<RelationId>,
    /// For columns that are added.
    pub ids: Ids,
}

impl Rel {
    /// The columns it gives.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        match self {
            Rel::Unit => Vec::new(),
            Rel::Scan(scan) => scan.columns.iter().map(|(column, _)| column.clone()).collect(),
            Rel::Values { columns, .. } | Rel::SetOperation { columns, .. } => columns.clone(),
            Rel::Filter { input, .. }
            | Rel::Distinct { input }
            | Rel::DistinctOn { input, .. }
            | Rel::Sort { input, .. }
            | Rel::Limit { input, .. } => input.columns(),
            Rel::Project { exprs, .. } => exprs.iter().map(|(column, _)| column.clone()).collect(),
            Rel::Join(join) => join.columns(),
            Rel::Unnest { input, arrays, ordinality } => {
                let mut columns = input.columns();
                columns.extend(arrays.iter().map(|(column, _)| column.clone()));
                columns.extend(ordinality.iter().cloned());
                columns
            }
            Rel::Aggregate { group, aggregates, .. } => {
                let group = group.iter().map(|(column, _)| column);
                group.chain(aggregates.iter().map(|(column, _)| column)).cloned().collect()
            }
            Rel::Window { input, calls } => {
                let mut columns = input.columns();
                columns.extend(calls.iter().map(|(column, _)| column.clone()));
                columns
            }
        }
    }

    /// The ids of the columns it gives.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<ColumnId> {
        self.columns().iter().map(|column| column.id).collect()
    }

    /// The rows for which a condition is true; TRUE changes nothing.
    #[must_use]
    pub fn filter(self, predicate: Expr) -> Rel {
        if predicate.is_true() { self } else { Rel::Filter { input: Box::new(self), predicate } }
    }

    /// These expressions for each row.
    #[must_use]
    pub fn project(self, exprs: Vec<(Column, Expr)>) -> Rel {
        Rel::Project { input: Box::new(self), exprs }
    }

    /// The input's columns, and expressions beside them.
    #[must_use]
    pub fn extend(self, exprs: Vec<(Column, Expr)>) -> Rel {
        if exprs.is_empty() {
            return self;
        }
        let mut all: Vec<(Column, Expr)> = self.columns().into_iter().map(|c| (c.clone(), Expr::Column(c))).collect();
        all.extend(exprs);
        self.project(all)
    }

    /// A join.
    #[must_use]
    pub fn join(self, kind: JoinKind, right: Rel, on: Expr) -> Rel {
        Rel::Join(Join { kind, left: Box::new(self), right: Box::new(right), on })
    }
}

impl Join {
    /// The columns it gives.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        let nullable = |columns: Vec<Column>| columns.into_iter().map(|c| Column { nullable: true, ..c });
        match self.kind {
            JoinKind::Inner => self.left.columns().into_iter().chain(self.right.columns()).collect(),
            JoinKind::Left | JoinKind::Single => {
                self.left.columns().into_iter().chain(nullable(self.right.columns())).collect()
            }
            JoinKind::Full => nullable(self.left.columns()).chain(nullable(self.right.columns())).collect(),
            JoinKind::Semi | JoinKind::Anti => self.left.columns(),
        }
    }
}
