//! Dead letters that come back from a dead-letter queue: somebody wants them to run again.

use std::sync::Arc;

use packtrain_core::fault::chain;
use packtrain_core::job::Lane;
use packtrain_core::patience::patient;
use packtrain_core::ports::{Actor, Death, Revive};
use tokio::sync::broadcast;
use tracing::{info, warn};

use super::seldom::Seldom;

/// Who it was, as the audit keeps it: the queue does not say which person.
const ACTOR: &str = "sqs redrive";

/// What becomes of dead letters that come back.
#[derive(Clone)]
pub(super) struct Returned {
    pub(super) revive: Arc<dyn Revive>,
    pub(super) heard: broadcast::Sender<Lane>,
    pub(super) seldom: Arc<Seldom>,
}

impl Returned {
    /// Whether the message has done what it can: the job runs again and that is written, or it is
    /// not dead of that death any more. Otherwise the message comes again.
    pub(super) async fn is_done(&self, death: Death) -> bool {
        let actor = Actor(ACTOR.to_owned());
        match patient(self.revive.revive(&actor, death)).await {
            Ok(Some(woken)) => {
                info!(job.id = %death.job, "dead letter came back from its queue, it runs again");
                for lane in woken {
                    self.heard.send(lane).ok();
                }
                true
            }
            Ok(None) => {
                let died_at = death.at;
                info!(
                    job.id = %death.job, %died_at,
                    "dead letter came back from its queue, but is none any more: nothing is done"
                );
                true
            }
            Err(error) => {
                if let Some(kept_back) = self.seldom.is_time() {
                    warn!(
                        job.id = %death.job, error = %chain(&error), kept_back,
                        "dead letter came back from its queue and could not be run again yet"
                    );
                }
                false
            }
        }
    }
}
