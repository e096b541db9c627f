//! What is replaced, and what it stands for.

use super::*;
use datafusion::arrow::datatypes::{Field, IntervalUnit, Schema, TimeUnit};
use datafusion::logical_expr::{cast, col, lit};

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
        (col("iv").lt(col("iv")), Original::Binary(vec![Operator::Lt])),
        (col("i") + col("i") - col("i"), Original::Binary(vec![Operator::Plus, Operator::Minus])),
        (Expr::Negative(Box::new(col("i"))), Original::Negative),
        (cast(col("f"), DataType::Int32), Original::Cast(DataType::Int32)),
        (cast(col("ts"), DataType::Utf8), Original::Cast(DataType::Utf8)),
    ];
    for (expr, expected) in cases {
        let shown = expr.to_string();
        assert_eq!(stands_for(expr), Some(expected), "{shown}");
    }
}

#[test]
fn what_is_the_same_stays() {
    for expr in
        [col("i").eq(lit(1_i64)), cast(col("i"), DataType::Int32), cast(col("t"), DataType::Int64), col("d") - col("d")]
    {
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
