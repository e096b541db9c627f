//! The documentation names things that exist.

use super::{files, none, read, root};
use attune::config::{Config, SETTINGS};
use std::path::{Path, PathBuf};

fn pages() -> Vec<PathBuf> {
    let mut pages =
        vec![PathBuf::from("README.md"), PathBuf::from("CHANGELOG.md"), PathBuf::from("src/demo/data/README.md")];
    pages.extend(files("docs").into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    pages
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(&page);
        for link in links(&text).filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let there = root().join(&target).exists();
            if !there || !anchor.is_empty() && !anchors(&read(&target)).contains(&anchor.to_owned()) {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    none("broken links", &broken);
}

#[test]
fn named_files_exist() {
    let tops = ["src/", "storage/", "sql/", "planner/", "tests/", "docs/", ".ci/"];
    let mut missing = Vec::new();
    for page in pages() {
        for (at, line) in read(&page).lines().enumerate() {
            // Every other piece between backticks is code.
            for name in line.split('`').skip(1).step_by(2) {
                let is_path = tops.iter().any(|top| name.starts_with(top)) && !name.contains([' ', '*', '{', '<']);
                if is_path && !root().join(name).exists() {
                    missing.push(format!("{}:{}: {name}", page.display(), at + 1));
                }
            }
        }
    }
    none("files that do not exist", &missing);
}

#[test]
fn the_readme_lists_every_setting() {
    let defaults = Config::default();
    let readme = read("README.md");
    let missing = SETTINGS
        .iter()
        .map(|setting| format!("| `{}` | `{}` | {} |", setting.name, setting.show(&defaults), setting.about.trim()))
        .filter(|row| !readme.lines().any(|line| line == row));
    none("rows missing in the table of settings in README.md", &missing.collect::<Vec<_>>());
}

/// Targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// Anchors of the headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let headings =
        text.lines().filter_map(|line| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim()));
    headings
        .map(|heading| {
            let kept = heading
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
                .collect::<String>();
            kept.replace(' ', "-")
        })
        .collect()
}

#[test]
fn headings_become_anchors() {
    assert_eq!(anchors("# A b\ntext\n### C: `d`-e\n"), ["a-b", "c-d-e"]);
    assert_eq!(links("[a](b.md#c) and [d](e)").collect::<Vec<_>>(), ["b.md#c", "e"]);
    assert!(root().join(Path::new("Cargo.toml")).exists());
}
