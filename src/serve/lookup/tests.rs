//! What is normalised and what is left alone; the arithmetic of key ranges.

use super::normalise::{Literal, normalise};
use super::range::successor;

fn check(text: &str, expected: &str, literals: &[(&str, bool)]) {
    let normalised = normalise(text).unwrap_or_else(|| panic!("not normalised: {text}"));
    assert_eq!(normalised.text, expected);
    let literals: Vec<_> =
        literals.iter().map(|(text, number)| Literal { text: (*text).into(), number: *number }).collect();
    assert_eq!(normalised.literals, literals);
}

#[test]
fn literals_become_parameters() {
    check("SELECT * FROM t WHERE id = 42;", "SELECT * FROM t WHERE id = $1", &[("42", true)]);
    check(
        "select a, b from t1 where u = 'it''s' and v>=7 order by 2 desc limit 10",
        "select a, b from t1 where u = $1 and v>=$2 order by 2 desc limit $3",
        &[("it's", false), ("7", true), ("10", true)],
    );
    check("SELECT 1, 'x' FROM \"t 1\" WHERE k=''", "SELECT 1, 'x' FROM \"t 1\" WHERE k=$1", &[("", false)]);
    check("SELECT c1 FROM t2", "SELECT c1 FROM t2", &[]);
}

#[test]
fn the_unusual_goes_the_general_way() {
    for text in [
        "",
        "SELECT",
        "INSERT INTO t VALUES (1)",
        "SELECTED FROM t",
        "SELECT * FROM t WHERE a = $1",
        "SELECT * FROM t WHERE a = E'\\n'",
        "SELECT * FROM t WHERE a = 'open",
        "SELECT * FROM t WHERE a = 1.5",
        "SELECT * FROM t WHERE a = 1e5",
        "SELECT * FROM t -- comment",
        "SELECT * FROM t /* comment */",
        "SELECT 1 FROM t; SELECT 2 FROM t",
        "SELECT * FROM t WHERE a = $$x$$",
    ] {
        assert_eq!(normalise(text), None, "{text}");
    }
}

#[test]
fn numbers_of_order_by_are_columns() {
    check(
        "SELECT a FROM t WHERE k = 1 ORDER BY 1 OFFSET 5",
        "SELECT a FROM t WHERE k = $1 ORDER BY 1 OFFSET $2",
        &[("1", true), ("5", true)],
    );
}

#[test]
fn any_text_is_normalised_without_panic() {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand::rngs::StdRng::seed_from_u64(3);
    let pieces = ["'", "\"", "1", "a", ".", " ", "from ", "where ", "é", ";", "$", "--", "/*", "order ", "=", "''"];
    for _ in 0..20_000 {
        let mut text = String::from("select ");
        for _ in 0..rng.random_range(0..12) {
            text.push_str(pieces[rng.random_range(0..pieces.len())]);
        }
        let _ = normalise(&text);
    }
}

#[test]
fn successors() {
    assert_eq!(successor(vec![1, 2]), Some(vec![1, 3]));
    assert_eq!(successor(vec![1, 0xff, 0xff]), Some(vec![2]));
    assert_eq!(successor(vec![0xff]), None);
}
