//! Commands for operators.

use clap::{Args, Subcommand};
use packtrain_core::ids::{JobId, TenantId, WorkerId};
use packtrain_core::job::{Lane, State};
use packtrain_core::ports::CausePlace;
use packtrain_core::schedule::{JITTER_MAX_S, Missed, Overlap};

use super::examples;

#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Seconds from one look to the next
    #[arg(long, default_value_t = 1, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) every: u64,
    /// Print one frame and end, as is done without a terminal
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    pub(crate) action: Option<JobsAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsAction {
    /// List jobs, newest first
    #[command(after_help = examples::JOBS_LIST)]
    List(JobsList),
    /// Show a job with its failed attempts and its newest events
    #[command(after_help = examples::JOBS_SHOW)]
    Show {
        /// The job
        id: JobId,
    },
    /// Cancel jobs: at once where they wait, as soon as they stop where they run
    #[command(after_help = examples::JOBS_CANCEL)]
    Cancel(JobIds),
    /// Run jobs now: dead letters with all attempts anew, scheduled ones without waiting on
    #[command(after_help = examples::JOBS_RETRY)]
    Retry(JobIds),
    /// Put dead letters away
    #[command(after_help = examples::JOBS_DISCARD)]
    Discard(JobIds),
}

#[derive(Debug, Default, Args)]
pub(crate) struct JobsList {
    /// Only this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only this lane
    #[arg(long)]
    pub(crate) lane: Option<Lane>,
    /// Only this state
    #[arg(long)]
    pub(crate) state: Option<State>,
    /// Only this tenant
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<TenantId>,
    /// Only dead letters of this cause
    #[arg(long)]
    pub(crate) cause: Option<String>,
    /// Only members of the batch that this job made
    #[arg(long, value_name = "JOB")]
    pub(crate) batch: Option<JobId>,
    /// Only jobs older than this one: goes on after a page
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<JobId>,
    /// Jobs to list, 1 to 200 [default: 50]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) limit: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct JobIds {
    /// The jobs
    #[arg(required = true, value_name = "ID", num_args = 1..=500)]
    pub(crate) ids: Vec<JobId>,
}

#[derive(Debug, Args)]
pub(crate) struct Lanes {
    #[command(subcommand)]
    pub(crate) action: Option<LanesAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LanesAction {
    /// List the lanes and what is in them
    #[command(after_help = examples::LANES_LIST)]
    List,
    /// Claim nothing more of a lane; what runs goes on
    #[command(after_help = examples::LANES_PAUSE)]
    Pause {
        /// The lane
        lane: Lane,
    },
    /// Go on with a lane
    #[command(after_help = examples::LANES_RESUME)]
    Resume {
        /// The lane
        lane: Lane,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Dead {
    #[command(subcommand)]
    pub(crate) action: Option<DeadAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadAction {
    /// List the causes of dead letters, the most frequent first
    #[command(after_help = examples::DEAD_LIST)]
    List(CausesList),
    /// Run dead letters again, the oldest first: all of a cause, or all that match
    #[command(after_help = examples::DEAD_RETRY)]
    Retry(OfDead),
    /// Put dead letters away: all of a cause, or all that match
    #[command(after_help = examples::DEAD_DISCARD)]
    Discard(OfDead),
}

#[derive(Debug, Default, Args)]
pub(crate) struct CausesList {
    /// Only causes after this place, as the page before names it
    #[arg(long, value_name = "PLACE")]
    pub(crate) after: Option<CausePlace>,
    /// Causes to list, 1 to 200 [default: 50]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) limit: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct OfDead {
    /// The cause, as the list names it
    #[arg(required_unless_present_any = ["kind", "lane", "tenant"])]
    pub(crate) cause: Option<String>,
    /// Only this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only this lane
    #[arg(long)]
    pub(crate) lane: Option<Lane>,
    /// Only this tenant
    #[arg(long)]
    pub(crate) tenant: Option<TenantId>,
    /// Only say how many there are
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Schedules {
    #[command(subcommand)]
    pub(crate) action: Option<SchedulesAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SchedulesAction {
    /// List the schedules and when they come next
    #[command(after_help = examples::SCHEDULES_LIST)]
    List,
    /// Run what a schedule enqueues, now
    #[command(after_help = examples::SCHEDULES_RUN)]
    Run {
        /// The schedule's kind
        kind: String,
    },
    /// Change a schedule; it goes on from now and makes up for nothing
    #[command(after_help = examples::SCHEDULES_EDIT)]
    Edit(ScheduleEditArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ScheduleEditArgs {
    /// The schedule's kind
    pub(crate) kind: String,
    /// Five fields, six with seconds first, seven with a year last, or @daily and its like
    #[arg(long)]
    pub(crate) cron: Option<String>,
    /// Time zone, such as Europe/Berlin
    #[arg(long)]
    pub(crate) zone: Option<String>,
    /// What becomes of missed times: skip, latest, all
    #[arg(long)]
    pub(crate) missed: Option<Missed>,
    /// Seconds by which its jobs begin later than its times, each by its own: an hour at most
    #[arg(long, value_name = "SECONDS",
        value_parser = clap::value_parser!(u32).range(..=i64::from(JITTER_MAX_S)))]
    pub(crate) jitter: Option<u32>,
    /// What becomes of a time while the job of the one before has not ended: allow, skip
    #[arg(long)]
    pub(crate) overlap: Option<Overlap>,
    /// Let it run
    #[arg(long, conflicts_with = "disable")]
    pub(crate) enable: bool,
    /// Let it rest
    #[arg(long)]
    pub(crate) disable: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Workers {
    #[command(subcommand)]
    pub(crate) action: Option<WorkersAction>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct WorkersList {
    /// Only workers that started before this one: goes on after a page
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<WorkerId>,
    /// Workers to list, 1 to 200 [default: 50]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) limit: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkersAction {
    /// List the workers, the last started first
    #[command(after_help = examples::WORKERS_LIST)]
    List(WorkersList),
    /// Ask workers to take no more work, finish what they can, and end
    #[command(
        after_help = examples::WORKERS_DRAIN,
        group(clap::ArgGroup::new("whom").required(true))
    )]
    Drain {
        /// One worker
        #[arg(group = "whom")]
        id: Option<WorkerId>,
        /// All workers of this version of the program
        #[arg(long, value_name = "VERSION", group = "whom")]
        of_version: Option<String>,
    },
}
