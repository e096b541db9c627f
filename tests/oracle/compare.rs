//! Two results as bags of rows; floats equal to a relative 1e-9.

type Row = Vec<Option<String>>;

/// Whether both hold the same rows, each as often.
pub fn same(kept: &[Row], batch: &[Row], floats: &[bool]) -> Result<(), String> {
    let (mut left, mut right) = (sorted(kept, floats), sorted(batch, floats));
    // Pairs in sorted order match but for floats that fall to different sides of a rounding; those are matched by search.
    let mut unmatched = Vec::new();
    if left.len() == right.len() {
        for (l, r) in left.drain(..).zip(right.drain(..)) {
            if !equal(&l, &r, floats) {
                unmatched.push((l, r));
            }
        }
        (left, right) = unmatched.into_iter().unzip();
    }
    left.retain(|l| match right.iter().position(|r| equal(l, r, floats)) {
        Some(i) => {
            right.swap_remove(i);
            false
        }
        None => true,
    });
    if left.is_empty() && right.is_empty() {
        return Ok(());
    }
    let show = |rows: &[Row]| rows.iter().take(8).map(|r| format!("  {r:?}\n")).collect::<String>();
    Err(format!(
        "only in the view ({}):\n{}only in the query's result ({}):\n{}",
        left.len(),
        show(&left),
        right.len(),
        show(&right)
    ))
}

fn sorted(rows: &[Row], floats: &[bool]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by_cached_key(|row| {
        row.iter()
            .zip(floats)
            .map(|(value, float)| match value {
                Some(text) if *float => Some(format!("{:.6e}", text.parse::<f64>().unwrap_or(f64::NAN) + 0.0)),
                other => other.clone(),
            })
            .collect::<Vec<_>>()
    });
    rows
}

fn equal(left: &Row, right: &Row, floats: &[bool]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).zip(floats).all(|((l, r), float)| match (l, r) {
            (Some(l), Some(r)) if *float => close(l, r),
            _ => l == r,
        })
}

fn close(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    match (left.parse::<f64>(), right.parse::<f64>()) {
        // A sum of values that cancel may leave 1e-13 where exact arithmetic leaves 0: values here are below 1e4.
        (Ok(l), Ok(r)) => (l.is_nan() && r.is_nan()) || (l - r).abs() <= 1e-9 * l.abs().max(r.abs()).max(1.0),
        _ => false,
    }
}

#[test]
fn differences_are_found() {
    let row = |a: &str, b: Option<&str>| vec![Some(a.to_string()), b.map(str::to_string)];
    let floats = [false, true];
    assert!(same(&[row("a", Some("1"))], &[row("a", Some("1.0000000000001"))], &floats).is_ok());
    assert!(same(&[row("a", Some("1"))], &[row("a", Some("1.0001"))], &floats).is_err());
    assert!(same(&[row("a", None)], &[row("a", Some("0"))], &floats).is_err());
    assert!(same(&[row("a", None), row("a", None)], &[row("a", None)], &floats).is_err());
}
