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
        expect![[r#"
            -- SELECT DISTINCT category FROM products WHERE name = 'x' ORDER BY category LIMIT 2
            Limit skip - fetch 2::bigint
              Sort category#2
                Distinct
                  Project category#2
                    Filter (name#3 = x::text)
                      Scan products: product_id#0, department#1, category#2, name#3
            => category#2

            -- SELECT household_id, sum(n) AS s FROM affinity GROUP BY 1 HAVING count(*) > 1 ORDER BY s DESC, count(*)
            Sort sum#3 DESC, count#4
              Project household_id#0, sum#3, count#4
                Filter (count#4 > 1::bigint)
                  Aggregate by [household_id#0]: sum(n#2) -> sum#3, count() -> count#4
                    Scan affinity: household_id#0, category#1, n#2
            => household_id#0, sum#3

            -- SELECT DISTINCT ON (household_id) household_id, n FROM affinity ORDER BY household_id, n DESC
            Sort household_id#0, n#2 DESC
              Distinct on [household_id#0] order [n#2 DESC]
                Project household_id#0, n#2
                  Scan affinity: household_id#0, category#1, n#2
            => household_id#0, n#2

            -- SELECT n, rank() OVER w FROM affinity WINDOW w AS (PARTITION BY household_id ORDER BY n)
            Project n#2, rank#3
              Window rank() over (household_id#0; n#2) -> rank#3
                Scan affinity: household_id#0, category#1, n#2
            => n#2, rank#3

            -- SELECT n FROM spend UNION SELECT product_id FROM products ORDER BY 1
            Sort n#7
              Union -> n#7
                Project n#1
                  Scan spend: household_id#0, n#1, total#2
                Project product_id#3
                  Scan products: product_id#3, department#4, category#5, name#6
            => n#7

        "#]],
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
        expect![[r#"
            -- SELECT s.n FROM spend s JOIN affinity s2 USING (household_id) WHERE household_id = 1
            Project n#1
              Filter (household_id#0 = 1::bigint)
                Inner join on (household_id#0 = household_id#3)
                  Scan spend: household_id#0, n#1, total#2
                  Scan affinity: household_id#3, category#4, n#5
            => n#1

            -- SELECT household_id FROM spend FULL JOIN affinity USING (household_id)
            Project household_id#6
              Project household_id#0, n#1, total#2, household_id#3, category#4, n#5, CASE WHEN (household_id#0 IS NOT NULL) THEN household_id#0 ELSE household_id#3 END -> household_id#6
                Full join on (household_id#0 = household_id#3)
                  Scan spend: household_id#0, n#1, total#2
                  Scan affinity: household_id#3, category#4, n#5
            => household_id#6

            -- WITH spend AS (SELECT 1 AS one) SELECT * FROM spend
            Project one#0
              Project 1::integer -> one#0
                Unit
            => one#0

            -- SELECT x.m FROM spend s, LATERAL (SELECT s.n + 1 AS m) x
            Project m#3
              Inner join on true::boolean
                Scan spend: household_id#0, n#1, total#2
                Project (n#1 + 1::bigint) -> m#3
                  Unit
            => m#3

            -- SELECT category FROM products WHERE EXISTS (SELECT 1 FROM affinity WHERE affinity.category = products.category)
            Project category#2
              Filter EXISTS(..)
                  Project 1::integer -> ?column?#7
                    Filter (category#5 = category#2)
                      Scan affinity: household_id#4, category#5, n#6
                Scan products: product_id#0, department#1, category#2, name#3
            => category#2

            -- SELECT n FROM spend WHERE n NOT IN (SELECT n FROM affinity WHERE affinity.household_id = spend.household_id)
            Project n#1
              Filter NOT (n#1) = ANY(n#6)
                  Project n#5 -> n#6
                    Project n#5
                      Filter (household_id#3 = household_id#0)
                        Scan affinity: household_id#3, category#4, n#5
                Scan spend: household_id#0, n#1, total#2
            => n#1

        "#]],
    );
}
