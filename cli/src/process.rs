//! How a long-running command lives and ends.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::{FAILED, Failure, INTERRUPTED};

/// Cancels `stop` at the first SIGTERM or Ctrl-C; the second one ends the process at once.
pub(crate) fn stop_on_signal(stop: &CancellationToken) -> Result<(), Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::new(FAILED, format!("signals: {error}")));
    let (mut term, mut interrupt) = (
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
    );
    let stop = stop.clone();
    let watch = async move {
        tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
        stop.cancel();
        tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(i32::from(INTERRUPTED));
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "lives as long as the process and is never waited for"
    )]
    drop(tokio::spawn(watch));
    Ok(())
}

/// Says what the private database does, while there is no log yet.
pub(crate) fn narrate(quiet: bool) -> Arc<dyn Fn(&str) + Send + Sync> {
    Arc::new(move |line| {
        if !quiet {
            anstream::eprintln!("  {line}");
        }
    })
}
