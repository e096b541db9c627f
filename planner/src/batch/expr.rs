//! Scalar expressions: each with exactly the Arrow type of its Postgres type, so that nothing has to be coerced.

use super::{RED_ZONE, STACK, call, key, missing};
use attune_sql::SqlError;
use attune_sql::algebra::{Callee, Column, ColumnId, CompareOp, Expr, Truth, Type};
use attune_sql::operators;
use attune_sql::types::SqlType;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::Column as DfColumn;
use datafusion::logical_expr::expr::{Case, InList, Like, Placeholder};
use datafusion::logical_expr::{BinaryExpr, Expr as DfExpr, Operator, lit};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the ids of columns are in a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    columns: &'a BTreeMap<ColumnId, DfColumn>,
}

impl<'a> Scope<'a> {
    /// These columns. Each has the Arrow type of its type in the algebra.
    pub(crate) fn new(columns: &'a BTreeMap<ColumnId, DfColumn>) -> Scope<'a> {
        Scope { columns }
    }

    /// No columns: constants.
    pub(crate) fn none() -> Scope<'static> {
        static NONE: BTreeMap<ColumnId, DfColumn> = BTreeMap::new();
        Scope { columns: &NONE }
    }

    fn column(&self, column: &Column) -> Result<&'a DfColumn, SqlError> {
        self.columns.get(&column.id).ok_or_else(|| missing(column))
    }
}

/// An expression over the columns of a scope.
///
/// # Errors
/// XX000 for a subquery, an aggregate or a window function, which have become relations; what a function says about types it
/// does not take.
pub(crate) fn expr(expr: &Expr, scope: &Scope<'_>) -> Result<DfExpr, SqlError> {
    stacker::maybe_grow(RED_ZONE, STACK, || convert(expr, scope))
}

fn convert(e: &Expr, scope: &Scope<'_>) -> Result<DfExpr, SqlError> {
    let boxed = |e: &Expr| expr(e, scope).map(Box::new);
    Ok(match e {
        Expr::Column(column) => DfExpr::Column(scope.column(column)?.clone()),
        Expr::Constant { value, .. } => DfExpr::Literal(value.clone(), None),
        Expr::Parameter { index, ty } => parameter(*index, *ty),
        Expr::Call { callee, args, ty } => called(callee, args, *ty, scope)?,
        Expr::Compare { op, left, right } => compare(*op, left, right, scope)?,
        Expr::And(list) => combine(Operator::And, all(list, scope)?),
        Expr::Or(list) => combine(Operator::Or, all(list, scope)?),
        Expr::Not(operand) => DfExpr::Not(boxed(operand)?),
        Expr::Is { expr, test, negated } => is(boxed(expr)?, *test, *negated),
        Expr::Case { operand, branches, otherwise, .. } => {
            case(operand.as_deref(), branches, otherwise.as_deref(), scope)?
        }
        Expr::Cast { expr: operand, to } => cast(expr(operand, scope)?, operand.ty(), *to),
        Expr::InList { expr, list, negated } => in_list(expr, list, *negated, scope)?,
        Expr::Like { expr, pattern, negated, case_insensitive } => {
            DfExpr::Like(Like::new(*negated, boxed(expr)?, boxed(pattern)?, None, *case_insensitive))
        }
        Expr::Subquery(_) | Expr::Aggregate(_) | Expr::Window(_) => {
            return Err(SqlError::internal(format!("{e} is computed where it cannot be")));
        }
    })
}

fn all(list: &[Expr], scope: &Scope<'_>) -> Result<Vec<DfExpr>, SqlError> {
    list.iter().map(|e| expr(e, scope)).collect()
}

/// Expressions with their types.
pub(super) fn typed(list: &[Expr], scope: &Scope<'_>) -> Result<Vec<call::Typed>, SqlError> {
    list.iter().map(|e| Ok((expr(e, scope)?, e.ty().to_arrow()))).collect()
}

fn parameter(index: usize, ty: Type) -> DfExpr {
    let field = Field::new("", ty.to_arrow(), true);
    DfExpr::Placeholder(Placeholder::new_with_field(format!("${}", index + 1), Some(Arc::new(field))))
}

fn called(callee: &Callee, args: &[Expr], ty: Type, scope: &Scope<'_>) -> Result<DfExpr, SqlError> {
    let returns = ty.to_arrow();
    match callee {
        Callee::Function(function) => call::function(function, typed(args, scope)?, &returns),
        Callee::Negate => {
            let [operand] = args else { return Err(wrong_count("-", args)) };
            let value = expr(operand, scope)?;
            Ok(match operators::negate(&operand.ty().to_arrow()) {
                Some(kernel) => call::kernel(kernel, vec![value]),
                None => DfExpr::Negative(Box::new(value)),
            })
        }
        Callee::Operator(op) => {
            let [left, right] = args else { return Err(wrong_count(&op.to_string(), args)) };
            let left = (expr(left, scope)?, left.ty().to_arrow());
            let right = (expr(right, scope)?, right.ty().to_arrow());
            call::operator(left, *op, right, &returns)
        }
    }
}

fn wrong_count(name: &str, args: &[Expr]) -> SqlError {
    SqlError::internal(format!("operator {name} has {} operands", args.len()))
}

/// A comparison; intervals compare by their length.
fn compare(op: CompareOp, left: &Expr, right: &Expr, scope: &Scope<'_>) -> Result<DfExpr, SqlError> {
    let operator = match op {
        CompareOp::Eq => Operator::Eq,
        CompareOp::NotEq => Operator::NotEq,
        CompareOp::Lt => Operator::Lt,
        CompareOp::LtEq => Operator::LtEq,
        CompareOp::Gt => Operator::Gt,
        CompareOp::GtEq => Operator::GtEq,
        CompareOp::Distinct => Operator::IsDistinctFrom,
        CompareOp::NotDistinct => Operator::IsNotDistinctFrom,
    };
    let (left_value, right_value) = (expr(left, scope)?, expr(right, scope)?);
    if !key::is_interval(left.ty()) {
        return Ok(binary(left_value, operator, right_value));
    }
    let (left, right) = ((left_value, left.ty().to_arrow()), (right_value, right.ty().to_arrow()));
    call::operator(left, operator, right, &DataType::Boolean)
}

pub(super) fn binary(left: DfExpr, op: Operator, right: DfExpr) -> DfExpr {
    DfExpr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// AND or OR of conditions, as a balanced tree: one as deep as the list is long would be slow to walk.
pub(super) fn combine(op: Operator, mut conditions: Vec<DfExpr>) -> DfExpr {
    match conditions.len() {
        0 => lit(op == Operator::And),
        1 => conditions.remove(0),
        count => {
            let right = conditions.split_off(count.div_ceil(2));
            binary(combine(op, conditions), op, combine(op, right))
        }
    }
}

fn is(operand: Box<DfExpr>, test: Truth, negated: bool) -> DfExpr {
    match (test, negated) {
        (Truth::Null, false) => DfExpr::IsNull(operand),
        (Truth::Null, true) => DfExpr::IsNotNull(operand),
        (Truth::True, false) => DfExpr::IsTrue(operand),
        (Truth::True, true) => DfExpr::IsNotTrue(operand),
        (Truth::False, false) => DfExpr::IsFalse(operand),
        (Truth::False, true) => DfExpr::IsNotFalse(operand),
    }
}

fn case(
    operand: Option<&Expr>,
    branches: &[(Expr, Expr)],
    otherwise: Option<&Expr>,
    scope: &Scope<'_>,
) -> Result<DfExpr, SqlError> {
    // Intervals are equal by their length, which the short form does not know.
    let compared = operand.filter(|operand| key::is_interval(operand.ty()));
    let mut pairs = Vec::with_capacity(branches.len());
    for (when, then) in branches {
        let condition = match compared {
            Some(operand) => compare(CompareOp::Eq, operand, when, scope)?,
            None => expr(when, scope)?,
        };
        pairs.push((Box::new(condition), Box::new(expr(then, scope)?)));
    }
    let boxed = |e: &Expr| expr(e, scope).map(Box::new);
    let operand = operand.filter(|_| compared.is_none()).map(boxed).transpose()?;
    Ok(DfExpr::Case(Case::new(operand, pairs, otherwise.map(boxed).transpose()?)))
}

/// A cast that the query has. Texts are cut to the length of a `varchar`.
fn cast(value: DfExpr, from: Type, to: Type) -> DfExpr {
    let value = call::cast(value, &from.to_arrow(), &to.to_arrow());
    match to {
        Type::Sql(SqlType::Varchar { limit: Some(limit) }) if from != to => {
            call::kernel(operators::varchar(limit), vec![value])
        }
        _ => value,
    }
}

/// DataFusion takes a list for constant when its items are scalars of a batch without rows, which CASE is of any columns: so its
/// lists have constants only.
fn in_list(operand: &Expr, list: &[Expr], negated: bool, scope: &Scope<'_>) -> Result<DfExpr, SqlError> {
    let constant = list.iter().all(|item| matches!(item, Expr::Constant { .. } | Expr::Parameter { .. }));
    if constant && !key::is_interval(operand.ty()) {
        let list = all(list, scope)?;
        return Ok(DfExpr::InList(InList::new(Box::new(expr(operand, scope)?), list, negated)));
    }
    let equal = list.iter().map(|item| compare(CompareOp::Eq, operand, item, scope));
    let any = combine(Operator::Or, equal.collect::<Result<Vec<_>, _>>()?);
    Ok(if negated { DfExpr::Not(Box::new(any)) } else { any })
}
