//! Names and types of output columns, and types of parameters, as PostgreSQL 15 gives them.

use super::check_output;
use expect_test::expect;

#[test]
fn names_and_types_are_those_of_postgres() {
    check_output(
        &[
            "SELECT count(*), sum(n), max(total), n + 1, 1, 'a', n::text, 1::bigint, total AS t FROM spend GROUP BY n, total",
            "SELECT n, n FROM spend ORDER BY n",
            "SELECT s.household_id, a.household_id FROM spend s JOIN affinity a ON s.n = a.n",
            "SELECT CASE WHEN n > 1 THEN 1 END, coalesce(n, 0), nullif(n, 1), extract(year FROM ts), now() FROM spend, purchases",
            "SELECT interval '1 day', date '2024-01-01' + 1, date '2024-01-02' - date '2024-01-01', '1.50'::numeric, 1.5, 'x'::bytea, true, NULL",
            "SELECT ts + interval '1 day', ts - ts, ts::date, current_date FROM purchases",
            "SELECT row_number() OVER (), row_number() OVER () / 2, lag(n) OVER (ORDER BY n) FROM spend",
            "VALUES (1, 'a'), (2, 'b')",
            "SELECT *, n AS total FROM spend",
            "SELECT * FROM (SELECT *, n AS total FROM spend) t",
            "SELECT 2147483647, 2147483648, -2147483648, 9223372036854775808",
            "SELECT * FROM spend JOIN affinity USING (household_id) LIMIT 1",
        ],
        expect![[r#"
            SELECT count(*), sum(n), max(total), n + 1, 1, 'a', n::text, 1::bigint, total AS t FROM spend GROUP BY n, total
              => count bigint, sum numeric, max double precision, ?column? bigint, ?column? integer, ?column? text, n text, int8 bigint, t double precision
            SELECT n, n FROM spend ORDER BY n
              => n bigint, n bigint
            SELECT s.household_id, a.household_id FROM spend s JOIN affinity a ON s.n = a.n
              => household_id bigint, household_id bigint
            SELECT CASE WHEN n > 1 THEN 1 END, coalesce(n, 0), nullif(n, 1), extract(year FROM ts), now() FROM spend, purchases
              => case integer, coalesce bigint, nullif bigint, extract numeric, now timestamp with time zone
            SELECT interval '1 day', date '2024-01-01' + 1, date '2024-01-02' - date '2024-01-01', '1.50'::numeric, 1.5, 'x'::bytea, true, NULL
              => interval interval, ?column? date, ?column? integer, numeric numeric, ?column? numeric, bytea bytea, ?column? boolean, ?column? text
            SELECT ts + interval '1 day', ts - ts, ts::date, current_date FROM purchases
              => ?column? timestamp without time zone, ?column? interval, ts date, current_date date
            SELECT row_number() OVER (), row_number() OVER () / 2, lag(n) OVER (ORDER BY n) FROM spend
              => row_number bigint, ?column? bigint, lag bigint
            VALUES (1, 'a'), (2, 'b')
              => column1 integer, column2 text
            SELECT *, n AS total FROM spend
              => household_id bigint, n bigint, total double precision, total bigint
            SELECT * FROM (SELECT *, n AS total FROM spend) t
              => household_id bigint, n bigint, total double precision, total bigint
            SELECT 2147483647, 2147483648, -2147483648, 9223372036854775808
              => ?column? integer, ?column? bigint, ?column? integer, ?column? numeric
            SELECT * FROM spend JOIN affinity USING (household_id) LIMIT 1
              => household_id bigint, n bigint, total double precision, category text, n bigint
        "#]],
    );
}

#[test]
fn parameters_get_types_from_their_use() {
    check_output(
        &[
            "SELECT n FROM spend WHERE household_id = $1",
            "SELECT n FROM spend WHERE household_id = $2 AND total > $1 LIMIT $3 OFFSET $4",
            "SELECT $1::bigint, $2",
            "SELECT $1, $1::date",
            "SELECT n FROM spend WHERE household_id = ANY ($1)",
            "SELECT name FROM products WHERE category IN ($1, $2) AND name LIKE $3",
            "SELECT n FROM spend WHERE n IN (SELECT n FROM affinity WHERE category = $2) AND n > coalesce($1, n)",
            "SELECT n + $1 FROM spend",
        ],
        expect![[r#"
            SELECT n FROM spend WHERE household_id = $1
              => n bigint from bigint
            SELECT n FROM spend WHERE household_id = $2 AND total > $1 LIMIT $3 OFFSET $4
              => n bigint from double precision, bigint, bigint, bigint
            SELECT $1::bigint, $2
              => int8 bigint, ?column? text from bigint, text
            SELECT $1, $1::date
              => ?column? date, date date from date
            SELECT n FROM spend WHERE household_id = ANY ($1)
              => n bigint from bigint[]
            SELECT name FROM products WHERE category IN ($1, $2) AND name LIKE $3
              => name text from text, text, text
            SELECT n FROM spend WHERE n IN (SELECT n FROM affinity WHERE category = $2) AND n > coalesce($1, n)
              => n bigint from bigint, text
            SELECT n + $1 FROM spend
              => ?column? bigint from bigint
        "#]],
    );
}
