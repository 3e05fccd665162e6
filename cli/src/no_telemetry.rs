//! Stands in for the sending of spans in a build without it.

use tracing::Subscriber;
use tracing_subscriber::Layer;

use crate::failure::{Failure, USAGE};
use crate::settings;

/// A layer of the subscriber; there is none.
pub(crate) type SpanLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// Sends nothing.
pub(crate) struct Telemetry;

impl Telemetry {
    /// Nothing is left to be sent.
    pub(crate) async fn close(self) {}
}

/// No layer; refuses settings that want one.
pub(crate) fn start<S: Subscriber>(
    settings: &settings::Telemetry,
) -> Result<(Option<SpanLayer<S>>, Telemetry), Failure> {
    if settings.collector().is_none() {
        return Ok((None, Telemetry));
    }
    let what = "telemetry.otlp_url is set, but this packtrain was built without the feature otel";
    Err(Failure::new(USAGE, what).help("build it with the feature, or leave the setting empty"))
}
