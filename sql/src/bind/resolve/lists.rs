//! A value against several: IN, `op ANY (array)`, `op ALL (array)`; and LIKE.

use super::call::Declared;
use super::common::digits;
use super::comparisons::{comparison, meeting};
use super::operators::no_array;
use super::slot::Slot;
use super::{CastContext, Resolver, constants, errors, literals};
use crate::SqlError;
use crate::algebra::{CompareOp, Expr, Type};
use crate::types::SqlType;
use datafusion::common::ScalarValue;

impl Resolver<'_> {
    /// `expr [NOT] IN (list)`.
    ///
    /// As in Postgres what has no columns in it is compared in one common type, the other items one by one.
    pub(crate) fn in_list(&self, expr: Expr, list: Vec<Expr>, negated: bool) -> Result<Expr, SqlError> {
        let (fixed, varying): (Vec<Expr>, Vec<Expr>) =
            list.into_iter().partition(|item| !item.any(|e| matches!(e, Expr::Column(_) | Expr::Subquery(_))));
        let mut parts = Vec::new();
        let mut single = varying;
        match self.common_list(&expr, &fixed)? {
            Some((value, items)) => parts.push(Expr::InList { expr: Box::new(value), list: items, negated }),
            None => single = fixed.into_iter().chain(single).collect(),
        }
        let op = if negated { CompareOp::NotEq } else { CompareOp::Eq };
        for item in single {
            parts.push(self.compare(op, expr.clone(), item)?);
        }
        Ok(match parts.len() {
            0 => Expr::boolean(negated),
            1 => parts.remove(0),
            _ if negated => Expr::And(parts),
            _ => Expr::Or(parts),
        })
    }

    /// Value and items in their common type; `None` if they have to be compared one by one.
    fn common_list(&self, expr: &Expr, items: &[Expr]) -> Result<Option<(Expr, Vec<Expr>)>, SqlError> {
        if items.len() < 2 {
            return Ok(None);
        }
        let ty = self.type_of(expr);
        let types: Vec<Type> = std::iter::once(ty).chain(self.types_of(items)).collect();
        // What has no common type is no list: then the comparison that is not there is the error.
        let common = match self.common_type(&types, "IN") {
            Ok(Type::Sql(SqlType::Interval) | Type::Array(_)) | Err(_) => return Ok(None),
            Ok(common) => common,
        };
        if let Some(items) = in_type_of_value(ty, common, items) {
            return Ok(Some((expr.clone(), items)));
        }
        let all: Vec<Expr> = std::iter::once(expr.clone()).chain(items.iter().cloned()).collect();
        let (mut all, _) = self.to_common(all, "IN")?;
        let value = all.remove(0);
        Ok(Some((value, all)))
    }

    /// `expr [NOT] LIKE pattern`.
    pub(crate) fn like(
        &self,
        expr: Expr,
        pattern: Expr,
        negated: bool,
        case_insensitive: bool,
    ) -> Result<Expr, SqlError> {
        let types = [self.type_of(&expr), self.type_of(&pattern)];
        let is_text =
            |ty: Type| ty == Type::Unknown || matches!(ty, Type::Sql(SqlType::Text | SqlType::Varchar { .. }));
        if !types.into_iter().all(is_text) {
            let op = match (negated, case_insensitive) {
                (false, false) => "~~",
                (true, false) => "!~~",
                (false, true) => "~~*",
                (true, true) => "!~~*",
            };
            return Err(errors::no_operator(op, types[0], types[1]));
        }
        let expr = self.coerce(expr, Type::TEXT, CastContext::Implicit)?;
        let pattern = self.coerce(pattern, Type::TEXT, CastContext::Implicit)?;
        Ok(Expr::Like { expr: Box::new(expr), pattern: Box::new(pattern), negated, case_insensitive })
    }

    /// `value op ANY (array)`, `value op ALL (array)`.
    pub(crate) fn any_array(&self, op: &str, left: Expr, array: Expr, all: bool) -> Result<Expr, SqlError> {
        if let Some(kernel) = pattern_kernel(op, all) {
            return self.any_pattern(kernel, op, left, array);
        }
        let compare = comparison(op).filter(|op| op.is_strict());
        let Some(compare) = compare else {
            return Err(SqlError::unsupported(
                format!("{op} with ANY and ALL of an array is not supported"),
                "Comparisons are: = <> < <= > >=. Join with unnest(array) otherwise.",
            ));
        };
        let (left, array) = self.array_side(left, array)?;
        let Type::Array(element) = array.ty() else { return Err(no_array()) };
        let types = [self.type_of(&left), Type::Sql(element)];
        let (left, array) = match self.comparable(compare, types)? {
            [Slot::Numeric, Slot::Numeric] => self.numeric_array_side(left, array)?,
            slots => {
                let ty = meeting(slots).ok_or_else(errors::undetermined)?;
                let element = ty.sql().ok_or_else(errors::undetermined)?;
                self.one_of(left, array, ty, element)?
            }
        };
        let lookup = compare == CompareOp::Eq && !all && is_known_array(&array) && element != SqlType::Interval;
        if lookup {
            return self.registered("array_has", vec![array, left], Declared::Type(Type::BOOLEAN));
        }
        self.registered(kernel(compare, all), vec![left, array], Declared::Type(Type::BOOLEAN))
    }

    /// `value LIKE ANY (array)` and its like.
    fn any_pattern(&self, kernel: &str, op: &str, left: Expr, array: Expr) -> Result<Expr, SqlError> {
        let (left, array) = self.array_side(left, array)?;
        let Type::Array(element) = array.ty() else { return Err(no_array()) };
        let left = self.settle(left)?;
        let is_text = |ty: Type| matches!(ty, Type::Sql(SqlType::Text | SqlType::Varchar { .. }));
        if !is_text(left.ty()) || !is_text(Type::Sql(element)) {
            return Err(errors::no_operator(op, left.ty(), Type::Sql(element)));
        }
        let (left, array) = self.one_of(left, array, Type::TEXT, SqlType::Text)?;
        self.registered(kernel, vec![left, array], Declared::Type(Type::BOOLEAN))
    }

    /// Value and array, of which one tells the type of the other.
    fn array_side(&self, left: Expr, array: Expr) -> Result<(Expr, Expr), SqlError> {
        if self.type_of(&array) != Type::Unknown {
            let array = self.with_known_type(array);
            return Ok((left, array));
        }
        let left = self.settle(left)?;
        let element = match left.ty() {
            Type::Sql(SqlType::Varchar { .. }) => SqlType::Text,
            Type::Sql(element) => element,
            _ => return Err(no_array()),
        };
        if let SqlType::Numeric { scale, .. } = element {
            let elements = literals::text_of(&array).and_then(literals::numeric_elements);
            if let Some(array) = elements.and_then(|elements| constants::numeric_array(&elements)) {
                return Ok((left, array));
            }
            let wide = SqlType::Numeric { precision: 38, scale: scale.max(10) };
            let array = self.coerce(array, Type::Array(wide), CastContext::Implicit)?;
            return Ok((left, array));
        }
        let array = self.coerce(array, Type::Array(element), CastContext::Implicit)?;
        Ok((left, array))
    }

    /// Both in a numeric that holds them; in the value's own if that holds a constant array.
    fn numeric_array_side(&self, left: Expr, array: Expr) -> Result<(Expr, Expr), SqlError> {
        let left = self.numeric(left, None)?;
        if let (Expr::Constant { value, .. }, Type::Sql(own)) = (&array, left.ty())
            && let Some(values) = constants::values(value)
            && let Some(values) = values.iter().map(|v| exactly(v, left.ty())).collect::<Option<Vec<_>>>()
            && let Some(list) = constants::array(&values, own)
        {
            return Ok((left, Expr::constant(list, Type::Array(own))));
        }
        let Type::Array(element) = array.ty() else { return Err(no_array()) };
        let ty = self.common_type(&[left.ty(), Type::Sql(element)], "ANY")?;
        let element = ty.sql().ok_or_else(errors::undetermined)?;
        self.one_of(left, array, ty, element)
    }

    fn one_of(&self, left: Expr, array: Expr, ty: Type, element: SqlType) -> Result<(Expr, Expr), SqlError> {
        let left = self.coerce(left, ty, CastContext::Implicit)?;
        let array = self.coerce(array, Type::Array(element), CastContext::Implicit)?;
        Ok((left, array))
    }
}

/// The items in the type of the value, if they are exact constants that this type has: then the value is not cast,
/// and a key is found by it.
fn in_type_of_value(ty: Type, common: Type, items: &[Expr]) -> Option<Vec<Expr>> {
    digits(ty)?;
    digits(common)?;
    let adapted = items.iter().map(|item| match item {
        Expr::Constant { ty: Type::Unknown, .. } => adapted_literal(item, ty),
        Expr::Constant { value, .. } => exactly(value, ty).map(|value| Expr::constant(value, ty)),
        _ => None,
    });
    adapted.collect()
}

/// A literal of no type in the exact type of the value it is compared with.
fn adapted_literal(item: &Expr, ty: Type) -> Option<Expr> {
    match literals::text_of(item) {
        Some(text) => {
            let Expr::Constant { value, .. } = literals::exact(text)?.into_expr() else { return None };
            // '1.0' is no integer.
            let is_numeric = matches!(ty, Type::Sql(SqlType::Numeric { .. }));
            let value = if is_numeric { constants::without_loss(&value, ty)? } else { return None };
            Some(Expr::constant(value, ty))
        }
        None => Some(Expr::null(ty)),
    }
}

/// The value in an exact type, NULL included.
fn exactly(value: &ScalarValue, ty: Type) -> Option<ScalarValue> {
    if value.is_null() { ScalarValue::try_new_null(&ty.to_arrow()).ok() } else { constants::without_loss(value, ty) }
}

/// Whether lookups may read an array's values: a parameter, or a constant without NULL.
fn is_known_array(array: &Expr) -> bool {
    match array {
        Expr::Parameter { .. } => true,
        Expr::Constant { value, .. } => {
            constants::values(value).is_some_and(|values| values.iter().all(|value| !value.is_null()))
        }
        _ => false,
    }
}

/// The function that matches with every pattern.
fn pattern_kernel(op: &str, all: bool) -> Option<&'static str> {
    Some(match (op, all) {
        ("~~", false) => "any_like",
        ("!~~", false) => "any_not_like",
        ("~~*", false) => "any_ilike",
        ("!~~*", false) => "any_not_ilike",
        ("~~", true) => "all_like",
        ("!~~", true) => "all_not_like",
        ("~~*", true) => "all_ilike",
        ("!~~*", true) => "all_not_ilike",
        _ => return None,
    })
}

/// The function that compares with every element, in three values.
fn kernel(op: CompareOp, all: bool) -> &'static str {
    match (op, all) {
        (CompareOp::NotEq, false) => "any_ne",
        (CompareOp::Lt, false) => "any_lt",
        (CompareOp::LtEq, false) => "any_le",
        (CompareOp::Gt, false) => "any_gt",
        (CompareOp::GtEq, false) => "any_ge",
        (_, false) => "any_eq",
        (CompareOp::NotEq, true) => "all_ne",
        (CompareOp::Lt, true) => "all_lt",
        (CompareOp::LtEq, true) => "all_le",
        (CompareOp::Gt, true) => "all_gt",
        (CompareOp::GtEq, true) => "all_ge",
        (_, true) => "all_eq",
    }
}
