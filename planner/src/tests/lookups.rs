//! Which queries are lookups, and how they find their rows.

use super::fixture::{catalog, lookup_of};
use crate::{Access, Bound, Lookup, LookupCount, LookupObject, LookupValue, explain_lookup};
use expect_test::{Expect, expect};

fn value(value: &LookupValue) -> String {
    match value {
        LookupValue::Parameter(n) => format!("${}", n + 1),
        LookupValue::Constant(Some(text)) => format!("'{text}'"),
        LookupValue::Constant(None) => "NULL".to_owned(),
    }
}

fn values(list: &[LookupValue]) -> String {
    list.iter().map(value).collect::<Vec<_>>().join(", ")
}

fn bound(name: &str, bound: &Option<Bound>) -> String {
    match bound {
        Some(bound) => format!(" {name} {}{}", value(&bound.value), if bound.inclusive { "" } else { " (excluded)" }),
        None => String::new(),
    }
}

fn count(name: &str, count: Option<LookupCount>) -> String {
    match count {
        Some(LookupCount::Constant(n)) => format!(" {name} {n}"),
        Some(LookupCount::Parameter(n)) => format!(" {name} ${}", n + 1),
        None => String::new(),
    }
}

fn text(lookup: &Lookup) -> String {
    let catalog = catalog();
    let object = match lookup.object {
        LookupObject::Relation => lookup.name.clone(),
        LookupObject::Index(id) => catalog.indexes().find(|i| i.id.0 == id).expect("exists").name.clone(),
    };
    let access = match &lookup.access {
        Access::Point(key) => format!("point ({})", values(key)),
        Access::Many(parameter) => format!("any of ${}", parameter + 1),
        Access::List(list) => format!("any of ({})", values(list)),
        Access::Range { prefix, from, to, reverse } => {
            let direction = if *reverse { " backwards" } else { "" };
            format!("range ({}){}{}{direction}", values(prefix), bound("from", from), bound("to", to))
        }
    };
    let types = lookup.key_types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let limits = count("limit", lookup.limit) + &count("offset", lookup.offset);
    format!("{object} {access}{limits} types [{types}] output {:?}", lookup.output)
}

fn check(queries: &[&str], expected: Expect) {
    let line = |sql: &&str| format!("{sql}\n   {}\n", lookup_of(sql).map_or("-".to_owned(), |l| text(&l)));
    expected.assert_eq(&queries.iter().map(line).collect::<String>());
}

#[test]
fn points() {
    check(
        &[
            "SELECT * FROM products WHERE product_id = $1",
            "SELECT name, product_id FROM products WHERE 7 = product_id",
            "SELECT p.name AS n FROM products p WHERE p.product_id = $1::int LIMIT 1",
            "SELECT amount FROM orders WHERE order_id = $2 AND user_id = $1 ORDER BY note",
            "SELECT * FROM spend WHERE household_id = 42",
            "SELECT * FROM top_categories WHERE household_id = $1 AND rank = 3",
            "SELECT * FROM totals",
        ],
        expect![[r#"
            SELECT * FROM products WHERE product_id = $1
               products point ($1) types [int64] output [0, 1, 2, 3]
            SELECT name, product_id FROM products WHERE 7 = product_id
               products point ('7') types [int64] output [3, 0]
            SELECT p.name AS n FROM products p WHERE p.product_id = $1::int LIMIT 1
               products point ($1) limit 1 types [int64] output [3]
            SELECT amount FROM orders WHERE order_id = $2 AND user_id = $1 ORDER BY note
               orders point ($1, $2) types [int64, int32] output [2]
            SELECT * FROM spend WHERE household_id = 42
               spend point ('42') types [int64] output [0, 1, 2, 3]
            SELECT * FROM top_categories WHERE household_id = $1 AND rank = 3
               top_categories point ($1, '3') types [int64, int64] output [0, 1, 2, 3]
            SELECT * FROM totals
               totals point () types [] output [0, 1]
        "#]],
    );
}

#[test]
fn several_points() {
    check(
        &[
            "SELECT * FROM products WHERE product_id = ANY($1)",
            "SELECT name FROM products WHERE product_id IN ($1, $2, $3, $4, $5)",
            "SELECT name FROM products WHERE product_id IN (1, $1)",
            "SELECT name FROM products WHERE product_id IN (1, 2) ORDER BY product_id",
            "SELECT note FROM orders WHERE user_id = ANY($1)",
        ],
        expect![[r#"
            SELECT * FROM products WHERE product_id = ANY($1)
               products any of $1 types [int64] output [0, 1, 2, 3]
            SELECT name FROM products WHERE product_id IN ($1, $2, $3, $4, $5)
               products any of ($1, $2, $3, $4, $5) types [int64] output [3]
            SELECT name FROM products WHERE product_id IN (1, $1)
               products any of ('1', $1) types [int64] output [3]
            SELECT name FROM products WHERE product_id IN (1, 2) ORDER BY product_id
               -
            SELECT note FROM orders WHERE user_id = ANY($1)
               -
        "#]],
    );
}

#[test]
fn ranges() {
    check(
        &[
            "SELECT * FROM top_categories WHERE household_id = 42 ORDER BY rank",
            "SELECT category FROM top_categories WHERE household_id = $1 ORDER BY rank DESC LIMIT 3",
            "SELECT category FROM top_categories WHERE household_id = $1 ORDER BY household_id DESC, rank LIMIT $2 OFFSET $3",
            "SELECT category FROM top_categories WHERE household_id = $1 AND rank <= 5",
            "SELECT order_id FROM orders WHERE user_id = $1 AND order_id BETWEEN $2 AND $3",
            "SELECT order_id FROM orders WHERE user_id = $1 AND order_id > 10 ORDER BY order_id LIMIT 10 OFFSET 5",
            "SELECT amount FROM orders WHERE user_id = $1 AND amount < 10.5 ORDER BY amount",
            "SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY n DESC LIMIT 10",
            "SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY n LIMIT 10",
            "SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY category",
            "SELECT name FROM products WHERE category = 'a' ORDER BY name, product_id",
            "SELECT price FROM prices WHERE product_id = $1",
            "SELECT n FROM levels WHERE x = $1 AND k = 'a'",
            "SELECT n FROM levels WHERE x = '-0' AND k >= 'a' AND k < $1",
            "SELECT price FROM prices WHERE product_id = $1 AND price BETWEEN 0.0 AND $2",
            "SELECT product_id FROM prices WHERE price = 1.5 AND product_id = 3",
        ],
        expect![[r#"
            SELECT * FROM top_categories WHERE household_id = 42 ORDER BY rank
               top_categories range ('42') types [int64] output [0, 1, 2, 3]
            SELECT category FROM top_categories WHERE household_id = $1 ORDER BY rank DESC LIMIT 3
               top_categories range ($1) backwards limit 3 types [int64] output [1]
            SELECT category FROM top_categories WHERE household_id = $1 ORDER BY household_id DESC, rank LIMIT $2 OFFSET $3
               top_categories range ($1) limit $2 offset $3 types [int64] output [1]
            SELECT category FROM top_categories WHERE household_id = $1 AND rank <= 5
               top_categories range ($1) to '5' types [int64, int64] output [1]
            SELECT order_id FROM orders WHERE user_id = $1 AND order_id BETWEEN $2 AND $3
               orders range ($1) from $2 to $3 types [int64, int32, int32] output [1]
            SELECT order_id FROM orders WHERE user_id = $1 AND order_id > 10 ORDER BY order_id LIMIT 10 OFFSET 5
               orders range ($1) from '10' (excluded) limit 10 offset 5 types [int64, int32] output [1]
            SELECT amount FROM orders WHERE user_id = $1 AND amount < 10.5 ORDER BY amount
               orders_amount range ($1) to '10.50' (excluded) types [int64, decimal(10,2)] output [2]
            SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY n DESC LIMIT 10
               affinity_n range ($1) limit 10 types [int64] output [1, 2]
            SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY n LIMIT 10
               affinity_n range ($1) backwards limit 10 types [int64] output [1, 2]
            SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY category
               affinity range ($1) types [int64] output [1, 2]
            SELECT name FROM products WHERE category = 'a' ORDER BY name, product_id
               products_category range ('a') types [text] output [2]
            SELECT price FROM prices WHERE product_id = $1
               -
            SELECT n FROM levels WHERE x = $1 AND k = 'a'
               levels point ($1, 'a') types [float32, text] output [2]
            SELECT n FROM levels WHERE x = '-0' AND k >= 'a' AND k < $1
               levels range ('0') from 'a' to $1 (excluded) types [float32, text, text] output [2]
            SELECT price FROM prices WHERE product_id = $1 AND price BETWEEN 0.0 AND $2
               -
            SELECT product_id FROM prices WHERE price = 1.5 AND product_id = 3
               -
        "#]],
    );
}

/// EXPLAIN of each query.
fn check_explained(queries: &[&str], expected: Expect) {
    let text = |sql: &&str| {
        let lookup = lookup_of(sql).unwrap_or_else(|| panic!("{sql} is no lookup"));
        format!("{sql}\n{}\n", explain_lookup(&lookup, &catalog()).join("\n"))
    };
    expected.assert_eq(&queries.iter().map(text).collect::<String>());
}

#[test]
fn explained() {
    check_explained(
        &[
            "SELECT * FROM top_categories WHERE household_id = 42 ORDER BY rank",
            "SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY n DESC LIMIT 10",
            "SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY n LIMIT $2 OFFSET $3",
            "SELECT * FROM spend WHERE household_id = 42",
            "SELECT * FROM totals",
            "SELECT * FROM products WHERE product_id = ANY($1)",
            "SELECT name FROM products WHERE product_id IN (1, $1, 3, 4)",
            "SELECT order_id FROM orders WHERE user_id = $1 AND order_id > 10 AND order_id <= $2",
            "SELECT category, n FROM affinity WHERE household_id = 7 AND n BETWEEN 2 AND 5",
            "SELECT name FROM products WHERE category = 'o''clock' ORDER BY name DESC, product_id DESC",
            "SELECT n FROM levels WHERE x = $1",
        ],
        expect![[r#"
            SELECT * FROM top_categories WHERE household_id = 42 ORDER BY rank
            Prefix lookup on top_categories
              Key: household_id = 42
              Order: rank
            SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY n DESC LIMIT 10
            Prefix lookup on affinity using affinity_n
              Key: household_id = $1
              Order: n DESC, category
              Limit: 10
            SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY n LIMIT $2 OFFSET $3
            Prefix lookup on affinity using affinity_n
              Key: household_id = $1
              Order: n, category DESC
              Limit: $2
              Offset: $3
            SELECT * FROM spend WHERE household_id = 42
            Point lookup on spend
              Key: household_id = 42
            SELECT * FROM totals
            Point lookup on totals
            SELECT * FROM products WHERE product_id = ANY($1)
            Many-point lookup on products
              Key: product_id = ANY ($1)
            SELECT name FROM products WHERE product_id IN (1, $1, 3, 4)
            Many-point lookup on products
              Key: product_id IN (1, $1, 3, 4)
            SELECT order_id FROM orders WHERE user_id = $1 AND order_id > 10 AND order_id <= $2
            Range lookup on orders
              Key: user_id = $1 AND order_id > 10 AND order_id <= $2
              Order: order_id
            SELECT category, n FROM affinity WHERE household_id = 7 AND n BETWEEN 2 AND 5
            Range lookup on affinity using affinity_n
              Key: household_id = 7 AND n <= 5 AND n >= 2
              Order: n DESC, category
            SELECT name FROM products WHERE category = 'o''clock' ORDER BY name DESC, product_id DESC
            Prefix lookup on products using products_category
              Key: category = 'o''clock'
              Order: name DESC, product_id DESC
            SELECT n FROM levels WHERE x = $1
            Prefix lookup on levels
              Key: x = $1
              Order: k
        "#]],
    );
}

#[test]
fn others_take_the_general_path() {
    check(
        &[
            "SELECT * FROM products",
            "SELECT count(*) FROM products WHERE product_id = $1",
            "SELECT upper(name) FROM products WHERE product_id = $1",
            "SELECT name, 1 AS one FROM products WHERE product_id = $1",
            "SELECT * FROM purchases WHERE household_id = $1",
            "SELECT * FROM orders WHERE order_id = $1",
            "SELECT * FROM orders WHERE user_id = $1 AND note = 'x'",
            "SELECT * FROM orders WHERE user_id = $1 OR order_id = 3",
            "SELECT * FROM orders WHERE user_id > $1",
            "SELECT * FROM orders WHERE user_id = $1 ORDER BY note",
            "SELECT * FROM orders WHERE user_id = $1 AND amount > 10",
            "SELECT amount FROM orders WHERE user_id = $1 AND amount > 10 ORDER BY amount",
            "SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY n DESC NULLS LAST",
            "SELECT department FROM products WHERE category = 'a' ORDER BY name",
            "SELECT a.name FROM products a JOIN products b ON a.product_id = b.product_id WHERE a.product_id = 1",
            "SELECT * FROM (SELECT * FROM orders LIMIT 3) t WHERE user_id = 1",
            "SELECT * FROM orders WHERE user_id = $1 AND user_id = $2",
        ],
        expect![[r#"
            SELECT * FROM products
               -
            SELECT count(*) FROM products WHERE product_id = $1
               -
            SELECT upper(name) FROM products WHERE product_id = $1
               -
            SELECT name, 1 AS one FROM products WHERE product_id = $1
               -
            SELECT * FROM purchases WHERE household_id = $1
               -
            SELECT * FROM orders WHERE order_id = $1
               -
            SELECT * FROM orders WHERE user_id = $1 AND note = 'x'
               -
            SELECT * FROM orders WHERE user_id = $1 OR order_id = 3
               -
            SELECT * FROM orders WHERE user_id > $1
               -
            SELECT * FROM orders WHERE user_id = $1 ORDER BY note
               -
            SELECT * FROM orders WHERE user_id = $1 AND amount > 10
               -
            SELECT amount FROM orders WHERE user_id = $1 AND amount > 10 ORDER BY amount
               -
            SELECT category, n FROM affinity WHERE household_id = $1 ORDER BY n DESC NULLS LAST
               -
            SELECT department FROM products WHERE category = 'a' ORDER BY name
               -
            SELECT a.name FROM products a JOIN products b ON a.product_id = b.product_id WHERE a.product_id = 1
               -
            SELECT * FROM (SELECT * FROM orders LIMIT 3) t WHERE user_id = 1
               -
            SELECT * FROM orders WHERE user_id = $1 AND user_id = $2
               -
        "#]],
    );
}
