//! `attune serve`.

use super::{Failure, signals};
use crate::config::Config;
use crate::server::Server;
use std::io::Write;
use std::net::SocketAddr;

pub(super) async fn run(config: Config) -> Result<(), Failure> {
    let mut signals =
        signals::Stop::listen().map_err(|error| Failure::Other(format!("cannot watch for signals: {error}")))?;
    let data = config.data.display().to_string();
    // A start may take a while (a log to replay); it can be interrupted, and loses nothing.
    let server = tokio::select! {
        server = Server::start(config) => server?,
        _ = signals.asked() => return Ok(()),
    };
    // Whoever started it may have closed stdout; that is no reason to stop serving.
    let _ = writeln!(std::io::stdout().lock(), "{}", banner(server.addr, &data));
    tracing::info!(address = %server.addr, data, "ready");
    let signal = tokio::select! {
        signal = signals.asked() => signal,
        ended = server.engine().coordinator.ended() => {
            // What is in memory may not be what is on disk: a new start is the way back to what was acknowledged.
            // Sessions end first, so that whoever waits is told.
            signals.second_ends_process();
            server.stop().await;
            return ended.map_err(|error| Failure::Other(format!("the store failed: {error}; start the server again")));
        }
    };
    tracing::info!(signal, "stopping");
    signals.second_ends_process();
    server.stop().await;
    tracing::info!("stopped");
    Ok(())
}

fn banner(addr: SocketAddr, data: &str) -> String {
    format!("attune {} ready: {}   (data in {data})", env!("CARGO_PKG_VERSION"), psql(addr))
}

/// The command that connects to a server at `addr`.
pub(crate) fn psql(addr: SocketAddr) -> String {
    // A server that listens on all interfaces is reached on this one from here.
    let host = match addr {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => "127.0.0.1".to_owned(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => "::1".to_owned(),
        _ => addr.ip().to_string(),
    };
    format!("psql -h {host} -p {}", addr.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_says_where_to_connect() {
        let version = env!("CARGO_PKG_VERSION");
        let banner = banner("0.0.0.0:7432".parse().unwrap(), "./attune-data");
        assert_eq!(banner, format!("attune {version} ready: psql -h 127.0.0.1 -p 7432   (data in ./attune-data)"));
    }
}
