//! Nudges: "a hint lies there", so that nobody has to wait for the next poll.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use packtrain_core::job::Lane;
use redis::RedisResult;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::complaints::Complaints;
use super::link::Link;
use super::names::Names;

/// Pauses before nudges are listened for again.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Who is told of hints, by lane.
#[derive(Clone)]
pub(super) struct Nudges(Arc<BTreeMap<Lane, watch::Sender<()>>>);

impl Nudges {
    pub(super) fn new() -> Self {
        let all = Lane::ALL.into_iter();
        Self(Arc::new(
            all.map(|lane| (lane, watch::Sender::new(()))).collect(),
        ))
    }

    /// Changes with every nudge for this lane.
    pub(super) fn of(&self, lane: Lane) -> watch::Receiver<()> {
        self.0[&lane].subscribe()
    }

    fn tell(&self, lane: Lane) {
        self.0[&lane].send_replace(());
    }

    /// Listens until `stop`.
    pub(super) async fn hear(
        self,
        link: Link,
        names: Names,
        complaints: Arc<Complaints>,
        stop: CancellationToken,
    ) {
        let mut pause = PAUSE_FIRST;
        loop {
            let hearing = self.hear_once(&link, &names, &mut pause);
            let Some(heard) = stop.run_until_cancelled(hearing).await else {
                return;
            };
            if let Err(error) = heard
                && complaints.may("nudges")
            {
                warn!(error = %error, "nudges cannot be heard from redis, polling goes on");
            }
            if stop
                .run_until_cancelled(tokio::time::sleep(pause))
                .await
                .is_none()
            {
                return;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Listens until the connection ends, or until another one to the same server was replaced:
    /// this one may have gone silent for the same reason, and silence is all that it would show.
    async fn hear_once(&self, link: &Link, names: &Names, pause: &mut Duration) -> RedisResult<()> {
        let channels: BTreeMap<String, Lane> = Lane::ALL
            .into_iter()
            .map(|lane| (names.nudge(lane), lane))
            .collect();
        let mut listener = link.listener().await?;
        listener
            .subscribe(channels.keys().collect::<Vec<_>>())
            .await?;
        *pause = PAUSE_FIRST;
        let mut opened = link.opened();
        // What was sent before we listened was not announced to us.
        Lane::ALL.into_iter().for_each(|lane| self.tell(lane));
        let mut messages = listener.into_on_message();
        loop {
            tokio::select! {
                message = messages.next() => {
                    let Some(message) = message else { return Ok(()) };
                    if let Some(lane) = channels.get(message.get_channel_name()) {
                        self.tell(*lane);
                    }
                }
                Ok(()) = opened.changed() => return Ok(()),
            }
        }
    }
}
