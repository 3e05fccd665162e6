//! The machine, broken in one place at a time. Each variant must be noticed, by the invariant that
//! speaks of what it breaks: a test that cannot fail proves nothing.

use crate::explore::{Failure, Scale, explore};
use crate::invariants::Invariant;

macro_rules! variants {
    ($($name:ident $invariant:ident $what:literal,)+) => {
        /// A deliberately broken machine, or worker.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Variant {
            $(#[doc = $what] $name,)+
        }

        impl Variant {
            /// Every variant.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// What is broken.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)+
                }
            }

            /// The invariant that must notice.
            pub const fn breaks(self) -> Invariant {
                match self {
                    $(Self::$name => Invariant::$invariant,)+
                }
            }
        }
    };
}

variants! {
    KnownJobsEnterAgain OnePlace "an enqueue makes entries for jobs that are known",
    ReleasedJobsAreLost OnePlace "a job that is given back gets no entry",
    ClaimLeavesTheEntry OneHolder "a claim leaves the entry in its lane",
    NoFence Fence "a settle does not look whether the bit is open",
    EffectsBesideTheEnd EffectWithEnd "a job writes its effect outside of the settle",
    FollowUpsOfOneEndOnly FollowUpsWithCause
        "a batch settle writes the follow-ups of its first end only",
    TimesRunAgain TimeRunsOnce "a scheduler decides without looking whether another did",
    KeysAreForgotten OneJobPerRequest "an idempotency key is not looked up",
    ClaimIgnoresRequests CancelIsHonoured "a claim does not look for requests to cancel",
    AnyCancelAnswersAll CancelIsHonoured
        "a settle with a cancelled job removes the requests of all its jobs",
    RequestsOutliveTheirJobs RequestEndsWithJob "a job that ends leaves its request behind",
    LossBuriesTheCancelled CancelIsHonoured
        "a reaper buries a cancelled job whose attempts are spent",
    ReapChargesNobody TriesAreCharged "a reaper charges no attempt",
    FailuresAreFree TriesAreCharged "a failed attempt is not charged",
    RunsBeforeItIsNoted TriesAreCharged "a worker runs a job before its beginning is noted",
    ReapChargesNeighbours OthersAreNotCharged "a reaper charges jobs that never began",
    SnoozesAreCharged OthersAreNotCharged "a snooze costs an attempt",
    RedriveKeepsCharges RedriveStartsAnew "a redriven dead letter keeps its charges",
    LostJobsGetCompany LostComeBackAlone "a job that took its worker down is claimed with others",
    NobodyDiesOfLoss DiesWhenSpent "a reaper returns jobs whose attempts are spent",
    ReapIgnoresBeats MovedBeatIsAlive "a reaper does not compare the beat",
    BeginsWhateverIsAnswered NoBeginUnderGoneLease "a worker does not heed that its lease is gone",
    RenewsUnknownLeases UnknownLeaseComesBack
        "a renewal moves all leases of the worker, named or not",
    WaitsForHints HintsMayBeLost "a worker looks only where it was hinted to",
    SweeperLooksAway AllWorkEnds "the sweeper does not end what was cancelled",
    ClaimsFromPausedLanes PausedLaneRests "a claim does not look whether the lane is paused",
    DelaysAreForgotten NotBeforeItsTime "an enqueue for later is due at once",
    PromotesByItsOwnClock NotBeforeItsTime "a promoter goes by its own clock",
    ClaimIgnoresDeadlines LateJobsExpire "a claim does not look at deadlines",
    TriedJobsExpire TriedJobsDoNotExpire "a deadline ends jobs that were tried",
    ClaimsTheLeastUrgent UrgentFirst "a claim goes by id only",
    GatesLetOneMoreIn WithinLimit "a gate lets one more in than its limit",
    LossKeepsItsPlace InPlayIsCounted "a job that dies of loss stays counted in its gate",
    RedrivePassesTheGate InPlayIsCounted "a redriven job goes past its gate",
    CancelsAdmitNobody NobodyWaitsForRoom "a cancelled job makes room, and nobody is let in",
    GatesTakeTheYoungest InGateOrder "a gate lets the youngest in first",
    DeadHeadsGiveWay DeadHeadHolds "a dead head gives way although its gate holds dead letters",
    UngatedJobsLeaveAGate UngatedTouchNoGate "the end of a job without a gate is counted at one",
    GatesAreNotRepaired GateIsRepaired "the sweeper does not count gates anew",
    MembersDoNotWait AfterItsCauses "members of a batch come into play at once",
    DeadMembersCountAsDone AfterItsCauses "a dead member counts as done in a batch that holds",
    EdgesStay CountsOnce "edges stay when they are satisfied",
    FailedMembersHoldForEver WaitsForSomething "who waits for a member that failed waits on",
    StopGoesOn StopStops "a batch that stops goes on",
    CancelStopsAtTheParent CancelReachesAll "a cancel does not reach the members of a batch",
    SuccessKeepsTheRequest WhatFollowsIsCancelled
        "a job that succeeds does not pass its request on",
}

/// What holds, with at most one exception.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// What is broken.
    pub broken: Option<Variant>,
}

impl Rules {
    /// The rules as they are.
    pub const WHOLE: Self = Self { broken: None };

    /// Whether this is what is broken.
    pub fn breaks(self, variant: Variant) -> bool {
        self.broken == Some(variant)
    }
}

/// Looks for the first step that gives a variant away; none within these steps.
pub fn caught(variant: Variant, scale: Scale) -> Option<Failure> {
    let rules = Rules {
        broken: Some(variant),
    };
    explore(rules, scale).err().map(|failure| *failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_wrong_with_the_whole_machine() {
        let scale = Scale {
            seed: 1,
            first: 0,
            steps: 1_000_000,
        };
        let walked = explore(Rules::WHOLE, scale).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(walked.ended, walked.jobs);
    }

    #[test]
    fn every_variant_is_caught_by_the_invariant_that_it_breaks() {
        let scale = Scale {
            seed: 1,
            first: 0,
            steps: 1_000_000,
        };
        let mut wrong = Vec::new();
        for variant in Variant::ALL.iter().copied() {
            match caught(variant, scale) {
                Some(failure) if failure.invariant == variant.breaks() => {}
                Some(failure) => wrong.push(format!("{variant:?}: {failure}")),
                None => wrong.push(format!("{variant:?} was not noticed")),
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_invariant_has_a_variant_that_breaks_it() {
        for invariant in Invariant::ALL {
            let broken = Variant::ALL
                .iter()
                .any(|variant| variant.breaks() == *invariant);
            assert!(broken, "nothing breaks {invariant:?}");
        }
    }
}
