//! How a long-running command lives and ends.

use std::sync::Arc;
use std::time::Duration;

use packtrain_store::Pools;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::failure::{FAILED, Failure, INTERRUPTED};
use crate::telemetry::Telemetry;

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

/// Lets this process have as many files open as the system allows it: each client that follows live
/// streams is one, and systems begin with few. Where it may not, it goes on with what it has.
pub(crate) fn many_files() {
    let limits = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limits.maximum,
        ..limits
    };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        warn!(%error, "the limit on open files stays as it is");
    }
}

/// The longest that the last tasks and connections may take to end. Nobody waits for what they say
/// any more, and a connection that went silent would be waited for as long as the network tries.
const GOODBYE_WITHIN: Duration = Duration::from_secs(10);

/// Waits for the last tasks, which were told to end, closes every connection, and at the same time
/// sends the last spans: neither makes the end later than the other does.
pub(crate) async fn take_leave(tasks: &TaskTracker, pools: &Pools, telemetry: Telemetry) {
    tasks.close();
    let leaving = async {
        tasks.wait().await;
        pools.close().await;
    };
    let leaving = tokio::time::timeout(GOODBYE_WITHIN, leaving);
    let (left, ()) = tokio::join!(leaving, telemetry.close());
    if left.is_err() {
        warn!("connections that do not answer are left behind");
    }
}

/// How long threads may take to come back with what nobody waits for any more, such as a name that
/// was looked up: the system may look for an address for half a minute.
const THREADS_WITHIN: Duration = Duration::from_millis(250);

/// Ends the runtime when all is done, and does not wait for threads that are blocked.
pub(crate) fn leave_threads(runtime: tokio::runtime::Runtime) {
    runtime.shutdown_timeout(THREADS_WITHIN);
}

/// Says what the private database does, while there is no log yet.
pub(crate) fn narrate(quiet: bool) -> Arc<dyn Fn(&str) + Send + Sync> {
    Arc::new(move |line| {
        if !quiet {
            anstream::eprintln!("  {line}");
        }
    })
}

/// How a worker process of this machine presents itself.
pub(crate) fn worker_name(process: u32) -> String {
    format!("{}-{process}", host())
}

/// This machine's name, for a person who reads the list of workers.
fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_process_that_ends_does_not_wait_for_a_name_that_is_looked_up() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build();
        let runtime = runtime.unwrap();
        let (answers, answer) = mpsc::channel::<()>();
        // As the look-up of a name: on a thread that comes back when the system lets it.
        let looking = runtime.spawn_blocking(move || answer.recv_timeout(THREADS_WITHIN * 480));
        leave_threads(runtime);
        assert!(!looking.is_finished());
        drop(answers);
    }
}
