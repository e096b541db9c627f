//! Expressions as SQL text, for people.

use super::{Expr, Literal};
use crate::plan::Field;
use crate::types::sql_name;
use arrow::datatypes::Schema;
use attune_storage::ColumnType;

/// The expression in SQL, with the names of the input's columns.
pub(crate) fn sql(expr: &Expr, fields: &[Field]) -> String {
    Text { names: fields.iter().map(|field| field.name.as_str()).collect() }.expr(expr, 0)
}

/// The expression in SQL, over the columns of a schema.
#[must_use]
pub fn expression_sql(expr: &Expr, schema: &Schema) -> String {
    Text { names: schema.fields().iter().map(|field| field.name().as_str()).collect() }.expr(expr, 0)
}

struct Text<'a> {
    names: Vec<&'a str>,
}

/// How tightly an operator binds (Postgres, "Operator Precedence"); higher is tighter.
fn precedence(op: &str) -> u8 {
    match op {
        "or" => 1,
        "and" => 2,
        "is distinct from" | "is not distinct from" => 4,
        "=" | "<>" | "<" | "<=" | ">" | ">=" => 5,
        "+" | "-" => 8,
        "*" | "/" | "%" => 9,
        _ => 7,
    }
}

/// Of NOT, of the postfix tests (IS NULL, LIKE, IN), of unary minus and of anything that needs no parentheses.
const NOT: u8 = 3;
const TEST: u8 = 6;
const UNARY: u8 = 10;

impl Text<'_> {
    /// The text, in parentheses if it binds less tightly than its surroundings.
    fn expr(&self, expr: &Expr, outer: u8) -> String {
        let (text, own) = self.bare(expr);
        if own < outer { format!("({text})") } else { text }
    }

    fn bare(&self, expr: &Expr) -> (String, u8) {
        let test = |e: &Expr, suffix: &str| (format!("{}{suffix}", self.expr(e, TEST + 1)), TEST);
        let tight = |text| (text, UNARY + 1);
        match expr {
            Expr::Column(index) => tight(match self.names.get(*index) {
                Some(name) => (*name).to_owned(),
                None => format!("column {index}"),
            }),
            Expr::Literal(literal) => tight(constant(literal)),
            Expr::Parameter { index, .. } => tight(format!("${}", index + 1)),
            Expr::Binary { op, left, right } | Expr::Operator { op, left, right, .. } => {
                let own = precedence(op);
                let word = op.to_uppercase();
                // AND and OR are associative: their chains need no parentheses however they are balanced.
                let right_outer = if matches!(op.as_str(), "and" | "or") { own } else { own + 1 };
                (format!("{} {word} {}", self.expr(left, own), self.expr(right, right_outer)), own)
            }
            Expr::Not(e) => match &**e {
                Expr::IsTrue(inner) => test(inner, " IS NOT TRUE"),
                Expr::IsFalse(inner) => test(inner, " IS NOT FALSE"),
                other => (format!("NOT {}", self.expr(other, NOT)), NOT),
            },
            Expr::Negative(e) => (format!("-{}", self.expr(e, UNARY + 1)), UNARY),
            Expr::IsNull(e) => test(e, " IS NULL"),
            Expr::IsNotNull(e) => test(e, " IS NOT NULL"),
            Expr::IsTrue(e) => test(e, " IS TRUE"),
            Expr::IsFalse(e) => test(e, " IS FALSE"),
            Expr::Cast { expr, to } => tight(format!("{}::{}", self.expr(expr, UNARY + 1), sql_name(*to))),
            Expr::TryCast { expr, to } => tight(format!("TRY_CAST({} AS {})", self.expr(expr, 0), sql_name(*to))),
            Expr::Case { operand, branches, otherwise } => tight(self.case(operand, branches, otherwise)),
            Expr::Like { expr, pattern, negated, case_insensitive } => {
                let not = if *negated { "NOT " } else { "" };
                let like = if *case_insensitive { "ILIKE" } else { "LIKE" };
                test(expr, &format!(" {not}{like} {}", self.expr(pattern, TEST + 1)))
            }
            Expr::InList { expr, list, negated } => {
                let not = if *negated { "NOT " } else { "" };
                test(expr, &format!(" {not}IN ({})", self.list(list)))
            }
            Expr::Function { name, args, .. } => tight(format!("{name}({})", self.list(args))),
        }
    }

    fn case(&self, operand: &Option<Box<Expr>>, branches: &[(Expr, Expr)], otherwise: &Option<Box<Expr>>) -> String {
        let mut text = "CASE".to_owned();
        if let Some(operand) = operand {
            text += &format!(" {}", self.expr(operand, 0));
        }
        for (when, then) in branches {
            text += &format!(" WHEN {} THEN {}", self.expr(when, 0), self.expr(then, 0));
        }
        if let Some(otherwise) = otherwise {
            text += &format!(" ELSE {}", self.expr(otherwise, 0));
        }
        text + " END"
    }

    fn list(&self, list: &[Expr]) -> String {
        list.iter().map(|e| self.expr(e, 0)).collect::<Vec<_>>().join(", ")
    }
}

fn constant(literal: &Literal) -> String {
    let Some(value) = &literal.value else { return "NULL".to_owned() };
    match literal.column_type {
        ColumnType::Boolean => (if value == "t" { "true" } else { "false" }).to_owned(),
        ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 | ColumnType::UInt64 => value.clone(),
        ColumnType::Decimal { .. } => value.clone(),
        ColumnType::Float32 | ColumnType::Float64 if value.parse::<f64>().is_ok_and(f64::is_finite) => value.clone(),
        _ => format!("'{}'", value.replace('\'', "''")),
    }
}
