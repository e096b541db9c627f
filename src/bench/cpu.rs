//! What a server process used: from /proc, its children included.

use super::BenchError;
use std::collections::HashMap;
use std::time::Duration;

/// The kernel counts processor time for user space in this unit, on every machine (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);
/// Places in `/proc/PID/stat` after the name: parent, and user and system time, own and of children that have ended.
const PARENT: usize = 1;
const TIMES: std::ops::Range<usize> = 11..15;

/// Processor time of a process and all its descendants, also of those that have ended.
pub(super) fn of_tree(root: u32) -> Result<Duration, BenchError> {
    let mut all: HashMap<u32, (u32, u32)> = HashMap::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process may end between the two.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else { continue };
        if let Some(found) = parse(&stat) {
            all.insert(process, found);
        }
    }
    if !all.contains_key(&root) {
        return Err(BenchError::Failed(format!("process {root} has ended")));
    }
    let ticks: u32 = all.iter().filter(|(process, _)| descends(**process, root, &all)).map(|(_, (_, t))| t).sum();
    Ok(TICK * ticks)
}

/// Bytes of memory the process holds.
pub(super) fn resident(process: u32) -> Result<u64, BenchError> {
    Ok(field(&format!("/proc/{process}/status"), "VmRSS:")? << 10)
}

/// Bytes the process has had written to storage.
pub(super) fn written(process: u32) -> Result<u64, BenchError> {
    field(&format!("/proc/{process}/io"), "write_bytes:")
}

fn field(path: &str, name: &str) -> Result<u64, BenchError> {
    let text = std::fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| BenchError::Failed(format!("{path} has no {name}")))
}

/// Parent and ticks. The name, in parentheses, may contain anything.
fn parse(stat: &str) -> Option<(u32, u32)> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(TIMES)?.iter().map(|field| field.parse::<u32>()).sum::<Result<u32, _>>().ok()?;
    Some((fields.get(PARENT)?.parse().ok()?, ticks))
}

fn descends(process: u32, root: u32, all: &HashMap<u32, (u32, u32)>) -> bool {
    let mut at = process;
    while at != root {
        match all.get(&at) {
            Some((parent, _)) if *parent != 0 => at = *parent,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_process_is_read() {
        let line = "123 (a) b) S 45 1 1 0 -1 4194560 100 200 0 0 11 7 3 2 20 0 1 0 5 6 7";
        assert_eq!(parse(line), Some((45, 23)));
        assert_eq!(parse("123 (a"), None);
    }

    #[test]
    fn this_process_uses_memory_and_time() {
        let own = std::process::id();
        assert!(resident(own).unwrap() > 1 << 20);
        let mut sum = 0u64;
        let before = of_tree(own).unwrap();
        while of_tree(own).unwrap() == before {
            sum = std::hint::black_box((0..1_000_000u64).fold(sum, u64::wrapping_add));
        }
        assert!(of_tree(u32::MAX).is_err());
    }
}
