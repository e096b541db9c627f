//! SIGINT and SIGTERM: the first asks for a clean stop, the second ends the process at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit code after a second signal, as shells report a process ended by SIGINT.
const INTERRUPTED: i32 = 130;

/// Watches for the signals that ask a process to stop.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Takes the signals over: from now on they no longer end the process by themselves.
    ///
    /// # Errors
    /// When the operating system does not let the process handle signals.
    pub fn listen() -> std::io::Result<Stop> {
        Ok(Stop { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for either and returns its name.
    pub async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// From now on the next signal ends the process. Nothing acknowledged is lost by that.
    pub fn second_ends_process(mut self) {
        tokio::spawn(async move {
            let signal = self.asked().await;
            tracing::warn!(signal, "asked again: ending at once");
            // Not std's exit: it runs the destructors of RocksDB's globals beside its threads, which ends in SIGABRT.
            signal_hook::low_level::exit(INTERRUPTED);
        });
    }
}
