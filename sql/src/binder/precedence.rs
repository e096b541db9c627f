//! Operators that the parser binds otherwise than Postgres does: what it has read is put together again.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};
use std::iter::Peekable;

/// Puts an expression together as Postgres reads it; to be called for it before all that is in it.
pub(crate) fn restore(expr: &mut Expr) {
    minus_before_power(expr);
    if ends_in_too_much(expr) {
        let mut words = Vec::new();
        take_apart(taken(expr), &mut words);
        *expr = or(&mut words.into_iter().peekable());
    }
}

/// `-2 ^ 2` is 4: the parser has read `-(2 ^ 2)`.
fn minus_before_power(expr: &mut Expr) {
    let is_power = |expr: &Expr| matches!(expr, Expr::BinaryOp { op: BinaryOperator::PGExp, .. });
    if let Expr::UnaryOp { op: UnaryOperator::Minus, expr: power } = expr
        && is_power(power)
    {
        let mut power = taken(power);
        let mut base = &mut power;
        while let Expr::BinaryOp { op: BinaryOperator::PGExp, left, .. } = base {
            base = left;
        }
        *base = Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(taken(base)) };
        *expr = power;
    }
}

/// A word of a condition, between two parentheses.
enum Word {
    Operand(Box<Expr>),
    And,
    Or,
    Not,
    /// `IS DISTINCT FROM`, or with `NOT`.
    Distinct {
        not: bool,
    },
}

/// Whether the last operand is the right side of an IS DISTINCT FROM: for the parser that is all that follows, `b AND c` in
/// `a IS DISTINCT FROM b AND c`.
fn ends_in_too_much(mut expr: &Expr) -> bool {
    use BinaryOperator::{And, Or};
    loop {
        expr = match expr {
            Expr::BinaryOp { op: And | Or, right, .. } => right,
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => expr,
            Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) => {
                return matches!(**right, Expr::BinaryOp { op: And | Or, .. });
            }
            _ => return false,
        };
    }
}

/// The words of a condition, as they were written.
fn take_apart(expr: Expr, words: &mut Vec<Word>) {
    let mut between = |left: Expr, word: Word, right: Expr| {
        take_apart(left, words);
        words.push(word);
        take_apart(right, words);
    };
    match expr {
        Expr::BinaryOp { op: BinaryOperator::And, left, right } => between(*left, Word::And, *right),
        Expr::BinaryOp { op: BinaryOperator::Or, left, right } => between(*left, Word::Or, *right),
        Expr::IsDistinctFrom(left, right) => between(*left, Word::Distinct { not: false }, *right),
        Expr::IsNotDistinctFrom(left, right) => between(*left, Word::Distinct { not: true }, *right),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
            words.push(Word::Not);
            take_apart(*expr, words);
        }
        operand => words.push(Word::Operand(Box::new(operand))),
    }
}

type Words = Peekable<std::vec::IntoIter<Word>>;

fn or(words: &mut Words) -> Expr {
    let mut left = and(words);
    while words.next_if(|word| matches!(word, Word::Or)).is_some() {
        left = binary(left, BinaryOperator::Or, and(words));
    }
    left
}

fn and(words: &mut Words) -> Expr {
    let mut left = not(words);
    while words.next_if(|word| matches!(word, Word::And)).is_some() {
        left = binary(left, BinaryOperator::And, not(words));
    }
    left
}

fn not(words: &mut Words) -> Expr {
    if words.next_if(|word| matches!(word, Word::Not)).is_some() {
        return Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(not(words)) };
    }
    let left = operand(words);
    match words.next_if(|word| matches!(word, Word::Distinct { .. })) {
        Some(Word::Distinct { not: false }) => Expr::IsDistinctFrom(left, Box::new(not(words))),
        Some(_) => Expr::IsNotDistinctFrom(left, Box::new(not(words))),
        None => *left,
    }
}

fn operand(words: &mut Words) -> Box<Expr> {
    match words.next() {
        Some(Word::Operand(expr)) => expr,
        // Every operator was written between operands.
        _ => Box::new(Expr::value(Value::Null)),
    }
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

fn taken(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::value(Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn restored(sql: &str) -> Expr {
        let mut expr = Parser::new(&PostgreSqlDialect {}).try_with_sql(sql).unwrap().parse_expr().unwrap();
        restore(&mut expr);
        expr
    }

    /// The same expression with parentheses.
    #[test]
    fn operators_bind_as_in_postgres() {
        for (sql, same) in [
            ("-2 ^ 2", "(-2) ^ 2"),
            ("-a ^ b ^ c", "((-a) ^ b) ^ c"),
            ("-(2 ^ 2)", "-(2 ^ 2)"),
            ("a IS DISTINCT FROM 1 AND b", "(a IS DISTINCT FROM 1) AND b"),
            ("a IS NOT DISTINCT FROM 1 AND b AND c = 2", "((a IS NOT DISTINCT FROM 1) AND b) AND (c = 2)"),
            ("NOT a IS DISTINCT FROM 1 AND b", "(NOT (a IS DISTINCT FROM 1)) AND b"),
            ("NOT NOT a IS DISTINCT FROM 1 AND b", "(NOT (NOT (a IS DISTINCT FROM 1))) AND b"),
            ("a IS DISTINCT FROM 1 OR b", "(a IS DISTINCT FROM 1) OR b"),
            ("a AND b IS DISTINCT FROM c OR d", "(a AND (b IS DISTINCT FROM c)) OR d"),
            (
                "a OR b IS DISTINCT FROM c AND d IS NOT DISTINCT FROM e AND f",
                "a OR (((b IS DISTINCT FROM c) AND (d IS NOT DISTINCT FROM e)) AND f)",
            ),
            ("a IS DISTINCT FROM (b AND c)", "a IS DISTINCT FROM (b AND c)"),
            ("a IS DISTINCT FROM b = c", "a IS DISTINCT FROM (b = c)"),
        ] {
            let [expr, expected] = [sql, same].map(|text| parenthesised(&restored(text)));
            assert_eq!(expr, expected, "{sql}");
        }
    }

    /// With parentheses around every operation, and none else.
    fn parenthesised(expr: &Expr) -> String {
        match expr {
            Expr::Nested(inner) => parenthesised(inner),
            Expr::BinaryOp { left, op, right } => format!("({} {op} {})", parenthesised(left), parenthesised(right)),
            Expr::UnaryOp { op, expr } => format!("({op} {})", parenthesised(expr)),
            Expr::IsDistinctFrom(left, right) => format!("({} <> {})", parenthesised(left), parenthesised(right)),
            Expr::IsNotDistinctFrom(left, right) => format!("({} == {})", parenthesised(left), parenthesised(right)),
            other => other.to_string(),
        }
    }
}
