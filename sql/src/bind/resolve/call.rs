//! Calls of functions of the registry: their arguments get the Arrow types that the implementation takes.
//!
//! An implementation may take fewer types than Postgres declares (`bigint` for `integer`), and give another Arrow
//! type than the declared one; where the call is computed, its result is cast to the declared one.

use super::slot::Slot;
use super::{CastContext, Resolver, errors};
use crate::algebra::{Callee, Expr, Type};
use crate::binder::map_datafusion_error;
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::type_coercion::functions::{UDFCoercionExt, fields_with_udf};
use datafusion::logical_expr::{ReturnFieldArgs, ScalarUDF};
use std::sync::Arc;

/// The type that a call has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Declared {
    /// This one.
    Type(Type),
    /// That of a table's entry: a numeric has the precision that the implementation gives.
    Slot(Slot),
    /// What the implementation gives.
    Found,
}

impl Resolver<'_> {
    /// A call of a function of the registry by its name there.
    pub(super) fn registered(&self, name: &str, args: Vec<Expr>, declared: Declared) -> Result<Expr, SqlError> {
        match self.functions.scalar(name) {
            Some(function) => self.call(function, name, args, declared),
            None => Err(errors::not_computed(&format!("function {name}"), &self.types_of(&args))),
        }
    }

    /// A call of a function under the name that the user knows it by.
    pub(super) fn call(
        &self,
        function: &Arc<ScalarUDF>,
        name: &str,
        args: Vec<Expr>,
        declared: Declared,
    ) -> Result<Expr, SqlError> {
        let args = self.implementation_args(&**function, name, args)?;
        let fields = fields(&args);
        let constants: Vec<Option<&ScalarValue>> = args.iter().map(constant).collect();
        let returned =
            function.return_field_from_args(ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &constants });
        let returned = returned.map_err(|error| refusal(&error, name, &args))?;
        let ty = result_type(declared, returned.data_type(), name)?;
        Ok(Expr::Call { callee: Callee::Function(Arc::clone(function)), args, ty })
    }

    /// The arguments in the types that an implementation takes.
    pub(super) fn implementation_args<F: UDFCoercionExt>(
        &self,
        function: &F,
        name: &str,
        args: Vec<Expr>,
    ) -> Result<Vec<Expr>, SqlError> {
        let given = fields(&args);
        let wanted = fields_with_udf(&given, function).map_err(|error| refusal(&error, name, &args))?;
        if let Some(types) = expressible(&given, &wanted) {
            return self.changed(args, &types);
        }
        // It would rather have another form of texts: then it may take this one beside bigints.
        let widened: Vec<FieldRef> = given.iter().map(widened).collect();
        let wanted = fields_with_udf(&widened, function).map_err(|error| refusal(&error, name, &args))?;
        match expressible(&given, &wanted) {
            Some(types) => self.changed(args, &types),
            None => Err(errors::not_computed(&format!("function {name}"), &self.types_of(&args))),
        }
    }

    fn changed(&self, args: Vec<Expr>, types: &[Option<Type>]) -> Result<Vec<Expr>, SqlError> {
        args.into_iter()
            .zip(types)
            .map(|(arg, ty)| match ty {
                Some(ty) => self.coerce(arg, *ty, CastContext::Explicit),
                None => Ok(arg),
            })
            .collect()
    }
}

/// The fields of arguments, as DataFusion looks at them.
pub(super) fn fields(args: &[Expr]) -> Vec<FieldRef> {
    args.iter().map(|arg| Arc::new(Field::new("", arg.ty().to_arrow(), arg.nullable()))).collect()
}

fn constant(arg: &Expr) -> Option<&ScalarValue> {
    match arg {
        Expr::Constant { value, .. } => Some(value),
        _ => None,
    }
}

fn widened(field: &FieldRef) -> FieldRef {
    match field.data_type() {
        DataType::Int16 | DataType::Int32 => Arc::new(Field::new(field.name(), DataType::Int64, field.is_nullable())),
        _ => Arc::clone(field),
    }
}

/// For each argument the type to cast it to, or `None` if it stays. No result if a type is none of SQL, or of another
/// kind: only Postgres' rules make a text of a number.
fn expressible(given: &[FieldRef], wanted: &[FieldRef]) -> Option<Vec<Option<Type>>> {
    if given.len() != wanted.len() {
        return None;
    }
    given.iter().zip(wanted).map(|(given, wanted)| change(given.data_type(), wanted.data_type())).collect()
}

#[allow(clippy::option_option)]
fn change(given: &DataType, wanted: &DataType) -> Option<Option<Type>> {
    if given == wanted {
        return Some(None);
    }
    let (from, to) = (Type::from_arrow(given)?, Type::from_arrow(wanted)?);
    // Names of list fields differ; the values do not.
    if from == to && matches!(from, Type::Array(_)) {
        return Some(None);
    }
    (to.to_arrow() == *wanted && from.category() == to.category()).then_some(Some(to))
}

/// The type of a call whose implementation gives `returned`.
pub(super) fn result_type(declared: Declared, returned: &DataType, name: &str) -> Result<Type, SqlError> {
    let found = Type::from_arrow(returned);
    match declared {
        Declared::Type(ty) => Ok(ty),
        Declared::Slot(Slot::Numeric) => Ok(match found {
            // Where only floats are implemented, a float is what there is.
            Some(Type::Sql(SqlType::Real | SqlType::Double)) => Type::DOUBLE,
            Some(found) => match super::common::digits(found) {
                Some((precision, scale)) => Type::Sql(SqlType::Numeric { precision, scale }),
                None => Type::NUMERIC,
            },
            None => Type::NUMERIC,
        }),
        Declared::Slot(slot) => slot.ty().ok_or_else(|| SqlError::internal(format!("{name} has no type"))),
        Declared::Found => found.ok_or_else(|| {
            SqlError::unsupported(
                format!("the result of function {name} has a type that SQL does not have here"),
                "docs/sql.md lists the functions and types there are.",
            )
        }),
    }
}

/// Why a function does not take its arguments: in its own words if they are ours, else that there is no such function.
pub(super) fn refusal(error: &DataFusionError, name: &str, args: &[Expr]) -> SqlError {
    if let DataFusionError::External(_) = error.find_root() {
        let mapped = map_datafusion_error(error);
        if mapped.state != SqlState::InternalError {
            return mapped;
        }
    }
    let types: Vec<Type> = args.iter().map(Expr::ty).collect();
    errors::no_function(name, &types)
}
