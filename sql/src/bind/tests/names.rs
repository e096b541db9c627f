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
        expect![[""]],
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
        expect![[""]],
    );
}
