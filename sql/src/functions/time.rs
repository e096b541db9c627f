//! Functions of dates, timestamps and intervals, over microseconds in all of their range: DataFusion's compute in nanoseconds,
//! which end in 2262.

mod age;
mod bin;
mod justify;
mod make;
mod part;
mod trunc;
mod unit;
mod zone;

use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// All of them. Those with DataFusion's names take the places of DataFusion's.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        age::functions(),
        trunc::functions(),
        part::functions(),
        bin::functions(),
        make::functions(),
        justify::functions(),
        zone::functions(),
    ]
    .concat()
}
