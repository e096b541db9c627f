//! Grouping sets, functions that give rows, slices: what they become, and where they cannot be.

use super::{check_output, check_shapes};
use expect_test::expect;

#[test]
fn a_set_is_an_aggregation_of_its_own() {
    check_shapes(
        &[
            "SELECT category, grouping(category) AS g, count(*) FROM products GROUP BY ROLLUP (category)",
            "SELECT category, grouping(category) FROM products GROUP BY GROUPING SETS ((category))",
        ],
        expect![[r#"
            -- SELECT category, grouping(category) AS g, count(*) FROM products GROUP BY ROLLUP (category)
            Project category#4, grouping#5, count#7
              Union all -> category#4, count#7, grouping#5
                Project category#17 -> category#11, count#14 -> count#12, 0::integer -> grouping#13
                  Aggregate by [category#17]: count() -> count#14
                    Scan products: product_id#15, department#16, category#17, name#18
                Project NULL::text -> category#22, count#25 -> count#23, 1::integer -> grouping#24
                  Aggregate by []: count() -> count#25
                    Scan products: product_id#26, department#27, category#28, name#29
            => category#4, grouping#5, count#7

            -- SELECT category, grouping(category) FROM products GROUP BY GROUPING SETS ((category))
            Project category#2, 0::integer -> grouping#4
              Aggregate by [category#2]: 
                Scan products: product_id#0, department#1, category#2, name#3
            => category#2, grouping#4

        "#]],
    );
}

#[test]
fn levels_of_functions_that_give_rows() {
    check_shapes(
        &[
            "SELECT n, generate_series(1, generate_series(1, n)) AS g, unnest(ARRAY[n, 7]) + 1 AS u FROM spend",
            "SELECT unnest(ARRAY[n]) AS u, count(*) FROM spend GROUP BY 1",
            "SELECT (ARRAY[n, 7])[2:] = ARRAY[n] AS s FROM spend",
        ],
        expect![[r#"
            -- SELECT n, generate_series(1, generate_series(1, n)) AS g, unnest(ARRAY[n, 7]) + 1 AS u FROM spend
            Project n#1, unnest#5, (unnest#4 + 1::bigint) -> u#6
              Unnest series(1::bigint, unnest#3, 1::bigint) -> unnest#5
                Unnest series(1::bigint, n#1, 1::bigint) -> unnest#3, make_array(n#1, 7::bigint) -> unnest#4
                  Scan spend: household_id#0, n#1, total#2
            => n#1, unnest#5, u#6

            -- SELECT unnest(ARRAY[n]) AS u, count(*) FROM spend GROUP BY 1
            Project unnest#3, count#4
              Aggregate by [unnest#3]: count() -> count#4
                Unnest make_array(n#1) -> unnest#3
                  Scan spend: household_id#0, n#1, total#2
            => unnest#3, count#4

            -- SELECT (ARRAY[n, 7])[2:] = ARRAY[n] AS s FROM spend
            Project (array_bounds(make_array(n#1, 7::bigint), 2::integer, 2147483647::integer) = make_array(n#1)) -> s#3
              Scan spend: household_id#0, n#1, total#2
            => s#3

        "#]],
    );
}

#[test]
fn refusals() {
    check_output(
        &[
            "SELECT n FROM spend GROUP BY CUBE (n, total, household_id), CUBE (n, total, household_id), CUBE (n, total, household_id)",
            "SELECT random() AS r, count(*) FROM (SELECT random() AS x FROM spend) AS s GROUP BY ROLLUP (x)",
            "SELECT n FROM spend WHERE n = unnest(ARRAY[1])",
            "SELECT coalesce(unnest(ARRAY[1]), n) FROM spend",
            "SELECT true AND unnest(ARRAY[true])",
            "SELECT (n).x FROM spend",
        ],
        expect![[r#"
            SELECT n FROM spend GROUP BY CUBE (n, total, household_id), CUBE (n, total, household_id), CUBE (n, total, household_id)
              => too many grouping sets present (maximum 256) (54001); hint: Write the sets that are needed, or several queries with UNION ALL. at 92
            SELECT random() AS r, count(*) FROM (SELECT random() AS x FROM spend) AS s GROUP BY ROLLUP (x)
              => several grouping sets over random(), gen_random_uuid() and their like are not supported (0A000); hint: Each set would see other values: store them in a table first.
            SELECT n FROM spend WHERE n = unnest(ARRAY[1])
              => set-returning functions are not allowed in WHERE (0A000); hint: You might be able to move the set-returning function into a LATERAL FROM item. at 31
            SELECT coalesce(unnest(ARRAY[1]), n) FROM spend
              => set-returning functions are not allowed in COALESCE (0A000); hint: You might be able to move the set-returning function into a LATERAL FROM item. at 17
            SELECT true AND unnest(ARRAY[true])
              => argument of AND must not return a set (42804); hint: You might be able to move the set-returning function into a LATERAL FROM item. at 17
            SELECT (n).x FROM spend
              => column notation .x applied to type bigint, which is not a composite type (42809) at 9
        "#]],
    );
}
