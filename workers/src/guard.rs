//! Asks the service that runs this process to leave it alone while a job runs long.
//!
//! A wish has an expiry of minutes and is renewed while it holds, so that a process that dies, or
//! hangs, is not left alone for ever: deployments would wait for it. A worker that cannot ask works
//! as one that need not.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::fault::chain;
use packtrain_core::ports::Protection;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::registry::Registry;

/// How often it looks whether a job runs long.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// For how long it asks.
const EXPIRES_IN: Duration = Duration::from_secs(10 * 60);
/// How often it asks again while a job runs long.
const RENEW_EVERY: Duration = Duration::from_secs(3 * 60);
/// The pause after a wish that was not granted.
const RETRY_AFTER: Duration = Duration::from_secs(15);
/// How often it says that its wishes are not granted.
const SAY_EVERY: Duration = Duration::from_secs(5 * 60);

/// How a worker asks to be left alone.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) protection: Arc<dyn Protection>,
    /// How long a job has run when it counts as long.
    pub(crate) after: Duration,
}

/// What was asked for and granted, and when it may be asked again.
#[derive(Default)]
struct State {
    granted: Option<Instant>,
    refused: Option<Instant>,
    said: Option<Instant>,
}

/// Asks as long as jobs run long, until `stop`; takes back what was granted.
pub(crate) async fn watch(guard: Guard, registry: Arc<Registry>, stop: CancellationToken) {
    let mut state = State::default();
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        let is_long = registry.oldest().is_some_and(|age| age >= guard.after);
        state.look(&guard, is_long).await;
    }
    state.refused = None;
    state.look(&guard, false).await;
}

impl State {
    async fn look(&mut self, guard: &Guard, is_long: bool) {
        let rests = |since: Option<Instant>, rest| since.is_some_and(|at| at.elapsed() < rest);
        if self.granted.is_some() && !rests(self.granted, EXPIRES_IN) {
            self.granted = None;
        }
        let has_to_ask = if is_long {
            !rests(self.granted, RENEW_EVERY)
        } else {
            self.granted.is_some()
        };
        if !has_to_ask || rests(self.refused, RETRY_AFTER) {
            return;
        }
        let is_new = self.granted.is_none();
        match guard.protection.ask(is_long.then_some(EXPIRES_IN)).await {
            Ok(()) => {
                self.granted = is_long.then(Instant::now);
                self.refused = None;
                if is_new || !is_long {
                    info!(protected = is_long, "task protection was changed");
                }
            }
            Err(error) => {
                self.refused = Some(Instant::now());
                if !rests(self.said, SAY_EVERY) {
                    self.said = Some(Instant::now());
                    warn!(error = %chain(&*error), "task protection could not be changed");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use packtrain_core::ids::{ClockIds, IdSource};
    use packtrain_core::job::Lane;
    use packtrain_core::time::SystemClock;
    use tokio::time::advance;

    use super::*;

    /// A service that notes what it is asked, and refuses while it is told to.
    #[derive(Default)]
    struct Noted {
        wishes: Mutex<Vec<Option<Duration>>>,
        refuses: Mutex<bool>,
    }

    #[async_trait]
    impl Protection for Noted {
        async fn ask(
            &self,
            how_long: Option<Duration>,
        ) -> Result<(), Box<dyn Error + Send + Sync>> {
            self.wishes.lock().unwrap().push(how_long);
            match *self.refuses.lock().unwrap() {
                true => Err("no".into()),
                false => Ok(()),
            }
        }
    }

    struct Scene {
        noted: Arc<Noted>,
        guard: Guard,
        registry: Registry,
        state: State,
    }

    impl Scene {
        fn new() -> Self {
            let noted = Arc::new(Noted::default());
            Self {
                guard: Guard {
                    protection: Arc::clone(&noted) as Arc<dyn Protection>,
                    after: Duration::from_secs(60),
                },
                noted,
                registry: Registry::default(),
                state: State::default(),
            }
        }

        /// Lets so many seconds pass, with a look in each.
        async fn pass(&mut self, seconds: u64) {
            for _ in 0..seconds {
                advance(LOOK_EVERY).await;
                let age = self.registry.oldest();
                let is_long = age.is_some_and(|age| age >= self.guard.after);
                self.state.look(&self.guard, is_long).await;
            }
        }

        fn wishes(&self) -> Vec<Option<Duration>> {
            std::mem::take(&mut self.noted.wishes.lock().unwrap())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_job_is_protected_again_and_again_and_not_a_second_longer() {
        let ids = ClockIds::new(SystemClock);
        let ids: &dyn IdSource = &ids;
        let (job, lease) = (ids.job(), ids.lease());
        let mut scene = Scene::new();
        scene.registry.hold(Lane::Io, lease, 1);
        let _told = scene.registry.enter(job, lease);
        scene.pass(59).await;
        assert_eq!(scene.wishes(), []);
        scene.pass(1).await;
        assert_eq!(scene.wishes(), [Some(EXPIRES_IN)]);
        scene.pass(180 * 3).await;
        assert_eq!(scene.wishes(), [Some(EXPIRES_IN); 3]);
        scene.registry.leave(job, lease);
        scene.pass(1).await;
        assert_eq!(scene.wishes(), [None]);
        scene.pass(600).await;
        assert_eq!(scene.wishes(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_that_is_not_granted_is_repeated_after_a_pause_and_never_in_a_hurry() {
        let mut scene = Scene::new();
        *scene.noted.refuses.lock().unwrap() = true;
        let ids = ClockIds::new(SystemClock);
        let ids: &dyn IdSource = &ids;
        let (job, lease) = (ids.job(), ids.lease());
        scene.registry.hold(Lane::Io, lease, 1);
        let _told = scene.registry.enter(job, lease);
        scene.pass(60 + 30).await;
        assert_eq!(scene.wishes().len(), 3);
        scene.registry.leave(job, lease);
        scene.pass(60).await;
        assert_eq!(
            scene.wishes(),
            [],
            "nothing was granted, nothing is taken back"
        );
    }
}
