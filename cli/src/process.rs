//! How a long-running command lives and ends.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::FormatTime;

use crate::failure::{FAILED, Failure, INTERRUPTED, USAGE};
use crate::settings::{Log, LogFormat};

/// Sends events to standard error, as lines or as JSON.
pub(crate) fn log_to_stderr(log: &Log, brief: bool) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.filter)
        .map_err(|error| Failure::new(USAGE, format!("log.filter: {error}")))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match (log.format, brief) {
        (LogFormat::Json, _) => builder.json().init(),
        (LogFormat::Text, true) => builder
            .compact()
            .with_target(false)
            .with_timer(Clock)
            .init(),
        (LogFormat::Text, false) => builder.init(),
    }
    Ok(())
}

/// The time of day, for a person who watches.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, w: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        use packtrain_core::time::Clock as _;
        write!(
            w,
            "{}",
            packtrain_core::time::SystemClock.now().format("%H:%M:%S")
        )
    }
}

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
