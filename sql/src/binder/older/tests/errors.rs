//! Errors: SQLSTATE, message, hint, position.

use super::{check_output, error_text, map_datafusion_error, optimised};
use crate::SqlError;
use expect_test::expect;
use std::fmt::Write;

#[test]
fn errors_have_state_position_and_suggestion() {
    check_output(
        &[
            "SELECT x FROM spend",
            "SELECT hosehold_id FROM spend",
            "SELECT n,\n s.totl FROM spend s",
            "SELECT p.n FROM spend s",
            "SELECT * FROM purchase",
            "SELECT * FROM other.spend",
            "SELECT * FROM pg_catalog.nothing",
            "SELECT household_id FROM spend, affinity",
            "SELECT cuont(n) FROM spend",
            "SELECT nonsense(n) FROM spend",
            "SELECT nonsense(n) OVER () FROM spend",
            "SELECT n + 'a' FROM spend",
            "SELECT category + 1 FROM products",
            "SELECT category + true FROM products",
            "SELECT n FROM spend WHERE n",
            "SELECT n FROM spend WHERE 'a'",
            "SELECT n = ts FROM spend, purchases",
            "SELECT sum(category) FROM products",
            "SELECT upper(n, n) FROM spend",
            "SELECT household_id, sum(n) FROM affinity",
            "SELECT household_id, n FROM affinity GROUP BY household_id",
            "SELECT household_id FROM affinity GROUP BY household_id HAVING n > 1",
            "SELECT n FROM spend WHERE sum(n) > 1",
            "SELECT n FROM spend UNION SELECT n, n FROM spend",
            "SELECT n FROM spend UNION SELECT ts FROM purchases",
            "SELECT n FROM spend ORDER BY 2",
            "SELECT n FROM spend GROUP BY 2",
            "SELECT _attune_row_id FROM products",
            "SELECT n FROM spend FOR UPDATE",
            "SELECT n INTO x FROM spend",
            "SELECT n::varchar(3) FROM spend",
            "SELECT n::nonsense FROM spend",
            "SELECT n::jsonb FROM spend",
            "SELECT n::date FROM spend",
            "SELECT DISTINCT n FROM spend ORDER BY total",
            "SELECT * FROM generate_series(1, 3)",
            "SELECT category COLLATE \"C\" FROM products",
            "SELECT s.* FROM spend t",
            "SELECT CASE WHEN n THEN 1 END FROM spend",
            "SELECT total FROM (SELECT *, n AS total FROM spend) t",
            "SELECT ts AT TIME ZONE 'Europe/Berlin' FROM purchases",
            "SELECT now() AT TIME ZONE 'UTC' FROM purchases",
            "SELECT ts::bigint FROM purchases",
            "SELECT total::boolean FROM spend",
            "SELECT n FROM spend EXCEPT SELECT n, n FROM spend",
            "SELECT n FROM spend WHERE n = (SELECT n, n FROM affinity)",
            "SELECT n FROM spend LIMIT 'a'",
            "SELECT n FROM spend LIMIT -1",
            "SELECT '2024-13-01'::date",
            "SELECT n FROM spend WHERE n = 'abc'",
            "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT * FROM r",
            "SELECT $0",
            "SELECT $x",
        ],
        expect![[r#"
            SELECT x FROM spend
              => column "x" does not exist (42703) at 8
            SELECT hosehold_id FROM spend
              => column "hosehold_id" does not exist (42703); hint: Did you mean "household_id"? at 8
            SELECT n,
             s.totl FROM spend s
              => column s.totl does not exist (42703); hint: Did you mean "total"? at 12
            SELECT p.n FROM spend s
              => missing FROM-clause entry for table "p" (42P01) at 8
            SELECT * FROM purchase
              => relation "purchase" does not exist (42P01); hint: Did you mean "purchases"? at 15
            SELECT * FROM other.spend
              => schema "other" does not exist (3F000); hint: There is one schema, "public"; leave the schema out. at 15
            SELECT * FROM pg_catalog.nothing
              => relation "pg_catalog.nothing" does not exist (42P01) at 15
            SELECT household_id FROM spend, affinity
              => column reference "household_id" is ambiguous (42702); hint: Write the table before it: table.column. at 8
            SELECT cuont(n) FROM spend
              => function cuont does not exist (42883); hint: Did you mean "count"? at 8
            SELECT nonsense(n) FROM spend
              => function nonsense does not exist (42883); hint: docs/sql.md lists the functions Attune has. at 8
            SELECT nonsense(n) OVER () FROM spend
              => function nonsense does not exist (42883); hint: docs/sql.md lists the functions Attune has. at 8
            SELECT n + 'a' FROM spend
              => operator does not exist: bigint + text (42883); hint: No operator matches the given argument types. You might need to add explicit type casts. at 8
            SELECT category + 1 FROM products
              => operator does not exist: text + bigint (42883); hint: No operator matches the given argument types. You might need to add explicit type casts. at 8
            SELECT category + true FROM products
              => operator does not exist: text + boolean (42883); hint: No operator matches the given argument types. You might need to add explicit type casts. at 8
            SELECT n FROM spend WHERE n
              => argument of WHERE must be type boolean, not type bigint (42804)
            SELECT n FROM spend WHERE 'a'
              => argument of WHERE must be type boolean, not type text (42804)
            SELECT n = ts FROM spend, purchases
              => operator does not exist: bigint = timestamp without time zone (42883); hint: No operator matches the given argument types. You might need to add explicit type casts. at 8
            SELECT sum(category) FROM products
              => function sum(text) does not exist (42883); hint: No function matches the given name and argument types. You might need to add explicit type casts.
            SELECT upper(n, n) FROM spend
              => function upper(bigint, bigint) does not exist (42883); hint: No function matches the given name and argument types. You might need to add explicit type casts.
            SELECT household_id, sum(n) FROM affinity
              => column "affinity.household_id" must appear in the GROUP BY clause or be used in an aggregate function (42803) at 8
            SELECT household_id, n FROM affinity GROUP BY household_id
              => column "affinity.n" must appear in the GROUP BY clause or be used in an aggregate function (42803) at 22
            SELECT household_id FROM affinity GROUP BY household_id HAVING n > 1
              => column "affinity.n" must appear in the GROUP BY clause or be used in an aggregate function (42803) at 64
            SELECT n FROM spend WHERE sum(n) > 1
              => aggregate functions are not allowed in WHERE (42803); hint: Use HAVING.
            SELECT n FROM spend UNION SELECT n, n FROM spend
              => each UNION query must have the same number of columns (42601) at 1
            SELECT n FROM spend UNION SELECT ts FROM purchases
              => UNION types bigint and timestamp without time zone cannot be matched (42804)
            SELECT n FROM spend ORDER BY 2
              => ORDER BY position 2 is not in select list (42P10)
            SELECT n FROM spend GROUP BY 2
              => GROUP BY position 2 is not in select list (42P10)
            SELECT _attune_row_id FROM products
              => column "_attune_row_id" does not exist (42703) at 8
            SELECT n FROM spend FOR UPDATE
              => SELECT ... FOR UPDATE is not supported (0A000); hint: Leave it out: a transaction that writes is one epoch.
            SELECT n INTO x FROM spend
              => SELECT INTO is not supported (0A000); hint: Use CREATE MATERIALIZED VIEW, or CREATE TABLE and INSERT INTO ... SELECT.
            SELECT n::varchar(3) FROM spend
              => cast to varchar(3) is not supported (0A000); hint: Use left(value, n) to cut a text, or cast to text.
            SELECT n::nonsense FROM spend
              => type "nonsense" does not exist (42704); hint: docs/sql.md lists the types Attune has.
            SELECT n::jsonb FROM spend
              => type jsonb is not supported (0A000); hint: Use text, or one column per field.
            SELECT n::date FROM spend
              => cannot cast type bigint to date (42846); hint: Use to_timestamp(seconds) for seconds since 1970.
            SELECT DISTINCT n FROM spend ORDER BY total
              => For SELECT DISTINCT, ORDER BY expressions spend.total must appear in select list (42P10)
            SELECT * FROM generate_series(1, 3)
              => generate_series bigint
            SELECT category COLLATE "C" FROM products
              => COLLATE is not supported (0A000); hint: Leave it out; text is ordered by its bytes.
            SELECT s.* FROM spend t
              => missing FROM-clause entry for table "s" (42P01)
            SELECT CASE WHEN n THEN 1 END FROM spend
              => argument of CASE/WHEN must be type boolean, not type bigint (42804)
            SELECT total FROM (SELECT *, n AS total FROM spend) t
              => column reference "total" is ambiguous (42702); hint: Write the table before it: table.column.
            SELECT ts AT TIME ZONE 'Europe/Berlin' FROM purchases
              => AT TIME ZONE 'Europe/Berlin' is not supported for type timestamp without time zone (0A000); hint: Only timestamp without time zone AT TIME ZONE 'UTC' is; convert to another zone in the client.
            SELECT now() AT TIME ZONE 'UTC' FROM purchases
              => AT TIME ZONE 'UTC' is not supported for type timestamp with time zone (0A000); hint: Only timestamp without time zone AT TIME ZONE 'UTC' is; convert to another zone in the client.
            SELECT ts::bigint FROM purchases
              => cannot cast type timestamp without time zone to bigint (42846); hint: Use extract(epoch FROM value) for the seconds since 1970.
            SELECT total::boolean FROM spend
              => cannot cast type double precision to boolean (42846)
            SELECT n FROM spend EXCEPT SELECT n, n FROM spend
              => each EXCEPT query must have the same number of columns (42601) at 1
            SELECT n FROM spend WHERE n = (SELECT n, n FROM affinity)
              => subquery must return only one column (42601)
            SELECT n FROM spend LIMIT 'a'
              => argument of LIMIT must be type bigint, not type text (42804)
            SELECT n FROM spend LIMIT -1
              => n bigint
            SELECT '2024-13-01'::date
              => date date
            SELECT n FROM spend WHERE n = 'abc'
              => n bigint
            WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT * FROM r
              => Recursive CTE is not implemented (0A000); hint: docs/sql.md lists what queries can contain.
            SELECT $0
              => there is no parameter $0 (42P02)
            SELECT $x
              => there is no parameter $x (42P02); hint: Parameters are $1, $2, ...
        "#]],
    );
}

#[test]
fn constants_that_cannot_be_computed() {
    let mut out = String::new();
    for sql in [
        "SELECT '2024-13-01'::date",
        "SELECT 'soon'::timestamp",
        "SELECT 'abc'::int",
        "SELECT 'abc'::numeric",
        "SELECT 3000000000::int",
        "SELECT 1 / 0",
        "SELECT n FROM spend WHERE n = 'abc'",
        "SELECT n FROM spend LIMIT -1",
        "SELECT ts FROM purchases WHERE ts > 'yesterday'",
        "SELECT interval '1 parsec'",
    ] {
        let shown = optimised(sql).map_or_else(|e| error_text(&e), |plan| plan.display_indent().to_string());
        writeln!(out, "{sql}\n  => {shown}").expect("a string");
    }
    expect![[r#"
        SELECT '2024-13-01'::date
          => Projection: to_day(Utf8("2024-13-01")) AS date
          EmptyRelation: rows=1
        SELECT 'soon'::timestamp
          => Projection: to_moment(Utf8("soon")) AS timestamp
          EmptyRelation: rows=1
        SELECT 'abc'::int
          => Projection: to_integer(Utf8("abc")) AS int4
          EmptyRelation: rows=1
        SELECT 'abc'::numeric
          => Projection: to_numeric(Utf8("abc")) AS numeric
          EmptyRelation: rows=1
        SELECT 3000000000::int
          => Projection: to_integer(Int64(3000000000)) AS int4
          EmptyRelation: rows=1
        SELECT 1 / 0
          => Projection: divide(Int64(1), Int64(0)) AS ?column?
          EmptyRelation: rows=1
        SELECT n FROM spend WHERE n = 'abc'
          => Filter: spend.n = to_integer(Utf8("abc"))
          TableScan: spend projection=[n]
        SELECT n FROM spend LIMIT -1
          => LIMIT must not be negative (22023)
        SELECT ts FROM purchases WHERE ts > 'yesterday'
          => invalid input syntax for type timestamp: "yesterday" (22007)
        SELECT interval '1 parsec'
          => Invalid input syntax for type interval: "1 parsec" (22007)
    "#]]
    .assert_eq(&out);
}

#[test]
fn errors_of_running_have_their_states() {
    use datafusion::arrow::error::ArrowError;
    use datafusion::common::DataFusionError;
    let mut out = String::new();
    for error in [
        DataFusionError::from(ArrowError::DivideByZero),
        DataFusionError::from(ArrowError::ArithmeticOverflow("Overflow happened on: 1 + 2".to_owned())),
        DataFusionError::from(ArrowError::CastError("Cannot cast string 'x' to value of Int64 type".to_owned())),
        DataFusionError::from(ArrowError::CastError("Can't cast value 3000000000 to type Int32".to_owned())),
        DataFusionError::from(ArrowError::ExternalError(Box::new(SqlError::new(
            crate::SqlState::QueryCanceled,
            "cancelled",
        )))),
        DataFusionError::External(Box::new(DataFusionError::ResourcesExhausted("too much\nmore".to_owned()))),
        DataFusionError::Execution("Scalar subquery returned more than one row".to_owned()),
        DataFusionError::Internal("fault".to_owned()).context("while testing"),
        DataFusionError::NotImplemented("this".to_owned()),
    ] {
        writeln!(out, "{}", error_text(&map_datafusion_error(&error))).expect("a string");
    }
    expect![[r#"
        division by zero (22012)
        value out of range (22003)
        invalid input syntax for type bigint: "x" (22P02)
        value 3000000000 is out of range for type integer (22003)
        cancelled (57014)
        too much (53200); hint: Read less at once: add a WHERE or LIMIT, or make a materialized view of the aggregation.
        more than one row returned by a subquery used as an expression (21000)
        internal error (XX000); hint: This is a fault in Attune. Please report it with the statement; the server's log has more about it.
        this (0A000); hint: docs/sql.md lists what queries can contain.
    "#]]
    .assert_eq(&out);
}
