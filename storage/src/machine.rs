//! The machine: how many cores it has, and whether they have something to do.

use std::fs::File;
use std::sync::LazyLock;

static CORES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));

/// What the operating system counts; `None` where it does not say.
static LOAD: LazyLock<Option<Load>> = LazyLock::new(Load::open);

/// Cores that this process may use.
#[must_use]
pub fn cores() -> usize {
    *CORES
}

/// Whether more threads, of whatever process, want to run than can; not if that is not known. Takes half a microsecond.
pub(crate) fn has_waiting_threads() -> bool {
    LOAD.as_ref().is_some_and(Load::has_waiting_threads)
}

/// Whether fewer threads want to run, with this one, than can; also if that is not known.
pub(crate) fn has_idle_core() -> bool {
    LOAD.as_ref().is_none_or(Load::has_idle_core)
}

struct Load {
    /// `/proc/loadavg`, whose fourth field begins with the number of threads that run or want to (`man 5 proc_loadavg`).
    file: File,
    /// All of the machine, as those threads are.
    cores: usize,
}

impl Load {
    fn open() -> Option<Load> {
        let file = File::open("/proc/loadavg").ok()?;
        let lines = std::fs::read_to_string("/proc/stat").ok()?;
        // A line for each after the one for all.
        let cores = lines.lines().filter(|line| line.starts_with("cpu")).count().checked_sub(1)?;
        Some(Load { file, cores })
    }

    fn has_waiting_threads(&self) -> bool {
        self.runnable().is_some_and(|runnable| runnable > self.cores)
    }

    fn has_idle_core(&self) -> bool {
        self.runnable().is_none_or(|runnable| runnable < self.cores)
    }

    fn runnable(&self) -> Option<usize> {
        let mut text = [0; 64];
        let length = rustix::io::pread(&self.file, &mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..length)?).ok()?;
        text.split(' ').nth(3)?.split_once('/')?.0.parse().ok()
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn threads_that_wait_for_a_core_are_seen() {
        let load = Load::open().unwrap();
        assert!(load.cores >= cores());
        assert!(load.runnable().unwrap() >= 1, "this thread runs");
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..load.cores {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            // This one too, from the moment on when all of them have begun.
            while !load.has_waiting_threads() {
                std::hint::spin_loop();
            }
            assert!(!load.has_idle_core());
            over.store(true, Ordering::Relaxed);
        });
    }
}
