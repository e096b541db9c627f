//! Parameters and single expressions.

use super::*;

#[test]
fn parameters_get_types_from_their_use() {
    let mut out = String::new();
    for sql in [
        "SELECT * FROM spend WHERE household_id = $1",
        "SELECT * FROM spend WHERE household_id = $2 AND total > $1 LIMIT $3 OFFSET $4",
        "SELECT $1::bigint, $2",
        "SELECT * FROM spend WHERE household_id = ANY($1)",
        "SELECT * FROM products WHERE category IN ($1, $2) AND name LIKE $3",
        "SELECT * FROM purchases WHERE ts BETWEEN $1 AND $2 AND ts > $3::timestamptz",
        "SELECT coalesce(n, $1) FROM spend WHERE n IN (SELECT n FROM affinity WHERE category = $2)",
        "SELECT n + $1 FROM spend",
        "SELECT 1",
    ] {
        let bound = bind(sql).map(|b| (parameter_arrow_types(&b.plan), b.parameters));
        let text = match bound {
            Ok((Ok(in_plan), parameters)) => {
                let all: Vec<Option<_>> = parameters.iter().cloned().map(Some).collect();
                assert_eq!(all, in_plan, "{sql}");
                parameters.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
            Ok((Err(e), _)) | Err(e) => error_text(&e),
        };
        writeln!(out, "{sql}\n  => {text}").expect("a string");
    }
    expect![[r#"
        SELECT * FROM spend WHERE household_id = $1
          => Int64
        SELECT * FROM spend WHERE household_id = $2 AND total > $1 LIMIT $3 OFFSET $4
          => Float64, Int64, Int64, Int64
        SELECT $1::bigint, $2
          => Int64, Utf8
        SELECT * FROM spend WHERE household_id = ANY($1)
          => List(Int64)
        SELECT * FROM products WHERE category IN ($1, $2) AND name LIKE $3
          => Utf8, Utf8, Utf8
        SELECT * FROM purchases WHERE ts BETWEEN $1 AND $2 AND ts > $3::timestamptz
          => Timestamp(µs), Timestamp(µs), Timestamp(µs, "+00:00")
        SELECT coalesce(n, $1) FROM spend WHERE n IN (SELECT n FROM affinity WHERE category = $2)
          => Int64, Utf8
        SELECT n + $1 FROM spend
          => Int64
        SELECT 1
          => 
    "#]]
    .assert_eq(&out);
}

#[test]
fn declared_types_win_and_values_are_put_in() {
    let catalog = example();
    let binder = Binder { catalog: &catalog, sources: &SchemaSources };
    let query = parse_query("SELECT $1, n FROM spend WHERE n = $2 LIMIT $3").expect("parses");
    let bound = binder.bind_query_with(&query, &[Some(SqlType::Date.into()), Some(SqlType::Integer.into())]).expect("binds");
    assert_eq!(
        parameter_types(&bound.plan).expect("types"),
        [Some(SqlType::Date), Some(SqlType::Integer), Some(SqlType::BigInt)]
    );
    let values = vec![
        ScalarValue::Utf8(Some("2024-05-01".to_owned())),
        ScalarValue::Int64(Some(7)),
        ScalarValue::Int64(Some(3)),
    ];
    let plan = binder.optimise(bind_parameters(bound.plan, values).expect("values fit")).expect("optimises");
    expect![[r#"
        Projection: Date32("2024-05-01") AS ?column?, spend.n
          Limit: skip=0, fetch=3
            Filter: spend.n = Int64(7)
              TableScan: spend projection=[n]"#]]
    .assert_eq(&plan.display_indent().to_string());
}

#[test]
fn a_missing_or_impossible_value_is_an_error() {
    let bound = bind("SELECT n FROM spend WHERE n = $1 AND n = $2").expect("binds");
    let one = vec![ScalarValue::Int64(Some(1))];
    assert_eq!(bind_parameters(bound.plan.clone(), one).expect_err("one is missing").state.code(), "42P02");
    let bad = vec![ScalarValue::Utf8(Some("x".to_owned())); 2];
    let error = bind_parameters(bound.plan, bad).expect_err("x is no number");
    expect![[r#"invalid input syntax for type bigint: "x" (22P02)"#]].assert_eq(&error_text(&error));
}

#[test]
fn expressions_of_defaults_and_values() {
    let catalog = example();
    let binder = Binder { catalog: &catalog, sources: &SchemaSources };
    let schema = DFSchema::empty();
    let mut out = String::new();
    for (text, target) in [
        ("1 + 1", Some(SqlType::Double)),
        ("'2024-01-01'", Some(SqlType::Timestamp)),
        ("now()", Some(SqlType::TimestampTz)),
        ("$1", Some(SqlType::Integer)),
        ("true", Some(SqlType::Date)),
        ("x", None),
        ("sum(1)", None),
    ] {
        let bound = parse_expression(text).and_then(|e| binder.expression(&e, &schema, &[], target));
        let shown = bound.map_or_else(|e| error_text(&e), |e| e.to_string());
        writeln!(out, "{text} => {shown}").expect("a string");
    }
    expect![[r#"
        1 + 1 => CAST(add(Int64(1), Int64(1)) AS Float64)
        '2024-01-01' => to_moment(Utf8("2024-01-01"))
        now() => to_moment(now())
        $1 => $1
        true => Cannot automatically convert Boolean to Date32 (42804)
        x => column "x" does not exist (42703) at 1
        sum(1) => aggregate and window functions are not allowed here (42803)
    "#]]
    .assert_eq(&out);
}
