//! Joins by key: lookups give what the hash join over everything gives.

use super::Session;
use crate::config::Config;
use crate::serve::engine::Engine;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;

/// The same server with another limit for lookup joins.
fn with_lookup_join_rows(session: &Session, rows: usize) -> Session {
    let config = Arc::new(Config { lookup_join_rows: rows, ..(*session.engine.config).clone() });
    let mut other = session.other();
    other.engine = Arc::new(Engine::new(session.engine.coordinator.clone(), config).expect("threads start"));
    other
}

/// A table of outer rows, one with a key of one column, one with a key of two, and a view, with NULLs, keys that match nothing,
/// and floats that are equal in more than one form.
pub(super) async fn fill(s: &mut Session, rng: &mut StdRng) {
    let script = "CREATE TABLE o (id int PRIMARY KEY, u int, k bigint, t text, d double precision);
        CREATE TABLE one (k bigint PRIMARY KEY, n int, t text, d double precision);
        CREATE TABLE two (k bigint, t text, n int, PRIMARY KEY (t, k));
        CREATE TABLE byd (d double precision PRIMARY KEY, n int);
        CREATE MATERIALIZED VIEW sums AS SELECT n AS g, count(*) AS c, sum(k) AS s FROM one GROUP BY n;
        CREATE INDEX ON one (n DESC, t) INCLUDE (k)";
    assert!(!s.run(script).await.contains("ERROR"));
    let maybe = |rng: &mut StdRng, value: String| if rng.random_range(0..6) == 0 { "NULL".to_owned() } else { value };
    let double = |rng: &mut StdRng| ["0", "'-0'", "'NaN'", "1.5", "2", "-3"][rng.random_range(0..6)].to_owned();
    let insert = |table: &str, rows: Vec<String>| format!("INSERT INTO {table} VALUES {}", rows.join(", "));
    let mut statements = Vec::new();
    let text = |rng: &mut StdRng| format!("'{}'", ["a", "b", "cc", ""][rng.random_range(0..4)]);
    let outer = (0..60).map(|id| {
        let (u, k) = (rng.random_range(0..4), rng.random_range(-2..30).to_string());
        let (t, d) = (text(rng), double(rng));
        format!("({id}, {u}, {}, {}, {})", maybe(rng, k), maybe(rng, t), maybe(rng, d))
    });
    statements.push(insert("o", outer.collect()));
    let one = (0..25).map(|k| {
        let (n, t, d) = (rng.random_range(0..5).to_string(), text(rng), double(rng));
        format!("({k}, {}, {}, {})", maybe(rng, n), maybe(rng, t), maybe(rng, d))
    });
    statements.push(insert("one", one.collect()));
    let two = (0..40).map(|at| format!("({}, '{}', {})", at % 10, ["a", "b", "cc", "x"][at / 10], at % 3));
    statements.push(insert("two", two.collect()));
    statements.push(insert("byd", ["0", "'NaN'", "1.5", "7"].iter().map(|d| format!("({d}, 1)")).collect()));
    for statement in statements {
        let found = s.run(&statement).await;
        assert!(found.starts_with("INSERT 0 "), "{statement}: {found}");
    }
}

const QUERIES: [&str; 17] = [
    "SELECT o.id, one.k, one.n FROM o JOIN one ON one.k = o.k WHERE o.u = 1",
    "SELECT one.t, o.id FROM one JOIN o ON one.k = o.k WHERE o.u > 1",
    "SELECT o.*, one.* FROM o LEFT JOIN one ON one.k = o.k WHERE o.u = 2",
    "SELECT o.id, x.n FROM o LEFT JOIN (SELECT k, n FROM one WHERE n > 1) AS x ON x.k = o.k AND x.n < o.id WHERE o.u < 2",
    "SELECT o.id, one.n + o.u AS s FROM one RIGHT JOIN o ON one.k = o.k WHERE o.t = 'a'",
    "SELECT o.id, one.n FROM o JOIN one ON one.k = o.k AND one.n > o.u WHERE o.u = 0",
    "SELECT o.id, one.n FROM o JOIN one ON one.k = o.id WHERE o.u = 3",
    "SELECT o.id, one.n FROM o JOIN one ON one.k = o.k + o.u AND one.t = o.t WHERE o.u = 3",
    "SELECT o.id, two.n FROM o JOIN two ON two.t = o.t AND two.k = o.k WHERE o.u = 1",
    "SELECT o.id, two.k FROM o JOIN two ON two.t = o.t WHERE o.u = 1 AND two.n = 2",
    "SELECT o.id, one.k FROM o JOIN one ON one.n = o.u WHERE o.id < 20",
    "SELECT o.id, one.k FROM o LEFT JOIN one ON one.n = o.u AND one.t = o.t WHERE o.id < 20",
    "SELECT o.id, byd.n, byd.d FROM o LEFT JOIN byd ON byd.d = o.d WHERE o.u = 1",
    "SELECT o.id, one.n, two.n, sums.c FROM o JOIN one ON one.k = o.k JOIN two ON two.t = one.t AND two.k = o.u \
     LEFT JOIN sums ON sums.g = one.n WHERE o.u IN (1, 2)",
    "SELECT a.id, b.id FROM o AS a JOIN o AS b ON b.id = a.u WHERE a.k > 3",
    "SELECT x.u, sums.s FROM (SELECT u, count(*) AS n FROM o GROUP BY u) AS x JOIN sums ON sums.g = x.u",
    "SELECT o.id, one.n FROM o JOIN one ON one.k = o.k WHERE o.u = 1 AND o.id < 0",
];

#[tokio::test]
async fn lookup_joins_give_what_the_hash_join_gives() {
    for seed in 0..4 {
        let mut hash = Session::start();
        fill(&mut hash, &mut StdRng::seed_from_u64(seed)).await;
        let mut lookups = with_lookup_join_rows(&hash, 10_000);
        // Most queries have more outer rows than this and change their mind.
        let mut few = with_lookup_join_rows(&hash, 3);
        let mut hash = with_lookup_join_rows(&hash, 0);
        for query in QUERIES {
            let expected = hash.run(query).await;
            assert!(!expected.contains("ERROR"), "{query}: {expected}");
            let plan = lookups.run(&format!("EXPLAIN {query}")).await;
            assert!(plan.contains("LookupJoin: "), "{query}\n{plan}");
            assert!(!hash.run(&format!("EXPLAIN {query}")).await.contains("LookupJoin"));
            lookups.check_set(query, &expected).await;
            few.check_set(query, &expected).await;
        }
    }
}

#[tokio::test]
async fn a_lookup_join_sees_what_its_transaction_wrote() {
    let mut s = Session::start();
    fill(&mut s, &mut StdRng::seed_from_u64(9)).await;
    s.check("BEGIN", "BEGIN").await;
    s.check("INSERT INTO o VALUES (100, 77, 1000, 'new', 0)", "INSERT 0 1").await;
    s.check("INSERT INTO one VALUES (1000, 78, 'new', 0)", "INSERT 0 1").await;
    let (by_key, by_index) = ("one.k = o.k", "one.n = o.u + 1");
    for on in [by_key, by_index] {
        s.check(&format!("SELECT o.id, one.t FROM o JOIN one ON {on} WHERE o.u = 77"), "100|new").await;
    }
    s.check("DELETE FROM one WHERE k = 1000", "DELETE 1").await;
    s.check("SELECT o.id, one.t FROM o LEFT JOIN one ON one.k = o.k WHERE o.u = 77", "100|NULL").await;
    s.check("ROLLBACK", "ROLLBACK").await;
}

#[tokio::test]
async fn what_cannot_be_looked_up_stays_a_hash_join() {
    let mut s = Session::start();
    fill(&mut s, &mut StdRng::seed_from_u64(9)).await;
    for query in [
        // Every row of the outer side is wanted.
        "SELECT o.id FROM o JOIN one ON one.k = o.k",
        // Not the first column of a key.
        "SELECT o.id FROM o JOIN two ON two.k = o.k WHERE o.u = 1",
        "SELECT o.id FROM o JOIN one ON one.d = o.d WHERE o.u = 1",
        // Some five rows, not those of the keys.
        "SELECT o.id FROM o JOIN (SELECT k FROM one LIMIT 5) AS five ON five.k = o.k WHERE o.u = 1",
        // Rows of the keyed side that match nothing are wanted, too.
        "SELECT one.k FROM one LEFT JOIN o ON one.k = o.k AND o.u = 1",
        "SELECT one.k FROM one FULL JOIN (SELECT k FROM o WHERE u = 1) AS o ON one.k = o.k",
    ] {
        let plan = s.run(&format!("EXPLAIN {query}")).await;
        assert!(plan.contains("Join") && !plan.contains("LookupJoin"), "{query}\n{plan}");
    }
}
