//! Shows dead letters where the operators of a queue look, each at least once.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::fault::chain;
use packtrain_core::patience::patient;
use packtrain_core::ports::{DeadLetters, Mirror};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::upkeep::ticks;

/// How often dead letters are looked for that nobody has shown.
const MIRROR_EVERY: Duration = Duration::from_secs(2);
/// Dead letters of one look, at most: their payloads fit into memory several times.
const MIRROR_MAX: u32 = 50;
/// The longest that showing so many may take: less than the minute in which they are ours.
const SHOWN_WITHIN: Duration = Duration::from_secs(40);

/// Shows dead letters until `stop`. What was shown and could not be noted is shown again.
pub async fn mirror(store: Arc<dyn DeadLetters>, mirror: Arc<dyn Mirror>, stop: CancellationToken) {
    let mut ticks = ticks(MIRROR_EVERY);
    let showing = async {
        loop {
            ticks.tick().await;
            if show(&*store, &*mirror).await {
                ticks.reset_immediately();
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = showing => {}
    }
}

/// One look; whether there may be more at once.
async fn show(store: &dyn DeadLetters, mirror: &dyn Mirror) -> bool {
    let dead = match patient(store.unmirrored(MIRROR_MAX)).await {
        Ok(dead) if dead.is_empty() => return false,
        Ok(dead) => dead,
        Err(error) => {
            let error = chain(&error);
            warn!(error, "dead letters to show cannot be read, trying again");
            return false;
        }
    };
    let shown = match tokio::time::timeout(SHOWN_WITHIN, mirror.show(&dead)).await {
        Ok(Ok(shown)) => shown,
        Ok(Err(error)) => {
            warn!(error = %chain(&error), "dead letters are shown later");
            return false;
        }
        Err(_) => {
            warn!("showing dead letters takes too long, they are shown later");
            return false;
        }
    };
    if let Err(error) = patient(store.mirrored(&shown)).await {
        let error = chain(&error);
        warn!(
            error,
            "dead letters were shown, which could not be noted: they are shown again"
        );
        return false;
    }
    info!(
        dead = shown.len(),
        "dead letters were shown in their queues"
    );
    dead.len() >= MIRROR_MAX as usize
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use packtrain_core::ids::{ClockIds, IdSource, TenantId};
    use packtrain_core::job::Lane;
    use packtrain_core::ports::{DeadLetter, Death, MirrorError, StoreError};
    use packtrain_core::time::{SystemClock, Timestamp};

    use super::*;
    use crate::silent::Silent;

    /// Holds one dead letter, and answers nothing the first time.
    struct Shelf {
        silent: Silent,
        letter: DeadLetter,
        noted: Mutex<Vec<Death>>,
    }

    #[async_trait]
    impl DeadLetters for Shelf {
        async fn unmirrored(&self, _: u32) -> Result<Vec<DeadLetter>, StoreError> {
            self.silent.hear("unmirrored").await;
            let is_noted = !self.noted.lock().unwrap().is_empty();
            Ok(if is_noted {
                Vec::new()
            } else {
                vec![self.letter.clone()]
            })
        }

        async fn mirrored(&self, deaths: &[Death]) -> Result<(), StoreError> {
            self.silent.hear("mirrored").await;
            self.noted.lock().unwrap().extend(deaths);
            Ok(())
        }
    }

    /// Refuses the first time.
    #[derive(Default)]
    struct Window(Mutex<Vec<usize>>);

    #[async_trait]
    impl Mirror for Window {
        async fn show(&self, dead: &[DeadLetter]) -> Result<Vec<Death>, MirrorError> {
            let mut asked = self.0.lock().unwrap();
            asked.push(dead.len());
            if asked.len() == 1 {
                return Err(MirrorError("no room".into()));
            }
            Ok(dead.iter().map(|letter| letter.death).collect())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_letter_is_shown_until_it_is_noted_that_it_was_and_not_again() {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        let letter = DeadLetter {
            death: Death {
                job: ids.job(),
                at: Timestamp::UNIX_EPOCH,
            },
            tenant: TenantId::SYSTEM,
            lane: Lane::Io,
            kind: "test.step".to_owned(),
            schema: 1,
            payload: None,
            payload_bytes: 0,
            attempts: 1,
            code: "test.broken".to_owned(),
            message: String::new(),
        };
        let death = letter.death;
        let shelf = Arc::new(Shelf {
            silent: Silent::default(),
            letter,
            noted: Mutex::default(),
        });
        let window = Arc::new(Window::default());
        let showing = mirror(shelf.clone(), window.clone(), CancellationToken::new());
        let minutes = Duration::from_secs(300);
        assert!(tokio::time::timeout(minutes, showing).await.is_err());
        // Refused, shown and not noted, shown again.
        assert_eq!(*window.0.lock().unwrap(), [1, 1, 1]);
        assert_eq!(*shelf.noted.lock().unwrap(), [death]);
    }
}
