//! Two answers as bags of rows, or in order. Floats are equal to a relative 1e-9 (real: 1e-5), numerics by value.

use super::scope::Col;
use super::system::{Answer, Row};
use super::types::Ty;

/// How the cells of a column are compared.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub ty: Ty,
    /// The digits and the text are those of Postgres, not only the value.
    pub exact: bool,
}

impl Kind {
    pub fn of(col: &Col) -> Kind {
        Kind { ty: col.ty, exact: col.exact }
    }
}

/// Whether both hold the same rows, each as often; with `ordered`, in the same order.
pub fn same(attune: &Answer, postgres: &Answer, kinds: &[Kind], ordered: bool) -> Result<(), String> {
    if attune.names != postgres.names {
        return Err(format!("columns are called {:?}, not {:?}", attune.names, postgres.names));
    }
    if attune.affected != postgres.affected && attune.rows.len() == postgres.rows.len() {
        return Err(format!("{:?} rows are said to be there or changed, not {:?}", attune.affected, postgres.affected));
    }
    let (mut left, mut right) = (attune.rows.clone(), postgres.rows.clone());
    if ordered {
        let pairs = left.iter().zip(&right);
        if left.len() == right.len() && pairs.into_iter().all(|(l, r)| equal(l, r, kinds)) {
            return Ok(());
        }
    }
    left.sort_by_cached_key(|row| key(row, kinds));
    right.sort_by_cached_key(|row| key(row, kinds));
    // Pairs in sorted order match but for values that fall to different sides of a rounding; those are searched for.
    let mut unmatched = (Vec::new(), Vec::new());
    if left.len() == right.len() {
        for (l, r) in left.drain(..).zip(right.drain(..)) {
            if !equal(&l, &r, kinds) {
                unmatched.0.push(l);
                unmatched.1.push(r);
            }
        }
        (left, right) = unmatched;
    }
    left.retain(|l| match right.iter().position(|r| equal(l, r, kinds)) {
        Some(at) => {
            right.swap_remove(at);
            false
        }
        None => true,
    });
    if !left.is_empty() || !right.is_empty() {
        return Err(format!("{} rows only in Attune, {} only in Postgres", left.len(), right.len()));
    }
    if ordered { Err("the rows are the same, their order is not".to_owned()) } else { Ok(()) }
}

/// What rows are sorted by: values that are nearly equal have the same.
fn key(row: &Row, kinds: &[Kind]) -> Vec<Option<String>> {
    row.iter()
        .enumerate()
        .map(|(at, cell)| {
            let kind = kinds.get(at);
            cell.as_ref().map(|text| match kind {
                Some(kind) if kind.ty.is_number() => match text.parse::<f64>() {
                    Ok(value) => format!("{:.4e}", value + 0.0),
                    Err(_) => text.clone(),
                },
                Some(kind) if kind.ty == Ty::Interval && !kind.exact => format!("{:?}", microseconds(text)),
                _ => text.clone(),
            })
        })
        .collect()
}

fn equal(left: &Row, right: &Row, kinds: &[Kind]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).enumerate().all(|(at, (l, r))| match (l, r) {
            (Some(l), Some(r)) => l == r || kinds.get(at).is_some_and(|kind| near(l, r, *kind)),
            (l, r) => l == r,
        })
}

fn near(left: &str, right: &str, kind: Kind) -> bool {
    match kind.ty {
        Ty::Numeric if kind.exact => digits(left) == digits(right),
        Ty::Numeric | Ty::Double => close(left, right, 1e-9),
        Ty::Real => close(left, right, 1e-5),
        // Integers of another width, and a numeric where the other has an integer.
        Ty::Int2 | Ty::Int4 | Ty::Int8 => digits(left) == digits(right),
        Ty::Interval if !kind.exact => {
            let (left, right) = (microseconds(left), microseconds(right));
            left.is_some() && left == right
        }
        _ => false,
    }
}

fn close(left: &str, right: &str, relative: f64) -> bool {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(l), Ok(r)) if l.is_nan() || r.is_nan() => l.is_nan() && r.is_nan(),
        // A deviation of values that cancel may leave 1e-12 where exact arithmetic leaves 0.
        (Ok(l), Ok(r)) => l == r || (l - r).abs() <= (relative * l.abs().max(r.abs())).max(1e-12),
        _ => false,
    }
}

/// A decimal without the zeros at its end.
fn digits(text: &str) -> &str {
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    if text == "-0" { "0" } else { text }
}

/// Microseconds.
const DAY: i128 = 86_400_000_000;

/// The length of an interval as Postgres compares it: months of 30 days, days of 24 hours.
fn microseconds(text: &str) -> Option<i128> {
    let mut total: i128 = 0;
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if word.contains(':') {
            let (sign, time) = match word.strip_prefix('-') {
                Some(time) => (-1, time),
                None => (1, word),
            };
            let mut parts = time.split(':');
            let hours: i128 = parts.next()?.parse().ok()?;
            let minutes: i128 = parts.next()?.parse().ok()?;
            let (seconds, fraction) = parts.next()?.split_once('.').map_or((time.rsplit(':').next()?, ""), |both| both);
            let seconds: i128 = seconds.parse().ok()?;
            let fraction: i128 = format!("{fraction:0<6}").parse().ok()?;
            total += sign * ((hours * 3600 + minutes * 60 + seconds) * 1_000_000 + fraction);
            continue;
        }
        let number: i128 = word.parse().ok()?;
        total += number
            * match words.next()?.trim_end_matches('s') {
                "year" => 360 * DAY,
                "mon" | "month" => 30 * DAY,
                "day" => DAY,
                "microsecond" => 1,
                _ => return None,
            };
    }
    Some(total)
}

#[test]
fn differences_are_found() {
    let answer = |rows: &[&[Option<&str>]]| Answer {
        rows: rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect(),
        ..Answer::default()
    };
    let kinds = [Kind { ty: Ty::Text, exact: true }, Kind { ty: Ty::Double, exact: true }];
    let one = answer(&[&[Some("a"), Some("1")]]);
    assert!(same(&one, &answer(&[&[Some("a"), Some("1.0000000000001")]]), &kinds, true).is_ok());
    assert!(same(&one, &answer(&[&[Some("a"), Some("1.0001")]]), &kinds, false).is_err());
    assert!(same(&one, &answer(&[&[Some("a"), None]]), &kinds, false).is_err());
    assert!(same(&one, &answer(&[]), &kinds, false).is_err());
    let (up, down) =
        (answer(&[&[Some("a"), None], &[Some("b"), None]]), answer(&[&[Some("b"), None], &[Some("a"), None]]));
    assert!(same(&up, &down, &kinds, false).is_ok());
    assert!(same(&up, &down, &kinds, true).is_err());
}

#[test]
fn values_are_compared_by_their_type() {
    let kind = |ty, exact| Kind { ty, exact };
    assert!(near("1.50", "1.5", kind(Ty::Numeric, true)));
    assert!(!near("1.50000001", "1.5", kind(Ty::Numeric, true)));
    assert!(near("-0", "0", kind(Ty::Double, true)));
    assert!(near("NaN", "NaN", kind(Ty::Real, true)));
    assert!(!near("Infinity", "NaN", kind(Ty::Double, true)));
    assert!(near("24:00:00", "1 day", kind(Ty::Interval, false)));
    assert!(!near("24:00:00", "1 day", kind(Ty::Interval, true)));
    assert_eq!(microseconds("1 year 2 mons -3 days -00:00:01.5"), Some(417 * 86_400_000_000 - 1_500_000));
    assert!(!near("a", "b", kind(Ty::Text, true)));
}
