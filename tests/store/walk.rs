//! A walk of random operations against a model: after every step each job stands in one place,
//! and it is the place that the model says.

use std::collections::BTreeMap;
use std::time::Duration;

use packtrain_core::ids::JobId;
use packtrain_core::job::State;
use packtrain_core::ports::{Claims, End, LeaseBeat, Settlement, Upkeep};

use super::scene::{HOUR, Held, Scene, fault, retry, succeeded};

const SEEDS: u64 = 4;
const STEPS: u32 = 80;
const ATTEMPTS_MAX: u16 = 3;

#[tokio::test]
async fn a_walk_of_any_operations_leaves_each_job_in_one_place() {
    for seed in 1..=SEEDS {
        let mut walker = Walker {
            scene: Scene::new().await,
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            model: BTreeMap::new(),
            held: Vec::new(),
            gone: Vec::new(),
            seen: Vec::new(),
        };
        for step in 0..STEPS {
            let what = walker.step().await;
            walker
                .check(&format!("seed {seed}, step {step}: {what}"))
                .await;
        }
    }
}

/// Where the model has a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stand {
    state: State,
    /// Attempts that were charged.
    attempts: u16,
    due: bool,
}

struct Walker {
    scene: Scene,
    dice: Dice,
    model: BTreeMap<JobId, Stand>,
    /// Claimed and open, with whether it began.
    held: Vec<(Held, bool)>,
    /// Under leases that are gone, or settled.
    gone: Vec<Held>,
    /// Beats that a reaper saw.
    seen: Vec<LeaseBeat>,
}

impl Walker {
    async fn step(&mut self) -> &'static str {
        match self.dice.below(10) {
            0 | 1 => self.enqueue().await,
            2 | 3 => self.claim().await,
            4 => self.begin().await,
            5 | 6 => self.settle().await,
            7 => self.promote().await,
            8 => self.reap().await,
            _ => self.renew_or_look().await,
        }
    }

    async fn enqueue(&mut self) -> &'static str {
        let known: Vec<JobId> = self.model.keys().copied().collect();
        let mut jobs: Vec<_> = (0..self.dice.below(8)).map(|_| self.scene.job()).collect();
        let new = jobs.len();
        if let Some(again) = self.dice.pick(&known) {
            let mut repeated = self.scene.job();
            repeated.id = *again;
            jobs.push(repeated);
        }
        assert_eq!(self.scene.enqueue(&jobs).await, new as u64);
        for job in &jobs[..new] {
            self.put(job.id, State::Queued, 0, true);
        }
        "enqueue"
    }

    async fn claim(&mut self) -> &'static str {
        let count = 1 + self.dice.below(6);
        let queued = self
            .model
            .values()
            .filter(|stand| stand.state == State::Queued)
            .count();
        let claimed = self.scene.claim(count).await;
        assert_eq!(claimed.len(), count.min(queued));
        for held in claimed {
            let stand = self.model[&held.job.id];
            assert_eq!(stand.state, State::Queued);
            assert_eq!(held.job.attempts, stand.attempts);
            self.put(held.job.id, State::Running, stand.attempts, true);
            self.held.push((held, false));
        }
        "claim"
    }

    async fn begin(&mut self) -> &'static str {
        let place = self.dice.below(self.held.len().max(1));
        if let Some((held, began)) = self.held.get_mut(place) {
            assert!(self.scene.started(held).await);
            *began = true;
        }
        "begin"
    }

    /// Settles some open jobs and, now and then, one that was settled or lost before.
    async fn settle(&mut self) -> &'static str {
        let mut ends: Vec<Settlement> = Vec::new();
        let mut kept = Vec::new();
        for (held, began) in std::mem::take(&mut self.held) {
            if self.dice.below(2) == 0 {
                kept.push((held, began));
                continue;
            }
            let charged = self.model[&held.job.id].attempts;
            let (end, state, attempts, due) = self.any_end(charged, began);
            self.put(held.job.id, state, attempts, due);
            ends.push(held.ends(end));
            self.gone.push(held);
        }
        self.held = kept;
        let written = ends.len() as u64;
        let late = self.dice.pick(&self.gone).cloned();
        let late = late.filter(|late| ends.iter().all(|end| end.job != late.job.id));
        if let Some(late) = &late {
            ends.push(late.ends(End::Cancelled));
        }
        let settled = self.scene.settle(&ends).await;
        let fenced: Vec<JobId> = late.iter().map(|late| late.job.id).collect();
        assert_eq!((settled.written, settled.fenced), (written, fenced));
        "settle"
    }

    fn any_end(&mut self, charged: u16, began: bool) -> (End, State, u16, bool) {
        match self.dice.below(7) {
            0 | 1 => (succeeded(), State::Succeeded, charged + 1, false),
            2 => {
                let ran = charged + u16::from(began);
                (End::Cancelled, State::Cancelled, ran, false)
            }
            3 => (End::Released, State::Queued, charged, true),
            4 => {
                let fault = fault();
                let delay = Duration::ZERO;
                (
                    End::Snooze { fault, delay },
                    State::Scheduled,
                    charged,
                    true,
                )
            }
            _ if charged + 1 >= ATTEMPTS_MAX => {
                let fault = fault();
                (End::Dead { fault }, State::Dead, charged + 1, false)
            }
            5 => (retry(HOUR), State::Scheduled, charged + 1, false),
            _ => (retry(Duration::ZERO), State::Scheduled, charged + 1, true),
        }
    }

    async fn promote(&mut self) -> &'static str {
        self.scene.claims.promote(1_000).await.unwrap();
        for stand in self.model.values_mut() {
            if stand.state == State::Scheduled && stand.due {
                stand.state = State::Queued;
            }
        }
        "promote"
    }

    /// Takes a lease whose beat was seen some steps ago; it may have moved since.
    async fn reap(&mut self) -> &'static str {
        let Some(seen) = self.dice.pick(&self.seen).copied() else {
            return "reap nothing";
        };
        let now = self.scene.upkeep.beats(1_000).await.unwrap();
        let reaped = self.scene.upkeep.reap(seen).await.unwrap();
        if !now.contains(&seen) {
            assert_eq!((reaped.returned, reaped.dead), (0, 0));
            return "reap too late";
        }
        let (lost, kept) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|(held, _)| held.lease == seen.lease);
        self.held = kept;
        let lost: Vec<(Held, bool)> = lost;
        assert_eq!(reaped.returned + reaped.dead, lost.len() as u64);
        for (held, began) in lost {
            let attempts = self.model[&held.job.id].attempts + u16::from(began);
            let dead = began && attempts >= ATTEMPTS_MAX;
            let state = if dead { State::Dead } else { State::Queued };
            self.put(held.job.id, state, attempts, true);
            self.gone.push(held);
        }
        "reap"
    }

    async fn renew_or_look(&mut self) -> &'static str {
        if self.dice.below(2) == 0 {
            self.seen = self.scene.upkeep.beats(1_000).await.unwrap();
            return "look at beats";
        }
        let mut renewals = self.scene.claims.renewals().await.unwrap();
        renewals
            .renew(self.scene.worker, &self.scene.every_lease().await)
            .await
            .unwrap();
        "renew"
    }

    fn put(&mut self, job: JobId, state: State, attempts: u16, due: bool) {
        let stand = Stand {
            state,
            attempts,
            due,
        };
        self.model.insert(job, stand);
    }

    async fn check(&self, at: &str) {
        self.scene.db.assert_whole().await;
        let rows: Vec<(uuid::Uuid, String, i32)> =
            sqlx::query_as("select id, state, attempts from job_state")
                .fetch_all(&self.scene.db.pools().operator)
                .await
                .unwrap();
        assert_eq!(rows.len(), self.model.len(), "{at}");
        for (id, state, attempts) in rows {
            let stand = self.model[&JobId::from_uuid(id)];
            let running = i32::from(stand.state == State::Running);
            let expected = (stand.state.as_str(), i32::from(stand.attempts) + running);
            assert_eq!((&*state, attempts), expected, "{at}: {id}");
        }
    }
}

/// xorshift: the same walk for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits fit") % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let place = self.below(from.len().max(1));
        from.get(place)
    }
}
