//! Every kind of plan node.

use super::fixture::check;
use expect_test::expect;

#[test]
fn scan_filter_project() {
    check(
        "SELECT * FROM products",
        expect![[r#"
        scan products (product_id, department, category, name)  key=(product_id)  cost=O(d)  state=none
    "#]],
    );
    check(
        "SELECT product_id, price * quantity AS total FROM purchases WHERE price > 1.5 AND quantity IS NOT NULL",
        expect![[r#"
            project product_id, price * quantity::double precision AS total  key=none  cost=O(d)  state=none  append-only
            -> filter price > 1.5 AND quantity IS NOT NULL                   key=none  cost=O(d)  state=none  append-only
               -> scan purchases (product_id, quantity, price)               key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        "SELECT note FROM orders WHERE paid AND note LIKE 'a%' AND day BETWEEN '2024-01-01' AND '2024-02-01'",
        expect![[r#"
            project note                         key=none  cost=O(d)  state=none
            -> filter paid AND note LIKE 'a%' AND day >= '2024-01-01' AND day <= '2024-02-01'  key=none  cost=O(d)  state=none
               -> scan orders (paid, day, note)  key=none  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT upper(note) AS u, CASE WHEN paid THEN 'yes' ELSE 'no' END AS p, user_id::text AS t FROM orders",
        expect![[r#"
            project upper(note) AS u, CASE WHEN paid THEN 'yes' ELSE 'no' END AS p, user_id::text AS t  key=none  cost=O(d)  state=none
            -> scan orders (user_id, paid, note)  key=none  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT user_id FROM orders WHERE order_id IN (1, 2, 3, 5, 8) OR (day IS NULL AND NOT paid)",
        expect![[r#"
        project user_id                                                    key=none  cost=O(d)  state=none
        -> filter order_id IN (1, 2, 3, 5, 8) OR day IS NULL AND NOT paid  key=(user_id, order_id)  cost=O(d)  state=none
           -> scan orders (user_id, order_id, paid, day)                   key=(user_id, order_id)  cost=O(d)  state=none
    "#]],
    );
    check(
        "SELECT k, x FROM bag",
        expect![[r#"
        scan bag (k, x)  key=none  cost=O(d)  state=none
    "#]],
    );
}

#[test]
fn joins() {
    check(
        "SELECT o.user_id, o.order_id, s.total FROM orders o JOIN spend s ON s.household_id = o.user_id",
        expect![[r#"
            project user_id, order_id, total        key=(user_id, order_id)  cost=O(d)  state=none
            -> join ON user_id = household_id       key=(user_id, order_id)  exchange=hash(user_id),hash(household_id)  cost=O(d * matches)  state=rows of both sides
               -> scan orders (user_id, order_id)   key=(user_id, order_id)  cost=O(d)  state=none
               -> scan spend (household_id, total)  key=(household_id)  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT p.ts, q.name FROM purchases p LEFT JOIN products q ON p.product_id = q.product_id AND q.category <> 'x'",
        expect![[r#"
            project ts, name                                        key=none  cost=O(d)  state=none
            -> left join ON product_id = product_id                 key=none  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides, match counts
               -> scan purchases (product_id, ts)                   key=none  cost=O(d)  state=none  append-only
               -> project product_id, name                          key=(product_id)  cost=O(d)  state=none
                  -> filter category <> 'x'                         key=(product_id)  cost=O(d)  state=none
                     -> scan products (product_id, category, name)  key=(product_id)  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT p.ts, q.name FROM purchases p RIGHT JOIN products q ON p.product_id = q.product_id",
        expect![[r#"
        project ts, name                         key=none  cost=O(d)  state=none
        -> left join ON product_id = product_id  key=none  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides, match counts
           -> scan products (product_id, name)   key=(product_id)  cost=O(d)  state=none
           -> scan purchases (product_id, ts)    key=none  cost=O(d)  state=none  append-only
    "#]],
    );
    check(
        "SELECT name FROM products q WHERE EXISTS (SELECT 1 FROM purchases p WHERE p.product_id = q.product_id AND p.price > 10)",
        expect![[r#"
            project name                                    key=none  cost=O(d)  state=none
            -> semi join ON product_id = product_id         key=(product_id)  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides, match counts
               -> scan products (product_id, name)          key=(product_id)  cost=O(d)  state=none
               -> project product_id                        key=none  cost=O(d)  state=none  append-only
                  -> filter price > 10                      key=none  cost=O(d)  state=none  append-only
                     -> scan purchases (product_id, price)  key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        "SELECT name FROM products q WHERE NOT EXISTS (SELECT 1 FROM purchases p WHERE p.product_id = q.product_id)",
        expect![[r#"
            project name                             key=none  cost=O(d)  state=none
            -> anti join ON product_id = product_id  key=(product_id)  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides, match counts
               -> scan products (product_id, name)   key=(product_id)  cost=O(d)  state=none
               -> scan purchases (product_id)        key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        "SELECT name FROM products WHERE product_id IN (SELECT product_id FROM purchases)",
        expect![[r#"
        project name                             key=none  cost=O(d)  state=none
        -> semi join ON product_id = product_id  key=(product_id)  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides, match counts
           -> scan products (product_id, name)   key=(product_id)  cost=O(d)  state=none
           -> scan purchases (product_id)        key=none  cost=O(d)  state=none  append-only
    "#]],
    );
    check(
        "SELECT name FROM products WHERE product_id NOT IN (SELECT product_id FROM products WHERE category = 'x')",
        expect![[r#"
            project name                                      key=none  cost=O(d)  state=none
            -> anti join ON product_id = product_id           key=(product_id)  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides, match counts
               -> scan products (product_id, name)            key=(product_id)  cost=O(d)  state=none
               -> project product_id                          key=(product_id)  cost=O(d)  state=none
                  -> filter category = 'x'                    key=(product_id)  cost=O(d)  state=none
                     -> scan products (product_id, category)  key=(product_id)  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT o.order_id, b.k FROM orders o, bag b",
        expect![[r#"
        cross join                 key=none  exchange=one,one  cost=O(d * matches)  state=rows of both sides
        -> scan orders (order_id)  key=none  cost=O(d)  state=none
        -> scan bag (k)            key=none  cost=O(d)  state=none
    "#]],
    );
    check(
        "SELECT o.order_id, b.k FROM orders o JOIN bag b ON o.order_id = length(b.k) AND o.user_id > b.x",
        expect![[r#"
            project order_id, k                      key=none  cost=O(d)  state=none
            -> join ON order_id = character_length(k) AND user_id::double precision > x::double precision  key=none  exchange=hash(order_id),hash(character_length(k))  cost=O(d * matches)  state=rows of both sides
               -> scan orders (user_id, order_id)    key=(user_id, order_id)  cost=O(d)  state=none
               -> project k, x, character_length(k)  key=none  cost=O(d)  state=none
                  -> scan bag (k, x)                 key=none  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT o.order_id FROM orders o JOIN bag b ON o.note IS NOT DISTINCT FROM b.k",
        expect![[r#"
        project order_id                        key=none  cost=O(d)  state=none
        -> join ON note IS NOT DISTINCT FROM k  key=none  exchange=hash(note),hash(k)  cost=O(d * matches)  state=rows of both sides
           -> scan orders (order_id, note)      key=none  cost=O(d)  state=none
           -> scan bag (k)                      key=none  cost=O(d)  state=none
    "#]],
    );
}

#[test]
fn scalar_subqueries() {
    check(
        "SELECT household_id FROM spend WHERE total > (SELECT avg(total) FROM spend)",
        expect![[r#"
            project household_id                    key=(household_id)  cost=O(d)  state=none
            -> join ON total > avg(total)           key=(household_id)  exchange=one,one  cost=O(d * matches)  state=rows of both sides
               -> scan spend (household_id, total)  key=(household_id)  cost=O(d)  state=none
               -> aggregate avg(total)              key=(single row)  exchange=one  cost=O(d)  state=one row
                  -> scan spend (total)             key=none  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT product_id, (SELECT max(price) FROM prices p WHERE p.product_id = q.product_id) AS top FROM products q",
        expect![[r#"
            project product_id, max AS top            key=(product_id)  cost=O(d)  state=none
            -> left join ON product_id = product_id   key=(product_id)  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides, match counts
               -> scan products (product_id)          key=(product_id)  cost=O(d)  state=none
               -> aggregate max(price) BY product_id  key=(product_id)  exchange=hash(product_id)  cost=O(d log g)  state=a row per group, values of price
                  -> scan prices (product_id, price)  key=none  cost=O(d)  state=none  append-only
        "#]],
    );
}

#[test]
fn aggregates() {
    check(
        "SELECT count(*) FROM purchases",
        expect![[r#"
        aggregate count(*)                   key=(single row)  exchange=one  cost=O(d)  state=one row
        -> project true AS unit              key=none  cost=O(d)  state=none  append-only
           -> scan purchases (household_id)  key=none  cost=O(d)  state=none  append-only
    "#]],
    );
    check(
        "SELECT count(*) AS n, count(DISTINCT product_id) AS d, avg(price) AS a, min(ts) AS first FROM purchases",
        expect![[r#"
            aggregate count(*), count(DISTINCT product_id), avg(price), min(ts)  key=(single row)  exchange=one  cost=O(d log g)  state=one row, values of product_id, ts
            -> scan purchases (product_id, price, ts)                            key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        "SELECT day, sum(amount) FILTER (WHERE paid) AS paid, avg(amount) AS a, min(amount) AS m, count(note) AS c FROM orders GROUP BY day",
        expect![[r#"
            aggregate sum(amount) FILTER (WHERE paid), avg(amount), min(amount), count(note) BY day  key=(day)  exchange=hash(day)  cost=O(d log g)  state=in the view's rows, values of amount
            -> scan orders (amount, paid, day, note)  key=none  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT quantity % 10 AS bucket, sum(price * quantity) AS s FROM purchases GROUP BY quantity % 10 HAVING sum(price * quantity) > 5",
        expect![[r#"
            filter sum(price * quantity::double precision) > 5                     key=(bucket)  cost=O(d)  state=none
            -> aggregate sum(price * quantity::double precision) BY quantity % 10  key=(quantity % 10)  exchange=hash(quantity % 10)  cost=O(d)  state=a row per group
               -> project quantity % 10, price * quantity::double precision        key=none  cost=O(d)  state=none  append-only
                  -> scan purchases (quantity, price)                              key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        "SELECT category FROM products GROUP BY category",
        expect![[r#"
        distinct                     key=(category)  exchange=hash(category)  cost=O(d)  state=a count per row
        -> scan products (category)  key=none  cost=O(d)  state=none
    "#]],
    );
}

#[test]
fn distinct_and_union() {
    check(
        "SELECT DISTINCT category FROM products",
        expect![[r#"
        distinct                     key=(category)  exchange=hash(category)  cost=O(d)  state=a count per row
        -> scan products (category)  key=none  cost=O(d)  state=none
    "#]],
    );
    check(
        "SELECT DISTINCT household_id, total FROM spend",
        expect![[r#"
        scan spend (household_id, total)  key=(household_id)  cost=O(d)  state=none
    "#]],
    );
    check(
        "SELECT DISTINCT ON (household_id) household_id, product_id, ts FROM purchases ORDER BY household_id, ts DESC",
        expect![[r#"
            top 1 per household_id ORDER BY ts DESC           key=(household_id)  exchange=hash(household_id)  cost=O(d)  state=the first rows per group
            -> scan purchases (household_id, product_id, ts)  key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        "SELECT product_id, price FROM purchases UNION ALL SELECT order_id, amount FROM orders",
        expect![[r#"
            union all                              key=none  cost=O(d)  state=none
            -> scan purchases (product_id, price)  key=none  cost=O(d)  state=none  append-only
            -> project order_id::bigint AS product_id, amount::double precision AS price  key=none  cost=O(d)  state=none
               -> scan orders (order_id, amount)   key=none  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT product_id FROM purchases UNION SELECT product_id FROM products",
        expect![[r#"
        distinct                           key=(product_id)  exchange=hash(product_id)  cost=O(d)  state=a count per row
        -> union all                       key=none  cost=O(d)  state=none
           -> scan purchases (product_id)  key=none  cost=O(d)  state=none  append-only
           -> scan products (product_id)   key=(product_id)  cost=O(d)  state=none
    "#]],
    );
}

#[test]
fn limits() {
    check(
        "SELECT * FROM spend ORDER BY total DESC LIMIT 3",
        expect![[r#"
        top 3 ORDER BY total DESC                          key=(household_id)  exchange=one  cost=O(d log g)  state=all rows in order
        -> scan spend (household_id, n, total, last_seen)  key=(household_id)  cost=O(d)  state=none
    "#]],
    );
    check(
        "SELECT household_id FROM spend ORDER BY total DESC NULLS LAST, n OFFSET 2 LIMIT 3",
        expect![[r#"
            project household_id                                key=(household_id)  cost=O(d)  state=none
            -> top 3 after 2 ORDER BY total DESC NULLS LAST, n  key=(household_id)  exchange=one  cost=O(d log g)  state=all rows in order
               -> scan spend (household_id, n, total)           key=(household_id)  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT k FROM bag LIMIT 5",
        expect![[r#"
        top 5            key=none  exchange=one  cost=O(d log g)  state=all rows in order
        -> scan bag (k)  key=none  cost=O(d)  state=none
    "#]],
    );
    check(
        "SELECT name FROM products ORDER BY length(name)",
        expect![[r#"
        scan products (name)  key=none  cost=O(d)  state=none
    "#]],
    );
    check(
        "SELECT name FROM products ORDER BY length(name) LIMIT 2",
        expect![[r#"
            project name                                         key=none  cost=O(d)  state=none
            -> top 2 ORDER BY order                              key=none  exchange=one  cost=O(d log g)  state=all rows in order
               -> project name, character_length(name) AS order  key=none  cost=O(d)  state=none
                  -> scan products (name)                        key=none  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT n FROM spend OFFSET 4",
        expect![[r#"
        all rows in order after 4  key=none  exchange=one  cost=O(d log g)  state=all rows in order
        -> scan spend (n)          key=none  cost=O(d)  state=none
    "#]],
    );
}

#[test]
fn row_numbers() {
    let ranked = "(SELECT household_id AS h, ts, row_number() OVER (PARTITION BY household_id ORDER BY ts) AS rank FROM purchases) t";
    check(
        &format!("SELECT h, ts FROM {ranked} WHERE rank = 1"),
        expect![[r#"
            top 1 per household_id ORDER BY ts    key=(h)  exchange=hash(household_id)  cost=O(d)  state=the first rows per group
            -> scan purchases (household_id, ts)  key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        &format!("SELECT h, ts, rank FROM {ranked} WHERE rank < 4 AND ts IS NOT NULL"),
        expect![[r#"
            filter ts IS NOT NULL                                  key=(h, rank)  cost=O(d)  state=none
            -> top 3 per household_id ORDER BY ts with row number  key=(household_id, rank)  exchange=hash(household_id)  cost=O(d)  state=the first rows per group
               -> scan purchases (household_id, ts)                key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        &format!("SELECT h, ts FROM {ranked} WHERE rank BETWEEN 2 AND 5"),
        expect![[r#"
            project household_id AS h, ts                             key=none  cost=O(d)  state=none
            -> filter row_number >= 2                                 key=(household_id, row_number)  cost=O(d)  state=none
               -> top 5 per household_id ORDER BY ts with row number  key=(household_id, row_number)  exchange=hash(household_id)  cost=O(d log g)  state=rows per group in order
                  -> scan purchases (household_id, ts)                key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        &format!("SELECT * FROM {ranked}"),
        expect![[r#"
            all rows in order per household_id ORDER BY ts with row number  key=(h, rank)  exchange=hash(household_id)  cost=O(g)  state=rows per group in order
            -> scan purchases (household_id, ts)                            key=none  cost=O(d)  state=none  append-only
        "#]],
    );
    check(
        "SELECT product_id, row_number() OVER (ORDER BY name) AS r FROM products",
        expect![[r#"
            project product_id, r                               key=(r)  cost=O(d)  state=none
            -> all rows in order ORDER BY name with row number  key=(r)  exchange=one  cost=O(g)  state=all rows in order
               -> scan products (product_id, name)              key=(product_id)  cost=O(d)  state=none
        "#]],
    );
    check(
        "SELECT name FROM (SELECT name, row_number() OVER (PARTITION BY upper(category) ORDER BY length(name)) AS r FROM products) t WHERE 3 >= r",
        expect![[r#"
            project name                                                           key=none  cost=O(d)  state=none
            -> top 3 per upper(category) ORDER BY character_length(name)           key=none  exchange=hash(upper(category))  cost=O(d log g)  state=rows per group in order
               -> project category, name, upper(category), character_length(name)  key=none  cost=O(d)  state=none
                  -> scan products (category, name)                                key=none  cost=O(d)  state=none
        "#]],
    );
}

#[test]
fn constants() {
    check(
        "SELECT 1 AS one, 'a' AS a",
        expect![[r#"
        project 1 AS one, 'a' AS a  key=(single row)  cost=O(d)  state=none  append-only
        -> values (true)            key=(single row)  cost=O(1)  state=none  append-only
    "#]],
    );
    check(
        "SELECT * FROM (VALUES (1, 'x'), (2, NULL)) AS v (n, t)",
        expect![[r#"
        values (1, 'x'), (2, NULL)  key=none  cost=O(1)  state=none  append-only
    "#]],
    );
    check(
        "SELECT name FROM products WHERE false",
        expect![[r#"
        no rows  key=(single row)  cost=O(1)  state=none  append-only
    "#]],
    );
}

#[test]
fn semi_joins_below_joins_that_look_up_one_row() {
    // Below both joins, to the rows whose columns it reads.
    check(
        "SELECT a.household_id, a.category, s.total FROM affinity a JOIN spend s USING (household_id)
         WHERE NOT EXISTS (SELECT 1 FROM products p WHERE p.category = a.category AND p.department = 'x')",
        expect![[r#"
            project household_id, category, total                key=(household_id, category)  cost=O(d)  state=none
            -> join ON household_id = household_id               key=(household_id, category)  exchange=hash(household_id),hash(household_id)  cost=O(d * matches)  state=rows of both sides
               -> anti join ON category = category               key=(household_id, category)  exchange=hash(category),hash(category)  cost=O(d * matches)  state=rows of both sides, match counts
                  -> scan affinity (household_id, category)      key=(household_id, category)  cost=O(d)  state=none
                  -> project category                            key=none  cost=O(d)  state=none
                     -> filter department = 'x'                  key=none  cost=O(d)  state=none
                        -> scan products (department, category)  key=none  cost=O(d)  state=none
               -> scan spend (household_id, total)               key=(household_id)  cost=O(d)  state=none
        "#]],
    );
    // Not below a join that may find many rows, nor to the side it does not read.
    check(
        "SELECT s.household_id, a.category FROM spend s JOIN affinity a USING (household_id)
         WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = s.total::bigint)",
        expect![[r#"
            project household_id, category                              key=(household_id, category)  cost=O(d)  state=none
            -> semi join ON total::bigint = user_id                     key=(household_id, category)  exchange=hash(total::bigint),hash(user_id)  cost=O(d * matches)  state=rows of both sides, match counts
               -> project household_id, total, category, total::bigint  key=(household_id, category)  cost=O(d)  state=none
                  -> join ON household_id = household_id                key=(household_id, category)  exchange=hash(household_id),hash(household_id)  cost=O(d * matches)  state=rows of both sides
                     -> scan spend (household_id, total)                key=(household_id)  cost=O(d)  state=none
                     -> scan affinity (household_id, category)          key=(household_id, category)  cost=O(d)  state=none
               -> scan orders (user_id)                                 key=none  cost=O(d)  state=none
        "#]],
    );
    // A condition that reads both sides stays above.
    check(
        "SELECT a.household_id, a.category FROM affinity a JOIN spend s USING (household_id)
         WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = a.household_id AND o.order_id > s.n + a.n)",
        expect![[r#"
            project household_id, category                                       key=(household_id, category)  cost=O(d)  state=none
            -> semi join ON household_id = user_id AND order_id::bigint > n + n  key=(household_id, category)  exchange=hash(household_id),hash(user_id)  cost=O(d * matches)  state=rows of both sides, match counts
               -> project household_id, category, n, n                           key=(household_id, category)  cost=O(d)  state=none
                  -> join ON household_id = household_id                         key=(household_id, category)  exchange=hash(household_id),hash(household_id)  cost=O(d * matches)  state=rows of both sides
                     -> scan affinity (household_id, category, n)                key=(household_id, category)  cost=O(d)  state=none
                     -> scan spend (household_id, n)                             key=(household_id)  cost=O(d)  state=none
               -> scan orders (user_id, order_id)                                key=(user_id, order_id)  cost=O(d)  state=none
        "#]],
    );
}
