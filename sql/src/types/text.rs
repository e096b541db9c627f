//! Values as text, as Postgres' input and output functions read and print them: casts to text, and what clients see.
//!
//! Writers append to a `String` or to a connection's buffer, and allocate nothing of their own. Neither of the two fails.

mod bytea;
mod datetime;
mod digits;
mod float;
mod interval;

pub use bytea::{read_bytea, write_bytea};
pub use datetime::{write_date, write_timestamp};
pub use digits::{Digits, write_integer, write_unsigned};
pub use float::{write_double, write_real};
pub use interval::write_interval;

use std::fmt::Write;

fn push(out: &mut impl Write, text: &str) {
    // It fails for neither of those that are written to.
    let _ = out.write_str(text);
}

fn push_zeros(out: &mut impl Write, count: usize) {
    (0..count).for_each(|_| push(out, "0"));
}

#[cfg(test)]
fn written(write: impl Fn(&mut String)) -> String {
    let mut out = String::new();
    write(&mut out);
    out
}
