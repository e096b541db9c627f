//! What psql 15 sends for its backslash commands (`psql -E`), and system relations.

use super::Session;

async fn shop() -> Session {
    let mut s = Session::start();
    s.check("CREATE TABLE products (product_id bigint PRIMARY KEY, department text NOT NULL, price numeric(10,2) DEFAULT 0)", "CREATE TABLE").await;
    s.check("CREATE STREAM ev (a int)", "CREATE STREAM").await;
    s.check(
        "CREATE MATERIALIZED VIEW mv AS SELECT department, count(*) AS n FROM products GROUP BY department",
        "CREATE MATERIALIZED VIEW",
    )
    .await;
    s.check("CREATE VIEW vv AS SELECT product_id FROM products", "CREATE VIEW").await;
    s.check("CREATE INDEX ON mv (department, n DESC)", "CREATE INDEX").await;
    s
}

fn list(kinds: &str) -> String {
    format!(
        r#"SELECT n.nspname as "Schema", c.relname as "Name",
  CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' END as "Type",
  pg_catalog.pg_get_userbyid(c.relowner) as "Owner"
FROM pg_catalog.pg_class c
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
WHERE c.relkind IN ({kinds},'')
      AND n.nspname <> 'pg_catalog'
      AND n.nspname !~ '^pg_toast'
      AND n.nspname <> 'information_schema'
  AND pg_catalog.pg_table_is_visible(c.oid)
ORDER BY 1,2"#
    )
}

#[tokio::test]
async fn psql_lists_relations() {
    let mut s = shop().await;
    s.check(&list("'r','p'"), "public|ev|table|attune\npublic|products|table|attune").await;
    s.check(&list("'m'"), "public|mv|materialized view|attune").await;
    s.check(&list("'v'"), "public|vv|view|attune").await;
    s.check(&list("'i','I'"), "public|mv_department_n_idx|index|attune\npublic|products_pkey|index|attune").await;
}

#[tokio::test]
async fn psql_describes_a_table() {
    let mut s = shop().await;
    let found = s
        .run(
            "SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c
             LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relname OPERATOR(pg_catalog.~) '^(products)$' COLLATE pg_catalog.default
             AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 2, 3",
        )
        .await;
    let oid = found.strip_suffix("|public|products").expect("one row").to_owned();
    let relation = format!(
        "SELECT c.relchecks, c.relkind, c.relhasindex, c.relhasrules, c.relhastriggers, c.relrowsecurity, c.relforcerowsecurity,
         false AS relhasoids, c.relispartition, '', c.reltablespace,
         CASE WHEN c.reloftype = 0 THEN '' ELSE c.reloftype::pg_catalog.regtype::pg_catalog.text END, c.relpersistence,
         c.relreplident, am.amname
         FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_class tc ON (c.reltoastrelid = tc.oid)
         LEFT JOIN pg_catalog.pg_am am ON (c.relam = am.oid) WHERE c.oid = '{oid}'"
    );
    s.check(&relation, "0|r|t|f|f|f|f|f|f||0||p|d|NULL").await;
    let columns = format!(
        "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
         (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d
          WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef),
         a.attnotnull,
         (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t
          WHERE c.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation) AS attcollation,
         a.attidentity, a.attgenerated
         FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = '{oid}' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    );
    s.check(&columns, "product_id|bigint|NULL|t|NULL||\ndepartment|text|NULL|t|NULL||\nprice|numeric(10,2)|0|f|NULL||")
        .await;
    let indexes = format!(
        "SELECT c2.relname, i.indisprimary, i.indisunique, i.indisclustered, i.indisvalid,
         pg_catalog.pg_get_indexdef(i.indexrelid, 0, true), pg_catalog.pg_get_constraintdef(con.oid, true), contype,
         condeferrable, condeferred, i.indisreplident, c2.reltablespace
         FROM pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_index i
         LEFT JOIN pg_catalog.pg_constraint con ON (conrelid = i.indrelid AND conindid = i.indexrelid AND contype IN ('p','u','x'))
         WHERE c.oid = '{oid}' AND c.oid = i.indrelid AND i.indexrelid = c2.oid ORDER BY i.indisprimary DESC, c2.relname"
    );
    s.check(
        &indexes,
        "products_pkey|t|t|f|t|CREATE UNIQUE INDEX products_pkey ON products USING btree (product_id)|\
         PRIMARY KEY (product_id)|p|f|f|f|0",
    )
    .await;
    let publications = format!(
        "SELECT pubname, NULL, NULL FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_namespace pn ON p.oid = pn.pnpubid
         JOIN pg_catalog.pg_class pc ON pc.relnamespace = pn.pnnspid
         WHERE pc.oid ='{oid}' and pg_catalog.pg_relation_is_publishable('{oid}')
         UNION SELECT pubname, NULL, NULL FROM pg_catalog.pg_publication p WHERE p.puballtables ORDER BY 1"
    );
    s.check(&publications, "").await;
    let inherits = format!(
        "SELECT c.oid::pg_catalog.regclass FROM pg_catalog.pg_class c, pg_catalog.pg_inherits i
         WHERE c.oid = i.inhparent AND i.inhrelid = '{oid}' AND c.relkind != 'p' ORDER BY inhseqno"
    );
    s.check(&inherits, "").await;
}

#[tokio::test]
async fn session_functions_and_system_relations() {
    let mut s = shop().await;
    assert!(s.run("SELECT version()").await.starts_with("PostgreSQL 15.0 (Attune "));
    s.check("SELECT current_database(), current_schema(), current_setting('client_encoding')", "attune|public|UTF8")
        .await;
    s.check(
        "SELECT name, status, key, definition FROM attune_views",
        "mv|live|department|SELECT department, count(*) AS n FROM products GROUP BY department",
    )
    .await;
    s.check("SELECT name, columns FROM attune_streams", "ev|a integer").await;
    s.check("SELECT name, primary_key FROM attune_tables", "products|product_id").await;
    s.check("SELECT name, relation, key FROM attune_indexes", "mv_department_n_idx|mv|department, n DESC").await;
    s.check("SELECT count(*) FROM attune_row_errors", "0").await;
    s.check("SELECT bool_and(finished) FROM attune_backfills", "t").await;
    s.check("SELECT view FROM attune_freshness", "mv").await;
    s.check("SELECT count(*) > 0 FROM attune_state", "t").await;
    s.check(
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'products' ORDER BY ordinal_position",
        "product_id|bigint|NO\ndepartment|text|NO\nprice|numeric|YES",
    )
    .await;
    s.check("SHOW client_encoding", "UTF8").await;
    s.check("SET statement_timeout = '2s'; SHOW statement_timeout", "SET\n2s").await;
    s.check("SELECT 'products'::regclass::oid = (SELECT oid FROM pg_class WHERE relname = 'products')", "t").await;
}
