//! Spans of traces, sent to a collector over OTLP. Whatever the collector does, work goes on: spans
//! wait in a queue of limited length, and what does not fit or is not taken is dropped and counted.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use self::layer::Spans;
use self::sender::Sender;
use crate::failure::{Failure, USAGE};
use crate::settings;

mod layer;
mod sender;
mod wire;

/// Spans that wait to be sent, at most.
const QUEUE_MAX: usize = 4_096;
/// How long a process that ends may take to send the last ones; with what threads that are blocked
/// may take after it, 3 s in all.
const FLUSH_WITHIN: Duration = Duration::from_millis(2_750);

/// A layer of the subscriber that hears of spans.
pub(crate) type SpanLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// What sends spans, if anything does.
pub(crate) struct Telemetry(Option<Running>);

struct Running {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Telemetry {
    /// Sends what is left, for a short time.
    pub(crate) async fn close(self) {
        let Some(Running { tasks, stop }) = self.0 else {
            return;
        };
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(FLUSH_WITHIN, tasks.wait())
            .await
            .is_err()
        {
            warn!("spans that the collector did not take in time are left behind");
        }
    }
}

/// What hears of spans, if the settings name a collector, and what sends them.
pub(crate) fn start<S>(
    settings: &settings::Telemetry,
) -> Result<(Option<SpanLayer<S>>, Telemetry), Failure>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(post) = settings.collector() else {
        return Ok((None, Telemetry(None)));
    };
    let post = post.map_err(|error| Failure::new(USAGE, format!("telemetry: {error}")))?;
    let (queue, spans) = mpsc::channel(QUEUE_MAX);
    let overflow = Arc::default();
    let layer = Spans::new(queue, Arc::clone(&overflow));
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let sender = Sender::new(post, wire::resource(&settings.service_name), overflow);
    tasks.spawn(sender.run(spans, stop.clone()));
    let layer = layer.with_filter(layer::wanted()).boxed();
    Ok((Some(layer), Telemetry(Some(Running { tasks, stop }))))
}
