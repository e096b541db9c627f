//! count(*) and count(x).

use super::Fault;
use super::accumulator::{Accumulator, Change};
use crate::dataflow::operator::state_bytes::{damaged, get_signed, put_signed};
use arrow::array::{ArrayRef, Int64Array};
use std::sync::Arc;

/// The number of rows that count. Linear: the change of a count is the sum of the weights.
///
/// Example: with 3 stored, weights +1, -2 give 2.
#[derive(Default)]
pub(super) struct Count {
    counts: Vec<i64>,
}

impl Accumulator for Count {
    fn clear(&mut self) {
        self.counts.clear();
    }

    fn push_empty(&mut self) {
        self.counts.push(0);
    }

    fn push_state(&mut self, state: &mut &[u8]) -> Result<(), Fault> {
        let count = get_signed(state)?;
        if count < 0 {
            return Err(damaged("a negative count"));
        }
        self.counts.push(count);
        Ok(())
    }

    fn update(&mut self, _argument: Option<&ArrayRef>, changes: &[Change]) -> Result<(), Fault> {
        // A delete may stand before the insert that makes up for it, so the sign is checked at the end.
        for change in changes {
            let count = &mut self.counts[change.group as usize];
            *count = count.checked_add(change.weight).ok_or_else(|| Fault::internal("a count of more than 64 bits"))?;
        }
        match self.counts.iter().find(|count| **count < 0) {
            Some(count) => Err(Fault::internal(format!("a count became {count}"))),
            None => Ok(()),
        }
    }

    fn write_state(&self, group: usize, out: &mut Vec<u8>) {
        put_signed(self.counts[group], out);
    }

    fn results(&self, _failed: &mut dyn FnMut(usize, &str)) -> Result<ArrayRef, Fault> {
        Ok(Arc::new(Int64Array::from(self.counts.clone())))
    }
}
