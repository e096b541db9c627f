//! The wire protocol, with a real driver, with psql, and with bytes no driver would send.

mod contention;
mod copy;
mod errors;
mod extended;
mod implicit;
mod limits;
mod loops;
mod psql;
mod raw;
mod reads;
mod robustness;
mod simple;
