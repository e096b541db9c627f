//! What the catalog stores per object, as JSON records.

use crate::types::SqlType;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The id of a relation or index. Equals the storage object id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RelationId(pub u32);

/// A column of a relation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Column {
    /// Name, folded to lower case unless it was quoted.
    pub name: String,
    /// SQL type.
    pub sql_type: SqlType,
    /// Whether NULL may be stored.
    pub nullable: bool,
    /// Not shown by `SELECT *` nor nameable (the row id of a table without primary key).
    pub hidden: bool,
    /// Text of the DEFAULT expression.
    pub default: Option<String>,
}

/// A column of a key or index with its order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyPart {
    /// Index into [`Relation::columns`].
    pub column: usize,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
}

/// What a relation is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// Append-only events, kept in the log.
    Stream {
        /// How long events stay readable, in seconds; `None` is for ever.
        retention_seconds: Option<u64>,
    },
    /// Mutable rows.
    Table,
    /// A query kept current.
    MaterializedView {
        /// Whether it can be read.
        status: ViewStatus,
    },
    /// A named query, expanded where it is used.
    View,
}

/// Whether a materialized view can be read.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewStatus {
    /// Being filled from history.
    Backfilling,
    /// Current with every epoch.
    Live,
    /// Stopped by a fault; must be dropped and created again.
    Failed {
        /// What happened.
        reason: String,
    },
}

/// A stream, table, view or materialized view.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Relation {
    /// Id, also the id of its rows or log in storage.
    pub id: RelationId,
    /// Name (schema `public`).
    pub name: String,
    /// What it is.
    pub kind: RelationKind,
    /// Columns; hidden ones last.
    pub columns: Vec<Column>,
    /// Unique key, in key order; empty for a stream, a plain view, and a keyless materialized view.
    ///
    /// A table without PRIMARY KEY has its hidden row id column here.
    pub key: Vec<KeyPart>,
    /// The query gives at most one row (`SELECT count(*) FROM s`): a materialized view with an empty key that is not
    /// keyless. Copied from the `DataflowPlan` of the view; false for everything else.
    #[serde(default)]
    pub single_row: bool,
    /// A materialized view whose rows lie in its log: it only grows, and has no key. Copied from the `DataflowPlan` of the
    /// view; false for everything else, and for views of stores that were made before there was this.
    #[serde(default)]
    pub in_log: bool,
    /// Text of the query (views), as the user wrote it.
    pub query: Option<String>,
    /// Relations that the query reads.
    pub depends_on: BTreeSet<RelationId>,
    /// First id and number of the storage objects that hold operator state (materialized views).
    pub state_objects: (u32, u32),
}

/// A secondary index on a table or materialized view.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Index {
    /// Id, also the id of its entries in storage.
    pub id: RelationId,
    /// Name.
    pub name: String,
    /// The indexed relation.
    pub relation: RelationId,
    /// Indexed columns in order.
    pub key: Vec<KeyPart>,
    /// INCLUDEd columns.
    pub include: Vec<usize>,
    /// All rows are in it: reads may use it. False while it is built over existing rows.
    pub ready: bool,
}

impl Relation {
    /// Columns a user sees.
    pub fn visible_columns(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns.iter().enumerate().filter(|(_, c)| !c.hidden)
    }

    /// Index of a visible column by name.
    #[must_use]
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.visible_columns().find(|(_, c)| c.name == name).map(|(i, _)| i)
    }

    /// Whether rows can be updated and deleted by statements.
    #[must_use]
    pub fn is_table(&self) -> bool {
        matches!(self.kind, RelationKind::Table)
    }

    /// Whether this is a stream.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self.kind, RelationKind::Stream { .. })
    }

    /// Whether rows only come, and lie in the log: of a stream, and of a view that is like one.
    #[must_use]
    pub fn only_grows(&self) -> bool {
        self.is_stream() || self.in_log
    }

    /// Whether this is a materialized view.
    #[must_use]
    pub fn is_materialized_view(&self) -> bool {
        matches!(self.kind, RelationKind::MaterializedView { .. })
    }

    /// The kind as Postgres names it in messages.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            RelationKind::Stream { .. } => "stream",
            RelationKind::Table => "table",
            RelationKind::MaterializedView { .. } => "materialized view",
            RelationKind::View => "view",
        }
    }
}
