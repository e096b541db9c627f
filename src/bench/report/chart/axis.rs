//! A scale from values to a length: linear from zero, or logarithmic where the values are far apart.

/// Values further apart than this are drawn on a logarithmic scale.
const LOGARITHMIC_FROM: f64 = 40.0;
/// A linear scale has about this many steps.
const STEPS: f64 = 6.0;

/// A scale.
#[derive(Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
}

impl Axis {
    /// The scale that holds all of `values`.
    pub(super) fn of(values: &[f64]) -> Axis {
        let positive: Vec<f64> = values.iter().copied().filter(|value| *value > 0.0 && value.is_finite()).collect();
        let high = positive.iter().copied().fold(0.0, f64::max);
        let low = positive.iter().copied().fold(f64::INFINITY, f64::min);
        if positive.is_empty() {
            return Axis { low: 0.0, high: 1.0, log: false };
        }
        if high / low <= LOGARITHMIC_FROM {
            let step = step(high);
            return Axis { low: 0.0, high: (high / step).ceil() * step, log: false };
        }
        // A little below the smallest, so that it is still to be seen.
        Axis { low: 10f64.powf((low * 0.8).log10().floor()), high: high * 1.15, log: true }
    }

    /// The scale of an x axis: from the first value to the last.
    pub(super) fn between(values: &[f64]) -> Axis {
        let mut axis = Axis::of(values);
        axis.high = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        axis.low = if axis.log { values.iter().copied().fold(f64::INFINITY, f64::min) } else { 0.0 };
        axis
    }

    /// Whether it is logarithmic.
    pub(super) fn is_log(&self) -> bool {
        self.log
    }

    /// Where a value is, from 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = if self.log {
            (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        place.clamp(0.0, 1.0)
    }

    /// Values to draw a line at.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if self.log {
            let from = self.low.log10().round() as i32;
            let to = self.high.log10().floor() as i32;
            return (from..=to).map(|power| 10f64.powi(power)).collect();
        }
        let step = step(self.high);
        let steps = (self.high / step).round() as u32;
        (0..=steps).map(|at| f64::from(at) * step).collect()
    }
}

/// 1, 2 or 5 times a power of ten, so that `high` has about [`STEPS`] of them.
fn step(high: f64) -> f64 {
    let raw = high / STEPS;
    let power = 10f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| raw <= factor * power).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_values_are_drawn_from_zero() {
        let axis = Axis::of(&[20.0, 172.0]);
        assert!(!axis.is_log());
        assert_eq!(axis.ticks(), [0.0, 50.0, 100.0, 150.0, 200.0]);
        assert_eq!((axis.place(0.0), axis.place(100.0), axis.place(200.0)), (0.0, 0.5, 1.0));
    }

    #[test]
    fn distant_values_are_drawn_by_their_logarithm() {
        let axis = Axis::of(&[2.0, 1_900.0]);
        assert!(axis.is_log());
        assert_eq!(axis.ticks(), [1.0, 10.0, 100.0, 1_000.0]);
        assert_eq!((axis.place(1.0), axis.place(0.0)), (0.0, 0.0));
        assert!((axis.place(100.0) / axis.place(10.0) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_to_draw_is_no_fault() {
        assert_eq!(Axis::of(&[]).place(0.5), 0.5);
        assert_eq!(Axis::of(&[0.0, f64::NAN]).ticks().len(), 6);
    }
}
