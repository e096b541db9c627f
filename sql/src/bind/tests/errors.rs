//! Errors: Postgres' SQLSTATE, words and position.

use super::check_output;
use expect_test::expect;

#[test]
fn errors_have_state_position_and_suggestion() {
    check_output(
        &[
            "SELECT x FROM spend",
            "SELECT hosehold_id FROM spend",
            "SELECT n,\n s.totl FROM spend s",
            "SELECT p.n FROM spend s",
            "SELECT spend.n FROM spend s",
            "SELECT * FROM purchase",
            "SELECT * FROM other.spend",
            "SELECT * FROM spend, spend",
            "SELECT household_id FROM spend, affinity",
            "SELECT cuont(n) FROM spend",
            "SELECT nonsense(n) FROM spend",
            "SELECT nonsense(n) OVER () FROM spend",
            "SELECT n + 'a' FROM spend",
            "SELECT category + 1 FROM products",
            "SELECT n FROM spend WHERE n",
            "SELECT n = ts FROM spend, purchases",
            "SELECT sum(category) FROM products",
            "SELECT upper(category, 'x') FROM products",
            "SELECT household_id, sum(n) FROM affinity",
            "SELECT household_id, n FROM affinity GROUP BY household_id",
            "SELECT household_id FROM affinity GROUP BY household_id HAVING n > 1",
            "SELECT n FROM spend WHERE sum(n) > 1",
            "SELECT sum(sum(n)) FROM spend",
            "SELECT n FROM spend WHERE row_number() OVER () = 1",
            "SELECT n FROM spend UNION SELECT n, n FROM spend",
            "SELECT n FROM spend UNION SELECT ts FROM purchases",
            "SELECT n FROM spend UNION SELECT n FROM affinity ORDER BY n + 1",
            "SELECT n FROM spend ORDER BY 2",
            "SELECT n FROM spend GROUP BY 2",
            "SELECT _attune_row_id FROM products",
            "SELECT n FROM spend FOR UPDATE",
            "SELECT n INTO x FROM spend",
            "SELECT n::nonsense FROM spend",
            "SELECT n::jsonb FROM spend",
            "SELECT n::date FROM spend",
            "SELECT DISTINCT n FROM spend ORDER BY total",
            "SELECT s.* FROM spend t",
            "SELECT CASE WHEN n THEN 1 END FROM spend",
            "SELECT CASE WHEN true THEN n ELSE 'x'::text END FROM spend",
            "SELECT n FROM spend WHERE n = (SELECT n, n FROM affinity)",
            "SELECT n FROM spend WHERE (n, n) IN (SELECT n FROM affinity)",
            "SELECT n FROM spend LIMIT n",
            "SELECT '2024-13-01'::date",
            "SELECT n FROM spend WHERE n = 'abc'",
            "SELECT $0",
            "SELECT ts AT TIME ZONE 'Europe/Berlin' FROM purchases",
            "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT * FROM r",
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
            SELECT spend.n FROM spend s
              => invalid reference to FROM-clause entry for table "spend" (42P01); hint: Perhaps you meant to reference the table alias "s". at 8
            SELECT * FROM purchase
              => relation "purchase" does not exist (42P01); hint: Did you mean "purchases"? at 15
            SELECT * FROM other.spend
              => relation "other.spend" does not exist (42P01); hint: There is one schema, "public"; leave the schema out. at 15
            SELECT * FROM spend, spend
              => table name "spend" specified more than once (42712); hint: Give one of them another name with AS.
            SELECT household_id FROM spend, affinity
              => column reference "household_id" is ambiguous (42702); hint: Write the table before it: table.column. at 8
            SELECT cuont(n) FROM spend
              => function cuont(bigint) does not exist (42883); hint: Did you mean "count"? at 8
            SELECT nonsense(n) FROM spend
              => function nonsense(bigint) does not exist (42883); hint: No function matches the given name and argument types. You might need to add explicit type casts. at 8
            SELECT nonsense(n) OVER () FROM spend
              => function nonsense(bigint) does not exist (42883); hint: No function matches the given name and argument types. You might need to add explicit type casts. at 8
            SELECT n + 'a' FROM spend
              => invalid input syntax for type bigint: "a" (22P02) at 8
            SELECT category + 1 FROM products
              => operator does not exist: text + integer (42883); hint: No operator matches the given name and argument types. You might need to add explicit type casts. at 8
            SELECT n FROM spend WHERE n
              => argument of WHERE must be type boolean, not type bigint (42804) at 27
            SELECT n = ts FROM spend, purchases
              => operator does not exist: bigint = timestamp without time zone (42883); hint: No operator matches the given name and argument types. You might need to add explicit type casts. at 8
            SELECT sum(category) FROM products
              => function sum(text) does not exist (42883); hint: No function matches the given name and argument types. You might need to add explicit type casts. at 8
            SELECT upper(category, 'x') FROM products
              => function upper(text, unknown) does not exist (42883); hint: No function matches the given name and argument types. You might need to add explicit type casts. at 8
            SELECT household_id, sum(n) FROM affinity
              => column "affinity.household_id" must appear in the GROUP BY clause or be used in an aggregate function (42803) at 8
            SELECT household_id, n FROM affinity GROUP BY household_id
              => column "affinity.n" must appear in the GROUP BY clause or be used in an aggregate function (42803) at 22
            SELECT household_id FROM affinity GROUP BY household_id HAVING n > 1
              => column "affinity.n" must appear in the GROUP BY clause or be used in an aggregate function (42803) at 64
            SELECT n FROM spend WHERE sum(n) > 1
              => aggregate functions are not allowed in WHERE (42803); hint: Use HAVING. at 27
            SELECT sum(sum(n)) FROM spend
              => aggregate function calls cannot be nested (42803) at 12
            SELECT n FROM spend WHERE row_number() OVER () = 1
              => window functions are not allowed in WHERE (42P20); hint: Compute it in a subquery in FROM, and use its column. at 27
            SELECT n FROM spend UNION SELECT n, n FROM spend
              => each UNION query must have the same number of columns (42601) at 27
            SELECT n FROM spend UNION SELECT ts FROM purchases
              => UNION types bigint and timestamp without time zone cannot be matched (42804); hint: Cast them to one type. at 27
            SELECT n FROM spend UNION SELECT n FROM affinity ORDER BY n + 1
              => invalid UNION/INTERSECT/EXCEPT ORDER BY clause (0A000); hint: Add the expression/function to every SELECT, or move the UNION into a FROM clause. at 59
            SELECT n FROM spend ORDER BY 2
              => ORDER BY position 2 is not in select list (42P10) at 30
            SELECT n FROM spend GROUP BY 2
              => GROUP BY position 2 is not in select list (42P10) at 30
            SELECT _attune_row_id FROM products
              => column "_attune_row_id" does not exist (42703) at 8
            SELECT n FROM spend FOR UPDATE
              => SELECT ... FOR UPDATE is not supported (0A000); hint: Leave it out: a transaction that writes is one epoch.
            SELECT n INTO x FROM spend
              => SELECT INTO is not supported (0A000); hint: Use CREATE MATERIALIZED VIEW, or CREATE TABLE and INSERT INTO ... SELECT.
            SELECT n::nonsense FROM spend
              => type "nonsense" does not exist (42704); hint: docs/sql.md lists the types Attune has. at 8
            SELECT n::jsonb FROM spend
              => type jsonb is not supported (0A000); hint: Use text, or one column per field. at 8
            SELECT n::date FROM spend
              => cannot cast type bigint to date (42846); hint: Use to_timestamp(seconds) for seconds since 1970. at 8
            SELECT DISTINCT n FROM spend ORDER BY total
              => for SELECT DISTINCT, ORDER BY expressions must appear in select list (42P10) at 39
            SELECT s.* FROM spend t
              => missing FROM-clause entry for table "s" (42P01) at 8
            SELECT CASE WHEN n THEN 1 END FROM spend
              => argument of CASE/WHEN must be type boolean, not type bigint (42804) at 18
            SELECT CASE WHEN true THEN n ELSE 'x'::text END FROM spend
              => CASE types text and bigint cannot be matched (42804); hint: Cast them to one type. at 8
            SELECT n FROM spend WHERE n = (SELECT n, n FROM affinity)
              => subquery must return only one column (42601) at 32
            SELECT n FROM spend WHERE (n, n) IN (SELECT n FROM affinity)
              => subquery has too few columns (42601) at 38
            SELECT n FROM spend LIMIT n
              => argument of LIMIT must not contain variables (42P10) at 27
            SELECT '2024-13-01'::date
              => date/time field value out of range: "2024-13-01" (22008) at 8
            SELECT n FROM spend WHERE n = 'abc'
              => invalid input syntax for type bigint: "abc" (22P02) at 27
            SELECT $0
              => there is no parameter $0 (42P02); hint: Parameters are $1, $2, ... at 8
            SELECT ts AT TIME ZONE 'Europe/Berlin' FROM purchases
              => AT TIME ZONE 'Europe/Berlin' is not supported (0A000); hint: Use UTC or an offset such as '+02:00'. at 8
            WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT * FROM r
              => WITH RECURSIVE is not supported: "r" reads itself, or what follows it (0A000); hint: Join as often as the depth needs, or loop in the program. at 16
        "#]],
    );
}
