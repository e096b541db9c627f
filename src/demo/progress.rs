//! Progress while the replay runs: a bar on a terminal, a line now and then elsewhere.

use super::format::{delay, say, thousands};
use super::sample::Sample;
use super::stats::{Numbers, Stats};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Rates are those of about this long.
const WINDOW: Duration = Duration::from_secs(1);
/// Away from a terminal: time between two lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows the numbers.
pub(super) struct Progress {
    /// `None` away from a terminal.
    bar: Option<ProgressBar>,
    total: u64,
    window: (Instant, Numbers),
    rates: (u64, u64),
    last_line: Instant,
}

impl Progress {
    /// Nothing of `total` is done.
    pub(super) fn new(total: u64) -> Progress {
        let now = Instant::now();
        // indicatif draws on stderr.
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {prefix}\n{wide_msg}");
            ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Progress { bar, total, window: (now, Numbers::default()), rates: (0, 0), last_line: now }
    }

    /// Shows how far the replay has come.
    pub(super) fn draw(&mut self, stats: &Stats, sample: &Sample) {
        let now = Instant::now();
        let numbers = stats.numbers();
        self.measure(now, numbers);
        let day = sample.day(numbers.events as usize);
        if let Some(bar) = &self.bar {
            bar.set_position(numbers.events);
            bar.set_prefix(day);
            bar.set_message(self.line(numbers));
        } else if now.duration_since(self.last_line) >= LINE_EVERY {
            self.last_line = now;
            let percent = numbers.events * 100 / self.total.max(1);
            say(&format!("{percent:>3} %  {day}  {}", self.line(numbers)));
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn measure(&mut self, now: Instant, numbers: Numbers) {
        let (since, before) = self.window;
        let elapsed = now.duration_since(since);
        if elapsed >= WINDOW {
            let rate = |now: u64, before: u64| ((now - before) as f64 / elapsed.as_secs_f64()) as u64;
            self.rates = (rate(numbers.events, before.events), rate(numbers.lookups, before.lookups));
            self.window = (now, numbers);
        }
    }

    fn line(&self, numbers: Numbers) -> String {
        let (visible, lookup) = (numbers.visible_us, numbers.lookup_us);
        format!(
            "{} events/s, visible after {} (p99 {});  {} lookups/s, {} (p99 {})",
            thousands(self.rates.0),
            delay(visible.0),
            delay(visible.1),
            thousands(self.rates.1),
            delay(lookup.0),
            delay(lookup.1),
        )
    }
}
