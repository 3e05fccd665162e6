//! How many hints may wait in a queue: what nobody takes is kept for days, and each costs a worker
//! a claim when one comes at last.

use std::time::Duration;

use tokio::time::Instant;

/// Hints that wait in one queue, as far as one sender knows; others that looked at the same moment
/// may add as many. A hundred polls take them.
pub(super) const WAITING_MAX: u64 = 1_000;
/// How long a look at the depth of a queue holds.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long one holds that was made in vain, until the queue is taken for full: a service that does
/// not answer holds up the hints of all lanes until its look is given up.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// How much waited in a lane's queue when that was looked up last, and what was sent since.
#[derive(Debug, Default)]
pub(super) struct Room {
    looked: Option<Instant>,
    was_in_vain: bool,
    waiting: u64,
}

impl Room {
    /// Whether the queue is to be looked at again.
    pub(super) fn is_due(&self) -> bool {
        let rest = if self.was_in_vain && !self.is_full() {
            LOOK_AGAIN
        } else {
            LOOK_EVERY
        };
        self.looked.is_none_or(|at| at.elapsed() >= rest)
    }

    /// Whether nothing more fits as far as is known.
    pub(super) const fn is_full(&self) -> bool {
        self.waiting >= WAITING_MAX
    }

    /// So many more were sent.
    pub(super) const fn add(&mut self, count: u64) {
        self.waiting += count;
    }

    /// So many lie there. Where that could not be learned it is taken for empty: a service that
    /// does not tell must not keep hints from workers that wait for them.
    pub(super) fn learn(&mut self, depth: Option<u64>) {
        self.looked = Some(Instant::now());
        self.was_in_vain = depth.is_none();
        self.waiting = depth.unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One moment of a sender that has ten hints: whether they went. It looks beside what it sends,
    /// and before it only where it would send nothing.
    fn moment(room: &mut Room, depth: &mut u64, answers: bool) -> bool {
        let look = |room: &mut Room, depth: u64| room.learn(answers.then_some(depth));
        if room.is_full() && room.is_due() {
            look(room, *depth);
        }
        if room.is_full() {
            return false;
        }
        let is_due = room.is_due();
        *depth += 10;
        if is_due {
            look(room, *depth - 10);
        }
        room.add(10);
        true
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_without_workers_holds_a_bounded_number_of_hints_after_a_day_of_sending() {
        let (mut senders, mut depth) = ([(); 4].map(|()| Room::default()), 0);
        for _ in 0..24 * 60 * 60 {
            for sender in &mut senders {
                moment(sender, &mut depth, true);
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(depth >= WAITING_MAX, "{depth}");
        assert!(depth <= 4 * (WAITING_MAX + 10), "{depth}");
        // Processes that start later add one moment's hints each before they know.
        for _ in 0..10 {
            let mut sender = Room::default();
            let before = depth;
            while moment(&mut sender, &mut depth, true) {}
            assert!(depth - before <= 10, "{depth}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn hints_go_again_soon_after_workers_took_those_that_waited() {
        let (mut room, mut depth) = (Room::default(), 0);
        while moment(&mut room, &mut depth, true) {}
        depth = 0;
        assert!(!moment(&mut room, &mut depth, true), "it does not know yet");
        tokio::time::advance(LOOK_EVERY).await;
        assert!(moment(&mut room, &mut depth, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_whose_depth_is_not_told_is_sent_to() {
        let (mut room, mut depth) = (Room::default(), 0);
        while moment(&mut room, &mut depth, false) {}
        tokio::time::advance(LOOK_EVERY).await;
        assert!(moment(&mut room, &mut depth, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_in_vain_is_not_made_again_as_soon_as_one_that_was_answered() {
        let mut room = Room::default();
        for (depth, rest) in [(Some(0), LOOK_EVERY), (None, LOOK_AGAIN)] {
            room.learn(depth);
            tokio::time::advance(rest - Duration::from_millis(1)).await;
            assert!(!room.is_due(), "{depth:?}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(room.is_due(), "{depth:?}");
        }
        room.add(WAITING_MAX);
        assert!(room.is_due(), "one that sends nothing asks soon");
    }
}
