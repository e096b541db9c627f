//! Scalar expressions.

use super::{Column, Rel, Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{AggregateUDF, Operator, ScalarUDF, WindowFrame, WindowUDF};
use std::sync::Arc;

/// A scalar expression.
#[derive(Clone, PartialEq, Debug)]
pub enum Expr {
    /// A column of a relation below, or of one that surrounds the subquery this is in.
    Column(Column),
    /// A constant. Its Arrow type is that of `ty`; NULL is a null of that type.
    Constant {
        /// The value.
        value: ScalarValue,
        /// Its type.
        ty: Type,
    },
    /// Parameter `$n`.
    Parameter {
        /// Number, from 0.
        index: usize,
        /// Its type.
        ty: Type,
    },
    /// An operator or function.
    Call {
        /// Which.
        callee: Callee,
        /// Arguments, of the types that it takes.
        args: Vec<Expr>,
        /// The type of the result.
        ty: Type,
    },
    /// `=`, `<` and so on, of two values of one Arrow type.
    Compare {
        /// The operator.
        op: CompareOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// AND of two or more conditions.
    And(Vec<Expr>),
    /// OR of two or more conditions.
    Or(Vec<Expr>),
    /// NOT.
    Not(Box<Expr>),
    /// IS \[NOT\] NULL, TRUE, FALSE. UNKNOWN is NULL.
    Is {
        /// Operand.
        expr: Box<Expr>,
        /// What it is asked to be.
        test: Truth,
        /// NOT.
        negated: bool,
    },
    /// `CASE [operand] WHEN .. THEN .. ELSE .. END`. All results have type `ty`, all values the Arrow type of the operand.
    Case {
        /// The operand of the short form.
        operand: Option<Box<Expr>>,
        /// Condition (or value) and result.
        branches: Vec<(Expr, Expr)>,
        /// ELSE; NULL without.
        otherwise: Option<Box<Expr>>,
        /// The type of the result.
        ty: Type,
    },
    /// A cast between two types, which fails where Postgres' fails.
    Cast {
        /// Operand.
        expr: Box<Expr>,
        /// Target.
        to: Type,
    },
    /// `expr IN (list)`, all of one Arrow type.
    InList {
        /// Operand.
        expr: Box<Expr>,
        /// List; not empty.
        list: Vec<Expr>,
        /// NOT IN.
        negated: bool,
    },
    /// `text LIKE pattern`, escape character resolved into the pattern's own (the backslash).
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
    /// A subquery. Gone after decorrelation.
    Subquery(Box<Subquery>),
    /// A call of an aggregate. Only while a SELECT is bound; then a column of [`Rel::Aggregate`].
    Aggregate(Box<AggregateCall>),
    /// A call of a window function. Only while a SELECT is bound; then a column of [`Rel::Window`].
    Window(Box<WindowCall>),
}

/// What a call computes. The implementation is shared by SELECT, views, rankings and DML.
#[derive(Clone, PartialEq, Debug)]
pub enum Callee {
    /// A binary operator, between operands for which it is defined as it is in Postgres (see [`crate::operators`]).
    Operator(Operator),
    /// Unary minus.
    Negate,
    /// A function.
    Function(Arc<ScalarUDF>),
}

/// A comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `<>`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
    /// IS DISTINCT FROM: never NULL.
    Distinct,
    /// IS NOT DISTINCT FROM: never NULL.
    NotDistinct,
}

impl CompareOp {
    /// As SQL writes it.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            CompareOp::Eq => "=",
            CompareOp::NotEq => "<>",
            CompareOp::Lt => "<",
            CompareOp::LtEq => "<=",
            CompareOp::Gt => ">",
            CompareOp::GtEq => ">=",
            CompareOp::Distinct => "IS DISTINCT FROM",
            CompareOp::NotDistinct => "IS NOT DISTINCT FROM",
        }
    }

    /// `a op b` is `b op.swapped() a`.
    #[must_use]
    pub fn swapped(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::LtEq => CompareOp::GtEq,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::GtEq => CompareOp::LtEq,
            other => other,
        }
    }

    /// `NOT (a op b)` is `a op.negated() b`, also for NULLs.
    #[must_use]
    pub fn negated(self) -> CompareOp {
        match self {
            CompareOp::Eq => CompareOp::NotEq,
            CompareOp::NotEq => CompareOp::Eq,
            CompareOp::Lt => CompareOp::GtEq,
            CompareOp::LtEq => CompareOp::Gt,
            CompareOp::Gt => CompareOp::LtEq,
            CompareOp::GtEq => CompareOp::Lt,
            CompareOp::Distinct => CompareOp::NotDistinct,
            CompareOp::NotDistinct => CompareOp::Distinct,
        }
    }

    /// Whether a NULL operand makes it NULL.
    #[must_use]
    pub fn is_strict(self) -> bool {
        !matches!(self, CompareOp::Distinct | CompareOp::NotDistinct)
    }
}

/// What [`Expr::Is`] asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Truth {
    /// NULL
    Null,
    /// TRUE
    True,
    /// FALSE
    False,
}

/// A subquery used as an expression.
#[derive(Clone, PartialEq, Debug)]
pub struct Subquery {
    /// What is asked of its rows.
    pub kind: SubqueryKind,
    /// Its rows. Columns that no relation in it gives are those of the surrounding query.
    pub rel: Rel,
}

/// What is asked of the rows of a subquery.
#[derive(Clone, PartialEq, Debug)]
pub enum SubqueryKind {
    /// The value of this column in its only row; NULL without a row, an error (21000) with several.
    Scalar(Column),
    /// Whether there is a row. Never NULL.
    Exists,
    /// `left op ANY (subquery)`, or `ALL`; IN is `= ANY`, NOT IN is `NOT (= ANY)`. Several columns only with `=` and `<>`.
    Quantified {
        /// Values of the surrounding query, of the types of `columns`.
        left: Vec<Expr>,
        /// The comparison.
        op: CompareOp,
        /// ALL.
        all: bool,
        /// The columns of the subquery they are compared with.
        columns: Vec<Column>,
    },
    /// `ARRAY(subquery)`: the values of this column in order.
    Array(Column),
}

/// A key of a sort.
#[derive(Clone, PartialEq, Debug)]
pub struct SortKey {
    /// What is sorted by.
    pub expr: Expr,
    /// Largest first.
    pub descending: bool,
    /// NULL before values.
    pub nulls_first: bool,
}

/// A call of an aggregate.
#[derive(Clone, PartialEq, Debug)]
pub struct AggregateCall {
    /// The function.
    pub function: Arc<AggregateUDF>,
    /// Arguments, of the types it takes; none for `count(*)`.
    pub args: Vec<Expr>,
    /// DISTINCT.
    pub distinct: bool,
    /// FILTER.
    pub filter: Option<Expr>,
    /// ORDER BY of the arguments, or WITHIN GROUP.
    pub order: Vec<SortKey>,
    /// The type of the result.
    pub ty: Type,
    /// Whether the result may be NULL.
    pub nullable: bool,
}

/// What is computed over a window.
#[derive(Clone, PartialEq, Debug)]
pub enum WindowFunction {
    /// An aggregate.
    Aggregate(Arc<AggregateUDF>),
    /// `row_number`, `lag` and their like.
    Window(Arc<WindowUDF>),
}

/// A call of a window function.
#[derive(Clone, PartialEq, Debug)]
pub struct WindowCall {
    /// The function.
    pub function: WindowFunction,
    /// Arguments.
    pub args: Vec<Expr>,
    /// DISTINCT.
    pub distinct: bool,
    /// FILTER.
    pub filter: Option<Expr>,
    /// IGNORE NULLS.
    pub ignore_nulls: bool,
    /// PARTITION BY.
    pub partition: Vec<Expr>,
    /// ORDER BY.
    pub order: Vec<SortKey>,
    /// The frame.
    pub frame: WindowFrame,
    /// The type of the result.
    pub ty: Type,
    /// Whether the result may be NULL.
    pub nullable: bool,
}

impl Expr {
    /// The type.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self {
            Expr::Column(column) => column.ty,
            Expr::Constant { ty, .. }
            | Expr::Parameter { ty, .. }
            | Expr::Call { ty, .. }
            | Expr::Case { ty, .. }
            | Expr::Cast { to: ty, .. } => *ty,
            Expr::Compare { .. }
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::Is { .. }
            | Expr::InList { .. }
            | Expr::Like { .. } => Type::BOOLEAN,
            Expr::Subquery(subquery) => match &subquery.kind {
                SubqueryKind::Scalar(column) => column.ty,
                SubqueryKind::Exists | SubqueryKind::Quantified { .. } => Type::BOOLEAN,
                SubqueryKind::Array(column) => column.ty.sql().map_or(Type::Unknown, Type::Array),
            },
            Expr::Aggregate(call) => call.ty,
            Expr::Window(call) => call.ty,
        }
    }

    /// Whether it may be NULL, as far as can be told. A function may be NULL whatever its arguments are.
    #[must_use]
    pub fn nullable(&self) -> bool {
        match self {
            Expr::Column(column) => column.nullable,
            Expr::Constant { value, .. } => value.is_null(),
            Expr::Parameter { .. } => true,
            Expr::Call { callee: Callee::Function(function), args, .. } => {
                function.name() != "coalesce" || args.iter().all(Expr::nullable)
            }
            Expr::Call { args, .. } => args.iter().any(Expr::nullable),
            Expr::Compare { op, left, right } => op.is_strict() && (left.nullable() || right.nullable()),
            Expr::And(list) | Expr::Or(list) => list.iter().any(Expr::nullable),
            Expr::Not(expr) | Expr::Cast { expr, .. } => expr.nullable(),
            Expr::Is { .. } => false,
            Expr::Case { branches, otherwise, .. } => {
                branches.iter().any(|(_, then)| then.nullable()) || otherwise.as_ref().is_none_or(|e| e.nullable())
            }
            Expr::InList { expr, list, .. } => expr.nullable() || list.iter().any(Expr::nullable),
            Expr::Like { expr, pattern, .. } => expr.nullable() || pattern.nullable(),
            Expr::Subquery(subquery) => !matches!(subquery.kind, SubqueryKind::Exists),
            Expr::Aggregate(call) => call.nullable,
            Expr::Window(call) => call.nullable,
        }
    }

    /// A constant of a type; its Arrow type must be the type's.
    #[must_use]
    pub fn constant(value: ScalarValue, ty: Type) -> Expr {
        Expr::Constant { value, ty }
    }

    /// TRUE or FALSE.
    #[must_use]
    pub fn boolean(value: bool) -> Expr {
        Expr::constant(ScalarValue::Boolean(Some(value)), Type::BOOLEAN)
    }

    /// NULL of a type.
    #[must_use]
    pub fn null(ty: Type) -> Expr {
        // Every type of the map has a null.
        let value = ScalarValue::try_new_null(&ty.to_arrow()).unwrap_or(ScalarValue::Null);
        Expr::constant(value, ty)
    }

    /// A comparison.
    #[must_use]
    pub fn compare(op: CompareOp, left: Expr, right: Expr) -> Expr {
        Expr::Compare { op, left: Box::new(left), right: Box::new(right) }
    }

    /// `expr IS NULL`.
    #[must_use]
    pub fn is_null(expr: Expr) -> Expr {
        Expr::Is { expr: Box::new(expr), test: Truth::Null, negated: false }
    }

    /// `expr IS NOT NULL`.
    #[must_use]
    pub fn is_not_null(expr: Expr) -> Expr {
        Expr::Is { expr: Box::new(expr), test: Truth::Null, negated: true }
    }

    /// AND of conditions, those that are an AND taken apart. None is TRUE.
    #[must_use]
    pub fn and(conditions: impl IntoIterator<Item = Expr>) -> Expr {
        let mut all = Vec::new();
        for condition in conditions {
            condition.into_conjuncts(&mut all);
        }
        match all.len() {
            0 => Expr::boolean(true),
            1 => all.remove(0),
            _ => Expr::And(all),
        }
    }

    /// Adds the conditions that AND joins in this one; TRUE is none.
    pub fn into_conjuncts(self, all: &mut Vec<Expr>) {
        match self {
            Expr::And(list) => list.into_iter().for_each(|e| e.into_conjuncts(all)),
            Expr::Constant { value: ScalarValue::Boolean(Some(true)), .. } => {}
            other => all.push(other),
        }
    }

    /// Whether it is the constant TRUE.
    #[must_use]
    pub fn is_true(&self) -> bool {
        matches!(self, Expr::Constant { value: ScalarValue::Boolean(Some(true)), .. })
    }

    /// Whether it is a NULL constant.
    #[must_use]
    pub fn is_null_constant(&self) -> bool {
        matches!(self, Expr::Constant { value, .. } if value.is_null())
    }

    /// The column it is.
    #[must_use]
    pub fn as_column(&self) -> Option<&Column> {
        match self {
            Expr::Column(column) => Some(column),
            _ => None,
        }
    }
}
