//! Trees: what a clause becomes.

use super::check_shapes;
use expect_test::expect;

#[test]
fn clauses_in_their_order() {
    check_shapes(
        &[
            "SELECT DISTINCT category FROM products WHERE name = 'x' ORDER BY category LIMIT 2",
            "SELECT household_id, sum(n) AS s FROM affinity GROUP BY 1 HAVING count(*) > 1 ORDER BY s DESC, count(*)",
            "SELECT DISTINCT ON (household_id) household_id, n FROM affinity ORDER BY household_id, n DESC",
            "SELECT n, rank() OVER w FROM affinity WINDOW w AS (PARTITION BY household_id ORDER BY n)",
            "SELECT n FROM spend UNION SELECT product_id FROM products ORDER BY 1",
        ],
        expect![[""]],
    );
}

#[test]
fn names_are_found_where_they_belong() {
    check_shapes(
        &[
            "SELECT s.n FROM spend s JOIN affinity s2 USING (household_id) WHERE household_id = 1",
            "SELECT household_id FROM spend FULL JOIN affinity USING (household_id)",
            "WITH spend AS (SELECT 1 AS one) SELECT * FROM spend",
            "SELECT x.m FROM spend s, LATERAL (SELECT s.n + 1 AS m) x",
            "SELECT category FROM products WHERE EXISTS (SELECT 1 FROM affinity WHERE affinity.category = products.category)",
            "SELECT n FROM spend WHERE n NOT IN (SELECT n FROM affinity WHERE affinity.household_id = spend.household_id)",
        ],
        expect![[""]],
    );
}
