//! Versions of what decides results or bytes on disk.

use super::{none, read};
use std::collections::BTreeMap;

/// Dependencies that are pinned to one release.
const PINNED: [&str; 3] = ["arrow", "datafusion", "rocksdb"];
/// Packages (these, and all that start with these and a dash) of which the tree has one version.
const SINGLE: [&str; 6] = ["arrow", "datafusion", "sqlparser", "rocksdb", "librocksdb-sys", "tokio"];

#[test]
fn what_decides_results_or_bytes_is_pinned() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let shared = manifest["workspace"]["dependencies"].as_table().unwrap();
    let own = manifest["dependencies"].as_table().unwrap();
    let version = |value: &toml::Value| {
        value.as_str().or_else(|| value.get("version").and_then(toml::Value::as_str)).map(ToOwned::to_owned)
    };
    let loose = PINNED.iter().filter_map(|name| {
        let stated = shared.get(*name).and_then(version).or_else(|| own.get(*name).and_then(version));
        (!stated.as_ref().is_some_and(|version| version.starts_with('='))).then(|| format!("{name} = {stated:?}"))
    });
    none("not pinned with =", &loose.collect::<Vec<_>>());
}

#[test]
fn crates_take_their_versions_from_the_workspace() {
    let mut found = Vec::new();
    for name in ["storage", "sql", "planner"] {
        let manifest: toml::Table = read(format!("{name}/Cargo.toml")).parse().unwrap();
        for section in ["dependencies", "dev-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
            for (dependency, value) in dependencies {
                if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    found.push(format!("{name}: {dependency}"));
                }
            }
        }
    }
    none("stated in a crate instead of the workspace", &found);
}

#[test]
fn there_is_one_version_of_arrow_and_of_what_speaks_it() {
    let lock: toml::Table = read("Cargo.lock").parse().unwrap();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        versions.entry(package["name"].as_str().unwrap()).or_default().push(package["version"].as_str().unwrap());
    }
    let watched = |name: &str| {
        SINGLE
            .iter()
            .any(|single| name.strip_prefix(single).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
    };
    for name in SINGLE {
        assert!(versions.contains_key(name), "{name} is no dependency any more: correct the rule");
    }
    let double = versions.iter().filter(|(name, versions)| watched(name) && versions.len() > 1);
    none("more than one version", &double.map(|(name, versions)| format!("{name} {versions:?}")).collect::<Vec<_>>());
}

#[test]
fn every_build_is_the_same_build() {
    let builds = ["$(CARGO) build", "$(CARGO) test", "$(CARGO) clippy", "$(CARGO) doc"];
    let makefile = read("Makefile");
    let lines: Vec<&str> = makefile.lines().filter(|line| builds.iter().any(|build| line.contains(build))).collect();
    assert!(lines.len() >= builds.len(), "the Makefile builds differently now: correct the rule");
    let others = lines.iter().filter(|line| !line.contains("$(WORKSPACE)")).map(ToString::to_string);
    none("would build RocksDB once more", &others.collect::<Vec<_>>());
}
