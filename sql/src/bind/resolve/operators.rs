//! Operators: those of `pg_operator` in PostgreSQL 15 for the types there are.

use super::call::Declared;
use super::candidates::{Candidates, Choice, choose, exact};
use super::common::digits;
use super::comparisons::comparison;
use super::slot::{Slot, Stands};
use super::{CastContext, Resolver, constants, errors};
use crate::algebra::{Callee, CompareOp, Expr, Type};
use crate::operators::numeric_result;
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use Slot::{
    AnyArray, AnyCompatible, AnyCompatibleArray, AnyNonArray, Bool, Bytea, Date, Float4, Float8, Int2, Int4, Int8,
    Interval, Numeric, Text, Timestamp, TimestampTz,
};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use std::borrow::Cow;

/// A binary operator: operands and result.
type Binary = ([Slot; 2], Slot);

/// `+ - * /` of numbers.
macro_rules! arithmetic {
    ($($more:expr),* $(,)?) => {
        &[
            ([Int8, Int8], Int8), ([Int8, Int2], Int8), ([Int8, Int4], Int8),
            ([Int2, Int8], Int8), ([Int2, Int2], Int2), ([Int2, Int4], Int4),
            ([Int4, Int8], Int8), ([Int4, Int2], Int4), ([Int4, Int4], Int4),
            ([Float4, Float4], Float4), ([Float4, Float8], Float8),
            ([Float8, Float4], Float8), ([Float8, Float8], Float8),
            ([Numeric, Numeric], Numeric), $($more),*
        ]
    };
}

static PLUS: &[Binary] = arithmetic![
    ([Int4, Date], Date),
    ([Date, Int4], Date),
    ([Date, Interval], Timestamp),
    ([Interval, Date], Timestamp),
    ([Timestamp, Interval], Timestamp),
    ([Interval, Timestamp], Timestamp),
    ([TimestampTz, Interval], TimestampTz),
    ([Interval, TimestampTz], TimestampTz),
    ([Interval, Interval], Interval),
];
static MINUS: &[Binary] = arithmetic![
    ([Date, Int4], Date),
    ([Date, Date], Int4),
    ([Date, Interval], Timestamp),
    ([Timestamp, Timestamp], Interval),
    ([Timestamp, Interval], Timestamp),
    ([TimestampTz, TimestampTz], Interval),
    ([TimestampTz, Interval], TimestampTz),
    ([Interval, Interval], Interval),
];
static MULTIPLY: &[Binary] = arithmetic![([Float8, Interval], Interval), ([Interval, Float8], Interval)];
static DIVIDE: &[Binary] = arithmetic![([Interval, Float8], Interval)];
static MODULO: &[Binary] =
    &[([Int8, Int8], Int8), ([Int2, Int2], Int2), ([Int4, Int4], Int4), ([Numeric, Numeric], Numeric)];
static POWER: &[Binary] = &[([Float8, Float8], Float8), ([Numeric, Numeric], Numeric)];
static BITS: &[Binary] = &[([Int8, Int8], Int8), ([Int2, Int2], Int2), ([Int4, Int4], Int4)];
static SHIFT: &[Binary] = &[([Int8, Int4], Int8), ([Int2, Int4], Int2), ([Int4, Int4], Int4)];
static REGEX: &[Binary] = &[([Text, Text], Bool)];
static CONCAT: &[Binary] = &[
    ([Bytea, Bytea], Bytea),
    ([Text, Text], Text),
    ([Text, AnyNonArray], Text),
    ([AnyNonArray, Text], Text),
    ([AnyCompatible, AnyCompatibleArray], AnyCompatibleArray),
    ([AnyCompatibleArray, AnyCompatible], AnyCompatibleArray),
    ([AnyCompatibleArray, AnyCompatibleArray], AnyCompatibleArray),
];
static ARRAYS: &[Binary] = &[([AnyArray, AnyArray], Bool)];

/// `= <> < <= > >=`
pub(super) static COMPARE: &[Binary] = &[
    ([Bool, Bool], Bool),
    ([Bytea, Bytea], Bool),
    ([Int8, Int8], Bool),
    ([Int8, Int2], Bool),
    ([Int8, Int4], Bool),
    ([Int2, Int8], Bool),
    ([Int2, Int2], Bool),
    ([Int2, Int4], Bool),
    ([Int4, Int8], Bool),
    ([Int4, Int2], Bool),
    ([Int4, Int4], Bool),
    ([Text, Text], Bool),
    ([Float4, Float4], Bool),
    ([Float4, Float8], Bool),
    ([Float8, Float4], Bool),
    ([Float8, Float8], Bool),
    ([Date, Date], Bool),
    ([Date, Timestamp], Bool),
    ([Date, TimestampTz], Bool),
    ([Timestamp, Date], Bool),
    ([Timestamp, Timestamp], Bool),
    ([Timestamp, TimestampTz], Bool),
    ([TimestampTz, Date], Bool),
    ([TimestampTz, Timestamp], Bool),
    ([TimestampTz, TimestampTz], Bool),
    ([Interval, Interval], Bool),
    ([Numeric, Numeric], Bool),
    ([AnyArray, AnyArray], Bool),
];

/// How an operator is computed.
#[derive(Clone, Copy)]
enum By {
    Operator(Operator),
    /// A function of the registry.
    Function(&'static str),
    /// The same, with the operands swapped.
    Swapped(&'static str),
}

/// The candidates of an operator by its text.
fn table(op: &str) -> Option<(&'static [Binary], By)> {
    Some(match op {
        "+" => (PLUS, By::Operator(Operator::Plus)),
        "-" => (MINUS, By::Operator(Operator::Minus)),
        "*" => (MULTIPLY, By::Operator(Operator::Multiply)),
        "/" => (DIVIDE, By::Operator(Operator::Divide)),
        "%" => (MODULO, By::Operator(Operator::Modulo)),
        "^" => (POWER, By::Function("float_power")),
        "||" => (CONCAT, By::Operator(Operator::StringConcat)),
        "&" => (BITS, By::Operator(Operator::BitwiseAnd)),
        "|" => (BITS, By::Operator(Operator::BitwiseOr)),
        "#" => (BITS, By::Operator(Operator::BitwiseXor)),
        "<<" => (SHIFT, By::Operator(Operator::BitwiseShiftLeft)),
        ">>" => (SHIFT, By::Operator(Operator::BitwiseShiftRight)),
        "~" => (REGEX, By::Operator(Operator::RegexMatch)),
        "~*" => (REGEX, By::Operator(Operator::RegexIMatch)),
        "!~" => (REGEX, By::Operator(Operator::RegexNotMatch)),
        "!~*" => (REGEX, By::Operator(Operator::RegexNotIMatch)),
        "^@" => (REGEX, By::Function("starts_with")),
        "@>" => (ARRAYS, By::Function("array_has_all")),
        "<@" => (ARRAYS, By::Swapped("array_has_all")),
        "&&" => (ARRAYS, By::Function("array_has_any")),
        _ => return None,
    })
}

impl Resolver<'_> {
    /// A binary operator by its SQL text.
    pub(crate) fn binary(&self, op: &str, left: Expr, right: Expr) -> Result<Expr, SqlError> {
        if let Some(compare) = comparison(op) {
            return self.compare(compare, left, right);
        }
        let types = [self.type_of(&left), self.type_of(&right)];
        let Some((binary, by)) = table(op) else { return Err(errors::no_operator(op, types[0], types[1])) };
        let chosen = choose_binary(op, binary, types)?;
        let (slots, result) = binary[chosen];
        match by {
            By::Operator(Operator::StringConcat) => self.concat(slots, types, left, right),
            By::Operator(operator) => self.operator(operator, slots, result, left, right),
            By::Function(name) => {
                let args = self.arguments(vec![left, right], &slots)?;
                self.registered(name, args, Declared::Slot(result))
            }
            By::Swapped(name) => {
                let mut args = self.arguments(vec![left, right], &slots)?;
                args.reverse();
                self.registered(name, args, Declared::Slot(result))
            }
        }
    }

    /// Arguments for the places of a candidate that was chosen for their types.
    pub(super) fn arguments(&self, args: Vec<Expr>, slots: &[Slot]) -> Result<Vec<Expr>, SqlError> {
        let types = self.types_of(&args);
        let stands = Stands::of(slots, &types).unwrap_or_default();
        args.into_iter().zip(slots).map(|(arg, slot)| self.argument(arg, *slot, stands)).collect()
    }

    fn operator(
        &self,
        op: Operator,
        slots: [Slot; 2],
        result: Slot,
        left: Expr,
        right: Expr,
    ) -> Result<Expr, SqlError> {
        if result == Numeric {
            return self.numeric_operator(op, left, right);
        }
        // Integers and floats are computed in one type.
        let one = matches!(result, Int2 | Int4 | Int8 | Float4 | Float8) && !slots.contains(&Date);
        let slots = if one { [result, result] } else { slots };
        let ty = result.ty().ok_or_else(|| SqlError::internal("an operator without a type"))?;
        let args = self.arguments(vec![left, right], &slots)?;
        Ok(Expr::Call { callee: Callee::Operator(op), args, ty })
    }

    fn numeric_operator(&self, op: Operator, left: Expr, right: Expr) -> Result<Expr, SqlError> {
        let left = self.numeric(left, None)?;
        let right = self.numeric(right, None)?;
        let (Some(l), Some(r)) = (digits(left.ty()), digits(right.ty())) else {
            return Err(SqlError::internal("an operator of numerics without digits"));
        };
        let (precision, scale) = numeric_result(op, l, r);
        let ty = Type::Sql(SqlType::Numeric { precision, scale });
        Ok(Expr::Call { callee: Callee::Operator(op), args: vec![left, right], ty })
    }

    /// `||` of texts, of a text and what has a text, of arrays.
    fn concat(&self, slots: [Slot; 2], types: [Type; 2], left: Expr, right: Expr) -> Result<Expr, SqlError> {
        let array = |name: &str, args: Vec<Expr>| {
            let stands = Stands::of(&slots, &types).unwrap_or_default();
            let ty = stands.ty(AnyCompatibleArray).ok_or_else(errors::undetermined)?;
            let args = self.arguments(args, &slots)?;
            self.registered(name, args, Declared::Type(ty))
        };
        match slots {
            [AnyCompatible, AnyCompatibleArray] => array("array_prepend", vec![left, right]),
            [AnyCompatibleArray, AnyCompatible] => array("array_append", vec![left, right]),
            [AnyCompatibleArray, AnyCompatibleArray] => array("array_concat", vec![left, right]),
            [Bytea, Bytea] => {
                let ty = Type::Sql(SqlType::Bytea);
                let args = self.arguments(vec![left, right], &slots)?;
                Ok(Expr::Call { callee: Callee::Operator(Operator::StringConcat), args, ty })
            }
            _ => {
                let left = self.coerce(left, Type::TEXT, CastContext::Explicit)?;
                let right = self.coerce(right, Type::TEXT, CastContext::Explicit)?;
                let callee = Callee::Operator(Operator::StringConcat);
                Ok(Expr::Call { callee, args: vec![left, right], ty: Type::TEXT })
            }
        }
    }

    /// A unary operator: `-`, `+`, `~`.
    pub(crate) fn unary(&self, op: &str, expr: Expr) -> Result<Expr, SqlError> {
        let slots: &[Slot] = match op {
            "-" => &[Int8, Int2, Int4, Float4, Float8, Interval, Numeric],
            "+" => &[Int8, Int2, Int4, Float4, Float8, Numeric],
            "~" => &[Int8, Int2, Int4],
            "@" => return self.function("abs", vec![expr]),
            "|/" => return self.function("sqrt", vec![expr]),
            "||/" => return self.function("cbrt", vec![expr]),
            _ => return Err(errors::no_prefix_operator(op, self.type_of(&expr))),
        };
        let ty = self.type_of(&expr);
        let candidates: Vec<Cow<'static, [Slot]>> = slots.iter().map(|slot| Cow::Owned(vec![*slot])).collect();
        let chosen = match choose(&candidates, &[ty]) {
            Choice::One(chosen) => slots[chosen],
            Choice::None => return Err(errors::no_prefix_operator(op, ty)),
            Choice::Many => return Err(errors::ambiguous_operator(&format!("{op} {ty}"))),
        };
        let operand = self.argument(expr, chosen, Stands::default())?;
        let ty = operand.ty();
        match op {
            "+" => Ok(operand),
            "~" => {
                // All bits of -1 are set.
                let ones =
                    constants::convert(&ScalarValue::Int16(Some(-1)), ty).unwrap_or(ScalarValue::Int16(Some(-1)));
                let args = vec![operand, Expr::constant(ones, ty)];
                Ok(Expr::Call { callee: Callee::Operator(Operator::BitwiseXor), args, ty })
            }
            _ => Ok(negated(operand)),
        }
    }

    /// The comparison of two values, each cast to the type they are compared in.
    pub(super) fn comparable(&self, op: CompareOp, types: [Type; 2]) -> Result<[Slot; 2], SqlError> {
        let sign = match op {
            CompareOp::Distinct | CompareOp::NotDistinct => "=",
            other => other.sql(),
        };
        Ok(COMPARE[choose_binary(sign, COMPARE, types)?].0)
    }
}

/// The candidate that is meant. With one operand of no type it is first taken for the type of the other.
fn choose_binary(op: &str, binary: &'static [Binary], types: [Type; 2]) -> Result<usize, SqlError> {
    let candidates: Vec<Cow<'static, [Slot]>> = binary.iter().map(|(slots, _)| Cow::Borrowed(&slots[..])).collect();
    let candidates: &Candidates = &candidates;
    let assumed = match types {
        [Type::Unknown, known] | [known, Type::Unknown] if known != Type::Unknown => exact(candidates, &[known, known]),
        _ => None,
    };
    if let Some(found) = assumed {
        return Ok(found);
    }
    let [left, right] = types;
    match choose(candidates, &types) {
        Choice::One(chosen) => Ok(chosen),
        Choice::None => Err(errors::no_operator(op, left, right)),
        Choice::Many => Err(errors::ambiguous_operator(&format!("{left} {op} {right}"))),
    }
}

/// Unary minus; of a constant its value.
fn negated(operand: Expr) -> Expr {
    let ty = operand.ty();
    let value = match &operand {
        // The smallest integers are written as the negation of what is one larger.
        Expr::Constant { value: ScalarValue::Int64(Some(value)), .. } if *value == -i64::from(i32::MIN) => {
            return Expr::constant(ScalarValue::Int32(Some(i32::MIN)), Type::INTEGER);
        }
        Expr::Constant { value, .. } => match value {
            ScalarValue::Int16(Some(value)) => value.checked_neg().map(|v| ScalarValue::Int16(Some(v))),
            ScalarValue::Int32(Some(value)) => value.checked_neg().map(|v| ScalarValue::Int32(Some(v))),
            ScalarValue::Int64(Some(value)) => value.checked_neg().map(|v| ScalarValue::Int64(Some(v))),
            ScalarValue::Float64(Some(value)) => Some(ScalarValue::Float64(Some(0.0 - value))),
            ScalarValue::Decimal128(Some(value), p, s) => Some(ScalarValue::Decimal128(Some(-value), *p, *s)),
            _ => None,
        },
        _ => None,
    };
    match value {
        Some(value) => Expr::constant(value, ty),
        None => Expr::Call { callee: Callee::Negate, args: vec![operand], ty },
    }
}

/// 42809 of ANY and ALL.
pub(super) fn no_array() -> SqlError {
    SqlError::new(SqlState::WrongObjectType, "op ANY/ALL (array) requires array on right side")
}
