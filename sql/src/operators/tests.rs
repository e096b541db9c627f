//! What is replaced, what it stands for, and what it computes.

use super::*;
use crate::types::text::{read_value, write_value};
use crate::types::{PLAIN_NUMERIC, SqlType};
use datafusion::arrow::datatypes::{Field, IntervalUnit, Schema, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::logical_expr::{ReturnFieldArgs, ScalarFunctionArgs, cast, col, lit};

fn schema() -> DFSchema {
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, None);
    let fields = [
        ("i", DataType::Int64),
        ("f", DataType::Float64),
        ("t", DataType::Utf8),
        ("d", DataType::Date32),
        ("ts", timestamp),
        ("iv", DataType::Interval(IntervalUnit::MonthDayNano)),
    ];
    DFSchema::try_from(Schema::new(fields.map(|(name, t)| Field::new(name, t, true)).to_vec())).unwrap()
}

/// What the function in place of `expr` stands for.
fn stands_for(expr: Expr) -> Option<Original> {
    match replace_all(expr, &schema()).unwrap() {
        Expr::ScalarFunction(call) => original(&call.func),
        _ => None,
    }
}

#[test]
fn what_differs_is_replaced_and_comes_back() {
    let cases = [
        (col("i") + col("i"), Original::Binary(vec![Operator::Plus])),
        (col("f") / col("f"), Original::Binary(vec![Operator::Divide])),
        (col("ts") - col("d"), Original::Binary(vec![Operator::Minus])),
        (col("d") + col("iv"), Original::Binary(vec![Operator::Plus])),
        (col("d") + col("i"), Original::Binary(vec![Operator::Plus])),
        (col("iv").lt(col("iv")), Original::Binary(vec![Operator::Lt])),
        (col("i") + col("i") - col("i"), Original::Binary(vec![Operator::Plus, Operator::Minus])),
        (Expr::Negative(Box::new(col("i"))), Original::Negative),
        (Expr::Negative(Box::new(col("f"))), Original::Negative),
        (cast(col("f"), DataType::Int32), Original::Cast(DataType::Int32)),
        (cast(col("ts"), DataType::Utf8), Original::Cast(DataType::Utf8)),
        (cast(col("t"), DataType::Int64), Original::Cast(DataType::Int64)),
        (cast(col("i"), DataType::Int32), Original::Cast(DataType::Int32)),
    ];
    for (expr, expected) in cases {
        let shown = expr.to_string();
        assert_eq!(stands_for(expr), Some(expected), "{shown}");
    }
}

#[test]
fn what_is_the_same_stays() {
    for expr in [col("i").eq(lit(1_i64)), cast(col("i"), DataType::Float64), col("d") - col("d")] {
        assert_eq!(replace(expr.clone(), &schema()).unwrap().data, expr);
    }
}

#[test]
fn columns_keep_their_names() {
    let sum = replace(col("i") + col("i"), &schema()).unwrap().data;
    assert_eq!(sum.schema_name().to_string(), "i + i");
    let text = replace(cast(col("f"), DataType::Utf8), &schema()).unwrap().data;
    assert_eq!(text.schema_name().to_string(), "f");
}

#[test]
fn a_kernel_knows_its_types() {
    let numeric = DataType::Decimal128(38, 20);
    let function = binary(&PLAIN_NUMERIC.to_arrow(), Operator::Multiply, &PLAIN_NUMERIC.to_arrow(), &numeric).unwrap();
    assert_eq!(returns(&function), Some(numeric));
    assert_eq!(original(&function), Some(Original::Binary(vec![Operator::Multiply])));
    let days = binary(&DataType::Date32, Operator::Minus, &DataType::Date32, &DataType::Int32).unwrap();
    assert_eq!(returns(&days), Some(DataType::Int32));
    assert!(binary(&DataType::Int64, Operator::Eq, &DataType::Int64, &DataType::Boolean).is_none());
}

/// Calls a function with constants.
fn call_with(function: &ScalarUDF, arguments: &[(&str, SqlType)]) -> Result<String> {
    let values: Vec<ScalarValue> =
        arguments.iter().map(|(text, sql_type)| read_value(text, *sql_type).unwrap()).collect();
    let fields: Vec<_> = values.iter().map(|value| Arc::new(Field::new("a", value.data_type(), true))).collect();
    let scalars: Vec<_> = values.iter().map(Some).collect();
    let return_field =
        function.return_field_from_args(ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &scalars })?;
    let result = function.invoke_with_args(ScalarFunctionArgs {
        args: values.into_iter().map(ColumnarValue::Scalar).collect(),
        arg_fields: fields,
        number_rows: 1,
        return_field: Arc::clone(&return_field),
        config_options: Arc::new(ConfigOptions::default()),
    })?;
    let array = result.to_array(1)?;
    assert_eq!(array.data_type(), return_field.data_type());
    let mut out = String::new();
    write_value(&mut out, array.as_ref(), 0).unwrap();
    Ok(out)
}

/// Expected values are those of PostgreSQL 15.
#[test]
fn operators_between_times_have_postgres_types() {
    use Operator::{Divide, Minus, Multiply, Plus};
    use SqlType::{BigInt, Date, Double, Integer, Interval, Timestamp, TimestampTz};
    for (left, op, right, expected) in [
        (("2024-02-28", Date), Plus, ("1", Integer), "2024-02-29"),
        (("1", BigInt), Plus, ("9999-12-31", Date), "10000-01-01"),
        (("2024-03-01", Date), Minus, ("1", Integer), "2024-02-29"),
        (("2024-03-01", Date), Minus, ("2024-02-01", Date), "29"),
        (("2024-03-01", Date), Plus, ("1 hour", Interval), "2024-03-01 01:00:00"),
        (("9999-12-31 23:00", Timestamp), Plus, ("1 hour", Interval), "10000-01-01 00:00:00"),
        (("1 month", Interval), Plus, ("1500-01-31", TimestampTz), "1500-02-28 00:00:00+00"),
        (("9999-12-31", Timestamp), Minus, ("1500-01-01 12:00", Timestamp), "3104559 days 12:00:00"),
        (("1 day", Interval), Plus, ("-1 hour", Interval), "1 day -01:00:00"),
        (("1 day", Interval), Multiply, ("3", BigInt), "3 days"),
        (("1.5", Double), Multiply, ("1 day", Interval), "1 day 12:00:00"),
        (("1 day", Interval), Divide, ("2", Double), "12:00:00"),
    ] {
        let function = binary(&left.1.to_arrow(), op, &right.1.to_arrow(), &DataType::Null).unwrap();
        assert_eq!(call_with(&function, &[left, right]).unwrap(), expected, "{left:?} {op} {right:?}");
    }
}

#[test]
fn numbers_overflow_in_postgres_words() {
    let code = |op, left: (&str, SqlType), right: (&str, SqlType), returns: SqlType| {
        let error = call_with(&arithmetic(op, returns.to_arrow()), &[left, right]).unwrap_err();
        let error = crate::binder::map_datafusion_error(&error);
        (error.state.code(), error.message)
    };
    let int = SqlType::Integer;
    assert_eq!(
        code(Operator::Plus, ("2147483647", int), ("1", int), int),
        ("22003", "integer out of range".to_owned())
    );
    assert_eq!(code(Operator::Divide, ("1", int), ("0", int), int), ("22012", "division by zero".to_owned()));
    let double = SqlType::Double;
    assert_eq!(
        code(Operator::Multiply, ("1e200", double), ("1e200", double), double),
        ("22003", "value out of range: overflow".to_owned())
    );
    let infinity = ("Infinity", double);
    let nothing = call_with(&arithmetic(Operator::Minus, double.to_arrow()), &[infinity, infinity]);
    assert_eq!(nothing.unwrap(), "NaN");
    assert_eq!(call_with(&negate(&double.to_arrow()).unwrap(), &[("0", double)]).unwrap(), "0");
}
