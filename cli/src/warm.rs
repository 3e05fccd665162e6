//! Keeps the pools of this process warm: servers, poolers and networks end connections that nobody
//! uses for a while, and who asks next would wait for a new one.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::fault::chain;
use packtrain_core::ports::Warmth;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often everything is used: sooner than anything between here and a server forgets it.
pub(crate) const EVERY: Duration = Duration::from_secs(60);
/// The longest that one thing may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Uses all of it again and again, until `stop`. What does not answer is told once, and that it
/// answers again.
pub(crate) async fn keep(things: Vec<Arc<dyn Warmth>>, every: Duration, stop: CancellationToken) {
    let mut are_silent = vec![false; things.len()];
    let rounds = async {
        loop {
            for (thing, was_silent) in things.iter().zip(&mut are_silent) {
                *was_silent = !answers(&**thing, *was_silent).await;
            }
            tokio::time::sleep(every).await;
        }
    };
    stop.run_until_cancelled(rounds).await;
}

async fn answers(thing: &dyn Warmth, was_silent: bool) -> bool {
    let what = thing.what();
    let why = match tokio::time::timeout(ANSWER_WITHIN, thing.warm()).await {
        Ok(Ok(_)) => {
            if was_silent {
                info!(what, "is warm again");
            }
            return true;
        }
        Ok(Err(error)) => chain(&*error),
        Err(_) => format!("no answer within {ANSWER_WITHIN:?}"),
    };
    if !was_silent {
        warn!(what, why, "is not warm");
    }
    false
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use packtrain_core::ports::Warmed;
    use tokio_util::task::TaskTracker;

    use super::*;

    /// Something that answers, or not; its fourth use ends the test.
    struct Thing {
        is_well: bool,
        used: AtomicUsize,
        stop: CancellationToken,
    }

    #[async_trait::async_trait]
    impl Warmth for Thing {
        fn what(&self) -> &str {
            "thing"
        }

        async fn warm(&self) -> Result<Warmed, Box<dyn Error + Send + Sync>> {
            if self.used.fetch_add(1, Ordering::SeqCst) == 3 && self.is_well {
                self.stop.cancel();
            }
            let warmed = Warmed {
                cold: Duration::ZERO,
                warm: Duration::ZERO,
            };
            self.is_well.then_some(warmed).ok_or("gone away".into())
        }
    }

    #[tokio::test]
    async fn everything_is_used_again_and_again_although_something_does_not_answer() {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let thing = |is_well| {
            Arc::new(Thing {
                is_well,
                used: AtomicUsize::new(0),
                stop: stop.clone(),
            })
        };
        let (gone, well) = (thing(false), thing(true));
        let things: Vec<Arc<dyn Warmth>> = vec![gone.clone(), well.clone()];
        tasks.spawn(keep(things, Duration::from_millis(1), stop.clone()));
        tasks.close();
        tasks.wait().await;
        let used = |thing: &Thing| thing.used.load(Ordering::SeqCst);
        assert_eq!((used(&gone), used(&well)), (4, 4));
    }
}
