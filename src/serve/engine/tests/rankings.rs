//! Rankings give what the same query gives when it is run by DataFusion.

use super::joins::fill;
use super::{Session, shown};
use crate::serve::ranking::Ranking;
use crate::serve::value::Parameters;
use attune_sql::statement::parse;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The rows a ranking gives; `None` if the statement is none, or leaves these parameters to the general path.
fn ranked(s: &Session, sql: &str, parameters: &[&str]) -> Option<Vec<String>> {
    let parsed = parse(sql).expect("it parses").pop().expect("a statement");
    let prepared = s.engine.prepare(parsed, &[], &s.settings).expect("it binds");
    let ranking = Ranking::compile(&prepared, &s.engine.coordinator.catalog(), &s.engine)?;
    let parameters = Parameters::from_texts(parameters.iter().map(|text| Some(*text)));
    let batch = ranking.run(&parameters).expect("it runs")?;
    Some(shown(&batch, prepared.columns.as_deref().unwrap_or_default()))
}

/// Order by something unique, so that there is one right answer; `$1` is the user.
const RANKINGS: [&str; 15] = [
    // The condition makes it a left join.
    "SELECT c.item, one.n FROM c FULL JOIN one ON one.k = c.item WHERE c.u = $1 ORDER BY c.item",
    "SELECT c.item, c.w * one.d + 0.1 * one.n AS s FROM c JOIN one ON one.k = c.item WHERE c.u = $1 \
     ORDER BY s DESC, c.item LIMIT 5",
    "SELECT c.item, one.t FROM one JOIN c ON c.item = one.k WHERE c.u = $1 ORDER BY one.t, c.item",
    "SELECT c.item, one.n + c.item AS s FROM c LEFT JOIN one ON one.k = c.item WHERE c.u = $1 ORDER BY s NULLS FIRST, c.item",
    "SELECT one.n, c.item FROM one RIGHT JOIN c ON c.item = one.k WHERE c.u = $1 ORDER BY c.item DESC LIMIT 7 OFFSET 2",
    "SELECT c.item FROM c JOIN one ON one.k = c.item AND one.n > c.w WHERE c.u = $1 AND c.w > 1 ORDER BY c.item",
    "SELECT c.item, x.n FROM c, one AS x WHERE x.k = c.item AND x.t = 'a' AND c.u = $1 ORDER BY x.n DESC, 1 LIMIT 3",
    "SELECT c.item, one.t FROM c LEFT JOIN one ON one.k = c.item AND one.n >= 2 WHERE c.u = $1 ORDER BY 1",
    "SELECT c.item, two.n FROM c JOIN two ON two.k = c.item AND two.t = c.t WHERE c.u = $1 ORDER BY c.item",
    "SELECT c.item, one.n, sums.c FROM c JOIN one ON one.k = c.item LEFT JOIN sums ON sums.g = one.n WHERE c.u = $1 \
     ORDER BY sums.c DESC NULLS LAST, c.item LIMIT 4",
    "SELECT c.item, byd.n FROM c LEFT JOIN byd ON byd.d = c.w WHERE c.u = $1 ORDER BY c.item",
    "SELECT item, w * 2 AS s FROM c WHERE u = $1 AND t <> 'a' ORDER BY s, item LIMIT 6",
    "SELECT item, upper(t) || '!' FROM c WHERE u = $1 AND item >= 5 AND item < 20 ORDER BY length(t), item",
    "SELECT x.item, one.k FROM c AS x JOIN one ON one.k = x.item + 1 WHERE x.u = $1 ORDER BY x.item",
    "SELECT w FROM c WHERE u = $1 AND t IS NULL ORDER BY item LIMIT 1000",
];

async fn with_candidates(seed: u64) -> Session {
    let mut s = Session::start();
    fill(&mut s, &mut StdRng::seed_from_u64(seed)).await;
    let script = "CREATE TABLE c (u bigint, item bigint, w double precision, t text, PRIMARY KEY (u, item));
        INSERT INTO c SELECT u, coalesce(k, id + 100), coalesce(d, 2), t FROM o ON CONFLICT DO NOTHING";
    assert!(!s.run(script).await.contains("ERROR"));
    s
}

#[tokio::test]
async fn rankings_give_what_queries_give() {
    for seed in 0..4 {
        let mut s = with_candidates(seed).await;
        for sql in RANKINGS {
            for user in ["0", "1", "2", "99"] {
                let found = ranked(&s, sql, &[user]).unwrap_or_else(|| panic!("a ranking: {sql}")).join("\n");
                s.check(&sql.replace("$1", user), &found).await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_ranking_is_left_to_queries() {
    let s = with_candidates(5).await;
    for sql in [
        // Every row: no key.
        "SELECT item, w * 2 FROM c ORDER BY 2 LIMIT 10",
        "SELECT c.item FROM c JOIN two ON two.k = c.item WHERE c.u = $1",
        "SELECT c.item FROM c JOIN one ON one.k = c.item OR one.n = 1 WHERE c.u = $1",
        "SELECT count(*) FROM c WHERE u = $1",
        "SELECT DISTINCT t FROM c WHERE u = $1",
        "SELECT item, now() FROM c WHERE u = $1",
        "SELECT item, random() FROM c WHERE u = $1",
        "SELECT one.k FROM c FULL JOIN one ON one.k = c.item AND c.u = $1",
        "SELECT item, (SELECT max(n) FROM one) FROM c WHERE u = $1",
    ] {
        assert_eq!(ranked(&s, sql, &["1"]), None, "{sql}");
    }
}

#[tokio::test]
async fn a_ranking_with_too_many_rows_is_left_to_queries() {
    let mut s = Session::start();
    s.run("CREATE TABLE c (u bigint, item bigint, PRIMARY KEY (u, item))").await;
    let most = s.engine.config.ranking_rows;
    for (user, rows) in [(1, most), (2, most + 1)] {
        let insert = format!("INSERT INTO c SELECT {user}, n FROM generate_series(1, {rows}) AS g(n)");
        s.check(&insert, &format!("INSERT 0 {rows}")).await;
    }
    let sql = "SELECT item * 2 AS s FROM c WHERE u = $1 ORDER BY s DESC LIMIT 1";
    assert_eq!(ranked(&s, sql, &["1"]), Some(vec![(most * 2).to_string()]));
    assert_eq!(ranked(&s, sql, &["2"]), None);
}

#[tokio::test]
async fn an_expression_that_fails_says_so() {
    let mut s = Session::start();
    s.run("CREATE TABLE c (u bigint, item bigint, PRIMARY KEY (u, item))").await;
    s.run("INSERT INTO c VALUES (1, 0), (1, 9223372036854775807)").await;
    for (sql, state) in [
        ("SELECT 1 / item FROM c WHERE u = 1 ORDER BY item", "22012"),
        ("SELECT item + 1 FROM c WHERE u = 1 ORDER BY item", "22003"),
    ] {
        let parsed = parse(sql).expect("it parses").pop().expect("a statement");
        let prepared = s.engine.prepare(parsed, &[], &s.settings).expect("it binds");
        let catalog = s.engine.coordinator.catalog();
        let ranking = Ranking::compile(&prepared, &catalog, &s.engine).expect("a ranking");
        let error = ranking.run(&Parameters::default()).expect_err(sql);
        assert_eq!(error.state.code(), state, "{sql}: {error:?}");
        assert!(s.run(sql).await.contains(state), "as the query says");
    }
}

#[tokio::test]
async fn explain_says_that_it_is_a_ranking() {
    let mut s = with_candidates(5).await;
    let sql = "EXPLAIN SELECT c.item, c.w * one.d AS s FROM c JOIN one ON one.k = c.item WHERE c.u = 7 AND c.t <> 'x' \
               ORDER BY s DESC LIMIT 10";
    let found = s.run(sql).await;
    for line in [
        "Ranking of c (tier 1: straight from storage)",
        "  Prefix lookup on c",
        "    Key: u = 7",
        "  Join: one by k = c.item",
        "  Order: s DESC NULLS FIRST, the first 10",
    ] {
        assert!(found.lines().any(|found| found == line), "{line}\n{found}");
    }
    assert!(found.contains("  Filter: c.t != Utf8(\"x\")"), "{found}");
    s.check("BEGIN", "BEGIN").await;
    s.check("INSERT INTO c VALUES (7, 1, 1, 'a')", "INSERT 0 1").await;
    let found = s.run(sql).await;
    assert!(found.contains("LookupJoin: Inner, one by (k) = (item@0)") && !found.contains("Ranking"), "{found}");
}

#[tokio::test]
async fn parameters_in_expressions() {
    let mut s = with_candidates(6).await;
    let sql = "SELECT c.item, c.w * $2 + one.n AS s, $3 || c.t FROM c JOIN one ON one.k = c.item + $4 \
               WHERE c.u = $1 AND c.w < $5 AND c.t <> $3 ORDER BY abs(c.item - $4), c.item LIMIT $6";
    for values in
        [["1", "2.5", "a", "0", "100", "3"], ["2", "-1", "b", "1", "1.9", "100"], ["0", "0", "", "2", "1e9", "1"]]
    {
        let found = ranked(&s, sql, &values).expect("a ranking").join("\n");
        let literals = [values[0].to_owned(), format!("{}::float8", values[1]), format!("'{}'", values[2])];
        let rest = [values[3].to_owned(), format!("{}::float8", values[4]), values[5].to_owned()];
        let literal = literals.iter().chain(&rest).enumerate();
        let text = literal.fold(sql.to_owned(), |text, (n, value)| text.replace(&format!("${}", n + 1), value));
        s.check(&text, &found).await;
    }
}
