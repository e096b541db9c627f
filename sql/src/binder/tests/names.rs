//! Names and types of output columns.

use super::check_output;
use expect_test::expect;

#[test]
fn names_and_types_are_those_of_postgres() {
    check_output(
        &[
            "SELECT count(*), sum(n), avg(n), max(total), n + 1, 1, 'a', n::text, 1::bigint, total AS t FROM spend GROUP BY n, total",
            "SELECT count(*), count(n), sum(n) AS count FROM spend",
            "SELECT n, n FROM spend ORDER BY n",
            "SELECT s.household_id, a.household_id FROM spend s JOIN affinity a ON s.n = a.n",
            "SELECT * FROM (SELECT household_id, count(*) FROM purchases GROUP BY household_id) t WHERE count > 1",
            "SELECT CASE WHEN n > 1 THEN 1 END, coalesce(n, 0), nullif(n, 1), extract(year FROM ts), date_trunc('day', ts), now() FROM spend, purchases",
            "SELECT sum(quantity), avg(quantity), avg(price), quantity / 2, quantity * price FROM purchases GROUP BY quantity, price",
            "SELECT interval '1 day', timestamp '2024-01-01', date '2024-01-01', '1'::numeric, '1.5'::numeric(10,2), 'x'::bytea, true, NULL",
            "SELECT ts + interval '1 day', ts - ts, ts::date, current_date, ts AT TIME ZONE 'UTC', ts::timestamptz FROM purchases",
            "SELECT (SELECT max(n) FROM spend), substring('abc' FROM 2), trim('a'), 'a' || 'b', upper('a'), 'a' ILIKE 'A'",
            "SELECT row_number() OVER (), rank() OVER (ORDER BY n), lag(n) OVER (ORDER BY n) FROM spend",
            "VALUES (1, 'a'), (2, 'b')",
            "SELECT public.spend.n FROM public.spend",
            "SELECT * FROM products",
            "SELECT n IS DISTINCT FROM 1, count(*) FILTER (WHERE n > 1) FROM spend GROUP BY 1 ORDER BY count(*) DESC",
            "SELECT DISTINCT lower(category) FROM products ORDER BY lower(category)",
            "SELECT sum(n) FROM spend UNION ALL SELECT 1",
            "SELECT array_agg(n) FROM spend",
            "SELECT *, n AS total FROM spend",
            "SELECT * FROM (SELECT *, n AS total FROM spend) t",
            "SELECT ts AT TIME ZONE 'UTC', now(), now() + interval '1 hour', quantity::boolean, '1'::int, extract(epoch FROM ts) FROM purchases",
        ],
        expect![[r#"
            SELECT count(*), sum(n), avg(n), max(total), n + 1, 1, 'a', n::text, 1::bigint, total AS t FROM spend GROUP BY n, total
              => count bigint, sum numeric(38,0), avg numeric(38,16), max double precision, ?column? bigint, ?column? bigint, ?column? text, n text, int8 bigint, t double precision
            SELECT count(*), count(n), sum(n) AS count FROM spend
              => count bigint, count bigint, count numeric(38,0)
            SELECT n, n FROM spend ORDER BY n
              => n bigint, n bigint
            SELECT s.household_id, a.household_id FROM spend s JOIN affinity a ON s.n = a.n
              => household_id bigint, household_id bigint
            SELECT * FROM (SELECT household_id, count(*) FROM purchases GROUP BY household_id) t WHERE count > 1
              => household_id bigint, count bigint
            SELECT CASE WHEN n > 1 THEN 1 END, coalesce(n, 0), nullif(n, 1), extract(year FROM ts), date_trunc('day', ts), now() FROM spend, purchases
              => case bigint, coalesce bigint, nullif bigint, extract integer, date_trunc timestamp without time zone, now timestamp with time zone
            SELECT sum(quantity), avg(quantity), avg(price), quantity / 2, quantity * price FROM purchases GROUP BY quantity, price
              => sum bigint, avg numeric(38,16), avg double precision, ?column? bigint, ?column? double precision
            SELECT interval '1 day', timestamp '2024-01-01', date '2024-01-01', '1'::numeric, '1.5'::numeric(10,2), 'x'::bytea, true, NULL
              => interval interval, timestamp timestamp without time zone, date date, numeric numeric(38,10), numeric numeric(10,2), bytea bytea, ?column? boolean, ?column? text
            SELECT ts + interval '1 day', ts - ts, ts::date, current_date, ts AT TIME ZONE 'UTC', ts::timestamptz FROM purchases
              => ?column? timestamp without time zone, ?column? interval, ts date, current_date date, timezone timestamp with time zone, ts timestamp with time zone
            SELECT (SELECT max(n) FROM spend), substring('abc' FROM 2), trim('a'), 'a' || 'b', upper('a'), 'a' ILIKE 'A'
              => max bigint, substring text, btrim text, ?column? text, upper text, ?column? boolean
            SELECT row_number() OVER (), rank() OVER (ORDER BY n), lag(n) OVER (ORDER BY n) FROM spend
              => row_number bigint, rank bigint, lag bigint
            VALUES (1, 'a'), (2, 'b')
              => column1 bigint, column2 text
            SELECT public.spend.n FROM public.spend
              => n bigint
            SELECT * FROM products
              => product_id bigint, department text, category text, name text
            SELECT n IS DISTINCT FROM 1, count(*) FILTER (WHERE n > 1) FROM spend GROUP BY 1 ORDER BY count(*) DESC
              => ?column? boolean, count bigint
            SELECT DISTINCT lower(category) FROM products ORDER BY lower(category)
              => lower text
            SELECT sum(n) FROM spend UNION ALL SELECT 1
              => sum numeric(38,0)
            SELECT array_agg(n) FROM spend
              => column "array_agg" has a type that cannot be shown (List(Int64)) (0A000); hint: Turn it into text or numbers in the query: array_to_string for lists, a field for structs.
            SELECT *, n AS total FROM spend
              => household_id bigint, n bigint, total double precision, total bigint
            SELECT * FROM (SELECT *, n AS total FROM spend) t
              => column reference "total" is ambiguous (42702); hint: Write the table before it: table.column.
            SELECT ts AT TIME ZONE 'UTC', now(), now() + interval '1 hour', quantity::boolean, '1'::int, extract(epoch FROM ts) FROM purchases
              => timezone timestamp with time zone, now timestamp with time zone, ?column? timestamp with time zone, quantity boolean, int4 integer, extract double precision
        "#]],
    );
}
