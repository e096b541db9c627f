//! Functions that are expressions: `coalesce` and its like, and those that are made of other functions.

use super::super::call::Declared;
use super::super::{CastContext, Resolver, errors};
use super::table::Form;
use crate::algebra::{Callee, CompareOp, Expr, Type};
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;

type Result<T> = std::result::Result<T, SqlError>;

/// Parts of an argument that is written into the result twice.
const MAX_REPEATED: usize = 10_000;

/// The forms that no table of types describes.
pub(super) fn special(name: &str) -> Option<Form> {
    let form: Form = match name {
        "coalesce" => coalesce,
        "nullif" => nullif,
        "greatest" => |resolver, args| extreme(resolver, args, true),
        "least" => |resolver, args| extreme(resolver, args, false),
        "pg_typeof" => pg_typeof,
        _ => return None,
    };
    Some(form)
}

fn coalesce(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    if args.is_empty() {
        return Err(errors::no_function("coalesce", &[]));
    }
    let (mut args, ty) = resolver.to_common(args, "COALESCE")?;
    let Some(last) = args.pop() else { return Err(errors::no_function("coalesce", &[])) };
    let mut branches = Vec::with_capacity(args.len());
    for arg in args {
        if arg.is_null_constant() {
            continue;
        }
        check_repeated(&arg)?;
        branches.push((Expr::is_not_null(arg.clone()), arg));
    }
    if branches.is_empty() {
        return Ok(last);
    }
    Ok(Expr::Case { operand: None, branches, otherwise: Some(Box::new(last)), ty })
}

/// `CASE WHEN a = b THEN NULL ELSE a END`, of the type that `a` is compared in.
fn nullif(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let types = resolver.types_of(&args);
    let Ok([left, right]) = <[Expr; 2]>::try_from(args) else {
        return Err(errors::no_function("nullif", &types));
    };
    check_repeated(&left)?;
    let own = resolver.type_of(&left);
    let equal = resolver.compare(CompareOp::Eq, left.clone(), right)?;
    // An operator of two integer types does not change its operands.
    let integers = |ty: Type| matches!(ty, Type::Sql(SqlType::SmallInt | SqlType::Integer | SqlType::BigInt));
    let value = match &equal {
        Expr::Compare { left: compared, .. } if !(integers(own) && integers(compared.ty())) => (**compared).clone(),
        _ => resolver.settle(left)?,
    };
    let ty = value.ty();
    let branches = vec![(equal, Expr::null(ty))];
    Ok(Expr::Case { operand: None, branches, otherwise: Some(Box::new(value)), ty })
}

/// The largest or smallest that is not NULL.
fn extreme(resolver: &Resolver<'_>, args: Vec<Expr>, largest: bool) -> Result<Expr> {
    let name = if largest { "greatest" } else { "least" };
    if args.is_empty() {
        return Err(errors::no_function(name, &[]));
    }
    let (mut args, ty) = resolver.to_common(args, if largest { "GREATEST" } else { "LEAST" })?;
    if args.len() == 1 {
        return Ok(args.remove(0));
    }
    if ty != Type::INTERVAL {
        return resolver.registered(name, args, Declared::Type(ty));
    }
    // Intervals are compared by their length, which the function does not know.
    let op = if largest { CompareOp::GtEq } else { CompareOp::LtEq };
    let mut branches = Vec::with_capacity(args.len());
    for (index, arg) in args.iter().enumerate() {
        check_repeated(arg)?;
        let others = args.iter().enumerate().filter(|(other, _)| *other != index);
        let wins = others.map(|(_, other)| {
            Expr::Or(vec![Expr::is_null(other.clone()), Expr::compare(op, arg.clone(), other.clone())])
        });
        let condition = Expr::and(std::iter::once(Expr::is_not_null(arg.clone())).chain(wins));
        branches.push((condition, arg.clone()));
    }
    Ok(Expr::Case { operand: None, branches, otherwise: None, ty })
}

/// The name of the type, as a text.
fn pg_typeof(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let types = resolver.types_of(&args);
    match types.as_slice() {
        [ty] => Ok(Expr::constant(ScalarValue::Utf8(Some(ty.to_string())), Type::TEXT)),
        types => Err(errors::no_function("pg_typeof", types)),
    }
}

/// Refuses an argument that is large and would be there twice: nested calls would double it again and again.
fn check_repeated(arg: &Expr) -> Result<()> {
    let mut parts = 0;
    let mut open = vec![arg];
    while let Some(expr) = open.pop() {
        parts += 1;
        if parts > MAX_REPEATED {
            return Err(SqlError::new(SqlState::StatementTooComplex, "the statement is too complex")
                .with_detail(format!("An argument of coalesce, nullif and greatest has at most {MAX_REPEATED} parts."))
                .with_hint("Compute it in a subquery, and call the function on its column."));
        }
        open.extend(expr.children());
    }
    Ok(())
}

impl Resolver<'_> {
    /// The text that a value is sent as: of a boolean one letter.
    fn output(&self, expr: Expr) -> Result<Expr> {
        let ty = self.type_of(&expr);
        let text = self.coerce(expr, Type::TEXT, CastContext::Explicit)?;
        if ty != Type::BOOLEAN {
            return Ok(text);
        }
        let one = Expr::constant(ScalarValue::Int32(Some(1)), Type::INTEGER);
        self.registered("left", vec![text, one], Declared::Type(Type::TEXT))
    }
}

pub(super) fn concat(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let texts = args.into_iter().map(|arg| resolver.output(arg)).collect::<Result<Vec<_>>>()?;
    resolver.registered("concat", texts, Declared::Type(Type::TEXT))
}

pub(super) fn concat_ws(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let texts = args.into_iter().map(|arg| resolver.output(arg)).collect::<Result<Vec<_>>>()?;
    resolver.registered("concat_ws", texts, Declared::Type(Type::TEXT))
}

/// The elements as texts, put together.
pub(super) fn array_to_string(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let mut args = args.into_iter();
    let array = args.next().ok_or_else(|| errors::no_function("array_to_string", &[]))?;
    // Texts and integers are printed alike.
    let plain = matches!(
        array.ty(),
        Type::Array(SqlType::Text | SqlType::Varchar { .. } | SqlType::SmallInt | SqlType::Integer | SqlType::BigInt)
    );
    let array =
        if plain { array } else { resolver.coerce(array, Type::Array(SqlType::Text), CastContext::Explicit)? };
    let args = std::iter::once(array).chain(args).collect();
    resolver.registered("array_to_string", args, Declared::Type(Type::TEXT))
}

/// The bytes of a bytea: half the digits of its hexadecimal form.
pub(super) fn octets(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let hex = Expr::constant(ScalarValue::Utf8(Some("hex".to_owned())), Type::TEXT);
    let encoded = args.into_iter().chain([hex]).collect();
    let encoded = resolver.registered("encode", encoded, Declared::Type(Type::TEXT))?;
    let digits = resolver.registered("octet_length", vec![encoded], Declared::Type(Type::INTEGER))?;
    Ok(integer_operator(Operator::Divide, digits, 2))
}

pub(super) fn bits(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    Ok(integer_operator(Operator::Multiply, octets(resolver, args)?, 8))
}

fn integer_operator(op: Operator, left: Expr, right: i32) -> Expr {
    let right = Expr::constant(ScalarValue::Int32(Some(right)), Type::INTEGER);
    Expr::Call { callee: Callee::Operator(op), args: vec![left, right], ty: Type::INTEGER }
}

/// `substring(text, pattern)`: what the first group matches, or all of it.
pub(super) fn first_match(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let matched = resolver.registered("regexp_match", args, Declared::Type(Type::Array(SqlType::Text)))?;
    resolver.subscript(matched, Expr::constant(ScalarValue::Int32(Some(1)), Type::INTEGER))
}

/// Text of digits is plain: its bytes are those of a bytea that is written so.
pub(super) fn decode(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let bytea = Type::Sql(SqlType::Bytea);
    let mut args = args.into_iter();
    let text = args.next().ok_or_else(|| errors::no_function("decode", &[]))?;
    let bytes = Expr::Cast { expr: Box::new(text), to: bytea };
    let args = std::iter::once(bytes).chain(args).collect();
    resolver.registered("decode", args, Declared::Type(bytea))
}

pub(super) fn local_timestamp(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let (zoned, plain) = (Type::Sql(SqlType::TimestampTz), Type::Sql(SqlType::Timestamp));
    let now = resolver.registered("now", args, Declared::Type(zoned))?;
    resolver.coerce(now, plain, CastContext::Explicit)
}
