//! Whether the loops of a process still turn.
//!
//! A process may answer and yet do nothing: a thread that ended, a loop that waits for what never
//! comes. So each loop says when it comes round, and when it waits for something that may take as
//! long as it likes. A loop that does neither for too long is stuck, and only a new start of its
//! process helps. A loop whose questions nobody answers is not stuck: it asks again, and a new
//! start would help nobody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a loop may take to come round: every wait for an answer is shorter, and no loop waits
/// for more than a few of them.
pub const STUCK_AFTER: Duration = Duration::from_secs(60);
/// How long a loop may go without an answer before its process counts as not ready.
pub const UNANSWERED_AFTER: Duration = Duration::from_secs(15);

/// The loops of a process.
#[derive(Clone, Default)]
pub struct Vitals(Arc<Mutex<Vec<Pulse>>>);

/// The life of one loop. Its clones are the same loop's.
#[derive(Clone)]
pub struct Pulse {
    name: Arc<str>,
    within: Duration,
    state: Arc<Mutex<State>>,
}

struct State {
    turned: Instant,
    answered: Instant,
    /// Whether it waits for what may take as long as it likes.
    rests: bool,
}

/// A loop that something is wrong with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ailing {
    /// Its name.
    pub name: Arc<str>,
    /// For how long.
    pub age: Duration,
}

impl Vitals {
    /// Notes a loop that begins, and is stuck when it does not come round within so long.
    pub fn watch(&self, name: impl Into<Arc<str>>, within: Duration) -> Pulse {
        let now = Instant::now();
        let state = State {
            turned: now,
            answered: now,
            rests: false,
        };
        let pulse = Pulse {
            name: name.into(),
            within,
            state: Arc::new(Mutex::new(state)),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(pulse.clone());
        pulse
    }

    /// The loops that did not come round within their time.
    pub fn stuck(&self) -> Vec<Ailing> {
        self.ailing(|pulse, state| (state.turned, pulse.within))
    }

    /// The loops whose questions were not answered for a while.
    pub fn unanswered(&self) -> Vec<Ailing> {
        self.ailing(|pulse, state| (state.answered, UNANSWERED_AFTER.min(pulse.within)))
    }

    fn ailing(&self, judge: impl Fn(&Pulse, &State) -> (Instant, Duration)) -> Vec<Ailing> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ailing = all.iter().filter_map(|pulse| {
            let state = pulse.state();
            let (since, within) = judge(pulse, &state);
            let age = since.elapsed();
            (!state.rests && age > within).then(|| Ailing {
                name: Arc::clone(&pulse.name),
                age,
            })
        });
        ailing.collect()
    }
}

impl Pulse {
    /// The loop came round.
    pub fn turn(&self) {
        let mut state = self.state();
        let now = Instant::now();
        // After a rest there was nothing to be answered.
        if state.rests {
            state.answered = now;
        }
        (state.turned, state.rests) = (now, false);
    }

    /// The loop came round, and what it asked was answered.
    pub fn answered(&self) {
        let now = Instant::now();
        *self.state() = State {
            turned: now,
            answered: now,
            rests: false,
        };
    }

    /// The loop has ended well, or waits for what may take as long as it likes.
    pub fn rest(&self) {
        self.state().rests = true;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn names(ailing: &[Ailing]) -> Vec<(&str, u64)> {
        let named = ailing.iter();
        named.map(|one| (&*one.name, one.age.as_secs())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_does_not_come_round_is_stuck_and_one_that_is_not_answered_is_not() {
        let vitals = Vitals::default();
        let (dead, asking) = (
            vitals.watch("dead", 30 * SECOND),
            vitals.watch("asking", STUCK_AFTER),
        );
        dead.turn();
        for _ in 0..30 {
            advance(SECOND).await;
            asking.turn();
        }
        assert_eq!(names(&vitals.stuck()), []);
        advance(SECOND).await;
        assert_eq!(names(&vitals.stuck()), [("dead", 31)]);
        assert_eq!(names(&vitals.unanswered()), [("dead", 31), ("asking", 31)]);
        dead.turn();
        asking.answered();
        assert_eq!(names(&vitals.stuck()), []);
        assert_eq!(names(&vitals.unanswered()), [("dead", 31)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_rests_is_well_until_it_has_something_to_do_again() {
        let vitals = Vitals::default();
        let pulse = vitals.watch("settler", STUCK_AFTER);
        pulse.rest();
        advance(3600 * SECOND).await;
        assert_eq!(names(&vitals.stuck()), []);
        assert_eq!(names(&vitals.unanswered()), []);
        pulse.turn();
        assert_eq!(names(&vitals.unanswered()), []);
        advance(61 * SECOND).await;
        assert_eq!(names(&vitals.stuck()), [("settler", 61)]);
    }
}
