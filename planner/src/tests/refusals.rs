//! What cannot be kept: the full sentence, and what to write instead.

use super::fixture::check;
use expect_test::expect;

#[test]
fn joins() {
    check(
        "SELECT p.ts FROM purchases p FULL JOIN products q ON p.product_id = q.product_id",
        expect![[r#"
            project ts                                                key=none  cost=O(d)  state=none
            -> union all                                              key=none  cost=O(d)  state=none
               -> left join ON product_id = product_id                key=none  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides, match counts
                  -> scan purchases (product_id, ts)                  key=none  cost=O(d)  state=none  append-only
                  -> scan products (product_id)                       key=(product_id)  cost=O(d)  state=none
               -> project NULL AS product_id, NULL AS ts, product_id  key=(product_id)  cost=O(d)  state=none
                  -> anti join ON product_id = product_id             key=(product_id)  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides, match counts
                     -> scan products (product_id)                    key=(product_id)  cost=O(d)  state=none
                     -> scan purchases (product_id, ts)               key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        "SELECT name FROM products WHERE product_id NOT IN (SELECT product_id FROM purchases)",
        expect![[r#"
            project name                                      key=none  cost=O(d)  state=none
            -> join ON NOT CASE WHEN found IS NOT NULL THEN true WHEN count(product_id) < count(*) THEN NULL ELSE false END  key=none  exchange=one,one  cost=O(d * matches)  state=rows of both sides
               -> project name, found                         key=none  cost=O(d)  state=none
                  -> left join ON product_id = product_id     key=(product_id, found)  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides, match counts
                     -> scan products (product_id, name)      key=(product_id)  cost=O(d)  state=none
                     -> distinct                              key=(found, product_id)  exchange=hash(found, product_id)  cost=O(d)  state=a count per row  append-only
                        -> project true AS found, product_id  key=none  cost=O(d)  state=none  append-only
                           -> scan purchases (product_id)     key=none  cost=O(d)  state=none  append-only
               -> aggregate count(*), count(product_id)       key=(single row)  exchange=one  cost=O(d)  state=one row
                  -> scan purchases (product_id)              key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        "SELECT name FROM products q WHERE category = 'x' OR EXISTS (SELECT 1 FROM purchases p WHERE p.product_id = q.product_id)",
        expect![[r#"
            project name                                         key=none  cost=O(d)  state=none
            -> filter category = 'x' OR found IS NOT NULL        key=(product_id, found)  cost=O(d)  state=none
               -> left join ON product_id = product_id           key=(product_id, found)  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides, match counts
                  -> scan products (product_id, category, name)  key=(product_id)  cost=O(d)  state=none
                  -> distinct                                    key=(found, product_id)  exchange=hash(found, product_id)  cost=O(d)  state=a count per row  append-only
                     -> project true AS found, product_id        key=none  cost=O(d)  state=none  append-only
                        -> scan purchases (product_id)           key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        "SELECT (SELECT name FROM products WHERE category = 'x') AS n FROM spend",
        expect![[r#"
        a subquery used as a value may return more than one row, which a materialized view cannot report (0A000); hint: Make it one row: use an aggregate such as max(...), or LIMIT 1, or compare with the full primary key.
    "#]],
    );
}

#[test]
fn aggregates() {
    check(
        "SELECT category, string_agg(name, ',') FROM products GROUP BY category",
        expect![[r#"
        the aggregate string_agg cannot be kept in a materialized view yet (0A000); hint: Use count, sum, avg, min, max, or variance and stddev of exact numbers, with DISTINCT and FILTER as needed, or compute it in the query that reads the view.
    "#]],
    );
    check(
        "SELECT count(DISTINCT (category, name)) FROM products",
        expect![[r#"
            a row is not supported as a value (0A000); hint: Compare rows with = or IN, and select the values one by one.
        "#]],
    );
    check(
        "SELECT array_agg(name) FROM products",
        expect![[r#"
            column "array_agg" has type text[], which cannot be stored (0A000); hint: Cast it to one of Attune's column types, or store one row per element.
        "#]],
    );
}

#[test]
fn windows() {
    check(
        "SELECT rank() OVER (PARTITION BY category ORDER BY name) AS r FROM products",
        expect![[r#"
        the window function rank() cannot be kept in a materialized view yet (0A000); hint: Use row_number(), with further columns in its ORDER BY that say how ties are broken, or count the rows that come before with a join.
    "#]],
    );
    check(
        "SELECT sum(price) OVER (PARTITION BY household_id ORDER BY ts) AS s FROM purchases",
        expect![[r#"
        the window function sum() cannot be kept in a materialized view yet (0A000); hint: Aggregate with GROUP BY in a subquery and join it to the rows.
    "#]],
    );
    check(
        "SELECT lag(price) OVER (PARTITION BY household_id ORDER BY ts) AS s FROM purchases",
        expect![[r#"
        the window function lag() cannot be kept in a materialized view yet (0A000); hint: Compute it in the query that reads the view; row_number() is supported here.
    "#]],
    );
}

#[test]
fn expressions() {
    check(
        "SELECT now() AS t, name FROM products",
        expect![[r#"
        now() has no fixed result, so a view or index cannot be kept with it (0A000); hint: Store the value in a column when the row is written, or compute it in the query that reads the view.
    "#]],
    );
    check(
        "SELECT name FROM products WHERE random() < 0.5",
        expect![[r#"
        random() has no fixed result, so a view or index cannot be kept with it (0A000); hint: Store the value in a column when the row is written, or compute it in the query that reads the view.
    "#]],
    );
    check(
        "SELECT name SIMILAR TO 'a%' AS s FROM products",
        expect![[r#"
        SIMILAR TO is not supported (0A000); hint: Use LIKE, or ~ with a regular expression.
    "#]],
    );
    check(
        "SELECT make_array(name) AS a FROM products",
        expect![[r#"
            column "a" has type text[], which cannot be stored (0A000); hint: Cast it to one of Attune's column types, or store one row per element.
        "#]],
    );
    let deep = (0..300).fold("price".to_owned(), |text, n| format!("{text} + {n}.5 * quantity"));
    check(
        &format!("SELECT {deep} AS x FROM purchases"),
        expect![[r#"
        an expression is nested too deeply (54001); hint: Compute parts of it in views that this query reads.
    "#]],
    );
}

#[test]
fn others() {
    check(
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
        expect![[r#"
            WITH RECURSIVE is not supported: "r" reads itself, or what follows it (0A000); hint: Join as often as the depth needs, or loop in the program.
        "#]],
    );
    check(
        "SELECT name FROM products LIMIT $1",
        expect![[r#"
        LIMIT must be a constant in a materialized view (0A000); hint: Write a number.
    "#]],
    );
    check(
        "SELECT unnest(make_array(1, 2)) AS n FROM products",
        expect![[r#"
        functions that give rows cannot be kept in a materialized view yet (0A000); hint: Store one row per element, or call the function when reading the view.
    "#]],
    );
    check(
        "SELECT FROM products",
        expect![[r#"
        a materialized view must have at least one column (42P16)
    "#]],
    );
}
