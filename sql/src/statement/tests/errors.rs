//! Statements that are wrong: syntax, definitions, nesting.

use super::{check_errors, parse};
use expect_test::expect;

#[test]
fn syntax_errors_are_those_of_postgres() {
    check_errors(
        &[
            "SELECT * FORM t",
            "SELECT a FROM t WHERE",
            "SELECT 'é' FORM t x",
            "SELECT 1;\n  CREATE TABEL t (a int)",
            "SELECT 'abc",
            "SELECT \"abc",
            "SELECT $$abc",
            "SELECT 1 /* abc",
            "FOO BAR",
            "CREATE STREAM s (a bigint",
            "CREATE STREAM s (a bigint,)",
            "CREATE STREAM s (a)",
            "CREATE TABLE t ()",
            "INSERT INTO",
            "DROP TABLE",
            "DROP TABLE t WHERE x",
            "BEGIN ISOLATION LEVEL NONE",
            "COPY t FROM",
            "COPY t FROM STDIN WITH (FORMT csv)",
            "CREATE INDEX ON t",
            "SELECT 1 SELECT 2",
            "SELECT (1",
            "1",
        ],
        expect![[r#"
            SELECT * FORM t
              => syntax error at or near "FORM" (42601) at 10
            SELECT a FROM t WHERE
              => syntax error at end of input (42601) at 22
            SELECT 'é' FORM t x
              => syntax error at or near "t" (42601) at 17
            SELECT 1;
              CREATE TABEL t (a int)
              => syntax error at or near "TABEL" (42601) at 20
            SELECT 'abc
              => unterminated quoted string (42601) at 8
            SELECT "abc
              => unterminated quoted identifier (42601) at 8
            SELECT $$abc
              => unterminated dollar-quoted string (42601) at 13
            SELECT 1 /* abc
              => unterminated /* comment (42601) at 16
            FOO BAR
              => syntax error at or near "FOO" (42601) at 1
            CREATE STREAM s (a bigint
              => syntax error at end of input (42601) at 26
            CREATE STREAM s (a bigint,)
              => syntax error at or near ")" (42601) at 27
            CREATE STREAM s (a)
              => syntax error at or near ")" (42601) at 19
            CREATE TABLE t ()
              => a relation needs at least one column (42P16) at 16
            INSERT INTO
              => syntax error at end of input (42601) at 12
            DROP TABLE
              => syntax error at end of input (42601) at 11
            DROP TABLE t WHERE x
              => syntax error at or near "WHERE" (42601) at 14
            BEGIN ISOLATION LEVEL NONE
              => syntax error at or near "NONE" (42601) at 23
            COPY t FROM
              => syntax error at end of input (42601) at 12
            COPY t FROM STDIN WITH (FORMT csv)
              => option "formt" not recognized (42601); hint: Did you mean "format"? at 25
            CREATE INDEX ON t
              => syntax error at end of input (42601) at 18
            SELECT 1 SELECT 2
              => syntax error at or near "SELECT" (42601) at 10
            SELECT (1
              => syntax error at end of input (42601) at 10
            1
              => syntax error at or near "1" (42601) at 1
        "#]],
    );
}

#[test]
fn definitions_that_make_no_sense() {
    check_errors(
        &[
            "CREATE TABLE t (a int, A int)",
            "CREATE TABLE t (a int, PRIMARY KEY (b))",
            "CREATE TABLE t (name int, PRIMARY KEY (nmae))",
            "CREATE TABLE t (a int PRIMARY KEY, b int PRIMARY KEY)",
            "CREATE TABLE t (a int, PRIMARY KEY (a, a))",
            "CREATE TABLE t (a int NULL NOT NULL)",
            "CREATE TABLE t (a int NULL PRIMARY KEY)",
            "CREATE TABLE t (a bigitn)",
            "CREATE TABLE t (_attune_row_id int)",
            "CREATE TABLE attune_t (a int)",
            "CREATE TABLE pg_t (a int)",
            "CREATE TABLE other.t (a int)",
            "CREATE TABLE t (a int DEFAULT b)",
            "CREATE TABLE t (a int DEFAULT (SELECT 1))",
            "CREATE STREAM s (a int) WITH (retention = '0 days')",
            "CREATE STREAM s (a int) WITH (retention = 'soon')",
            "CREATE STREAM s (a int) WITH (retension = '1 day')",
            "CREATE VIEW v (a, a) AS SELECT 1, 2",
            "CREATE INDEX ON t (a, a)",
            "COPY t FROM STDIN WITH (batch_rows 0)",
            "COPY t FROM STDIN WITH (DELIMITER 'ab')",
            "COPY t FROM STDIN WITH (FORMAT csv, QUOTE ',')",
            "COPY t FROM STDIN WITH (QUOTE '!')",
            "PREPARE p AS DROP TABLE t",
        ],
        expect![[r#"
            CREATE TABLE t (a int, A int)
              => column "a" specified more than once (42701) at 24
            CREATE TABLE t (a int, PRIMARY KEY (b))
              => column "b" named in key does not exist (42703) at 24
            CREATE TABLE t (name int, PRIMARY KEY (nmae))
              => column "nmae" named in key does not exist (42703); hint: Did you mean "name"? at 27
            CREATE TABLE t (a int PRIMARY KEY, b int PRIMARY KEY)
              => multiple primary keys are not allowed (42P16); hint: For a key of several columns write PRIMARY KEY (a, b) once. at 36
            CREATE TABLE t (a int, PRIMARY KEY (a, a))
              => column "a" appears twice in primary key constraint (42701) at 24
            CREATE TABLE t (a int NULL NOT NULL)
              => conflicting NULL/NOT NULL declarations for column "a" (42601) at 17
            CREATE TABLE t (a int NULL PRIMARY KEY)
              => conflicting NULL/NOT NULL declarations for column "a" (42601) at 17
            CREATE TABLE t (a bigitn)
              => type "bigitn" does not exist (42704); hint: Did you mean "bigint"? at 17
            CREATE TABLE t (_attune_row_id int)
              => column name "_attune_row_id" is reserved (42939); hint: Choose another name. at 17
            CREATE TABLE attune_t (a int)
              => relation name "attune_t" is reserved (42939); hint: Choose another name. at 14
            CREATE TABLE pg_t (a int)
              => relation name "pg_t" is reserved (42939); hint: Choose another name. at 14
            CREATE TABLE other.t (a int)
              => schema "other" does not exist (3F000); hint: There is one schema, "public"; leave the schema out. at 14
            CREATE TABLE t (a int DEFAULT b)
              => cannot use column reference in DEFAULT expression (0A000); hint: Use a constant or a function such as now(); text constants stand in single quotes. at 17
            CREATE TABLE t (a int DEFAULT (SELECT 1))
              => cannot use subquery in DEFAULT expression (0A000); hint: Use a constant or a function such as now(); text constants stand in single quotes. at 17
            CREATE STREAM s (a int) WITH (retention = '0 days')
              => retention must be longer than zero (22023) at 31
            CREATE STREAM s (a int) WITH (retention = 'soon')
              => invalid input syntax for type interval: "soon" (22007); hint: Write a number and a unit, such as '30 days', '12 hours' or '1 week'. at 31
            CREATE STREAM s (a int) WITH (retension = '1 day')
              => unrecognized parameter "retension" (22023); hint: Did you mean "retention"? at 31
            CREATE VIEW v (a, a) AS SELECT 1, 2
              => column "a" specified more than once (42701) at 19
            CREATE INDEX ON t (a, a)
              => column "a" is named twice in the index (42701) at 23
            COPY t FROM STDIN WITH (batch_rows 0)
              => batch_rows must be a whole number above zero (22023) at 25
            COPY t FROM STDIN WITH (DELIMITER 'ab')
              => COPY delimiter must be a single one-byte character (22023) at 25
            COPY t FROM STDIN WITH (FORMAT csv, QUOTE ',')
              => COPY delimiter and quote must be different (22023) at 19
            COPY t FROM STDIN WITH (QUOTE '!')
              => COPY QUOTE and ESCAPE require CSV mode (22023) at 19
            PREPARE p AS DROP TABLE t
              => only SELECT, INSERT, UPDATE and DELETE can be prepared (42601) at 14
        "#]],
    );
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow() {
    let deep = |n: usize| format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n));
    let chain = |n: usize| format!("SELECT 1{}", "+1".repeat(n));
    let state = |sql: String| parse(&sql).map(|_| ()).map_err(|e| e.state.code());
    assert_eq!(state(deep(20)), Ok(()));
    assert_eq!(state(deep(10_000)), Err("54001"));
    assert_eq!(state(chain(900)), Ok(()));
    assert_eq!(state(chain(100_000)), Err("54001"));
    assert_eq!(state(format!("SELECT {}1", "NOT ".repeat(100_000))), Err("54001"));
    assert_eq!(state(format!("SELECT {}1", "- ".repeat(100_000))), Err("54001"));
    assert_eq!(state(format!("SELECT 1{}", "::int".repeat(100_000))), Err("54001"));
    assert_eq!(state(format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(100_000))), Err("54001"));
    assert_eq!(state(format!("SELECT {} 1", "CASE WHEN true THEN ".repeat(10_000))), Err("54001"));
    // Wide is not deep.
    assert_eq!(state(format!("INSERT INTO t VALUES (-1, 'a' || 'b'){}", ", (-1, 'a' || 'b')".repeat(5_000))), Ok(()));
    assert_eq!(state(format!("SELECT a IN (-1{})", ", -1".repeat(5_000))), Ok(()));
}

/// Each would take longer than anybody waits if a level were read twice.
#[test]
fn calls_within_calls_are_read_once() {
    for call in ["coalesce(", "lower(", "abs(", "f(x => "] {
        let sql = format!("SELECT {}1{}", call.repeat(40), ")".repeat(40));
        assert!(parse(&sql).is_ok(), "{sql}");
    }
}

#[test]
fn positions_count_over_lines() {
    let lines = "('é'),\r\n".repeat(3_000);
    let error = parse(&format!("INSERT INTO t VALUES\n{lines}('é') FORM")).expect_err("no such clause");
    // 21 characters in the first line, 8 in each of the next, `('é') ` before the word.
    assert_eq!(error.position, Some(21 + 3_000 * 8 + 6 + 1));
}

#[test]
fn zero_bytes_and_empty_texts() {
    assert_eq!(parse("SELECT '\0'").expect_err("a zero byte").state.code(), "22021");
    for empty in ["", " ", ";", ";;\n-- c\n;", "/* c */"] {
        assert_eq!(parse(empty).expect("nothing").len(), 0, "{empty:?}");
    }
}
