//! What must hold, each by the sentence that promises it.

macro_rules! invariants {
    ($($name:ident $sentence:literal,)+) => {
        /// What must hold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant {
            $(#[doc = $sentence] $name,)+
        }

        impl Invariant {
            /// Every invariant.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The sentence that promises it.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)+
                }
            }
        }
    };
}

invariants! {
    OnePlace "Whatever happens in whatever order, a job is in exactly one place.",
    OneHolder "Two workers never hold the same job.",
    Fence "A result that comes under a lease that is gone changes nothing.",
    EffectWithEnd
        "The effect that a job writes with its end is there once when it succeeded, and \
         never else.",
    FollowUpsWithCause "Follow-up work is written with the end of its cause.",
    TimeRunsOnce
        "A time of a schedule runs once, whichever scheduler decides it, and however often.",
    OneJobPerRequest "The same request under the same key makes one job.",
    CancelIsHonoured "A cancelled job ends as cancelled wherever it is and however it comes back.",
    RequestEndsWithJob "Who ends a job removes its cancel request, however it ends.",
    TriesAreCharged "An attempt that failed, or was lost after it began, is charged.",
    OthersAreNotCharged "What snoozed, was given back or never began is not charged.",
    RedriveStartsAnew "A redriven dead letter has all its attempts anew.",
    LostComeBackAlone "A job that was lost while it ran comes back alone in its lease.",
    DiesWhenSpent
        "A job dies when its attempts are spent, however, unless a person cancelled it.",
    MovedBeatIsAlive "A lease whose beat has moved since the reaper saw it is not taken.",
    NoBeginUnderGoneLease "A job does not begin under a lease that is gone.",
    UnknownLeaseComesBack
        "A lease that no process knows of is not renewed, and its jobs come back.",
    HintsMayBeLost "Losing every hint loses no work.",
    AllWorkEnds "When all is well for long enough, all work ends.",
    PausedLaneRests "Nothing of a paused lane is claimed.",
    NotBeforeItsTime "Nothing is due before its time, by the database's clock and nobody else's.",
    LateJobsExpire "A job that was not started by its deadline is not started.",
    TriedJobsDoNotExpire "A job that was tried does not expire.",
    UrgentFirst "What is more urgent is claimed first.",
    WithinLimit "Of a gate's members no more than its limit are in play.",
    InPlayIsCounted "A gate's count is the number of its members in play.",
    NobodyWaitsForRoom "Nobody waits at a gate in which there is room.",
    InGateOrder "Members of a gate come into play in the order in which they were asked for.",
    DeadHeadHolds "A dead letter keeps its place in a gate that holds dead letters.",
    UngatedTouchNoGate "Work without a gate touches no gate.",
    GateIsRepaired "The sweeper repairs a gate whose count is wrong while others wait.",
    AfterItsCauses "A member of a batch runs after the members that must end before it.",
    CountsOnce "A member that is redriven and ends again counts once for those that wait for it.",
    WaitsForSomething "Nobody waits for a member that will never end well, unless to be cancelled.",
    StopStops "In a batch that stops, the failure of one member cancels all that have not ended.",
    CancelReachesAll "Who cancels a job cancels every unfinished member of its batch, and theirs.",
    WhatFollowsIsCancelled
        "A job that succeeds although its cancel was requested passes the request on.",
}
