//! Values as text, as Postgres' input and output functions read and print them: casts to text, and what clients see.
//!
//! Writers append to a `String` or to a connection's buffer, and allocate nothing of their own. Neither of the two fails.
//! Readers are the only ones: literals, casts, parameters and COPY all read a text here.

mod bytea;
mod datetime;
mod digits;
mod float;
mod interval;
mod numeric;
mod read;
mod read_array;
mod read_datetime;
mod read_fields;
mod read_interval;
mod read_number;
mod value;

pub use bytea::{read_bytea, write_bytea};
pub use datetime::{write_date, write_timestamp};
pub use digits::{Digits, write_integer, write_unsigned};
pub use float::{write_double, write_real};
pub use interval::write_interval;
pub use numeric::write_numeric;
pub use read::{fit_varchar, read_boolean, read_value};
pub use read_array::{read_array, read_elements};
pub use read_datetime::{read_date, read_timestamp, read_timestamptz, read_zone};
pub use read_interval::read_interval;
pub use read_number::{
    Exact, check_precision, exact_of_digits, read_double, read_exact, read_integer, read_numeric, read_real,
};
pub use value::{write_array, write_value};

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
