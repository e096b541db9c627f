//! The `attune` binary.

use std::process::ExitCode;

/// RocksDB and the sessions allocate small things from many threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    attune::cli::main()
}
