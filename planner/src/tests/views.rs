//! The views of the issue and of the demo.

use super::fixture::{AFFINITY, SPEND, TOP_CATEGORIES, catalog, check, layouts};
use expect_test::expect;

#[test]
fn spend() {
    check(
        SPEND,
        expect![[r#"
            aggregate count(*), sum(price), max(ts) BY household_id  key=(household_id)  exchange=hash(household_id)  cost=O(d log g)  state=in the view's rows, values of ts
            -> scan purchases (household_id, price, ts)              key=none  cost=O(d)  state=none  append-only
        "#]],
    );
}

#[test]
fn affinity() {
    check(
        AFFINITY,
        expect![[r#"
            aggregate sum(quantity) BY household_id, category             key=(household_id, category)  exchange=hash(household_id, category)  cost=O(d)  state=in the view's rows
            -> project household_id, quantity, category                   key=none  cost=O(d)  state=none
               -> join ON product_id = product_id                         key=none  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides
                  -> scan purchases (household_id, product_id, quantity)  key=none  cost=O(d)  state=none  append-only
                  -> scan products (product_id, category)                 key=(product_id)  cost=O(d)  state=none
        "#]],
    );
}

#[test]
fn top_categories() {
    check(
        TOP_CATEGORIES,
        expect![[r#"
            top 10 per household_id ORDER BY n DESC, category with row number  key=(household_id, rank)  exchange=hash(household_id)  cost=O(d log g)  state=rows per group in order
            -> scan affinity (household_id, category, n)                       key=(household_id, category)  cost=O(d)  state=none
        "#]],
    );
}

#[test]
fn bought_together() {
    check(
        "SELECT product_id, other_id, n, rank FROM (
           SELECT product_id, other_id, n, row_number() OVER (PARTITION BY product_id ORDER BY n DESC, other_id) AS rank
           FROM (SELECT a.product_id, b.product_id AS other_id, count(*) AS n FROM purchases a
                 JOIN purchases b ON a.basket_id = b.basket_id AND a.product_id <> b.product_id
                 GROUP BY a.product_id, b.product_id) pairs) ranked
         WHERE rank <= 20",
        expect![[r#"
            top 20 per product_id ORDER BY count(*) DESC, product_id with row number  key=(product_id, rank)  exchange=hash(product_id)  cost=O(d)  state=the first rows per group
            -> aggregate count(*) BY product_id, product_id                           key=(product_id, product_id)  exchange=hash(product_id, product_id)  cost=O(d)  state=a row per group
               -> project product_id, product_id                                      key=none  cost=O(d)  state=none  append-only
                  -> join ON basket_id = basket_id AND product_id <> product_id       key=none  exchange=hash(basket_id),hash(basket_id)  cost=O(d * matches)  state=rows of both sides  append-only
                     -> scan purchases (basket_id, product_id)                        key=none  cost=O(d)  state=none  append-only
                     -> scan purchases (basket_id, product_id)                        key=none  cost=O(d)  state=none  append-only
        "#]],
    );
}

#[test]
fn top_products_of_each_week() {
    check(
        "SELECT * FROM (
           SELECT week, product_id, n, row_number() OVER (PARTITION BY week ORDER BY n DESC, product_id) AS rank
           FROM (SELECT date_trunc('week', ts) AS week, product_id, sum(quantity) AS n FROM purchases GROUP BY 1, 2) w) t
         WHERE rank <= 10",
        expect![[r#"
            top 10 per date_trunc('week', ts) ORDER BY sum(quantity) DESC, product_id with row number  key=(week, rank)  exchange=hash(date_trunc('week', ts))  cost=O(d log g)  state=rows per group in order
            -> aggregate sum(quantity) BY date_trunc('week', ts), product_id  key=(date_trunc('week', ts), product_id)  exchange=hash(date_trunc('week', ts), product_id)  cost=O(d)  state=a row per group
               -> project date_trunc('week', ts), product_id, quantity        key=none  cost=O(d)  state=none  append-only
                  -> scan purchases (product_id, quantity, ts)                key=none  cost=O(d)  state=none  append-only
        "#]],
    );
}

#[test]
fn recommendations() {
    check(
        "SELECT * FROM (
           SELECT c.household_id, c.product_id, c.score,
                  row_number() OVER (PARTITION BY c.household_id ORDER BY c.score DESC, c.product_id) AS rank
           FROM (SELECT a.household_id, p.product_id, sum(a.n * coalesce(p.price, 0.0)) AS score
                 FROM affinity a JOIN products q ON q.category = a.category JOIN prices p ON p.product_id = q.product_id
                 WHERE NOT EXISTS (SELECT 1 FROM purchases h
                                   WHERE h.household_id = a.household_id AND h.product_id = p.product_id)
                 GROUP BY a.household_id, p.product_id) c) r
         WHERE rank <= 10",
        expect![[r#"
            top 10 per household_id ORDER BY sum(n::double precision * coalesce(price, 0)) DESC, product_id with row number  key=(household_id, rank)  exchange=hash(household_id)  cost=O(d log g)  state=rows per group in order
            -> aggregate sum(n::double precision * coalesce(price, 0)) BY household_id, product_id  key=(household_id, product_id)  exchange=hash(household_id, product_id)  cost=O(d)  state=a row per group
               -> project household_id, product_id, n::double precision * coalesce(price, 0)  key=none  cost=O(d)  state=none
                  -> anti join ON household_id = household_id AND product_id = product_id  key=none  exchange=hash(household_id, product_id),hash(household_id, product_id)  cost=O(d * matches)  state=rows of both sides, match counts
                     -> project household_id, n, product_id, price             key=none  cost=O(d)  state=none
                        -> join ON product_id = product_id                     key=none  exchange=hash(product_id),hash(product_id)  cost=O(d * matches)  state=rows of both sides
                           -> project household_id, n, product_id              key=none  cost=O(d)  state=none
                              -> join ON category = category                   key=(category, household_id, product_id)  exchange=hash(category),hash(category)  cost=O(d * matches)  state=rows of both sides
                                 -> scan affinity (household_id, category, n)  key=(household_id, category)  cost=O(d)  state=none
                                 -> scan products (product_id, category)       key=(product_id)  cost=O(d)  state=none
                           -> scan prices (product_id, price)                  key=none  cost=O(d)  state=none  append-only
                     -> scan purchases (household_id, product_id)              key=none  cost=O(d)  state=none  append-only
        "#]],
    );
}

#[test]
fn every_stored_relation_of_the_fixture_has_a_layout() {
    assert_eq!(layouts(&catalog()), 9);
}
