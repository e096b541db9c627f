//! What Attune does otherwise than Postgres, and says so: each with its line in the docs. The list is to get shorter.

use super::compare::{Kind, same};
use super::system::{Answer, Outcome};

/// A documented difference.
pub struct Difference {
    pub name: &'static str,
    /// A line of "Differences from Postgres" in `docs/sql.md`.
    pub line: &'static str,
    applies: fn(&Case<'_>) -> bool,
}

/// A statement and what both systems made of it.
pub struct Case<'a> {
    pub sql: &'a str,
    pub attune: &'a Outcome,
    pub postgres: &'a Outcome,
    pub kinds: &'a [Kind],
}

pub const DIFFERENCES: [Difference; 4] = [
    Difference {
        name: "float overflow",
        line: "| overflow of `sum` and `avg` of floats | error 22003 | `Infinity` |",
        applies: |case| {
            let Outcome::Error { message, .. } = case.postgres else { return false };
            message.starts_with("value out of range:") && matches!(case.attune, Outcome::Answer(_))
        },
    },
    Difference {
        name: "numeric of 38 digits",
        line: "| plain `numeric` | unlimited | `numeric(38, 10)` |",
        applies: |case| {
            let numeric = case.kinds.iter().any(|kind| kind.ty == super::types::Ty::Numeric)
                || ["numeric", "sum(", "avg("].iter().any(|word| case.sql.contains(word));
            case.attune.code() == Some("22003") && matches!(case.postgres, Outcome::Answer(_)) && numeric
        },
    },
    Difference {
        name: "minus zero as text",
        line: "| `-0` of a float | kept, shown as `-0` | 0 |",
        applies: |case| {
            let (Outcome::Answer(attune), Outcome::Answer(postgres)) = (case.attune, case.postgres) else {
                return false;
            };
            has_minus_zero(postgres) && same(&plus_zero(attune), &plus_zero(postgres), case.kinds, false).is_ok()
        },
    },
    Difference {
        name: "regular expressions",
        line: REGULAR_EXPRESSIONS,
        applies: |case| {
            let expression = ["~ '.*'", "~* '.*'", "regexp_replace("].iter().any(|word| case.sql.contains(word));
            expression && both_have_newlines(case)
        },
    },
];

/// Lines of the docs that no query meets, because the generator goes around them: the results get a cast, or are not asked for.
const AVOIDED: [&str; 6] = [
    "| `sum(bigint)` | `numeric` | `bigint`, 22003 when it is too large |",
    "| `avg` of integers | `numeric` | `double precision` |",
    "| `avg` of `numeric(p, s)` | `numeric` | `numeric(p + 4, s + 4)`, cut off, not rounded |",
    "| `stddev`, `variance` and their like, of exact numbers | `numeric` | `double precision` |",
    "| `sum(real)` | `real` | `double precision` |",
    "| `sign('NaN')` | 0 | `NaN` |",
];

const REGULAR_EXPRESSIONS: &str = "| regular expressions | Postgres' own | those of Rust's `regex`: no look-around, no back references; `.` is no newline; in the replacement `$1` is a group, not `\\1`; right after a match, none is empty |";

/// The difference that explains it, if one does.
pub fn documented(case: &Case<'_>) -> Option<&'static str> {
    DIFFERENCES.iter().find(|difference| (difference.applies)(case)).map(|difference| difference.name)
}

fn has_minus_zero(answer: &Answer) -> bool {
    answer.rows.iter().flatten().flatten().any(|cell| cell == "-0")
}

fn plus_zero(answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    for cell in answer.rows.iter_mut().flatten().flatten().filter(|cell| *cell == "-0") {
        "0".clone_into(cell);
    }
    answer
}

fn both_have_newlines(case: &Case<'_>) -> bool {
    [case.attune, case.postgres].iter().all(|outcome| match outcome {
        Outcome::Answer(answer) => answer.rows.iter().flatten().flatten().any(|cell| cell.contains('\n')),
        Outcome::Error { .. } => false,
    })
}

#[test]
fn every_difference_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sql.md");
    let docs = std::fs::read_to_string(path).unwrap();
    let (_, section) = docs.split_once("## Differences from Postgres").unwrap();
    let named = DIFFERENCES.iter().map(|difference| difference.line).chain(AVOIDED);
    let missing: Vec<&str> = named.filter(|line| !section.lines().any(|own| own == *line)).collect();
    assert!(missing.is_empty(), "docs/sql.md does not have these lines:\n{}", missing.join("\n"));
}
