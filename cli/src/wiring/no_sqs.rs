//! What stands in the place of SQS in a build without the feature `aws`.

use std::sync::Arc;

use packtrain_core::ids::IdSource;
use packtrain_core::ports::{Hints, Mirror, Revive};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::{Failure, USAGE};
use crate::settings::{Settings, Transport};

/// No queues.
pub(crate) struct Queues {
    is_wanted: bool,
}

impl Queues {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            is_wanted: settings.hints.transport == Transport::Sqs,
        }
    }

    pub(crate) fn hints(
        &self,
        _: Arc<dyn Revive>,
        _: Arc<dyn IdSource>,
        _: &TaskTracker,
        _: &CancellationToken,
    ) -> Option<Arc<dyn Hints>> {
        None
    }

    pub(crate) fn mirror(&self) -> Option<Arc<dyn Mirror>> {
        None
    }

    pub(crate) async fn check(&self) -> Result<(), Failure> {
        if self.is_wanted {
            Err(missing())
        } else {
            Ok(())
        }
    }
}

pub(crate) async fn create(settings: &Settings) -> Result<Option<Vec<String>>, Failure> {
    Queues::of(settings).check().await.map(|()| None)
}

pub(crate) fn names(_: &Settings) -> Vec<String> {
    Vec::new()
}

pub(crate) fn missing() -> Failure {
    Failure::new(USAGE, "this build has no SQS")
        .help("build it with the feature `aws`, or set hints.transport to another")
}
