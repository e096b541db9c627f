//! Tests of the laws: shapes of plans by hand, and random trees evaluated before and after.

mod build;
mod laws;
mod random;
mod shapes;
mod values;
