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
        expect![[""]],
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
        expect![[""]],
    );
}

#[test]
fn refusals() {
    check_output(
        &[
            "SELECT n FROM spend GROUP BY CUBE (n, total, household_id), CUBE (n, total, household_id), ROLLUP (n, total, household_id)",
            "SELECT n FROM spend GROUP BY ROLLUP (n), CUBE (n, total), CUBE (n, total, household_id), CUBE (n, total)",
            "SELECT random() AS r, count(*) FROM (SELECT random() AS x FROM spend) AS s GROUP BY ROLLUP (x)",
            "SELECT n FROM spend WHERE n = unnest(ARRAY[1])",
            "SELECT coalesce(unnest(ARRAY[1]), n) FROM spend",
            "SELECT true AND unnest(ARRAY[true])",
            "SELECT (n).x FROM spend",
        ],
        expect![[""]],
    );
}
