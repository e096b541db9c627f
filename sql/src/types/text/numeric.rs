//! `numeric`: an unscaled integer and the number of its digits right of the point.

use super::{Digits, push, push_zeros};
use std::fmt::Write;

/// Appends `-12.50`: always with all digits of the scale.
pub fn write_numeric(out: &mut impl Write, unscaled: i128, scale: i8) {
    let digits = Digits::of(unscaled.unsigned_abs());
    let digits = digits.as_str();
    if unscaled < 0 {
        push(out, "-");
    }
    let after = usize::from(scale.unsigned_abs());
    if scale <= 0 {
        push(out, digits);
        if unscaled != 0 {
            push_zeros(out, after);
        }
    } else if digits.len() <= after {
        push(out, "0.");
        push_zeros(out, after - digits.len());
        push(out, digits);
    } else {
        let (before, fraction) = digits.split_at(digits.len() - after);
        push(out, before);
        push(out, ".");
        push(out, fraction);
    }
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    #[test]
    fn all_digits_of_the_scale_are_there() {
        for (unscaled, scale, expected) in
            [(0, 2, "0.00"), (5, 2, "0.05"), (-1250, 2, "-12.50"), (-5, 0, "-5"), (7, -2, "700"), (0, -2, "0")]
        {
            assert_eq!(written(|out| write_numeric(out, unscaled, scale)), expected);
        }
    }
}
