//! The replay itself: events in order of time, and tasks that serve one queue.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use packtrain_core::ports::NO_WORKER_BACKLOG;

use super::Ms;
use super::arrivals::{Arrivals, Job};
use super::outcome::{Change, Outcome, Sample};
use super::policy::{Policy, Reading, Tracker};

/// How the fleet is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fleet {
    /// Jobs that a task runs at once.
    pub(crate) slots: u64,
    /// From the decision for a task to its first job.
    pub(crate) start: Ms,
    /// How often the figures are read.
    pub(crate) period: Ms,
}

/// What happens by itself; in the order in which it does where times are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Finished(usize),
    Serves(usize),
    Period,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Serving,
    Draining,
    Ended,
}

struct Task {
    phase: Phase,
    running: u64,
    launched_at: Ms,
}

struct Replay {
    fleet: Fleet,
    now: Ms,
    events: BinaryHeap<Reverse<(Ms, Event)>>,
    tasks: Vec<Task>,
    queue: VecDeque<Job>,
    /// What the queue takes together.
    queued: Ms,
    running: u64,
    /// Busy slots of serving tasks, and all of theirs, each by time, since the last period.
    busy_time: u128,
    slot_time: u128,
    outcome: Outcome,
}

/// Replays arrivals through a fleet under a policy. Jobs are served in order of arrival; a task
/// that is taken away finishes what it runs.
pub(crate) fn replay(arrivals: &Arrivals, fleet: Fleet, policy: Policy) -> Outcome {
    let mut tracker = Tracker::new(policy);
    let mut replay = Replay::new(fleet);
    replay.add(policy.min, 0);
    let mut jobs = arrivals.jobs.iter().copied().peekable();
    replay.at(fleet.period, Event::Period);
    loop {
        let event = replay.events.peek().map(|Reverse((at, _))| *at);
        let arrival = jobs.peek().map(|job| job.at);
        match (event, arrival) {
            (event, Some(at)) if event.is_none_or(|event| at < event) => {
                replay.pass_to(at);
                replay.arrive(jobs.next());
            }
            (Some(at), arrival) => {
                let is_idle = replay.queue.is_empty() && replay.running == 0;
                if arrival.is_none() && is_idle && at > arrivals.until {
                    break;
                }
                replay.pass_to(at);
                if let Some(Reverse((_, event))) = replay.events.pop() {
                    replay.happen(event, &mut tracker);
                }
            }
            (None, None) => break,
            (None, Some(_)) => unreachable!("an arrival comes before nothing"),
        }
    }
    replay.close(arrivals.until)
}

impl Replay {
    fn new(fleet: Fleet) -> Self {
        Self {
            fleet,
            now: 0,
            events: BinaryHeap::new(),
            tasks: Vec::new(),
            queue: VecDeque::new(),
            queued: 0,
            running: 0,
            busy_time: 0,
            slot_time: 0,
            outcome: Outcome::default(),
        }
    }

    fn at(&mut self, at: Ms, event: Event) {
        self.events.push(Reverse((at, event)));
    }

    fn pass_to(&mut self, at: Ms) {
        let passed = u128::from(at - self.now);
        if passed > 0 {
            self.busy_time += passed * u128::from(self.busy());
            self.slot_time += passed * u128::from(self.slots());
            self.now = at;
        }
    }

    fn serving(&self) -> impl Iterator<Item = &Task> {
        let tasks = self.tasks.iter();
        tasks.filter(|task| task.phase == Phase::Serving)
    }

    fn busy(&self) -> u64 {
        self.serving().map(|task| task.running).sum()
    }

    fn slots(&self) -> u64 {
        self.serving().count() as u64 * self.fleet.slots
    }

    fn arrive(&mut self, job: Option<Job>) {
        if let Some(job) = job {
            self.queue.push_back(job);
            self.queued += job.service;
            self.serve();
        }
    }

    /// Gives what waits to free slots.
    fn serve(&mut self) {
        let slots = self.fleet.slots;
        for place in 0..self.tasks.len() {
            while self.tasks[place].phase == Phase::Serving && self.tasks[place].running < slots {
                let Some(job) = self.queue.pop_front() else {
                    return;
                };
                self.queued -= job.service;
                self.tasks[place].running += 1;
                self.running += 1;
                self.outcome.waits.push(self.now - job.at);
                self.at(self.now + job.service, Event::Finished(place));
            }
        }
    }

    fn happen(&mut self, event: Event, tracker: &mut Tracker) {
        match event {
            Event::Finished(place) => {
                self.running -= 1;
                self.outcome.finished += 1;
                self.tasks[place].running -= 1;
                self.end_if_drained(place);
                self.serve();
            }
            Event::Serves(place) => {
                if self.tasks[place].phase == Phase::Starting {
                    self.tasks[place].phase = Phase::Serving;
                    self.serve();
                }
            }
            Event::Period => self.period(tracker),
        }
    }

    fn period(&mut self, tracker: &mut Tracker) {
        let slots = self.slots();
        let backlog = match (self.queue.is_empty(), slots) {
            (true, _) => 0,
            (false, 0) => u64::try_from(NO_WORKER_BACKLOG.as_millis())
                .unwrap_or(u64::MAX)
                .max(self.queued),
            (false, slots) => self.queued / slots,
        };
        let busy = (self.busy_time * 1_000).checked_div(self.slot_time);
        let reading = Reading {
            at: self.now,
            backlog,
            busy_permille: busy.and_then(|busy| u64::try_from(busy).ok()).unwrap_or(0),
            has_work: !self.queue.is_empty(),
        };
        (self.busy_time, self.slot_time) = (0, 0);
        let from = tracker.desired();
        if let Some(to) = tracker.read(reading) {
            self.outcome.changes.push(Change {
                at: self.now,
                from,
                to,
            });
            if to > from {
                self.add(to - from, self.fleet.start);
            } else {
                (to..from).for_each(|_| self.take_one());
            }
        }
        self.outcome.samples.push(Sample {
            at: self.now,
            desired: tracker.desired(),
            serving: self.serving().count() as u64,
            waiting: self.queue.len() as u64,
            backlog,
            busy_permille: reading.busy_permille,
        });
        self.at(self.now + self.fleet.period, Event::Period);
    }

    fn add(&mut self, tasks: u64, start: Ms) {
        for _ in 0..tasks {
            let place = self.tasks.len();
            self.tasks.push(Task {
                phase: Phase::Starting,
                running: 0,
                launched_at: self.now,
            });
            self.at(self.now + start, Event::Serves(place));
        }
    }

    /// Takes one away: the one that starts, else the one that runs least, the youngest of those.
    fn take_one(&mut self) {
        let tasks = self.tasks.iter().enumerate();
        let there =
            tasks.filter(|(_, task)| matches!(task.phase, Phase::Starting | Phase::Serving));
        let least = there.min_by_key(|(place, task)| {
            (task.phase == Phase::Serving, task.running, Reverse(*place))
        });
        if let Some(place) = least.map(|(place, _)| place) {
            self.tasks[place].phase = Phase::Draining;
            self.end_if_drained(place);
        }
    }

    fn end_if_drained(&mut self, place: usize) {
        let task = &mut self.tasks[place];
        if task.phase == Phase::Draining && task.running == 0 {
            task.phase = Phase::Ended;
            self.outcome.task_ms += u128::from(self.now - task.launched_at);
        }
    }

    /// What is there at the end is paid for up to the end.
    fn close(mut self, until: Ms) -> Outcome {
        let end = self.now.max(until);
        for task in self.tasks.iter().filter(|task| task.phase != Phase::Ended) {
            self.outcome.task_ms += u128::from(end - task.launched_at);
        }
        self.outcome.took = end;
        self.outcome.waits.sort_unstable();
        self.outcome
    }
}
