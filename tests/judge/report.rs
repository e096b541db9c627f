//! Counts, and the differences that were found.

use super::compare::{Kind, same};
use super::differences::{Case, documented};
use super::system::Outcome;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

/// More differences are not written down.
const MOST: usize = 1000;

/// What a comparison came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Equal,
    /// 0A000, or 54001 and 53200 beyond a named limit, with its words.
    Refused(String),
    /// An error in both.
    Failed,
    /// Postgres did not finish in time, or Attune did not.
    Slow,
    SlowInAttune,
    Documented(&'static str),
    Differs(String),
}

/// Judges one statement.
pub fn judge(sql: &str, attune: &Outcome, postgres: &Outcome, kinds: &[Kind], ordered: bool) -> Verdict {
    let case = Case { sql, attune, postgres, kinds };
    match (attune, postgres) {
        (Outcome::Error { code, message }, _) if code == "XX000" || code == "08006" || code == "XX001" => {
            Verdict::Differs(format!("Attune: {code} {message}"))
        }
        (_, Outcome::Error { code, .. }) if code == "57014" => Verdict::Slow,
        (Outcome::Error { code, .. }, _) if code == "57014" => Verdict::SlowInAttune,
        (Outcome::Error { .. }, Outcome::Error { .. }) => Verdict::Failed,
        (Outcome::Error { code, message }, _) if code == "0A000" || code == "54001" || code == "53200" => {
            Verdict::Refused(message.clone())
        }
        (Outcome::Answer(a), Outcome::Answer(p)) => match same(a, p, kinds, ordered) {
            Ok(()) => Verdict::Equal,
            Err(detail) => documented(&case).map_or(Verdict::Differs(detail), Verdict::Documented),
        },
        (Outcome::Error { code, message }, Outcome::Answer(_)) => documented(&case)
            .map_or_else(|| Verdict::Differs(format!("only Attune fails: {code} {message}")), Verdict::Documented),
        (Outcome::Answer(_), Outcome::Error { code, message }) => documented(&case)
            .map_or_else(|| Verdict::Differs(format!("only Postgres fails: {code} {message}")), Verdict::Documented),
    }
}

/// A difference that no list explains.
pub struct Found {
    pub seed: u64,
    /// What was compared: a SELECT, a view, a change, a lookup.
    pub what: &'static str,
    pub detail: String,
    pub sql: String,
    /// The smallest statement that still differs.
    pub small: String,
    pub attune: String,
    pub postgres: String,
    /// CREATE, INSERT and the statement.
    pub script: String,
}

#[derive(Default)]
struct State {
    counts: BTreeMap<&'static str, usize>,
    documented: BTreeMap<&'static str, usize>,
    refused: BTreeMap<String, usize>,
    shapes: HashMap<String, usize>,
    different: usize,
}

impl State {
    fn refused(&mut self, words: &str) {
        *self.refused.entry(shape(words)).or_default() += 1;
    }
}

/// Shared by all rounds of a run.
pub struct Report {
    keep_going: bool,
    /// How to run one round as it was: variables.
    rerun: String,
    file: PathBuf,
    state: Mutex<State>,
}

impl Report {
    /// With `keep_going`, differences are written to a file instead of ending the test.
    pub fn new(keep_going: bool, rerun: String) -> Report {
        let file = std::env::temp_dir().join(format!("attune-judge-{}.txt", std::process::id()));
        if keep_going {
            std::fs::write(&file, "").unwrap();
            println!("judge: differences go to {}", file.display());
        }
        Report { keep_going, rerun, file, state: Mutex::new(State::default()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn count(&self, what: &'static str) {
        *self.state().counts.entry(what).or_default() += 1;
    }

    /// Counts a comparison and its verdict.
    pub fn verdict(&self, verdict: &Verdict) {
        let mut state = self.state();
        let what = match verdict {
            Verdict::Equal => "equal",
            Verdict::Refused(words) => {
                state.refused(words);
                "refused"
            }
            Verdict::Failed => "failed in both",
            Verdict::Slow => "slow",
            Verdict::SlowInAttune => "slow in Attune",
            Verdict::Documented(name) => {
                *state.documented.entry(*name).or_default() += 1;
                "documented"
            }
            Verdict::Differs(_) => "different",
        };
        *state.counts.entry(what).or_default() += 1;
        *state.counts.entry("comparisons").or_default() += 1;
    }

    /// Counts a view that was not made.
    pub fn view_refused(&self, words: &str) {
        let mut state = self.state();
        state.refused(&format!("view: {words}"));
        *state.counts.entry("views refused").or_default() += 1;
    }

    pub fn counted(&self, what: &str) -> usize {
        self.state().counts.get(what).copied().unwrap_or_default()
    }

    /// Whether a difference like this was not seen often already.
    pub fn is_news(&self, detail: &str) -> bool {
        self.state().shapes.get(&shape(detail)).is_none_or(|seen| *seen < 20)
    }

    /// Ends the test, or writes the difference down if there was none of its shape.
    pub fn difference(&self, found: &Found) {
        let text = format!(
            "seed {}: {} differs: {}\n{}\n\nthe smallest that still differs:\n{}\n\nAttune: {}Postgres: {}\nto see it again:\n{}\nrun the round again: \
             {}ATTUNE_JUDGE_SEED={} cargo test --release --test main judge -- --nocapture\n",
            found.seed,
            found.what,
            found.detail,
            found.sql,
            found.small,
            found.attune,
            found.postgres,
            found.script,
            self.rerun,
            found.seed
        );
        assert!(self.keep_going, "{text}");
        let mut state = self.state();
        let detail = shape(&found.detail);
        *state.shapes.entry(detail.clone()).or_default() += 1;
        let same = state.shapes.entry(format!("{detail} {}", shape(&found.small))).or_default();
        *same += 1;
        if *same > 1 || state.different >= MOST {
            return;
        }
        state.different += 1;
        let line = "=".repeat(100);
        let mut file = std::fs::OpenOptions::new().append(true).open(&self.file).unwrap();
        writeln!(file, "{line}\n{}. {text}", state.different).unwrap();
    }

    /// Counts; when it keeps going, also what was refused, and how many kinds of differences were found.
    pub fn summary(&self) -> String {
        let state = self.state();
        let counts: Vec<String> = state.counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        let documented: Vec<String> = state.documented.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let mut line = format!("judge: {}; documented: [{}]", counts.join(", "), documented.join(", "));
        if self.keep_going {
            let mut refused: Vec<(&String, &usize)> = state.refused.iter().collect();
            refused.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            refused.iter().for_each(|(words, count)| line.push_str(&format!("\nrefused {count} times: {words}")));
            line.push_str(&format!("\n{} kinds of differences in {}", state.different, self.file.display()));
        }
        line
    }
}

/// A text without its literals and numbers.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for (at, piece) in text.split('\'').enumerate() {
        // Every other piece is a literal.
        if at % 2 == 1 {
            shape.push_str("''");
            continue;
        }
        for c in piece.chars() {
            if !c.is_ascii_digit() {
                shape.push(c);
            } else if !shape.ends_with('0') {
                shape.push('0');
            }
        }
    }
    shape
}

#[test]
fn shapes_forget_values() {
    assert_eq!(shape("SELECT 'a' || t12.x > 345"), shape("SELECT 'b c' || t3.x > 4"));
    assert_ne!(shape("SELECT 'a'"), shape("SELECT 1"));
}
