//! What rules ask about expressions.

use attune_sql::algebra::{Callee, Category, Expr, Type};
use attune_sql::types::SqlType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Operator, Volatility};

/// Conditions beside one another that are compared with each other to find repetitions; more are left as they are.
const MOST_COMPARED: usize = 64;

/// Functions that give a value, or NULL, for all arguments of their types.
const NEVER_FAIL: [&str; 28] = [
    "all_eq",
    "all_ge",
    "all_gt",
    "all_ilike",
    "all_le",
    "all_like",
    "all_lt",
    "all_ne",
    "any_eq",
    "any_ge",
    "any_gt",
    "any_ilike",
    "any_le",
    "any_like",
    "any_lt",
    "any_ne",
    "array_has",
    "bit_length",
    "btrim",
    "character_length",
    "coalesce",
    "interval_order",
    "lower",
    "now",
    "nullif",
    "octet_length",
    "starts_with",
    "upper",
];

/// Whether two evaluations for the same row may differ.
pub(super) fn is_volatile(expr: &Expr) -> bool {
    expr.any(|e| match e {
        Expr::Call { callee: Callee::Function(function), .. } => {
            function.signature().volatility == Volatility::Volatile
        }
        _ => false,
    })
}

/// Whether its value depends on its operands alone, whenever it is evaluated. Looks at this node only.
pub(super) fn is_immutable(expr: &Expr) -> bool {
    match expr {
        Expr::Call { callee: Callee::Function(function), .. } => {
            function.signature().volatility == Volatility::Immutable
        }
        Expr::Subquery(_) | Expr::Aggregate(_) | Expr::Window(_) => false,
        _ => true,
    }
}

/// Whether evaluating it may be an error. Says yes where it is not known.
pub(super) fn can_fail(expr: &Expr) -> bool {
    expr.any(|e| match e {
        Expr::Call { callee: Callee::Function(function), .. } => !NEVER_FAIL.contains(&function.name()),
        Expr::Call { callee: Callee::Operator(op), ty, .. } => {
            let bits = matches!(op, Operator::BitwiseAnd | Operator::BitwiseOr | Operator::BitwiseXor);
            !(bits || *op == Operator::StringConcat && ty.category() == Category::String)
        }
        Expr::Call { callee: Callee::Negate, .. } => true,
        Expr::Cast { expr, to } => !is_total(expr.ty(), *to),
        // A pattern must not end with the escape character.
        Expr::Like { pattern, .. } => !ends_well(pattern),
        Expr::Subquery(_) | Expr::Aggregate(_) | Expr::Window(_) => true,
        _ => false,
    })
}

fn ends_well(pattern: &Expr) -> bool {
    match pattern {
        Expr::Constant { value: ScalarValue::Utf8(Some(text)), .. } => !text.ends_with('\\'),
        other => other.is_null_constant(),
    }
}

/// Whether a cast has a result for every value.
fn is_total(from: Type, to: Type) -> bool {
    use SqlType::{BigInt, Date, Double, Integer, Real, SmallInt, Text, Timestamp, TimestampTz, Varchar};
    let (Type::Sql(from), Type::Sql(to)) = (from, to) else { return from == to };
    let plain = |to: SqlType| Type::Sql(to) == Type::NUMERIC;
    match (from, to) {
        (from, to) if from == to => true,
        (_, Text) | (Text | Varchar { .. }, Varchar { .. }) => true,
        (SmallInt, Integer | BigInt | Real | Double) => true,
        (Integer, BigInt | Real | Double) | (BigInt, Real | Double) | (Real, Double) => true,
        (SmallInt | Integer | BigInt, to) if plain(to) => true,
        (Timestamp, TimestampTz | Date) | (TimestampTz, Timestamp | Date) => true,
        _ => false,
    }
}

/// Whether a NULL operand makes the call NULL. Operators are strict, but for those that add an element to an array;
/// functions decide for themselves.
pub(super) fn is_strict(callee: &Callee, ty: Type) -> bool {
    match callee {
        Callee::Operator(_) => !matches!(ty, Type::Array(_)),
        Callee::Negate => true,
        Callee::Function(_) => false,
    }
}

/// Whether it is a constant or parameter, perhaps cast.
pub(super) fn is_value(expr: &Expr) -> bool {
    match expr {
        Expr::Constant { .. } | Expr::Parameter { .. } => true,
        Expr::Cast { expr, .. } => is_value(expr),
        _ => false,
    }
}

/// Whether it costs nothing to evaluate.
pub(super) fn is_trivial(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(_) | Expr::Constant { .. } | Expr::Parameter { .. })
}

/// Nodes of the expression, and how deep they are nested.
pub(super) fn extent(expr: &Expr) -> (usize, usize) {
    let mut open = vec![(expr, 1)];
    let (mut nodes, mut deepest) = (0, 0);
    while let Some((expr, depth)) = open.pop() {
        nodes += 1;
        deepest = deepest.max(depth);
        open.extend(expr.children().into_iter().map(|child| (child, depth + 1)));
    }
    (nodes, deepest)
}

/// The expressions without repetitions, as long as there are not too many to look.
pub(super) fn distinct(exprs: Vec<Expr>) -> Vec<Expr> {
    if exprs.len() > MOST_COMPARED {
        return exprs;
    }
    let mut once: Vec<Expr> = Vec::with_capacity(exprs.len());
    for expr in exprs {
        if is_volatile(&expr) || !once.contains(&expr) {
            once.push(expr);
        }
    }
    once
}
