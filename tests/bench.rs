//! Every benchmark at a tiny size: it runs, has its measures, and draws its charts. Nothing is said about time.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Runs `attune bench ARGS` and returns the report; every chart must have been drawn.
fn bench(args: &[&str]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("report.json");
    let charts = dir.path().join("charts");
    let output = Command::new(env!("CARGO_BIN_EXE_attune"))
        .arg("bench")
        .args(args)
        .arg("--json")
        .arg(&json)
        .arg("--chart")
        .arg(&charts)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{args:?}: {err}");
    assert!(out.starts_with(args[0]), "the table is on stdout: {out}");
    let drawn: Vec<String> =
        std::fs::read_dir(&charts).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!drawn.is_empty());
    for name in &drawn {
        let bytes = std::fs::read(charts.join(name)).unwrap();
        let whole = if name.ends_with(".svg") { bytes.ends_with(b"</svg>\n") } else { bytes.starts_with(b"\x89PNG") };
        assert!(whole, "{name}");
    }
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}

/// The rows of a table: case, subject and the names of the measures that have a value.
fn rows(report: &Value, table: &str) -> Vec<(String, String, Vec<String>)> {
    let tables = report["tables"].as_array().unwrap();
    let table =
        tables.iter().find(|found| found["name"] == table).unwrap_or_else(|| panic!("no table {table}: {report}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let row = |row: &Value| {
        let measures = row["measures"].as_array().unwrap().iter().filter(|measure| measure["value"].is_number());
        (text(&row["case"]), text(&row["subject"]), measures.map(|measure| text(&measure["name"])).collect())
    };
    table["rows"].as_array().unwrap().iter().map(row).collect()
}

fn has(measures: &[String], wanted: &[&str]) {
    for name in wanted {
        assert!(measures.iter().any(|measure| measure == name), "{name} is missing in {measures:?}");
    }
}

fn installed(program: &str, place: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file()) || Path::new(place).join(program).is_file()
}

#[test]
fn read_compares_with_the_peers_that_are_installed() {
    let report =
        bench(&["read", "--rows", "2000", "--users", "20", "--seconds", "0.05", "--connections", "2", "--depth", "4"]);
    let queries = ["point", "100 keys", "top 10", "ranking 100", "ranking 1000"];
    for table in ["connections-2", "pipeline-4"] {
        let rows = rows(&report, table);
        for query in queries {
            let subjects: Vec<&str> =
                rows.iter().filter(|(case, ..)| case == query).map(|(_, subject, _)| subject.as_str()).collect();
            assert!(subjects.contains(&"attune"), "{query}: {subjects:?}");
            assert_eq!(subjects.contains(&"redis"), installed("redis-server", "/nowhere"), "{query}: {subjects:?}");
        }
        rows.iter().for_each(|(.., measures)| has(measures, &["rate", "p50", "p99", "p99.9", "CPU"]));
    }
    for (_, subject, measures) in rows(&report, "streaming") {
        has(&measures, if subject == "attune" { &["rate", "p99", "events", "p99 / idle"] } else { &["rate", "p99"] });
    }
    let notes: Vec<&str> = report["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
    let compared = notes.iter().any(|note| note.starts_with("250 answers of Attune and PostgreSQL compared"));
    let skipped = notes.iter().any(|note| note.starts_with("postgres is left out") && note.contains("apt-get install"));
    assert!(compared != skipped, "{notes:?}");
    assert_eq!(compared, installed("initdb", "/usr/lib/postgresql/15/bin"), "{notes:?}");
}

#[test]
fn ingest_feeds_all_views_in_every_way() {
    let report = bench(&["ingest", "--seconds", "0.2", "--copy-rows", "200", "--connections", "4"]);
    for table in ["plain", "pairs", "all"] {
        let rows = rows(&report, table);
        assert_eq!(rows.len(), 3, "COPY, many rows, one row");
        rows.iter().for_each(|(.., measures)| has(measures, &["events", "rate", "CPU", "written", "p99"]));
    }
}

#[test]
fn freshness_sees_every_probe() {
    let report = bench(&[
        "freshness",
        "--views",
        "1,3",
        "--shares",
        "10,50",
        "--users",
        "500",
        "--seconds",
        "0.1",
        "--probes",
        "2",
    ]);
    let rows = rows(&report, "visible");
    let found: Vec<(&str, &str)> = rows.iter().map(|(case, subject, _)| (case.as_str(), subject.as_str())).collect();
    assert_eq!(found, [("10 %", "1 view"), ("50 %", "1 view"), ("10 %", "3 views"), ("50 %", "3 views")]);
    rows.iter().for_each(|(.., measures)| has(measures, &["events", "p50", "p99", "p99.9", "probes"]));
    let report = bench(&["freshness", "--views", "1", "--rates", "700", "--users", "500", "--seconds", "0.1"]);
    assert_eq!(self::rows(&report, "visible").iter().map(|(case, ..)| case.as_str()).collect::<Vec<_>>(), ["700/s"]);
}

#[test]
fn state_is_measured_at_each_size() {
    let report = bench(&["state", "--base", "500", "--sizes", "1,3", "--budget", "256", "--seconds", "0.1"]);
    let rows = rows(&report, "state");
    assert_eq!(rows.iter().map(|(case, ..)| case.as_str()).collect::<Vec<_>>(), ["1 x", "3 x"]);
    let wanted = ["users", "disk", "event CPU", "lookup CPU", "p99", "memory", "memory / budget", "restart"];
    rows.iter().for_each(|(.., measures)| has(measures, &wanted));
}

#[test]
fn mixed_is_a_matrix() {
    let report = bench(&["mixed", "--users", "500", "--history", "1000", "--seconds", "0.05"]);
    for (activity, _, measures) in rows(&report, "slowdown") {
        let others = ["ingest", "lookups", "backfill", "query", "all"].into_iter().filter(|other| *other != activity);
        has(
            &measures,
            &others
                .map(|other| format!("+ {other}"))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(rows(&report, "rates").len(), 4);
}

#[test]
fn planning_is_measured_by_both_front_ends() {
    let report = bench(&["plan", "--rounds", "3"]);
    let rows = rows(&report, "plan");
    for case in ["point", "prefix", "ranking", "six-way join", "EXISTS and IN", "view"] {
        let subjects: Vec<&str> =
            rows.iter().filter(|(name, ..)| name == case).map(|(_, subject, _)| subject.as_str()).collect();
        assert_eq!(subjects, ["attune", "datafusion"], "{case}");
    }
    rows.iter().for_each(|(.., measures)| has(measures, &["p50", "p99"]));
}

#[test]
fn a_way_of_feeding_that_is_none_is_refused() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_attune")).args(["bench", "ingest", "--ways", "mail"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("copy, rows, single"));
}
