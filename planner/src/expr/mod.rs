//! Scalar expressions of a dataflow plan: Attune's own, serialisable tree.
//!
//! A plan on disk must mean the same after a DataFusion upgrade, so expressions are stored in this form and turned into
//! DataFusion physical expressions only when a view starts.

mod display;
mod from_datafusion;
mod functions;
mod literal;
mod to_datafusion;
mod visit;

pub use display::expression_sql;
pub(crate) use display::sql;
pub use from_datafusion::placeholder_index;
pub(crate) use from_datafusion::{Scope, from_datafusion};
pub(crate) use to_datafusion::arrow_schema;
pub use to_datafusion::physical;
pub(crate) use visit::MAX_JSON_DEPTH;

use attune_storage::ColumnType;
use serde::{Deserialize, Serialize};

/// A constant. NULL is `Literal { value: None, .. }`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Literal {
    /// Type.
    pub column_type: ColumnType,
    /// Value, in a text form that Postgres reads (booleans `t` and `f`, bytea as `\x..`, timestamps ISO, intervals as
    /// `1 mons 2 days 3 microseconds`); `None` is NULL.
    pub value: Option<String>,
}

/// A scalar expression over the columns of one input.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expr {
    /// Column of the input by index.
    Column(usize),
    /// Constant.
    Literal(Literal),
    /// Parameter `$n` (from 0) of a lookup or compiled query; never in a view.
    Parameter {
        /// Number, from 0.
        index: usize,
        /// Type.
        column_type: ColumnType,
    },
    /// Binary operator, named as SQL writes it: `=`, `<>`, `<`, `<=`, `>`, `>=`, `+`, `-`, `*`, `/`, `%`, `and`, `or`,
    /// `||`, `is distinct from`, `is not distinct from`, `&`, `|`, `#`, `<<`, `>>`, `~`, `~*`, `!~`, `!~*`.
    Binary {
        /// Operator.
        op: String,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// Binary operator whose result type does not follow from its operands alone: `+`, `-`, `*`, `/`, `%`, `||`. The binder has
    /// chosen it (of numerics, so that a quotient has as many digits as in Postgres).
    Operator {
        /// Operator.
        op: String,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
        /// Type of the result.
        returns: ColumnType,
    },
    /// NOT.
    Not(Box<Expr>),
    /// Unary minus.
    Negative(Box<Expr>),
    /// IS NULL.
    IsNull(Box<Expr>),
    /// IS NOT NULL.
    IsNotNull(Box<Expr>),
    /// IS TRUE (and with Not: IS NOT TRUE).
    IsTrue(Box<Expr>),
    /// IS FALSE.
    IsFalse(Box<Expr>),
    /// CAST.
    Cast {
        /// Operand.
        expr: Box<Expr>,
        /// Target type.
        to: ColumnType,
    },
    /// A cast that gives NULL where CAST fails.
    TryCast {
        /// Operand.
        expr: Box<Expr>,
        /// Target type.
        to: ColumnType,
    },
    /// `CASE [operand] WHEN .. THEN .. ELSE .. END`.
    Case {
        /// Operand of the short form.
        operand: Option<Box<Expr>>,
        /// Condition (or value) and result.
        branches: Vec<(Expr, Expr)>,
        /// ELSE.
        otherwise: Option<Box<Expr>>,
    },
    /// LIKE or ILIKE.
    Like {
        /// Text.
        expr: Box<Expr>,
        /// Pattern.
        pattern: Box<Expr>,
        /// NOT LIKE.
        negated: bool,
        /// ILIKE.
        case_insensitive: bool,
    },
    /// IN (list).
    InList {
        /// Operand.
        expr: Box<Expr>,
        /// List.
        list: Vec<Expr>,
        /// NOT IN.
        negated: bool,
    },
    /// A scalar function of the registry, by name.
    Function {
        /// Name in the registry.
        name: String,
        /// Arguments.
        args: Vec<Expr>,
        /// Type of the result. Where the function itself gives another Arrow type of the same values (a string view for
        /// text), the result is cast to this one.
        returns: ColumnType,
    },
}
