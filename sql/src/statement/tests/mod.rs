//! Tests of the parser: what statements become, and what errors say.

mod errors;
mod refused;

use super::*;
use crate::SqlError;
use expect_test::{Expect, expect};
use std::fmt::Write;

fn show(parsed: &Parsed) -> String {
    let mut out = match &parsed.statement {
        Statement::Query(q) => format!("query {q}"),
        Statement::Insert(i) => format!("insert {i}"),
        Statement::Update(s) | Statement::Delete(s) => format!("dml {s}"),
        Statement::CreateView(v) => {
            let CreateView { name, materialized, if_not_exists, columns, query_text, .. } = v;
            format!(
                "view {name} materialized={materialized} if_not_exists={if_not_exists} {columns:?} as [{query_text}]"
            )
        }
        Statement::CreateTable(t) => {
            format!("table {} if_not_exists={} key={:?}{}", t.name, t.if_not_exists, t.primary_key, columns(&t.columns))
        }
        Statement::CreateStream(s) => {
            format!(
                "stream {} if_not_exists={} retention={:?}{}",
                s.name,
                s.if_not_exists,
                s.retention_seconds,
                columns(&s.columns)
            )
        }
        Statement::CopyTo(c) => format!("copy {} to stdout {:?} header={}", c.query, c.format, c.header),
        Statement::Explain(e) => format!("explain analyze={} of {}", e.analyze, show(&e.statement)),
        Statement::Prepare { name, types, statement } => format!("prepare {name} {types:?} {}", show(statement)),
        Statement::Execute { name, arguments } => {
            format!("execute {name} {:?}", arguments.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
        other => format!("{other:?}"),
    };
    if !matches!(parsed.statement, Statement::Query(_)) {
        write!(out, "\n  text: {}", parsed.text).expect("a string");
    }
    out
}

fn columns(columns: &[Column]) -> String {
    let mut out = String::new();
    for c in columns {
        let null = if c.nullable { "" } else { " not null" };
        let default = c.default.as_ref().map_or(String::new(), |d| format!(" default {d}"));
        write!(out, "\n  {} {}{null}{default}", c.name, c.sql_type).expect("a string");
    }
    out
}

fn error_text(e: &SqlError) -> String {
    let at = e.position.map_or(String::new(), |p| format!(" at {p}"));
    format!("{e}{at}")
}

fn check(sql: &str, expected: Expect) {
    let out = match parse(sql) {
        Ok(all) => all.iter().map(show).collect::<Vec<_>>().join("\n"),
        Err(e) => error_text(&e),
    };
    expected.assert_eq(&out);
}

/// One line per statement: its error.
fn check_errors(statements: &[&str], expected: Expect) {
    let mut out = String::new();
    for sql in statements {
        let error = parse(sql).map(|p| p.iter().map(show).collect::<Vec<_>>().join("; "));
        let text = match error {
            Ok(text) => format!("ACCEPTED {text}"),
            Err(e) => error_text(&e),
        };
        writeln!(out, "{sql}\n  => {text}").expect("a string");
    }
    expected.assert_eq(&out);
}

#[test]
fn streams_and_tables() {
    check(
        "CREATE STREAM Purchases (household_id bigint, basket_id bigint not null, price double precision DEFAULT 0 NOT NULL, \"TS\" timestamp)
           WITH (retention = '30 days');
         create source if not exists s (a int);
         CREATE TABLE products (product_id bigint PRIMARY KEY, department text, at timestamptz default now());
         CREATE TABLE IF NOT EXISTS public.t (a int, b varchar(10), c text NULL, constraint pk PRIMARY KEY (b, a));",
        expect![[r#"
            stream purchases if_not_exists=false retention=Some(2592000)
              household_id bigint
              basket_id bigint not null
              price double precision not null default 0
              TS timestamp without time zone
              text: CREATE STREAM Purchases (household_id bigint, basket_id bigint not null, price double precision DEFAULT 0 NOT NULL, "TS" timestamp)
                       WITH (retention = '30 days')
            stream s if_not_exists=true retention=None
              a integer
              text: create source if not exists s (a int)
            table products if_not_exists=false key=[0]
              product_id bigint not null
              department text
              at timestamp with time zone default now()
              text: CREATE TABLE products (product_id bigint PRIMARY KEY, department text, at timestamptz default now())
            table t if_not_exists=true key=[1, 0]
              a integer not null
              b character varying(10) not null
              c text
              text: CREATE TABLE IF NOT EXISTS public.t (a int, b varchar(10), c text NULL, constraint pk PRIMARY KEY (b, a))"#]],
    );
}

#[test]
fn views_and_indexes() {
    check(
        "CREATE MATERIALIZED VIEW spend AS SELECT household_id, count(*) AS n FROM purchases GROUP BY household_id ;
         CREATE VIEW v (a, \"B\") AS SELECT 1, ';' -- not; here
         ;CREATE INDEX ON affinity (household_id, n DESC) INCLUDE (category);
         CREATE INDEX IF NOT EXISTS i ON public.affinity USING btree (a ASC NULLS FIRST, b DESC NULLS LAST)",
        expect![[r#"
            view spend materialized=true if_not_exists=false [] as [SELECT household_id, count(*) AS n FROM purchases GROUP BY household_id]
              text: CREATE MATERIALIZED VIEW spend AS SELECT household_id, count(*) AS n FROM purchases GROUP BY household_id
            view v materialized=false if_not_exists=false ["a", "B"] as [SELECT 1, ';']
              text: CREATE VIEW v (a, "B") AS SELECT 1, ';'
            CreateIndex(CreateIndex { name: None, if_not_exists: false, relation: "affinity", key: [("household_id", KeyPart { column: 0, descending: false, nulls_first: false }), ("n", KeyPart { column: 0, descending: true, nulls_first: true })], include: ["category"], places: _ })
              text: CREATE INDEX ON affinity (household_id, n DESC) INCLUDE (category)
            CreateIndex(CreateIndex { name: Some("i"), if_not_exists: true, relation: "affinity", key: [("a", KeyPart { column: 0, descending: false, nulls_first: true }), ("b", KeyPart { column: 0, descending: true, nulls_first: false })], include: [], places: _ })
              text: CREATE INDEX IF NOT EXISTS i ON public.affinity USING btree (a ASC NULLS FIRST, b DESC NULLS LAST)"#]],
    );
}

#[test]
fn drops() {
    check(
        "DROP MATERIALIZED VIEW IF EXISTS a, \"B\" CASCADE; DROP SOURCE s; DROP INDEX i RESTRICT; DROP TABLE public.t; drop view v",
        expect![[r#"
            Drop(Drop { kind: MaterializedView, if_exists: true, names: ["a", "B"], cascade: true })
              text: DROP MATERIALIZED VIEW IF EXISTS a, "B" CASCADE
            Drop(Drop { kind: Stream, if_exists: false, names: ["s"], cascade: false })
              text: DROP SOURCE s
            Drop(Drop { kind: Index, if_exists: false, names: ["i"], cascade: false })
              text: DROP INDEX i RESTRICT
            Drop(Drop { kind: Table, if_exists: false, names: ["t"], cascade: false })
              text: DROP TABLE public.t
            Drop(Drop { kind: View, if_exists: false, names: ["v"], cascade: false })
              text: drop view v"#]],
    );
}

#[test]
fn copies() {
    check(
        "COPY t FROM STDIN;
         COPY t (a, B) FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER ';', NULL 'nil', batch_rows 1000);
         COPY t FROM STDIN (FORMAT csv, HEADER false, batch_rows = 5, ESCAPE '\\');
         COPY t FROM STDIN WITH CSV HEADER QUOTE AS '''';
         COPY t FROM STDIN DELIMITER E'\\t' NULL AS '';
         COPY t (a) TO STDOUT;
         COPY (SELECT 1) TO STDOUT WITH (FORMAT 'csv', HEADER true)",
        expect![[r#"
            CopyFrom(CopyFrom { relation: "t", columns: [], format: Text { delimiter: 9, null: "\\N" }, header: false, batch_rows: None, places: _ })
              text: COPY t FROM STDIN
            CopyFrom(CopyFrom { relation: "t", columns: ["a", "b"], format: Csv { delimiter: 59, quote: 34, escape: 34, null: "nil" }, header: true, batch_rows: Some(1000), places: _ })
              text: COPY t (a, B) FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER ';', NULL 'nil', batch_rows 1000)
            CopyFrom(CopyFrom { relation: "t", columns: [], format: Csv { delimiter: 44, quote: 34, escape: 92, null: "" }, header: false, batch_rows: Some(5), places: _ })
              text: COPY t FROM STDIN (FORMAT csv, HEADER false, batch_rows = 5, ESCAPE '\')
            CopyFrom(CopyFrom { relation: "t", columns: [], format: Csv { delimiter: 44, quote: 39, escape: 39, null: "" }, header: true, batch_rows: None, places: _ })
              text: COPY t FROM STDIN WITH CSV HEADER QUOTE AS ''''
            CopyFrom(CopyFrom { relation: "t", columns: [], format: Text { delimiter: 9, null: "" }, header: false, batch_rows: None, places: _ })
              text: COPY t FROM STDIN DELIMITER E'\t' NULL AS ''
            copy SELECT "a" FROM "t" to stdout Text { delimiter: 9, null: "\\N" } header=false
              text: COPY t (a) TO STDOUT
            copy SELECT 1 to stdout Csv { delimiter: 44, quote: 34, escape: 34, null: "" } header=true
              text: COPY (SELECT 1) TO STDOUT WITH (FORMAT 'csv', HEADER true)"#]],
    );
}

#[test]
fn sessions() {
    check(
        "SET search_path TO \"$user\", public; SET LOCAL a.b = 'x y'; SET TIME ZONE 'UTC'; SET extra_float_digits = -3;
         SET client_min_messages TO DEFAULT; SET NAMES 'utf8'; SET RW_IMPLICIT_FLUSH = true; SET session characteristics as transaction read only;
         SHOW server_version; SHOW TRANSACTION ISOLATION LEVEL; SHOW ALL; RESET ALL; DISCARD ALL; DISCARD temp;
         FLUSH; VACUUM (ANALYZE) t; UNLISTEN *; BEGIN; BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY;
         START TRANSACTION READ WRITE; COMMIT WORK; END; ROLLBACK; ABORT TRANSACTION",
        expect![[r#"
            Set { name: "search_path", value: Some("\"$user\", public") }
              text: SET search_path TO "$user", public
            Set { name: "a.b", value: Some("x y") }
              text: SET LOCAL a.b = 'x y'
            Set { name: "timezone", value: Some("UTC") }
              text: SET TIME ZONE 'UTC'
            Set { name: "extra_float_digits", value: Some("-3") }
              text: SET extra_float_digits = -3
            Set { name: "client_min_messages", value: None }
              text: SET client_min_messages TO DEFAULT
            Set { name: "client_encoding", value: Some("utf8") }
              text: SET NAMES 'utf8'
            Set { name: "rw_implicit_flush", value: Some("true") }
              text: SET RW_IMPLICIT_FLUSH = true
            Ignored { tag: "SET" }
              text: SET session characteristics as transaction read only
            Show { name: "server_version" }
              text: SHOW server_version
            Show { name: "transaction_isolation" }
              text: SHOW TRANSACTION ISOLATION LEVEL
            Show { name: "all" }
              text: SHOW ALL
            Discard { tag: "RESET" }
              text: RESET ALL
            Discard { tag: "DISCARD ALL" }
              text: DISCARD ALL
            Discard { tag: "DISCARD TEMP" }
              text: DISCARD temp
            Ignored { tag: "FLUSH" }
              text: FLUSH
            Ignored { tag: "VACUUM" }
              text: VACUUM (ANALYZE) t
            Ignored { tag: "UNLISTEN" }
              text: UNLISTEN *
            Begin
              text: BEGIN
            Begin
              text: BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY
            Begin
              text: START TRANSACTION READ WRITE
            Commit
              text: COMMIT WORK
            Commit
              text: END
            Rollback
              text: ROLLBACK
            Rollback
              text: ABORT TRANSACTION"#]],
    );
}

#[test]
fn prepared_statements_and_explain() {
    check(
        "PREPARE p (bigint, text) AS SELECT * FROM t WHERE a = $1; EXECUTE p (1, 'x'); EXECUTE q; DEALLOCATE p; DEALLOCATE PREPARE ALL;
         EXPLAIN ANALYZE SELECT 1; EXPLAIN (ANALYZE false, VERBOSE) CREATE MATERIALIZED VIEW v AS SELECT 1; EXPLAIN (SELECT 2)",
        expect![[r#"
            prepare p [Sql(BigInt), Sql(Text)] query SELECT * FROM t WHERE a = $1
              text: PREPARE p (bigint, text) AS SELECT * FROM t WHERE a = $1
            execute p ["1", "'x'"]
              text: EXECUTE p (1, 'x')
            execute q []
              text: EXECUTE q
            Deallocate { name: Some("p") }
              text: DEALLOCATE p
            Deallocate { name: None }
              text: DEALLOCATE PREPARE ALL
            explain analyze=true of query SELECT 1
              text: EXPLAIN ANALYZE SELECT 1
            explain analyze=false of view v materialized=true if_not_exists=false [] as [SELECT 1]
              text: CREATE MATERIALIZED VIEW v AS SELECT 1
              text: EXPLAIN (ANALYZE false, VERBOSE) CREATE MATERIALIZED VIEW v AS SELECT 1
            explain analyze=false of query (SELECT 2)
              text: EXPLAIN (SELECT 2)"#]],
    );
}

#[test]
fn queries_and_dml() {
    check(
        "SELECT 'a;b', $$c;d$$; (SELECT 1) UNION SELECT 2; TABLE \"T\"; VALUES (1, 2); WITH a AS (SELECT 1) SELECT * FROM a;
         INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING *; UPDATE t SET a = 1 WHERE b; DELETE FROM t;
         ;; -- nothing",
        expect![[r#"
            query SELECT 'a;b', $$c;d$$
            query (SELECT 1) UNION SELECT 2
            query SELECT * FROM "T"
            query VALUES (1, 2)
            query WITH a AS (SELECT 1) SELECT * FROM a
            insert INSERT INTO t VALUES (1) ON CONFLICT(a) DO UPDATE SET b = excluded.b RETURNING *
              text: INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING *
            dml UPDATE t SET a = 1 WHERE b
              text: UPDATE t SET a = 1 WHERE b
            dml DELETE FROM t
              text: DELETE FROM t"#]],
    );
}
