//! Where a benchmark ran. Figures of two machines do not compare; their ratios do.

use crate::bench::calendar::DateTime;
use std::time::{SystemTime, UNIX_EPOCH};

/// The machine, the build and the day.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Machine {
    /// Name of the processor.
    pub cpu: String,
    /// Cores this process may use.
    pub cores: usize,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Operating system and kernel.
    pub system: String,
    /// Version of Attune.
    pub attune: &'static str,
    /// When, in UTC: `2026-01-31 12:00:00`.
    pub date: String,
}

impl Machine {
    /// This machine, now.
    #[must_use]
    pub fn here() -> Machine {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let kernel = text("/proc/sys/kernel/osrelease");
        let system = value(&text("/etc/os-release"), "PRETTY_NAME", '=').unwrap_or_else(|| "unknown".to_owned());
        Machine {
            cpu: value(&text("/proc/cpuinfo"), "model name", ':').unwrap_or_else(|| "unknown processor".to_owned()),
            cores: cores(),
            memory_bytes: kilobytes(&text("/proc/meminfo")) << 10,
            system: format!("{system}, kernel {}", kernel.trim()),
            attune: env!("CARGO_PKG_VERSION"),
            date: DateTime::of(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
                .to_string(),
        }
    }

    /// In a line.
    #[must_use]
    pub fn line(&self) -> String {
        let memory = (self.memory_bytes as f64 / f64::from(1 << 30)).round();
        let cores = if self.cores == 1 { "1 core".to_owned() } else { format!("{} cores", self.cores) };
        format!("{}, {cores}, {memory} GB, {}, attune {}, {} UTC", self.cpu, self.system, self.attune, self.date)
    }
}

/// Cores that a benchmark and what it measures have.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What stands after `name` and the separator, without quotes.
fn value(text: &str, name: &str, separator: char) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(separator)?.1.trim().trim_matches('"').to_owned())
}

fn kilobytes(meminfo: &str) -> u64 {
    let total = value(meminfo, "MemTotal", ':').unwrap_or_default();
    total.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_from_their_files() {
        assert_eq!(value("a\t: 1\nmodel name\t: Some CPU\n", "model name", ':').as_deref(), Some("Some CPU"));
        assert_eq!(value("PRETTY_NAME=\"Debian 12\"", "PRETTY_NAME", '=').as_deref(), Some("Debian 12"));
        assert_eq!(kilobytes("MemTotal:       24578024 kB\nMemFree: 1 kB"), 24_578_024);
    }
}
