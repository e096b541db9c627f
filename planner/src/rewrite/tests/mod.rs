//! Rules give the rows of the plan they were given.
//!
//! [`random`] makes plans, [`rules`] runs each rule by itself and all of them over them, against the evaluator of
//! [`crate::tests::evaluate`]; [`expressions`] does the same for conditions; [`shapes`] shows what the rules are for.

mod expressions;
mod random;
mod rules;
mod shapes;
