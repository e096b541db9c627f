//! Lookups: reads that never plan, never touch a worker, and go from session to storage.

mod access;
mod explain;
mod read;

pub use explain::explain_lookup;
pub use read::row_count;

use attune_sql::catalog::Catalog;
use attune_storage::ColumnType;
use datafusion::logical_expr::LogicalPlan;

/// Recognises a query that is a lookup; `None` sends it to the general query path. The plan is bound and optimised over
/// `SchemaSources`, and may contain placeholders; `names` are its output columns as the client sees them.
///
/// A lookup reads some columns of one table or live materialized view, where the conditions are equalities with parameters or
/// constants on the leading columns of its key or of an index, perhaps a range on the next one, and nothing else; an ORDER BY
/// must be the order in which the entries lie, or its reverse.
#[must_use]
pub fn lookup(plan: &LogicalPlan, names: &[String], catalog: &Catalog) -> Option<Lookup> {
    let read = read::read(plan, catalog)?;
    access::choose(&read, names, catalog)
}

/// A value of a lookup: a parameter or a constant.
#[derive(Clone, PartialEq, Debug)]
pub enum LookupValue {
    /// Parameter `$n`, from 0.
    Parameter(usize),
    /// Constant in Postgres text form; `None` is NULL (which equals nothing).
    Constant(Option<String>),
}

/// Which object's entries are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LookupObject {
    /// Rows of the relation itself.
    Relation,
    /// Entries of an index (its id), which hold all columns the lookup needs.
    Index(u32),
}

/// An end of a key range on the column after the equality prefix.
#[derive(Clone, PartialEq, Debug)]
pub struct Bound {
    /// Value.
    pub value: LookupValue,
    /// The value itself belongs to the range.
    pub inclusive: bool,
}

/// How entries are found.
#[derive(Clone, PartialEq, Debug)]
pub enum Access {
    /// The full unique key: at most one row. One value per key column; none for a view of a single row, whose key is empty.
    Point(Vec<LookupValue>),
    /// `key = ANY($n)`: a single-column unique key and an array parameter. Rows in the order of the keys' first
    /// occurrence is not promised.
    Many(usize),
    /// `key IN ($1, $2, 7)`: a single-column unique key and several values, which may repeat: each row is given once.
    List(Vec<LookupValue>),
    /// Equality on the first key columns (a NULL among the values or bounds matches nothing), optionally a range on the next; in key order, or backwards.
    Range {
        /// Values of the leading key columns.
        prefix: Vec<LookupValue>,
        /// Lower bound of the next key column, in key order.
        from: Option<Bound>,
        /// Upper bound of the next key column, in key order.
        to: Option<Bound>,
        /// Read from the end.
        reverse: bool,
    },
}

/// A compiled read by key.
#[derive(Clone, PartialEq, Debug)]
pub struct Lookup {
    /// Relation id.
    pub relation: u32,
    /// Relation name, for EXPLAIN.
    pub name: String,
    /// Where entries are.
    pub object: LookupObject,
    /// How they are found.
    pub access: Access,
    /// Output columns: index into the entry's row (for an index: into its stored columns).
    pub output: Vec<usize>,
    /// Names of the output columns.
    pub names: Vec<String>,
    /// Type of each key value that `access` needs, in order (so that parameters can be encoded without a catalog): one per
    /// value of a point, one for all values of `Many` and `List`, and for a range those of the prefix, of `from` and of `to`. A
    /// parameter may be declared with a narrower integer type: it is widened to this one.
    pub key_types: Vec<ColumnType>,
    /// LIMIT.
    pub limit: Option<LookupCount>,
    /// OFFSET.
    pub offset: Option<LookupCount>,
    /// Catalog version it was made for.
    pub catalog_version: u64,
}

/// A row count of LIMIT or OFFSET.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LookupCount {
    /// Constant.
    Constant(u64),
    /// Parameter `$n`, from 0.
    Parameter(usize),
}
