//! Functions that are expressions: `coalesce` and its like, and those that are made of other functions.

use super::super::call::Declared;
use super::super::common::digits;
use super::super::slot::Stands;
use super::super::{CastContext, Resolver, errors};
use super::table::Form;
use crate::SqlError;
use crate::algebra::{Callee, CompareOp, Expr, Type};
use crate::types::SqlType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;

type Result<T> = std::result::Result<T, SqlError>;

/// Parts of the arguments of one call that may be written into the result twice: beyond it nested calls would double them again
/// and again.
const MAX_REPEATED: usize = 64;

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

/// The function, which computes all arguments; or a CASE, where a later one should be computed only for rows that need it.
fn coalesce(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    if args.is_empty() {
        return Err(errors::no_function("coalesce", &[]));
    }
    let (mut args, ty) = resolver.to_common(args, "COALESCE")?;
    let Some(last) = args.pop() else { return Err(errors::no_function("coalesce", &[])) };
    args.retain(|arg| !arg.is_null_constant());
    if args.is_empty() {
        return Ok(last);
    }
    let later = args.iter().skip(1).chain(std::iter::once(&last));
    let lazy = later.clone().any(|arg| !is_cheap(arg))
        && !args.iter().chain(std::iter::once(&last)).any(is_computed_once)
        && parts(&args) <= MAX_REPEATED;
    if !lazy {
        args.push(last);
        return resolver.registered("coalesce", args, Declared::Type(ty));
    }
    let branches = args.into_iter().map(|arg| (Expr::is_not_null(arg.clone()), arg)).collect();
    Ok(Expr::Case { operand: None, branches, otherwise: Some(Box::new(last)), ty })
}

/// Whether it costs nothing to compute and cannot fail: a value, or one in a wider type.
fn is_cheap(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) | Expr::Constant { .. } | Expr::Parameter { .. } => true,
        Expr::Cast { expr, to } => is_widening(expr.ty(), *to) && is_cheap(expr),
        _ => false,
    }
}

/// Whether every value of one type is one of the other.
fn is_widening(from: Type, to: Type) -> bool {
    use SqlType::{BigInt, Double, Integer, Numeric, Real, SmallInt, Text, Timestamp, TimestampTz, Varchar};
    if let (Some((precision, scale)), Some((wide, wide_scale))) = (digits(from), digits(to)) {
        return wide_scale >= scale
            && i16::from(wide) - i16::from(wide_scale) >= i16::from(precision) - i16::from(scale);
    }
    let (Type::Sql(from), Type::Sql(to)) = (from, to) else { return from == to };
    matches!(
        (from, to),
        (SmallInt | Integer | BigInt | Numeric { .. }, Real | Double)
            | (Real, Double)
            | (_, Text)
            | (Text | Varchar { .. }, Varchar { .. })
            | (Timestamp, TimestampTz)
    )
}

/// Whether there is something in it that must not be there twice: the columns of a subquery are those of one place, and
/// aggregates and window functions are computed over many rows.
fn is_computed_once(expr: &Expr) -> bool {
    expr.any(|part| matches!(part, Expr::Subquery(_) | Expr::Aggregate(_) | Expr::Window(_)))
}

/// The number of parts of expressions.
fn parts(exprs: &[Expr]) -> usize {
    let mut count = 0;
    exprs.iter().for_each(|expr| expr.visit(&mut |_| count += 1));
    count
}

/// `CASE WHEN a = b THEN NULL ELSE a END` where `a` is nothing but a value, else the function. The result has the type that the
/// operator has on its left.
fn nullif(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let types = resolver.types_of(&args);
    let (Ok([left, right]), [left_type, right_type]) = (<[Expr; 2]>::try_from(args), types.as_slice()) else {
        return Err(errors::no_function("nullif", &types));
    };
    let slots = resolver.comparable(CompareOp::Eq, [*left_type, *right_type])?;
    let stands = Stands::of(&slots, &types).unwrap_or_default();
    let is_value = matches!(left, Expr::Column(_) | Expr::Constant { .. } | Expr::Parameter { .. });
    // What is compared of `a` goes into the result only where it is no more than a value.
    let equal = resolver.compare(CompareOp::Eq, left.clone(), right)?;
    let value = resolver.argument(left, slots[0], stands)?;
    let ty = value.ty();
    match equal {
        Expr::Compare { .. } if is_value => {
            let branches = vec![(equal, Expr::null(ty))];
            Ok(Expr::Case { operand: None, branches, otherwise: Some(Box::new(value)), ty })
        }
        Expr::Compare { right, .. } => resolver.registered("nullif", vec![value, *right], Declared::Type(ty)),
        // A constant that no value of the other type is equal to.
        _ => Ok(value),
    }
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
    resolver.registered(name, args, Declared::Type(ty))
}

/// The name of the type, as a text.
fn pg_typeof(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let types = resolver.types_of(&args);
    match types.as_slice() {
        [ty] => Ok(Expr::constant(ScalarValue::Utf8(Some(ty.to_string())), Type::TEXT)),
        types => Err(errors::no_function("pg_typeof", types)),
    }
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

pub(super) fn format(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let texts = args.into_iter().map(|arg| resolver.output(arg)).collect::<Result<Vec<_>>>()?;
    resolver.registered("format", texts, Declared::Type(Type::TEXT))
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
    let texts = Type::Array(SqlType::Text);
    let array = match array.ty() {
        _ if plain => array,
        Type::Array(SqlType::Boolean) => resolver.registered("boolean_letters", vec![array], Declared::Type(texts))?,
        _ => resolver.coerce(array, texts, CastContext::Explicit)?,
    };
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

pub(super) fn local_timestamp(resolver: &Resolver<'_>, args: Vec<Expr>) -> Result<Expr> {
    let (zoned, plain) = (Type::Sql(SqlType::TimestampTz), Type::Sql(SqlType::Timestamp));
    let now = resolver.registered("now", args, Declared::Type(zoned))?;
    resolver.coerce(now, plain, CastContext::Explicit)
}
