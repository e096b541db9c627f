//! Calls of functions and operators, whose operands and results get exactly the types that they must have.

use super::expr::binary;
use super::fault;
use attune_sql::operators;
use attune_sql::{SqlError, SqlState};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::type_coercion::functions::{UDFCoercionExt, fields_with_udf};
use datafusion::logical_expr::{Cast, Expr as DfExpr, Operator, ReturnFieldArgs, ScalarUDF};
use std::sync::Arc;

/// An expression with its Arrow type.
pub(super) type Typed = (DfExpr, DataType);

/// A call of one of our kernels, which take their operands as they are and give what they were made for.
pub(super) fn kernel(function: Arc<ScalarUDF>, args: Vec<DfExpr>) -> DfExpr {
    DfExpr::ScalarFunction(ScalarFunction::new_udf(function, args))
}

/// A call of a function. Arguments get the Arrow types that it takes (another form of the same values), the result the type
/// that it has in SQL.
pub(super) fn function(function: &Arc<ScalarUDF>, args: Vec<Typed>, returns: &DataType) -> Result<DfExpr, SqlError> {
    let (args, arg_fields) = arguments(function.as_ref(), args)?;
    let constants: Vec<Option<&ScalarValue>> = args.iter().map(constant).collect();
    let fields = ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &constants };
    let given = function.return_field_from_args(fields).map_err(fault)?;
    let call = kernel(Arc::clone(function), args);
    Ok(cast(call, given.data_type(), returns))
}

/// The arguments of a call in the types that the function takes.
pub(super) fn arguments<F: UDFCoercionExt>(
    function: &F,
    args: Vec<Typed>,
) -> Result<(Vec<DfExpr>, Vec<FieldRef>), SqlError> {
    let field = |(_, data_type): &Typed| Arc::new(Field::new("argument", data_type.clone(), true));
    let fields: Vec<FieldRef> = args.iter().map(field).collect();
    let taken = fields_with_udf(&fields, function).map_err(|_| {
        let types: Vec<String> = args.iter().map(|(_, data_type)| data_type.to_string()).collect();
        let message = format!("function {}({}) does not exist", function.name(), types.join(", "));
        SqlError::new(SqlState::UndefinedFunction, message)
    })?;
    let cast = |((value, from), field): (Typed, &FieldRef)| coerced(value, &from, field.data_type());
    Ok((args.into_iter().zip(&taken).map(cast).collect(), taken))
}

fn constant(expr: &DfExpr) -> Option<&ScalarValue> {
    match expr {
        DfExpr::Literal(value, _) => Some(value),
        _ => None,
    }
}

/// A value in another form. Constants stay constants, since some functions want to see them.
fn coerced(value: DfExpr, from: &DataType, to: &DataType) -> DfExpr {
    match value {
        value if from == to => value,
        DfExpr::Literal(constant, metadata) => match constant.cast_to(to) {
            Ok(constant) => DfExpr::Literal(constant, metadata),
            Err(_) => cast(DfExpr::Literal(constant, metadata), from, to),
        },
        value => cast(value, from, to),
    }
}

/// A cast as Postgres has it; none between equal types.
pub(super) fn cast(value: DfExpr, from: &DataType, to: &DataType) -> DfExpr {
    if from == to {
        return value;
    }
    match operators::cast(from, to) {
        Some(cast) => kernel(cast, vec![value]),
        None => DfExpr::Cast(Cast::new(Box::new(value), to.clone())),
    }
}

/// A binary operator: our kernel where there is one, else DataFusion's operator.
pub(super) fn operator(
    (left, left_type): Typed,
    op: Operator,
    (right, right_type): Typed,
    returns: &DataType,
) -> Result<DfExpr, SqlError> {
    if let Some(function) = operators::binary(&left_type, op, &right_type, returns) {
        return Ok(kernel(function, vec![left, right]));
    }
    let coercer = BinaryTypeCoercer::new(&left_type, &op, &right_type);
    let (wanted_left, wanted_right) = coercer.get_input_types().map_err(fault)?;
    let given = coercer.get_result_type().map_err(fault)?;
    let both = binary(coerced(left, &left_type, &wanted_left), op, coerced(right, &right_type, &wanted_right));
    Ok(cast(both, &given, returns))
}
