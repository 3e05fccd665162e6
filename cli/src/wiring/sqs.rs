//! SQS, where the build has it: hints, the mirror of dead letters, and the queues themselves.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::fault::chain;
use packtrain_core::ids::IdSource;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Hints, Mirror, Revive};
use packtrain_core::secret::Secret;
use packtrain_queue::{Sqs, SqsAccess, SqsError, SqsHints, SqsMirror, SqsSettings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::failure::{FAILED, Failure, UNREACHABLE};
use crate::settings::{Settings, Transport};

/// Who asks a server of this process's own: it lets everybody in, and the SDK signs in any case.
pub(crate) const OWN: &str = "dev";

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

    /// Says what to do when a queue is not there: a whole fleet without a queue is a mistake that
    /// nobody would see. An SQS in trouble keeps no process from starting: hints may get lost.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        let Some(sqs) = &self.0 else {
            return Ok(());
        };
        match sqs.check().await {
            Err(error @ SqsError::Missing(_)) => Err(failed(error)),
            Err(error) => {
                warn!(
                    error = chain(&error),
                    "it cannot be told whether all queues are there: hints may get lost, and jobs \
                     are found by looking for them"
                );
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

/// Makes the queues that are not there yet, and says which those were; none where hints go
/// elsewhere.
pub(crate) async fn create(settings: &Settings) -> Result<Option<Vec<String>>, Failure> {
    match Queues::of(settings).0 {
        Some(sqs) => sqs.create().await.map(Some).map_err(failed),
        None => Ok(None),
    }
}

/// The names of the lanes' queues.
pub(crate) fn names(settings: &Settings) -> Vec<String> {
    let named = named(settings);
    Lane::ALL.iter().map(|lane| named.queue(*lane)).collect()
}

fn named(settings: &Settings) -> SqsSettings {
    let (aws, sqs) = (&settings.aws, &settings.sqs);
    SqsSettings {
        region: aws.region.clone(),
        endpoint_url: aws.endpoint_url.get(),
        access: match aws.is_own {
            false => SqsAccess::Found,
            true => SqsAccess::Key {
                id: OWN.to_owned(),
                secret: Secret::new(OWN.to_owned()),
            },
        },
        pulse_queue: sqs.pulse_queue.clone(),
        notify_queue: sqs.notify_queue.clone(),
        prefix: sqs.prefix.clone(),
        wait: Duration::from_secs(sqs.wait_s),
        visibility: Duration::from_secs(sqs.visibility_s),
        kms_key: sqs.kms_key.clone(),
        has_dead_queues: sqs.dlq,
        // What is asked without TLS would keep out the product itself.
        refuses_plain: !is_plain(settings),
    }
}

/// Whether what is asked goes to SQS unencrypted, as it never does to AWS itself.
fn is_plain(settings: &Settings) -> bool {
    let url = settings.aws.endpoint_url.get();
    url.is_some_and(|url| url.reveal().starts_with("http:"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_starts_while_sqs_cannot_be_reached() {
        // Nobody listens where a port is taken and no more than that.
        let taken = tokio::net::TcpSocket::new_v4().unwrap();
        taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let url = format!("http://{}", taken.local_addr().unwrap());
        let sqs = Sqs::new(SqsSettings {
            region: "eu-central-1".to_owned(),
            endpoint_url: Some(Secret::new(url)),
            access: SqsAccess::Key {
                id: "test".to_owned(),
                secret: Secret::new("test".to_owned()),
            },
            pulse_queue: "pulse.fifo".to_owned(),
            notify_queue: "notify".to_owned(),
            prefix: "lane-".to_owned(),
            wait: Duration::from_secs(1),
            visibility: Duration::from_secs(10),
            kms_key: String::new(),
            has_dead_queues: true,
            refuses_plain: false,
        });
        assert!(matches!(sqs.check().await, Err(SqsError::Failed { .. })));
        assert!(Queues(Some(sqs)).check().await.is_ok());
    }
}
