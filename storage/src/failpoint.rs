//! Named points where a test can make the process die, to prove that a crash there loses nothing.
//!
//! `ATTUNE_FAILPOINT=name` aborts the process (as a power cut would: nothing is flushed, no destructor runs) the first
//! time the point `name` is passed, `ATTUNE_FAILPOINT=name:n` the n-th time. Unset, a point costs one load.
//!
//! Points of this crate, in the order of a commit:
//! - `before_commit`: the epoch is complete in memory, nothing is written;
//! - `after_commit_before_publish`: the epoch is durable, no reader sees it and nobody was told;
//! - `after_publish`: readers see it, nobody was told.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The environment variable that arms a point.
pub const VARIABLE: &str = "ATTUNE_FAILPOINT";

struct Armed {
    name: String,
    /// Passes left, this one included, until the process dies.
    left: AtomicU64,
}

static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| {
    let armed = parse(&std::env::var(VARIABLE).ok()?);
    match &armed {
        Some(armed) => tracing::warn!(point = armed.name, "a failure point is armed: this process will abort"),
        None => {
            tracing::error!("{VARIABLE} is not of the form name or name:n (n from 1 on); no failure point is armed")
        }
    }
    armed
});

/// Passes the point `name`: aborts the process if it is armed and its turn has come.
pub fn hit(name: &str) {
    if let Some(armed) = &*ARMED
        && armed.dies(name)
    {
        tracing::warn!(point = name, "abort at failure point");
        std::process::abort();
    }
}

fn parse(text: &str) -> Option<Armed> {
    let (name, left) = match text.split_once(':') {
        Some((name, n)) => (name, n.parse().ok().filter(|n| *n > 0)?),
        None => (text, 1),
    };
    if name.is_empty() {
        return None;
    }
    Some(Armed { name: name.to_owned(), left: AtomicU64::new(left) })
}

impl Armed {
    fn dies(&self, name: &str) -> bool {
        // Wraps after the last pass, when the process no longer exists.
        self.name == name && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dies_at_the_nth_pass_of_its_own_name() {
        let armed = parse("before_commit:3").expect("well formed");
        let passes = ["before_commit", "other", "before_commit", "before_commit"].map(|name| armed.dies(name));
        assert_eq!(passes, [false, false, false, true]);
        assert!(parse("after_publish").expect("well formed").dies("after_publish"));
    }

    #[test]
    fn malformed_settings_arm_nothing() {
        for text in ["", ":1", "x:0", "x:-1", "x:y", "x:"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
