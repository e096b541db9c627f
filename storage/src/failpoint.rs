//! Named points where a test can make something go wrong, to prove what follows from it.
//!
//! `ATTUNE_FAILPOINT=name` aborts the process (as a power cut would: nothing is flushed, no destructor runs) the first
//! time the point `name` is passed, `ATTUNE_FAILPOINT=name:n` the n-th time. `name:n=hold` holds the thread there for ever,
//! `name:n=error` makes the n-th pass fail as if the disk had, `name:n=errors` that one and all after it. Unset, a point costs
//! one load.
//!
//! Points of this crate, in the order of a commit:
//! - `before_commit`: the epoch is complete in memory, nothing is written; the only one of them that can fail;
//! - `after_commit_before_publish`: the epoch is durable, no reader sees it and nobody was told;
//! - `after_publish`: readers see it, nobody was told.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The environment variable that arms a point.
pub const VARIABLE: &str = "ATTUNE_FAILPOINT";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Action {
    Abort,
    Hold,
    Error,
    Errors,
}

struct Armed {
    name: String,
    action: Action,
    /// The pass at which it happens.
    at: u64,
    passed: AtomicU64,
}

static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| {
    let armed = parse(&std::env::var(VARIABLE).ok()?);
    match &armed {
        Some(armed) => tracing::warn!(point = armed.name, action = ?armed.action, "a failure point is armed"),
        None => {
            tracing::error!(
                "{VARIABLE} is not of the form name or name:n (n from 1 on), perhaps with =hold, =error or =errors; no failure point is armed"
            );
        }
    }
    armed
});

/// Passes the point `name`: aborts the process or stays there if it is armed and its turn has come.
pub fn hit(name: &str) {
    // A point that cannot fail has nothing to do with an error.
    let _ = check(name);
}

/// Passes the point `name`, which can also fail.
///
/// # Errors
/// If it is armed to fail and its turn has come.
pub fn check(name: &str) -> std::io::Result<()> {
    match ARMED.as_ref().and_then(|armed| armed.pass(name)) {
        None => Ok(()),
        Some(Action::Abort) => {
            tracing::warn!(point = name, "abort at failure point");
            std::process::abort();
        }
        Some(Action::Hold) => {
            tracing::warn!(point = name, "held at failure point");
            loop {
                std::thread::park();
            }
        }
        Some(Action::Error | Action::Errors) => {
            Err(std::io::Error::other(format!("the failure point {name} was told to fail")))
        }
    }
}

fn parse(text: &str) -> Option<Armed> {
    let (place, action) = match text.split_once('=') {
        None => (text, Action::Abort),
        Some((place, "hold")) => (place, Action::Hold),
        Some((place, "error")) => (place, Action::Error),
        Some((place, "errors")) => (place, Action::Errors),
        Some(_) => return None,
    };
    let (name, at) = match place.split_once(':') {
        Some((name, n)) => (name, n.parse().ok().filter(|n| *n > 0)?),
        None => (place, 1),
    };
    if name.is_empty() {
        return None;
    }
    Some(Armed { name: name.to_owned(), action, at, passed: AtomicU64::new(0) })
}

impl Armed {
    /// What happens at this pass.
    fn pass(&self, name: &str) -> Option<Action> {
        if self.name != name {
            return None;
        }
        let pass = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
        let now = pass == self.at || (self.action == Action::Errors && pass > self.at);
        now.then_some(self.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(setting: &str, names: &[&str]) -> Vec<Option<Action>> {
        let armed = parse(setting).expect("well formed");
        names.iter().map(|name| armed.pass(name)).collect()
    }

    #[test]
    fn acts_at_the_nth_pass_of_its_own_name() {
        let names = ["before_commit", "other", "before_commit", "before_commit", "before_commit"];
        assert_eq!(passes("before_commit:3", &names), [None, None, None, Some(Action::Abort), None]);
        assert_eq!(passes("after_publish", &["after_publish"]), [Some(Action::Abort)]);
        assert_eq!(passes("before_commit:2=error", &names), [None, None, Some(Action::Error), None, None]);
        let all_after = [None, None, Some(Action::Errors), Some(Action::Errors), Some(Action::Errors)];
        assert_eq!(passes("before_commit:2=errors", &names), all_after);
        assert_eq!(passes("a=hold", &["a", "a"]), [Some(Action::Hold), None]);
    }

    #[test]
    fn malformed_settings_arm_nothing() {
        for text in ["", ":1", "x:0", "x:-1", "x:y", "x:", "x=", "x=explode", "=hold"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
