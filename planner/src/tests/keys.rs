//! Which key a view's rows get, in stored order.

use super::fixture::key;
use expect_test::{Expect, expect};

fn check(queries: &[&str], expected: Expect) {
    let lines = queries.iter().map(|sql| format!("{:20} {sql}\n", key(sql)));
    expected.assert_eq(&lines.collect::<String>());
}

#[test]
fn keys() {
    check(
        &[
            "SELECT * FROM products",
            "SELECT name, product_id AS id FROM products",
            "SELECT name FROM products",
            "SELECT note, order_id AS o, user_id AS u FROM orders WHERE paid",
            "SELECT category, department, count(*) AS n FROM products GROUP BY department, category",
            "SELECT count(*) AS n FROM products",
            "SELECT n + 1 AS m FROM totals",
            "SELECT count(*) AS n FROM products GROUP BY category",
            "SELECT DISTINCT department, category FROM products",
            "SELECT * FROM products UNION ALL SELECT * FROM products",
            "SELECT * FROM products UNION SELECT * FROM products",
            "SELECT * FROM bag",
            "SELECT product_id, name FROM products ORDER BY name LIMIT 5",
            "SELECT product_id, name FROM products ORDER BY name LIMIT 1",
            "SELECT * FROM (SELECT household_id, ts, row_number() OVER (PARTITION BY household_id ORDER BY ts) r FROM purchases) t WHERE r <= 3",
            "SELECT * FROM (SELECT household_id, ts, row_number() OVER (PARTITION BY household_id ORDER BY ts) r FROM purchases) t WHERE r = 1",
            "SELECT a.household_id, a.category, a.n, s.total FROM affinity a JOIN spend s ON s.household_id = a.household_id",
            "SELECT s.household_id, a.category, a.n, s.total FROM spend s JOIN affinity a ON s.household_id = a.household_id",
            "SELECT s.household_id, a.category, a.n, s.total FROM spend s LEFT JOIN affinity a ON s.household_id = a.household_id",
            "SELECT a.household_id AS x, b.household_id AS y, a.category FROM affinity a JOIN affinity b ON a.category = b.category",
            "SELECT o.user_id, o.order_id, t.n FROM orders o, totals t",
            "SELECT o.user_id, o.order_id FROM orders o WHERE EXISTS (SELECT 1 FROM bag b WHERE b.k = o.note)",
            "SELECT p.product_id, q.price FROM products p JOIN prices q USING (product_id)",
            "SELECT b.x AS x FROM (SELECT DISTINCT x FROM bag) a JOIN (SELECT DISTINCT x FROM bag) b ON a.x = b.x",
            "SELECT 1 AS one",
        ],
        expect![[r#"
            (product_id)         SELECT * FROM products
            (id)                 SELECT name, product_id AS id FROM products
            keyless              SELECT name FROM products
            (u, o)               SELECT note, order_id AS o, user_id AS u FROM orders WHERE paid
            (department, category) SELECT category, department, count(*) AS n FROM products GROUP BY department, category
            single row           SELECT count(*) AS n FROM products
            single row           SELECT n + 1 AS m FROM totals
            keyless              SELECT count(*) AS n FROM products GROUP BY category
            (department, category) SELECT DISTINCT department, category FROM products
            keyless              SELECT * FROM products UNION ALL SELECT * FROM products
            (product_id, department, category, name) SELECT * FROM products UNION SELECT * FROM products
            keyless              SELECT * FROM bag
            (product_id)         SELECT product_id, name FROM products ORDER BY name LIMIT 5
            single row           SELECT product_id, name FROM products ORDER BY name LIMIT 1
            (household_id, r)    SELECT * FROM (SELECT household_id, ts, row_number() OVER (PARTITION BY household_id ORDER BY ts) r FROM purchases) t WHERE r <= 3
            (household_id)       SELECT * FROM (SELECT household_id, ts, row_number() OVER (PARTITION BY household_id ORDER BY ts) r FROM purchases) t WHERE r = 1
            (household_id, category) SELECT a.household_id, a.category, a.n, s.total FROM affinity a JOIN spend s ON s.household_id = a.household_id
            (household_id, category) SELECT s.household_id, a.category, a.n, s.total FROM spend s JOIN affinity a ON s.household_id = a.household_id
            (household_id, category) SELECT s.household_id, a.category, a.n, s.total FROM spend s LEFT JOIN affinity a ON s.household_id = a.household_id
            (category, x, y)     SELECT a.household_id AS x, b.household_id AS y, a.category FROM affinity a JOIN affinity b ON a.category = b.category
            (user_id, order_id)  SELECT o.user_id, o.order_id, t.n FROM orders o, totals t
            (user_id, order_id)  SELECT o.user_id, o.order_id FROM orders o WHERE EXISTS (SELECT 1 FROM bag b WHERE b.k = o.note)
            keyless              SELECT p.product_id, q.price FROM products p JOIN prices q USING (product_id)
            (x)                  SELECT b.x AS x FROM (SELECT DISTINCT x FROM bag) a JOIN (SELECT DISTINCT x FROM bag) b ON a.x = b.x
            single row           SELECT 1 AS one
        "#]],
    );
}
