//! Who knows whom: serve > coordinator > dataflow, and storage, sql and planner beneath.

use super::{none, read, rust_files};

/// Per crate: the dependencies it must not have.
const CRATES: [(&str, &[&str]); 3] = [
    ("storage", &["attune-sql", "attune-planner", "datafusion", "sqlparser", "tokio", "pgwire", "timely"]),
    ("sql", &["attune-storage", "attune-planner", "rocksdb", "tokio", "pgwire", "timely"]),
    ("planner", &["rocksdb", "tokio", "pgwire", "timely"]),
];

/// Per directory: the paths its code must not name.
const MODULES: [(&str, &[&str]); 9] = [
    ("storage/src", &["datafusion", "sqlparser", "tokio"]),
    ("sql/src", &["rocksdb", "attune_storage", "attune_planner", "tokio", "pgwire"]),
    ("planner/src", &["rocksdb", "tokio", "pgwire"]),
    (
        "src/config",
        &["crate::coordinator", "crate::dataflow", "crate::serve", "crate::server", "crate::cli", "crate::demo"],
    ),
    (
        "src/dataflow",
        &[
            "crate::coordinator",
            "crate::serve",
            "crate::connect",
            "crate::server",
            "crate::cli",
            "rocksdb",
            "tokio",
            "pgwire",
        ],
    ),
    ("src/coordinator", &["crate::serve", "crate::server", "crate::cli", "crate::demo", "rocksdb", "pgwire"]),
    ("src/serve", &["crate::server", "crate::cli", "crate::demo", "rocksdb"]),
    // Point reads go from the session to storage: past the coordinator and past DataFusion.
    ("src/serve/lookup", &["crate::coordinator", "crate::dataflow", "SessionContext"]),
    // The demo is a client: all it has of the server is its port.
    (
        "src/demo",
        &["crate::coordinator", "crate::dataflow", "crate::serve", "attune_storage", "attune_planner", "attune_sql"],
    ),
];

#[test]
fn crates_do_not_depend_on_what_they_must_not_know() {
    for (name, forbidden) in CRATES {
        let manifest: toml::Table = read(format!("{name}/Cargo.toml")).parse().unwrap();
        let dependencies = manifest["dependencies"].as_table().unwrap();
        let found: Vec<String> =
            forbidden.iter().filter(|name| dependencies.contains_key(**name)).map(ToString::to_string).collect();
        none(&format!("{name} must not depend on"), &found);
    }
}

#[test]
fn modules_do_not_name_what_they_must_not_know() {
    let mut found = Vec::new();
    for (directory, forbidden) in MODULES {
        let files = rust_files(directory);
        assert!(!files.is_empty(), "{directory} has no sources: correct the rule");
        for path in files {
            for (at, line) in read(&path).lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for name in forbidden.iter().filter(|name| names(code, name)) {
                    found.push(format!("{}:{}: {name}", path.display(), at + 1));
                }
            }
        }
    }
    none("these know more than their layer may", &found);
}

/// Whether code uses `name` as a path or the beginning of one.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + name.len()..];
        let whole = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.' || c == '"')
            && !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        // A bare word is a path only with `::` after it or `use` before it; `crate::x` always is.
        whole
            && (name.contains("::")
                || after.starts_with("::")
                || code[..at].contains("use ")
                || name.starts_with(char::is_uppercase))
    })
}

#[test]
fn names_are_found_and_only_names() {
    assert!(names("use crate::serve::engine;", "crate::serve"));
    assert!(!names("use crate::server::Server;", "crate::serve"));
    assert!(names("let db = rocksdb::DB::open();", "rocksdb"));
    assert!(names("use rocksdb;", "rocksdb"));
    assert!(!names("let rocksdb_bytes = 1;", "rocksdb"));
    assert!(!names("datafusion::sql::sqlparser::x", "rocksdb"));
    assert!(names("datafusion::sql::sqlparser::x", "sqlparser"));
}
