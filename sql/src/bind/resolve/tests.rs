//! Types of results, which were looked up with `pg_typeof` in PostgreSQL 15, and errors in its words.

use super::*;
use crate::algebra::{Callee, Column, Ids};
use crate::types::SqlType;
use datafusion::common::ScalarValue;

type Parameters = RefCell<Vec<Option<Type>>>;

fn with<T>(f: impl FnOnce(&Resolver<'_>) -> T) -> T {
    let parameters = Parameters::default();
    f(&Resolver { functions: Registry::standard(), parameters: &parameters })
}

fn column(ty: Type) -> Expr {
    Expr::Column(Ids::default().column("c", ty, true))
}

fn of(sql_type: SqlType) -> Expr {
    column(Type::Sql(sql_type))
}

fn text(value: &str) -> Expr {
    Expr::constant(ScalarValue::Utf8(Some(value.to_owned())), Type::Unknown)
}

fn null() -> Expr {
    Expr::constant(ScalarValue::Utf8(None), Type::Unknown)
}

fn numeric(precision: u8, scale: i8) -> SqlType {
    SqlType::Numeric { precision, scale }
}

/// The type of a result, or the message of an error.
fn shown(result: Result<Expr, SqlError>) -> String {
    result.map_or_else(|error| error.message, |expr| expr.ty().to_string())
}

fn binary(left: Expr, op: &str, right: Expr) -> String {
    shown(with(|r| r.binary(op, left, right)))
}

fn call(name: &str, args: Vec<Expr>) -> String {
    shown(with(|r| r.function(name, args)))
}

use SqlType::{BigInt, Boolean, Bytea, Date, Double, Integer, Interval, Real, SmallInt, Text, Timestamp, TimestampTz};

#[test]
fn arithmetic() {
    for (left, op, right, expected) in [
        (text("1"), "+", of(Integer), "integer"),
        (of(SmallInt), "+", of(SmallInt), "smallint"),
        (of(Integer), "+", of(BigInt), "bigint"),
        (of(Integer), "/", of(Integer), "integer"),
        (of(BigInt), "%", of(Integer), "bigint"),
        (of(numeric(10, 2)), "+", of(Integer), "numeric"),
        (of(numeric(10, 2)), "+", of(Double), "double precision"),
        (of(numeric(10, 2)), "+", of(Real), "double precision"),
        (of(Real), "+", of(Real), "real"),
        (of(Real), "+", of(Integer), "double precision"),
        (of(Integer), "^", of(Integer), "double precision"),
        (of(Date), "+", of(Integer), "date"),
        (of(Date), "-", of(Date), "integer"),
        (of(Date), "-", text("2024-01-01"), "integer"),
        (of(Date), "+", of(Interval), "timestamp without time zone"),
        (of(TimestampTz), "-", of(TimestampTz), "interval"),
        (of(Timestamp), "-", of(Date), "interval"),
        (of(Interval), "*", text("2"), "interval"),
        (of(Integer), "*", of(Interval), "interval"),
        (of(Interval), "/", of(Integer), "interval"),
        (of(Integer), "&", of(BigInt), "bigint"),
        (of(BigInt), "<<", of(Integer), "bigint"),
        (text("1"), "+", text("2"), "operator is not unique: unknown + unknown"),
        (of(Text), "+", of(Integer), "operator does not exist: text + integer"),
        (text("x"), "+", of(Integer), "invalid input syntax for type integer: \"x\""),
    ] {
        assert_eq!(binary(left.clone(), op, right.clone()), expected, "{left} {op} {right}");
    }
}

#[test]
fn concatenation() {
    let integers = || column(Type::Array(Integer));
    assert_eq!(binary(text("a"), "||", of(Integer)), "text");
    assert_eq!(binary(of(Integer), "||", text("a")), "text");
    assert_eq!(binary(of(Integer), "||", of(Integer)), "operator does not exist: integer || integer");
    assert_eq!(binary(text("a"), "||", text("b")), "text");
    assert_eq!(binary(of(Bytea), "||", of(Bytea)), "bytea");
    assert_eq!(binary(text("\\x01"), "||", of(Bytea)), "bytea");
    assert_eq!(binary(of(Bytea), "||", null()), "bytea");
    assert_eq!(binary(integers(), "||", of(Integer)), "integer[]");
    assert_eq!(binary(integers(), "||", text("{2}")), "integer[]");
    assert_eq!(binary(of(Integer), "||", integers()), "integer[]");
}

#[test]
fn comparisons_cast_the_constant() {
    let compared = |left: Expr, op: &str, right: Expr| with(|r| r.binary(op, left, right)).unwrap();
    let right = |expr: Expr| match expr {
        Expr::Compare { left, right, .. } => {
            assert!(matches!(*left, Expr::Column(_)), "{left} was cast");
            *right
        }
        other => panic!("{other}"),
    };
    let five = || number("5").unwrap();
    let constant = |value, sql_type: SqlType| Expr::constant(value, Type::Sql(sql_type));
    assert_eq!(right(compared(of(BigInt), "=", five())), constant(ScalarValue::Int64(Some(5)), BigInt));
    assert_eq!(right(compared(of(SmallInt), "=", five())), constant(ScalarValue::Int16(Some(5)), SmallInt));
    assert_eq!(right(compared(of(BigInt), "<", text("7"))), constant(ScalarValue::Int64(Some(7)), BigInt));
    let money = numeric(10, 2);
    let cents = |cents| constant(ScalarValue::Decimal128(Some(cents), 10, 2), money);
    assert_eq!(right(compared(of(money), "=", number("1.5").unwrap())), cents(150));
    assert_eq!(right(compared(of(money), "=", text("1.5"))), cents(150));
    // More digits than the column has: the column is compared in a wider type.
    let wider = compared(of(money), "=", text("1.255"));
    assert!(matches!(&wider, Expr::Compare { left, .. } if matches!(**left, Expr::Cast { .. })), "{wider}");
    let day = right(compared(of(Timestamp), ">", with(|r| r.cast(text("2024-01-01"), Type::Sql(Date))).unwrap()));
    assert_eq!(day, constant(ScalarValue::TimestampMicrosecond(Some(1_704_067_200_000_000), None), Timestamp));
    assert_eq!(binary(of(Text), "=", of(Integer)), "operator does not exist: text = integer");
    assert_eq!(binary(of(Boolean), "=", text("t")), "boolean");
    assert_eq!(binary(text("a"), "<", text("b")), "boolean");
}

#[test]
fn a_constant_beyond_the_type_changes_the_comparison() {
    let compared = |op: &str, constant: &str| {
        with(|r| r.binary(op, of(numeric(38, 10)), number(constant).unwrap())).unwrap().to_string()
    };
    assert!(compared("<", "1.12345678905").contains("<="), "{}", compared("<", "1.12345678905"));
    assert!(compared("=", "1.12345678905").contains("IS NULL"));
    assert!(compared(">", "123456789012345678901234567890").contains('>'));
}

#[test]
fn functions() {
    let numbers = of(numeric(10, 2));
    for (name, args, expected) in [
        ("round", vec![numbers.clone()], "numeric"),
        ("round", vec![of(Integer)], "double precision"),
        ("round", vec![numbers, of(Integer)], "numeric"),
        ("round", vec![of(Double), of(Integer)], "function round(double precision, integer) does not exist"),
        ("abs", vec![text("-1")], "double precision"),
        ("abs", vec![of(SmallInt)], "smallint"),
        ("mod", vec![of(Integer), of(BigInt)], "bigint"),
        ("sqrt", vec![of(Integer)], "double precision"),
        ("length", vec![text("a")], "integer"),
        ("length", vec![of(Integer)], "function length(integer) does not exist"),
        ("lower", vec![of(SqlType::Varchar { limit: Some(3) })], "text"),
        ("substr", vec![text("abc"), of(Integer)], "text"),
        ("repeat", vec![text("a"), of(BigInt)], "function repeat(unknown, bigint) does not exist"),
        ("chr", vec![text("65")], "text"),
        ("date_trunc", vec![text("day"), of(Date)], "timestamp with time zone"),
        ("date_trunc", vec![text("day"), text("x")], "function date_trunc(unknown, unknown) is not unique"),
        ("date_trunc", vec![text("day"), of(Timestamp)], "timestamp without time zone"),
        ("date_part", vec![text("year"), of(Date)], "double precision"),
        ("concat", vec![of(Integer), of(Boolean), text("a")], "text"),
        ("concat", vec![], "function concat() does not exist"),
        ("coalesce", vec![of(Integer), of(numeric(3, 1))], "numeric"),
        ("coalesce", vec![null(), text("a")], "text"),
        ("coalesce", vec![of(Integer), text("0")], "integer"),
        ("coalesce", vec![of(Integer), of(Text)], "COALESCE types integer and text cannot be matched"),
        ("nullif", vec![of(SmallInt), of(Integer)], "smallint"),
        ("nullif", vec![of(Integer), of(numeric(3, 1))], "numeric"),
        ("nullif", vec![of(Real), of(Double)], "real"),
        ("nullif", vec![of(Date), of(Timestamp)], "date"),
        ("nullif", vec![text("1.5"), of(numeric(3, 1))], "numeric"),
        ("nullif", vec![of(Integer), of(Text)], "operator does not exist: integer = text"),
        ("like_escape", vec![text("a!_"), text("!")], "text"),
        ("array_lower", vec![column(Type::Array(Integer)), of(Integer)], "integer"),
        ("greatest", vec![of(Integer), of(Double)], "double precision"),
        ("greatest", vec![of(Interval), of(Interval)], "interval"),
        ("text", vec![of(Integer)], "text"),
        ("int8", vec![text("5")], "bigint"),
        ("array_length", vec![column(Type::Array(Integer)), of(Integer)], "integer"),
        ("array_append", vec![column(Type::Array(Integer)), of(BigInt)], "bigint[]"),
        ("md5", vec![text("a")], "text"),
        ("nosuch", vec![of(Integer)], "function nosuch(integer) does not exist"),
        ("substr", vec![of(Text)], "function substr(text) does not exist"),
        ("substring", vec![of(Text)], "function substring(text) does not exist"),
        (
            "extract",
            vec![Expr::constant(ScalarValue::Utf8(Some("year".to_owned())), Type::TEXT), of(Text)],
            "function pg_catalog.extract(unknown, text) does not exist",
        ),
    ] {
        assert_eq!(call(name, args.clone()), expected, "{name}({args:?})");
    }
    let error = with(|r| r.function("lenght", vec![text("a")])).unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("Did you mean \"length\"?"));
}

/// The name of the function that a call became; `case` for a CASE.
fn computed_by(expr: &Expr) -> &str {
    match expr {
        Expr::Call { callee: Callee::Function(function), .. } => function.name(),
        Expr::Case { .. } => "case",
        other => panic!("{other}"),
    }
}

#[test]
fn functions_are_computed_as_in_postgres() {
    let by = |name: &str, args: Vec<Expr>| with(|r| r.function(name, args)).map(|e| computed_by(&e).to_owned());
    assert_eq!(by("round", vec![of(Double)]).unwrap(), "rint");
    assert_eq!(by("round", vec![of(numeric(5, 2))]).unwrap(), "round");
    assert_eq!(by("date_part", vec![text("second"), of(Timestamp)]).unwrap(), "date_part_double");
    assert_eq!(by("greatest", vec![of(Interval), of(Interval)]).unwrap(), "greatest");
}

fn subquery() -> Expr {
    let kind = crate::algebra::SubqueryKind::Exists;
    Expr::Subquery(Box::new(crate::algebra::Subquery { kind, rel: crate::algebra::Rel::Unit }))
}

fn parts(expr: &Expr) -> usize {
    let mut count = 0;
    expr.visit(&mut |_| count += 1);
    count
}

#[test]
fn coalesce_is_a_case_only_where_a_later_value_may_fail() {
    let by = |args: Vec<Expr>| computed_by(&with(|r| r.function("coalesce", args)).unwrap()).to_owned();
    let quotient = || with(|r| r.binary("/", number("1").unwrap(), of(Integer))).unwrap();
    assert_eq!(by(vec![of(Integer), number("0").unwrap()]), "coalesce");
    assert_eq!(by(vec![quotient(), of(Integer)]), "coalesce");
    assert_eq!(by(vec![of(Integer), of(BigInt), text("7")]), "coalesce");
    assert_eq!(by(vec![of(Integer), quotient()]), "case");
    // What must not be there twice.
    assert_eq!(by(vec![subquery(), Expr::Not(Box::new(of(Boolean)))]), "coalesce");
    assert_eq!(by(vec![of(Boolean), subquery()]), "coalesce");
    // A value with NULL before it is that value.
    assert_eq!(with(|r| r.function("coalesce", vec![null(), of(Integer)])).unwrap().ty(), Type::INTEGER);

    let mut nested = of(Integer);
    for _ in 0..50 {
        nested = with(|r| r.function("coalesce", vec![nested, quotient()])).unwrap();
    }
    assert!(parts(&nested) < 1_000, "{}", parts(&nested));
}

#[test]
fn nullif_repeats_no_more_than_a_value() {
    let made = |args: Vec<Expr>| with(|r| r.function("nullif", args)).unwrap();
    assert_eq!(computed_by(&made(vec![of(Integer), number("0").unwrap()])), "case");
    let sum = || with(|r| r.binary("+", of(Integer), of(Integer))).unwrap();
    let call = made(vec![sum(), of(BigInt)]);
    assert_eq!((computed_by(&call), call.ty()), ("nullif", Type::INTEGER));
    let once = made(vec![subquery(), of(Boolean)]);
    let count = std::cell::Cell::new(0);
    once.visit(&mut |part| count.set(count.get() + usize::from(matches!(part, Expr::Subquery(_)))));
    assert_eq!(count.get(), 1);
    // A numeric keeps its digits, whatever it is compared with.
    assert_eq!(made(vec![of(numeric(10, 1)), of(numeric(10, 3))]).ty(), Type::Sql(numeric(10, 1)));
}

#[test]
fn aggregates_and_windows() {
    let aggregate = |name: &str, args: Vec<Expr>| {
        let call = with(|r| r.aggregate(name, args, false, None, Vec::new(), false));
        call.map_or_else(|error| error.message, |call| call.ty.to_string())
    };
    assert_eq!(aggregate("sum", vec![of(Integer)]), "bigint");
    assert_eq!(aggregate("sum", vec![of(BigInt)]), "numeric");
    assert_eq!(aggregate("sum", vec![of(Real)]), "real");
    assert_eq!(aggregate("sum", vec![of(numeric(10, 2))]), "numeric");
    assert_eq!(aggregate("sum", vec![text("1")]), "function sum(unknown) is not unique");
    assert_eq!(aggregate("avg", vec![of(Integer)]), "numeric");
    assert_eq!(aggregate("avg", vec![of(Real)]), "double precision");
    assert_eq!(aggregate("min", vec![of(SqlType::Varchar { limit: None })]), "text");
    assert_eq!(aggregate("min", vec![of(Boolean)]), "function min(boolean) does not exist");
    assert_eq!(aggregate("count", vec![text("a")]), "bigint");
    assert_eq!(aggregate("string_agg", vec![of(Text), text(",")]), "text");
    assert_eq!(aggregate("array_agg", vec![of(Date)]), "date[]");
    assert_eq!(aggregate("bool_and", vec![of(Integer)]), "function bool_and(integer) does not exist");
    assert_eq!(aggregate("stddev", vec![of(Integer)]), "numeric");
    assert_eq!(aggregate("stddev", vec![of(Double)]), "double precision");

    let window = |name: &str, args: Vec<Expr>| {
        with(|r| r.window(name, args)).map_or_else(|error| error.message, |(_, _, ty, _)| ty.to_string())
    };
    assert_eq!(window("row_number", vec![]), "bigint");
    assert_eq!(window("ntile", vec![number("3").unwrap()]), "integer");
    assert_eq!(window("lag", vec![of(Date), number("1").unwrap()]), "date");
    assert_eq!(window("rank", vec![of(Date)]), "function rank(date) does not exist");
}

#[test]
fn lists_and_arrays() {
    let one = || number("1").unwrap();
    let listed = with(|r| r.in_list(of(BigInt), vec![one(), text("2"), null()], false)).unwrap();
    assert!(matches!(&listed, Expr::InList { expr, list, .. } if expr.as_column().is_some() && list.len() == 3));
    let single = with(|r| r.in_list(of(BigInt), vec![one()], true)).unwrap();
    assert!(matches!(single, Expr::Compare { op: crate::algebra::CompareOp::NotEq, .. }));
    let mixed = with(|r| r.in_list(of(Integer), vec![of(Text), one()], false));
    assert_eq!(shown(mixed), "operator does not exist: integer = text");
    let looked_up = with(|r| {
        let array = r.parameter(0);
        let call = r.any_array("=", of(BigInt), array, false).unwrap();
        assert_eq!(*r.parameters.borrow(), vec![Some(Type::Array(BigInt))]);
        call
    });
    assert!(matches!(&looked_up, Expr::Call { callee: Callee::Function(f), .. } if f.name() == "array_has"));
    let array = with(|r| r.array(vec![one(), number("2.5").unwrap()])).unwrap();
    assert_eq!(array.ty(), Type::Array(numeric(11, 1)));
    assert_eq!(shown(with(|r| r.any_array("=", of(Integer), of(Integer), false))), {
        "op ANY/ALL (array) requires array on right side"
    });
    assert_eq!(shown(with(|r| r.like(of(Integer), text("a"), false, false))), {
        "operator does not exist: integer ~~ unknown"
    });
}

#[test]
fn casts() {
    let cast = |expr: Expr, ty: Type| shown(with(|r| r.written_cast(expr, ty)));
    assert_eq!(cast(text("2024-01-01"), Type::Sql(Date)), "date");
    assert_eq!(cast(of(Integer), Type::Sql(Date)), "cannot cast type integer to date");
    assert_eq!(cast(null(), Type::INTEGER), "integer");
    assert_eq!(cast(text("x"), Type::INTEGER), "invalid input syntax for type integer: \"x\"");
    let kept = with(|r| r.written_cast(text("1.50"), Type::NUMERIC)).unwrap();
    assert_eq!(kept.ty(), Type::Sql(numeric(3, 2)));
    let exactly = with(|r| r.cast(of(numeric(5, 2)), Type::NUMERIC)).unwrap();
    assert_eq!(exactly.ty(), Type::NUMERIC);
    let cut = with(|r| r.written_cast(text("abcd"), Type::Sql(SqlType::Varchar { limit: Some(2) }))).unwrap();
    assert!(matches!(cut, Expr::Constant { value: ScalarValue::Utf8(Some(t)), .. } if t == "ab"));
}

#[test]
fn a_parameter_gets_the_type_of_its_use() {
    let told = |f: &dyn Fn(&Resolver<'_>)| {
        with(|r| {
            f(r);
            r.parameters.borrow().clone()
        })
    };
    let plus = told(&|r| drop(r.binary("+", r.parameter(0), of(BigInt)).unwrap()));
    assert_eq!(plus, vec![Some(Type::BIGINT)]);
    let twice = told(&|r| {
        let (a, b) = (r.parameter(1), r.parameter(1));
        drop(r.binary("=", of(Integer), a).unwrap());
        assert_eq!(r.settle(b).unwrap().ty(), Type::INTEGER);
    });
    assert_eq!(twice, vec![None, Some(Type::INTEGER)]);
    let boolean = with(|r| r.boolean(of(Integer), "WHERE")).unwrap_err();
    assert_eq!(boolean.message, "argument of WHERE must be type boolean, not type integer");
}

#[test]
fn columns_keep_their_ids() {
    let column = Column { id: Ids::default().fresh(), name: "c".into(), ty: Type::TEXT, nullable: false };
    let same = with(|r| r.cast(Expr::Column(column.clone()), Type::Sql(SqlType::Varchar { limit: None }))).unwrap();
    assert_eq!(same.as_column(), Some(&column));
}
