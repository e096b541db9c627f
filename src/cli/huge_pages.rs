//! Memory in whole huge pages.
//!
//! Rows, state and memtables lie all over gigabytes. With pages of 4 KB, most reads of one first wait for the page table, which in a
//! virtual machine is two; with pages of 2 MB few do. The allocator asks Linux for such pages, but gives back whatever part of one is free
//! for a second, after which it is many small ones. It can be told to give back whole ones only, by an environment variable which it reads
//! before `main`: so the process runs its program once more, with that.

use crate::config::Config;
#[cfg(target_os = "linux")]
use std::{env, io, os::unix::process::CommandExt, process::Command};

/// mimalloc's option: 1, as it is without, asks for huge pages, 2 keeps them as well.
#[cfg(target_os = "linux")]
const OPTION: (&str, &str) = ("MIMALLOC_ALLOW_THP", "2");

/// Begins anew with huge pages, where they are wanted and the option is not given already. To be called before anything is begun: nothing of what the process
/// has done so far remains, but for its number, its arguments and its standard streams.
#[cfg(target_os = "linux")]
pub(super) fn begin_with(config: &Config) {
    if config.keeps_huge_pages() && env::var_os(OPTION.0).is_none() {
        let error = run_again();
        tracing::warn!(%error, "goes on without huge pages");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn begin_with(_: &Config) {}

/// Returns only when that is not possible.
#[cfg(target_os = "linux")]
fn run_again() -> io::Error {
    let mut arguments = env::args_os();
    let (Some(name), Ok(program)) = (arguments.next(), env::current_exe()) else {
        return io::Error::from(io::ErrorKind::NotFound);
    };
    Command::new(program).arg0(name).args(arguments).env(OPTION.0, OPTION.1).exec()
}
