use super::Session;
use datafusion::scalar::ScalarValue;

const TABLE: &str = "CREATE TABLE t (a int PRIMARY KEY, b varchar(5), c numeric(5,2) NOT NULL DEFAULT 1.5)";

#[tokio::test]
async fn values_are_coerced_as_in_postgres() {
    let mut s = Session::start();
    s.check(TABLE, "CREATE TABLE").await;
    s.check("INSERT INTO t VALUES (1, 'x', 2.345), (2.5, 7, '3'), ('-4', NULL, DEFAULT)", "INSERT 0 3").await;
    s.check("SELECT * FROM t ORDER BY a", "-4|NULL|1.50\n1|x|2.35\n3|7|3.00").await;
    s.check("INSERT INTO t (a) VALUES ('x')", "ERROR 22P02: invalid input syntax for type integer: \"x\"").await;
    s.check("INSERT INTO t (a) VALUES (3000000000)", "ERROR 22003: integer out of range").await;
    s.check("INSERT INTO t (a, b) VALUES (9, 'abcdef')", "ERROR 22001: value too long for type character varying(5)")
        .await;
    s.check("INSERT INTO t (a, b) VALUES (9, 'abcde  ')", "INSERT 0 1").await;
    s.check(
        "INSERT INTO t VALUES (5, 'y', NULL)",
        "ERROR 23502: null value in column \"c\" of relation \"t\" violates not-null constraint\n\
         DETAIL: Failing row contains (5, y, null).",
    )
    .await;
    s.check(
        "INSERT INTO t VALUES (1)",
        "ERROR 23505: duplicate key value violates unique constraint \"t_pkey\"\nDETAIL: Key (a)=(1) already exists.",
    )
    .await;
    s.check("INSERT INTO t (a, a) VALUES (1, 1)", "ERROR 42701: column \"a\" specified more than once").await;
    s.check("INSERT INTO t VALUES (1, 2, 3, 4)", "ERROR 42601: INSERT has more expressions than target columns").await;
    s.check(
        "INSERT INTO t VALUES (true)",
        "ERROR 42804: column \"a\" is of type integer but expression is of type boolean",
    )
    .await;
}

#[tokio::test]
async fn parameters_defaults_and_computed_values() {
    let mut s = Session::start();
    s.check("CREATE TABLE p (a bigint PRIMARY KEY, b text DEFAULT upper('x'))", "CREATE TABLE").await;
    let values = [ScalarValue::Int64(Some(7)), ScalarValue::Utf8(Some("seven".to_owned()))];
    assert_eq!(s.run_with("INSERT INTO p VALUES ($1, $2)", &values).await, "INSERT 0 1");
    assert_eq!(
        s.run_with("INSERT INTO p VALUES (1 + 2, lower('ABC')) RETURNING a, b || '!' AS c", &[]).await,
        "3|abc!"
    );
    s.check("INSERT INTO p (a) VALUES (4)", "INSERT 0 1").await;
    s.check_set("INSERT INTO p SELECT a + 10, '5' FROM p WHERE a < 5 RETURNING *", "13|5\n14|5").await;
    s.check("SELECT * FROM p ORDER BY a", "3|abc\n4|X\n7|seven\n13|5\n14|5").await;
    assert_eq!(s.run_with("SELECT b FROM p WHERE a = $1", &values[..1]).await, "seven");
    s.check("SELECT a FROM p WHERE a IN (3, 14, 99) ORDER BY a DESC", "14\n3").await;
    s.check("SELECT a FROM p WHERE a > 4 AND a <= 13 ORDER BY a", "7\n13").await;
}

#[tokio::test]
async fn conflicts_skip_or_update() {
    let mut s = Session::start();
    s.check("CREATE TABLE k (id int PRIMARY KEY, n int, v text)", "CREATE TABLE").await;
    s.check("INSERT INTO k VALUES (1, 1, 'a'), (2, 2, 'b')", "INSERT 0 2").await;
    s.check("INSERT INTO k VALUES (1, 9, 'z'), (3, 3, 'c'), (3, 4, 'd') ON CONFLICT DO NOTHING RETURNING id, v", "3|c")
        .await;
    let upsert = "INSERT INTO k AS t VALUES (1, 10, 'q'), (4, 4, 'e') ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n, v = excluded.v";
    s.check(upsert, "INSERT 0 2").await;
    s.check("INSERT INTO k VALUES (1, 5, 'w') ON CONFLICT (id) DO UPDATE SET v = 'no' WHERE k.n > 100", "INSERT 0 0")
        .await;
    s.check("SELECT * FROM k ORDER BY id", "1|11|q\n2|2|b\n3|3|c\n4|4|e").await;
    s.check(
        "INSERT INTO k VALUES (8, 1, 'a'), (8, 2, 'b') ON CONFLICT (id) DO UPDATE SET n = 0",
        "ERROR 21000: ON CONFLICT DO UPDATE command cannot affect row a second time",
    )
    .await;
    s.check(
        "INSERT INTO k VALUES (8) ON CONFLICT (v) DO NOTHING",
        "ERROR 42P10: there is no unique or exclusion constraint matching the ON CONFLICT specification",
    )
    .await;
}

#[tokio::test]
async fn update_and_delete_see_and_move_rows() {
    let mut s = Session::start();
    s.check("CREATE TABLE u (id int PRIMARY KEY, n int)", "CREATE TABLE").await;
    s.check("INSERT INTO u VALUES (1, 10), (2, 20), (3, 30)", "INSERT 0 3").await;
    s.check_set("UPDATE u SET n = n + 1 WHERE id >= 2 RETURNING id, n", "2|21\n3|31").await;
    s.check("UPDATE u SET id = id + 1", "UPDATE 3").await;
    s.check("SELECT * FROM u ORDER BY id", "2|10\n3|21\n4|31").await;
    s.check("UPDATE u SET n = (SELECT max(n) FROM u) WHERE id = 2", "UPDATE 1").await;
    s.check_set("DELETE FROM u WHERE n IN (SELECT n FROM u WHERE id = 2) RETURNING *", "2|31\n4|31").await;
    s.check("DELETE FROM u", "DELETE 1").await;
    s.check("UPDATE u SET nn = 1", "ERROR 42703: column \"nn\" of relation \"u\" does not exist").await;
    s.check("CREATE TABLE h (v text)", "CREATE TABLE").await;
    s.check("INSERT INTO h VALUES ('a'), ('a')", "INSERT 0 2").await;
    s.check("SELECT * FROM h", "a\na").await;
    s.check("DELETE FROM h", "DELETE 2").await;
}

#[tokio::test]
async fn a_block_sees_its_own_rows_and_is_one_epoch() {
    let mut s = Session::start();
    let mut other = s.other();
    s.check("CREATE TABLE b (id int PRIMARY KEY, n int); CREATE STREAM e (id int)", "CREATE TABLE\nCREATE STREAM")
        .await;
    s.check("CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n FROM b", "CREATE MATERIALIZED VIEW").await;
    s.check("INSERT INTO b VALUES (1, 1)", "INSERT 0 1").await;
    s.check(
        "BEGIN; INSERT INTO b VALUES (2, 2); UPDATE b SET n = n * 10; DELETE FROM b WHERE id = 1",
        "BEGIN\nINSERT 0 1\nUPDATE 2\nDELETE 1",
    )
    .await;
    s.check("SELECT * FROM b", "2|20").await;
    other.check("SELECT * FROM b", "1|1").await;
    s.check("COMMIT", "COMMIT").await;
    other.check("SELECT * FROM b; SELECT * FROM total", "2|20\n1").await;
    s.check("BEGIN; INSERT INTO b VALUES (2, 3)", "BEGIN\nERROR 23505: duplicate key value violates unique constraint \"b_pkey\"\nDETAIL: Key (id)=(2) already exists.").await;
    s.check("SELECT 1", "ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block")
        .await;
    s.check("COMMIT", "ROLLBACK").await;
    s.check("BEGIN; INSERT INTO b VALUES (5, 5); ROLLBACK; SELECT count(*) FROM b", "BEGIN\nINSERT 0 1\nROLLBACK\n1")
        .await;
    assert!(
        s.run("BEGIN; INSERT INTO b VALUES (6, 6); SELECT * FROM total")
            .await
            .contains("ERROR 0A000: cannot read materialized view")
    );
    s.check("ROLLBACK", "ROLLBACK").await;
    s.check("BEGIN; UPDATE b SET n = 1", "BEGIN\nUPDATE 1").await;
    other.check("UPDATE b SET n = 2", "UPDATE 1").await;
    assert!(s.run("COMMIT").await.starts_with("ERROR 40001"));
    s.check("COMMIT", "NOTICE: there is no transaction in progress\nCOMMIT").await;
}

#[tokio::test]
async fn what_cannot_be_written_says_so() {
    let mut s = Session::start();
    s.check("CREATE STREAM ev (id int); CREATE TABLE base (id int PRIMARY KEY)", "CREATE STREAM\nCREATE TABLE").await;
    s.check(
        "CREATE MATERIALIZED VIEW mv AS SELECT id FROM base; CREATE VIEW pv AS SELECT id FROM mv",
        "CREATE MATERIALIZED VIEW\nCREATE VIEW",
    )
    .await;
    s.check("INSERT INTO mv VALUES (1)", "ERROR 42809: cannot change materialized view \"mv\"").await;
    s.check(
        "UPDATE ev SET id = 1",
        "ERROR 42809: cannot update stream \"ev\"\nDETAIL: Streams are append-only events.",
    )
    .await;
    s.check("INSERT INTO ev VALUES (1), (1); SELECT * FROM ev", "INSERT 0 2\n1\n1").await;
    s.check("DROP TABLE mv", "ERROR 42809: \"mv\" is not a table").await;
    assert!(
        s.run("DROP TABLE base")
            .await
            .starts_with("ERROR 2BP01: cannot drop table base because other objects depend on it")
    );
    s.check(
        "CREATE TABLE IF NOT EXISTS base (x int)",
        "NOTICE: relation \"base\" already exists, skipping\nCREATE TABLE",
    )
    .await;
    s.check("CREATE INDEX ON ev (id)", "ERROR 42809: cannot create index on stream \"ev\"").await;
    s.check("BEGIN; DROP TABLE base", "BEGIN\nERROR 25001: DROP TABLE cannot run inside a transaction block\nDETAIL: Schema changes take effect at once and cannot be rolled back.").await;
    s.check("ROLLBACK", "ROLLBACK").await;
    s.check(
        "DROP TABLE base CASCADE",
        "NOTICE: drop cascades to 2 other objects: materialized view mv, view pv\nDROP TABLE",
    )
    .await;
    s.check("DROP TABLE IF EXISTS base", "NOTICE: table \"base\" does not exist, skipping\nDROP TABLE").await;
    s.check(
        "CREATE MATERIALIZED VIEW d AS SELECT id, id FROM ev",
        "ERROR 42701: column \"id\" specified more than once",
    )
    .await;
}

#[tokio::test]
async fn indexes_views_and_explain() {
    let mut s = Session::start();
    s.check("CREATE STREAM buy (u bigint, c text, q int)", "CREATE STREAM").await;
    s.check("INSERT INTO buy VALUES (1, 'a', 2), (1, 'b', 5), (2, 'a', 1), (1, 'a', 1)", "INSERT 0 4").await;
    s.check(
        "CREATE MATERIALIZED VIEW aff AS SELECT u, c, sum(q) AS n FROM buy GROUP BY u, c",
        "CREATE MATERIALIZED VIEW",
    )
    .await;
    s.check("CREATE INDEX ON aff (u, n DESC) INCLUDE (c)", "CREATE INDEX").await;
    s.check("SELECT c, n FROM aff WHERE u = 1 AND n >= 3 ORDER BY n DESC", "b|5\na|3").await;
    s.check("SELECT x.c, x.n FROM aff x, aff y WHERE x.u = 1 AND y.u = 2 AND x.c = y.c", "a|3").await;
    assert!(s.run("EXPLAIN SELECT sum(n) FROM aff WHERE u = 1").await.contains("Scan: aff, 1 key range"));
    assert!(
        !s.run("EXPLAIN CREATE MATERIALIZED VIEW z AS SELECT u, max(q) FROM buy GROUP BY u").await.contains("ERROR")
    );
    assert!(s.run("EXPLAIN ANALYZE SELECT count(*) FROM buy").await.contains("Rows: 1"));
    s.check("EXPLAIN INSERT INTO buy VALUES (1, 'x', 1)", "Insert on buy (1 rows of values)").await;
}
