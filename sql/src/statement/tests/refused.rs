//! Statements Attune does not have.

use super::check_errors;
use expect_test::expect;

#[test]
fn what_is_not_supported_says_so() {
    check_errors(
        &[
            "CREATE STREAM s (a int PRIMARY KEY)",
            "CREATE STREAM s (a int, ts timestamp, WATERMARK FOR ts AS ts - INTERVAL '5 seconds')",
            "CREATE SOURCE s (a int) WITH (connector = 'kafka')",
            "CREATE TABLE t (a int UNIQUE)",
            "CREATE TABLE t (a int CHECK (a > 0))",
            "CREATE TABLE t (a int REFERENCES b (c))",
            "CREATE TABLE t (a int, UNIQUE (a))",
            "CREATE TABLE t (a int, FOREIGN KEY (a) REFERENCES b (c))",
            "CREATE TABLE t (a serial)",
            "CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY)",
            "CREATE TABLE t (a char(3))",
            "CREATE TABLE t AS SELECT 1",
            "CREATE TEMP TABLE t (a int)",
            "CREATE OR REPLACE VIEW v AS SELECT 1",
            "CREATE MATERIALIZED VIEW v AS SELECT 1 WITH NO DATA",
            "CREATE MATERIALIZED VIEW v AS SELECT a, count(*) FROM t GROUP BY a EMIT ON WINDOW CLOSE",
            "CREATE MATERIALIZED VIEW v AS SELECT a FROM t EMIT CHANGES",
            "CREATE UNIQUE INDEX i ON t (a)",
            "CREATE INDEX i ON t (lower(a))",
            "CREATE INDEX i ON t USING hash (a)",
            "SUBSCRIBE TO v",
            "CREATE SINK s FROM v",
            "ALTER TABLE t ADD COLUMN b int",
            "GRANT SELECT ON t TO a",
            "CREATE ROLE r",
            "CREATE FUNCTION f() RETURNS int LANGUAGE SQL AS 'SELECT 1'",
            "SAVEPOINT a",
            "ROLLBACK TO a",
            "COMMIT AND CHAIN",
            "TRUNCATE t",
            "LOCK TABLE t",
            "REFRESH MATERIALIZED VIEW v",
            "COPY t FROM '/tmp/x'",
            "COPY t FROM STDIN WITH (FORMAT binary)",
            "SHOW TABLES",
            "EXPLAIN (FORMAT json) SELECT 1",
            "WITH a AS (SELECT 1) DELETE FROM t",
        ],
        expect![[r#"
            CREATE STREAM s (a int PRIMARY KEY)
              => stream "s" cannot have a primary key (0A000); hint: Streams are append-only events; use CREATE TABLE for rows with a key that can be updated. at 18
            CREATE STREAM s (a int, ts timestamp, WATERMARK FOR ts AS ts - INTERVAL '5 seconds')
              => WATERMARK FOR is not supported (0A000); hint: Leave it out; watermarks come later and never change a result. at 39
            CREATE SOURCE s (a int) WITH (connector = 'kafka')
              => connectors are not supported yet (0A000); hint: Leave connector out and write events with INSERT or COPY ... FROM STDIN. at 31
            CREATE TABLE t (a int UNIQUE)
              => UNIQUE is not supported (column "a") (0A000); hint: Only the primary key is unique; make it the PRIMARY KEY. at 17
            CREATE TABLE t (a int CHECK (a > 0))
              => CHECK is not supported (column "a") (0A000); hint: Check values where they are written, or filter them in a view. at 17
            CREATE TABLE t (a int REFERENCES b (c))
              => REFERENCES is not supported (column "a") (0A000); hint: Leave it out; join the tables in a view. at 17
            CREATE TABLE t (a int, UNIQUE (a))
              => UNIQUE is not supported (0A000); hint: Only the primary key is unique; make it the PRIMARY KEY. at 24
            CREATE TABLE t (a int, FOREIGN KEY (a) REFERENCES b (c))
              => FOREIGN KEY is not supported (0A000); hint: Leave it out; join the tables in a view. at 24
            CREATE TABLE t (a serial)
              => type serial is not supported (0A000); hint: Use bigint, and let the application give the number. at 17
            CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY)
              => GENERATED AS IDENTITY is not supported (column "a") (0A000); hint: Let the application give the number. at 17
            CREATE TABLE t (a char(3))
              => type char(3) is not supported (0A000); hint: Use text or varchar; they have no blank padding. at 17
            CREATE TABLE t AS SELECT 1
              => CREATE TABLE AS is not supported (0A000); hint: Use CREATE MATERIALIZED VIEW, or CREATE TABLE and INSERT INTO ... SELECT. at 16
            CREATE TEMP TABLE t (a int)
              => temporary and unlogged relations are not supported (0A000); hint: Leave TEMP or UNLOGGED out, and DROP the relation afterwards. at 8
            CREATE OR REPLACE VIEW v AS SELECT 1
              => CREATE OR REPLACE is not supported (0A000); hint: Use DROP ... IF EXISTS, then CREATE. at 8
            CREATE MATERIALIZED VIEW v AS SELECT 1 WITH NO DATA
              => WITH NO DATA is not supported (0A000); hint: Leave it out: the view is filled in the background. at 40
            CREATE MATERIALIZED VIEW v AS SELECT a, count(*) FROM t GROUP BY a EMIT ON WINDOW CLOSE
              => EMIT is not supported (0A000); hint: Leave it out: a materialized view is current with every commit. at 68
            CREATE MATERIALIZED VIEW v AS SELECT a FROM t EMIT CHANGES
              => EMIT is not supported (0A000); hint: Leave it out: a materialized view is current with every commit. at 47
            CREATE UNIQUE INDEX i ON t (a)
              => CREATE UNIQUE INDEX is not supported (0A000); hint: Declare a PRIMARY KEY for uniqueness; CREATE INDEX for lookups. at 1
            CREATE INDEX i ON t (lower(a))
              => indexes on expressions are not supported (0A000); hint: Compute the expression in a materialized view and index its column. at 22
            CREATE INDEX i ON t USING hash (a)
              => access method "hash" is not supported (0A000); hint: Leave USING out: indexes are ordered. at 27
            SUBSCRIBE TO v
              => SUBSCRIBE is not supported (0A000); hint: Read the view again when needed: it is current with every commit. at 1
            CREATE SINK s FROM v
              => CREATE SINK is not supported (0A000); hint: Read the materialized view with SELECT or COPY (SELECT ...) TO STDOUT. at 1
            ALTER TABLE t ADD COLUMN b int
              => ALTER is not supported (0A000); hint: Create a new object, and drop the old one when nobody reads it. at 1
            GRANT SELECT ON t TO a
              => GRANT is not supported (0A000); hint: Restrict access where the connection is made. at 1
            CREATE ROLE r
              => CREATE ROLE is not supported (0A000); hint: Restrict access where the connection is made. at 1
            CREATE FUNCTION f() RETURNS int LANGUAGE SQL AS 'SELECT 1'
              => CREATE FUNCTION is not supported (0A000); hint: Make a view, or send the query itself. at 1
            SAVEPOINT a
              => SAVEPOINT is not supported (0A000); hint: Use one transaction per unit of work. at 1
            ROLLBACK TO a
              => savepoints are not supported (0A000); hint: Use one transaction per unit of work. at 10
            COMMIT AND CHAIN
              => AND CHAIN is not supported (0A000); hint: Send BEGIN afterwards. at 8
            TRUNCATE t
              => TRUNCATE is not supported (0A000); hint: Use DELETE FROM for a table; DROP and CREATE for a stream. at 1
            LOCK TABLE t
              => LOCK is not supported (0A000); hint: A transaction that writes is one epoch; no lock is needed for consistency. at 1
            REFRESH MATERIALIZED VIEW v
              => REFRESH MATERIALIZED VIEW is not supported (0A000); hint: Leave it out: a materialized view is current with every commit. at 1
            COPY t FROM '/tmp/x'
              => COPY with a file or program of the server is not supported (0A000); hint: Use COPY ... STDIN; in psql, \copy reads and writes files of the client. at 13
            COPY t FROM STDIN WITH (FORMAT binary)
              => COPY in binary format is not supported (0A000); hint: Use FORMAT csv or text. at 25
            SHOW TABLES
              => SHOW TABLES is not supported (0A000); hint: Use \dt in psql. at 6
            EXPLAIN (FORMAT json) SELECT 1
              => EXPLAIN has FORMAT TEXT only (0A000); hint: Leave FORMAT out. at 10
            WITH a AS (SELECT 1) DELETE FROM t
              => WITH before INSERT, UPDATE or DELETE is not supported (0A000); hint: For INSERT write the WITH after it: INSERT INTO t WITH ... SELECT ...
        "#]],
    );
}
