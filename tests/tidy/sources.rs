//! How sources look.

use super::{CODE, files, is_test, none, read, root, rust_files};
use std::path::PathBuf;

/// No source file is longer, tests apart.
const LONGEST: usize = 600;
/// Half of them are shorter.
const MEDIAN: usize = 200;
/// Largest file in the repository that is not the demo's data.
const LARGEST_BYTES: u64 = 400 << 10;
/// Largest the demo's data may be together.
const DEMO_DATA_BYTES: u64 = 4 << 20;
/// Directories at the top; hidden ones and what a build or a server leaves there apart.
const TOP: [&str; 7] = ["benches", "docs", "planner", "sql", "src", "storage", "tests"];
const LEFT_BEHIND: [&str; 2] = ["target", "attune-data"];

fn sources() -> Vec<PathBuf> {
    CODE.iter().flat_map(|directory| rust_files(directory)).collect()
}

#[test]
fn files_are_short() {
    let mut lengths: Vec<(usize, PathBuf)> =
        sources().into_iter().filter(|path| !is_test(path)).map(|path| (read(&path).lines().count(), path)).collect();
    lengths.sort();
    let long = lengths
        .iter()
        .filter(|(length, _)| *length > LONGEST)
        .map(|(length, path)| format!("{}: {length}", path.display()));
    none("files with too many lines", &long.collect::<Vec<_>>());
    let median = lengths[lengths.len() / 2].0;
    assert!(median < MEDIAN, "half of the source files have more than {median} lines");
}

#[test]
fn nothing_is_left_undone() {
    // Written so that this file does not contain them.
    let undone =
        [["todo", "!("], ["unimplemented", "!("], ["dbg", "!("], ["FIX", "ME"], ["TO", "DO"], ["SKEL", "ETON"]]
            .map(|parts| parts.concat());
    let mut found = Vec::new();
    for path in sources() {
        for (at, line) in read(&path).lines().enumerate() {
            for word in undone.iter().filter(|word| line.contains(*word)) {
                found.push(format!("{}:{}: {word}", path.display(), at + 1));
            }
        }
    }
    none("left undone", &found);
}

#[test]
fn names_say_what_a_thing_is() {
    let empty = ["Manager", "Helper", "Utils", "Util"];
    let mut found = Vec::new();
    for path in sources() {
        for (at, line) in read(&path).lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
            while let Some(word) = words.next() {
                if ["struct", "enum", "trait", "mod"].contains(&word)
                    && let Some(name) = words.next()
                    && empty.iter().any(|empty| name.ends_with(empty) || name == empty.to_lowercase())
                {
                    found.push(format!("{}:{}: {name}", path.display(), at + 1));
                }
            }
        }
    }
    none("names that say nothing", &found);
}

#[test]
fn tests_do_not_wait_for_time_to_pass() {
    let sleep = ["sle", "ep("].concat();
    // The crash test lets a random time pass until it kills: that is what it tests.
    let in_tests = sources().into_iter().filter(|path| is_test(path) && !path.ends_with("tests/crash.rs"));
    none(
        "wait for an epoch or an event instead",
        &in_tests.filter(|path| read(path).contains(&sleep)).map(|path| path.display().to_string()).collect::<Vec<_>>(),
    );
}

#[test]
fn the_repository_stays_small() {
    let size = |path: &PathBuf| std::fs::metadata(root().join(path)).unwrap().len();
    let (data, others): (Vec<_>, Vec<_>) =
        TOP.iter().flat_map(|directory| files(directory)).partition(|path| path.starts_with("src/demo/data"));
    let total: u64 = data.iter().map(size).sum();
    assert!(total < DEMO_DATA_BYTES, "src/demo/data has {total} bytes");
    let large = others.iter().filter(|path| size(path) > LARGEST_BYTES).map(|path| path.display().to_string());
    none("files too large for a repository", &large.collect::<Vec<_>>());
}

#[test]
fn the_top_level_is_known() {
    let mut unknown = Vec::new();
    for entry in std::fs::read_dir(root()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let known = name.starts_with('.') || TOP.contains(&name.as_str()) || LEFT_BEHIND.contains(&name.as_str());
        if entry.file_type().unwrap().is_dir() && !known {
            unknown.push(name);
        }
    }
    none("directories that docs/architecture.md does not know", &unknown);
}
