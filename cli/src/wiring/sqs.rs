//! SQS, where the build has it: hints, the mirror of dead letters, and the queues themselves.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::fault::chain;
use packtrain_core::ids::IdSource;
use packtrain_core::ports::{Hints, Mirror, Revive};
use packtrain_queue::{Sqs, SqsAccess, SqsError, SqsHints, SqsMirror, SqsSettings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::{FAILED, Failure, UNREACHABLE};
use crate::settings::{Settings, Transport};

/// The queues of this process, when hints go through SQS.
pub(crate) struct Queues(Option<Arc<Sqs>>);

impl Queues {
    /// The queues that the settings name.
    pub(crate) fn of(settings: &Settings) -> Self {
        let is_used = settings.hints.transport == Transport::Sqs;
        Self(is_used.then(|| Sqs::new(named(settings))))
    }

    /// Starts the transport.
    pub(crate) fn hints(
        &self,
        revive: Arc<dyn Revive>,
        ids: Arc<dyn IdSource>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Option<Arc<dyn Hints>> {
        let sqs = Arc::clone(self.0.as_ref()?);
        let hints = SqsHints::start(sqs, revive, ids, tasks, stop.clone());
        Some(Arc::new(hints))
    }

    /// Where dead letters are shown.
    pub(crate) fn mirror(&self) -> Option<Arc<dyn Mirror>> {
        let sqs = self.0.as_ref().filter(|sqs| sqs.shows_dead_letters())?;
        Some(Arc::new(SqsMirror::new(Arc::clone(sqs))))
    }

    /// Says what to do when a queue is not there. Hints alone may get lost; but a whole fleet
    /// without a queue is a mistake that nobody would see.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        match &self.0 {
            Some(sqs) => sqs.check().await.map_err(failed),
            None => Ok(()),
        }
    }
}

/// Makes the queues that are not there yet, and says which those were.
pub(crate) async fn create(settings: &Settings) -> Result<Vec<String>, Failure> {
    Sqs::new(named(settings)).create().await.map_err(failed)
}

fn named(settings: &Settings) -> SqsSettings {
    let (aws, sqs) = (&settings.aws, &settings.sqs);
    SqsSettings {
        region: aws.region.clone(),
        endpoint_url: aws.endpoint_url.get(),
        access: SqsAccess::Found,
        pulse_queue: sqs.pulse_queue.clone(),
        notify_queue: sqs.notify_queue.clone(),
        prefix: sqs.prefix.clone(),
        wait: Duration::from_secs(sqs.wait_s),
        visibility: Duration::from_secs(sqs.visibility_s),
        kms_key: sqs.kms_key.clone(),
        has_dead_queues: sqs.dlq,
    }
}

fn failed(error: SqsError) -> Failure {
    match error {
        SqsError::Missing(_) => Failure::new(FAILED, error.to_string())
            .help("make them with `packtrain migrate --aws`, or set hints.transport to another"),
        SqsError::Failed { .. } => Failure::new(UNREACHABLE, chain(&error)).help(
            "see aws.region and aws.endpoint_url with `packtrain config show --origin`, and whose \
             rights the process has",
        ),
    }
}

/// There are queues whenever the settings name SQS.
pub(crate) fn missing() -> Failure {
    Failure::new(FAILED, "hints.transport is sqs and there are no queues")
}
