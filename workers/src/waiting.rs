//! Jobs for which something is away: that they wait is told once, however often they try.

use std::time::Duration;

use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::job::{Ctx, Done};
use packtrain_core::limits::AWAY_MAX;
use tokio::sync::watch;
use tracing::warn;

use crate::registry::Stop;

/// How long a note may take. Its attempt is over, and keeps its slot and its lease meanwhile.
const NOTED_WITHIN: Duration = Duration::from_secs(3);

/// Waits for a note, and no longer than [`NOTED_WITHIN`] or until the attempt is told to stop. How
/// it ended stands: under a lease that is gone the end is refused. A note that is lost costs a
/// reader one event, and the next try makes it anew.
pub(crate) async fn unless_told(
    noting: impl Future<Output = ()>,
    told: &mut watch::Receiver<Option<Stop>>,
) {
    tokio::select! {
        biased;
        noted = tokio::time::timeout(NOTED_WITHIN, noting) => {
            if noted.is_err() {
                warn!("a job's waiting was not noted in time");
            }
        }
        _ = told.wait_for(Option::is_some) => {}
    }
}

/// Notes that a job of this age begins to wait for something that is away, or that it waits no
/// more. An attempt that had to stop, or that waits for something else, learned neither.
pub(crate) async fn note(ctx: &Ctx, kind: &str, age: Duration, ended: &Result<Done, Fault>) {
    let Err(fault) = ended else { return };
    let begins = match fault.verdict {
        Verdict::Away if age < AWAY_MAX => ctx.begin_to_wait(fault.code).await,
        Verdict::Snooze(_) => return,
        _ => ctx.wait_no_more().await.map(|()| false),
    };
    match begins {
        Ok(true) => {
            let (code, error) = (fault.code, &fault.message);
            warn!(job.kind = kind, code, %error, "job waits for what is away");
        }
        Ok(false) => {}
        Err(fault) => warn!(error = %fault.message, "a job's waiting could not be noted"),
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use packtrain_core::ids::{ClockIds, IdSource, JobId, TenantId};
    use packtrain_core::ports::{JobEvent, JobEvents, Noted, StoreError};
    use packtrain_core::time::SystemClock;
    use serde_json::Value;
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::registry::Registry;

    /// Events of a database that never answers.
    struct Mute;

    #[async_trait]
    impl JobEvents for Mute {
        async fn append(
            &self,
            _: TenantId,
            _: JobId,
            _: &str,
            _: &Value,
        ) -> Result<Noted, StoreError> {
            std::future::pending().await
        }

        async fn append_kept(&self, _: TenantId, _: JobId, _: &[Value]) -> Result<(), StoreError> {
            std::future::pending().await
        }

        async fn after(
            &self,
            _: TenantId,
            _: JobId,
            _: i64,
            _: u32,
        ) -> Result<Vec<JobEvent>, StoreError> {
            unreachable!("events are only written")
        }

        async fn newest(&self, _: TenantId, _: JobId, _: u32) -> Result<Vec<JobEvent>, StoreError> {
            unreachable!("events are only written")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_note_that_is_never_answered_holds_an_attempt_for_seconds_and_no_one_who_stops_it() {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        let (registry, job, lease) = (Registry::default(), ids.job(), ids.lease());
        let mut told = registry.enter(job, lease);
        let note = async || {
            let noted = Mute.append(TenantId::SYSTEM, job, "stage", &Value::Null);
            drop(noted.await);
        };
        let began = Instant::now();
        let waited = timeout(NOTED_WITHIN * 2, unless_told(note(), &mut told)).await;
        waited.unwrap();
        assert_eq!(began.elapsed(), NOTED_WITHIN);
        let began = Instant::now();
        let ((), drained) = tokio::join!(unless_told(note(), &mut told), async {
            tokio::time::sleep(NOTED_WITHIN / 2).await;
            registry.drain()
        });
        assert_eq!(drained, 1);
        assert_eq!(began.elapsed(), NOTED_WITHIN / 2);
    }
}
