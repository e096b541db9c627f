//! Averages and deviations of exact numbers.

use super::*;

fn moments(values: &[i128]) -> Moments {
    let mut moments = Moments::default();
    values.iter().for_each(|value| moments.add(*value, 1));
    moments
}

#[test]
fn averages_are_rounded() {
    let average = |sum, count, digits| average(i256::from_i128(sum), count, digits, false).unwrap();
    assert_eq!(average(2, 3, 4), 6_667);
    assert_eq!(average(-2, 3, 4), -6_667);
    assert_eq!(average(1, 2, 0), 1);
    assert_eq!(average(-1, 2, 0), -1);
    assert_eq!(average(0, 2, 16), 0);
    assert_eq!(super::average(i256::from_i128(2), 3, 4, true), Ok(6_666));
}

#[test]
fn only_the_average_must_fit() {
    let most = 10_i128.pow(38) - 1;
    let sum = i256::from_i128(most).wrapping_mul(i256::from_i128(3));
    assert_eq!(average(sum, 3, 0, false), Ok(most));
    assert_eq!(average(sum.wrapping_sub(i256::ONE), 3, 0, false), Ok(most));
    assert_eq!(average(sum, 3, 1, false).map_err(|error| error.state.code()), Err("22003"));
    assert_eq!(average(sum.wrapping_neg(), 3, 0, false), Ok(-most));
}

/// Expected values are those of PostgreSQL 15.
#[test]
fn statistics() {
    let values = moments(&[1, 2, 4]);
    let of = |statistic| values.statistic(statistic, 0, 16).unwrap().unwrap();
    assert_eq!(of(Statistic::VarPop), 15_555_555_555_555_556);
    assert_eq!(of(Statistic::VarSamp), 23_333_333_333_333_333);
    assert_eq!(of(Statistic::StddevPop), 12_472_191_289_246_471);
    assert_eq!(of(Statistic::StddevSamp), 15_275_252_316_519_467);
    assert_eq!(moments(&[]).statistic(Statistic::VarPop, 0, 16), Ok(None));
    assert_eq!(moments(&[7]).statistic(Statistic::VarPop, 0, 16), Ok(Some(0)));
    assert_eq!(moments(&[7]).statistic(Statistic::StddevSamp, 0, 16), Ok(None));
}

#[test]
fn large_values_keep_their_digits() {
    let most = 10_i128.pow(38) - 1;
    let mut values = moments(&[most, most - 2, 5]);
    values.add(5, -1);
    // Squares of 76 digits, whose products do not fit 256 bits.
    assert_eq!(values.statistic(Statistic::VarPop, 0, 16), Ok(Some(10_i128.pow(16))));
    assert_eq!(values.statistic(Statistic::StddevPop, 38, 38), Ok(Some(1)));
    values.add(-most, 2);
    assert_eq!(values.statistic(Statistic::VarPop, 0, 16).map_err(|error| error.state.code()), Err("22003"));
    // 99999999999999999999999999999999999998.5000000000000000000000000000000000000025, rounded.
    assert_eq!(values.statistic(Statistic::StddevPop, 10, 10), Ok(Some(most)));
}

#[test]
fn roots_are_whole() {
    for root in [0_i128, 1, 2, 3, 1 << 60, 10_i128.pow(37) + 7, 10_i128.pow(38) - 1] {
        let root = i256::from_i128(root);
        let square = root.wrapping_mul(root);
        assert_eq!(whole_root(square), root);
        assert_eq!(whole_root(square.wrapping_add(root).wrapping_add(root)), root);
    }
}
