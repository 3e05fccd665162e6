//! Kinds that mark each of their runs, and break what runs them when they are told to.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::job::{Ctx, Done, FollowUp, Job, Kind, Lane};
use packtrain_core::ports::Write;
use packtrain_jobs::catalogue::{self, Entry, entry};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Memory that a greedy job takes at a time.
const BITE_BYTES: usize = 16 << 20;

/// The product's kinds and those of the fault rows.
pub(crate) fn kinds() -> &'static [Entry] {
    let is_old = std::env::var_os("FAULT_OLD").is_some();
    let mut kinds = catalogue::KINDS.to_vec();
    if is_old {
        kinds.push(entry::<Step>());
    } else {
        kinds.push(entry::<StepOfToday>());
        kinds.push(entry::<New>());
    }
    // Once a process, for its whole life.
    Box::leak(kinds.into_boxed_slice())
}

/// What a job does after it has marked its run.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Does {
    /// Ends well.
    #[default]
    Well,
    /// Panics.
    Panic,
    /// Ends its process.
    Abort,
    /// Takes memory until there is none.
    Eat,
}

/// Marks its run in a file, stays a while, and ends as it is told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Step {
    /// The file of marks: `job attempt process microseconds` a line.
    #[schema(value_type = String)]
    marks: PathBuf,
    /// How long it stays, in milliseconds.
    #[serde(default)]
    hold_ms: u64,
    #[serde(default)]
    does: Does,
    /// Follow-ups, which do the same and have none.
    #[serde(default)]
    then: u64,
}

impl Step {
    async fn go(self, ctx: &Ctx) -> Result<Done, Fault> {
        let (job, attempt, process) = (ctx.job, ctx.attempt, std::process::id());
        let at = ctx.clock.now().timestamp_micros();
        // One write to a file that is only appended to: marks of many processes do not mix.
        File::options()
            .append(true)
            .create(true)
            .open(&self.marks)
            .and_then(|mut marks| {
                marks.write_all(format!("{} {attempt} {process} {at}\n", job.as_uuid()).as_bytes())
            })
            .map_err(|error| Fault::fatal("fault.marks", error))?;
        tokio::time::sleep(Duration::from_millis(self.hold_ms)).await;
        match self.does {
            Does::Well => {}
            Does::Panic => panic!("a job of a fault row panics"),
            Does::Abort => std::process::abort(),
            Does::Eat => eat(),
        }
        let follow_up = || {
            let step = Self {
                then: 0,
                ..self.clone()
            };
            FollowUp::of(StepOfToday(step))
        };
        Ok(Done {
            then: (0..self.then).map(|_| follow_up()).collect(),
            // A row without a key, in the transaction of the end.
            writes: vec![Write::ServiceLevel],
            ..Done::quietly()
        })
    }
}

/// Takes memory, and writes to it, until the system refuses.
fn eat() {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![1; BITE_BYTES]);
        std::hint::black_box(&eaten);
    }
}

impl Job for Step {
    const KIND: Kind = Kind::new("fault.step");
    const LANE: Lane = Lane::Io;
    const ATTEMPTS_MAX: u16 = 5;
    const LONG: bool = false;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        self.go(ctx).await
    }
}

/// The same kind with the payload of today.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
struct StepOfToday(Step);

impl Job for StepOfToday {
    const KIND: Kind = Step::KIND;
    const LANE: Lane = Step::LANE;
    const SCHEMA: u16 = 2;
    const LONG: bool = Step::LONG;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        self.0.go(ctx).await
    }
}

/// A kind that is new today.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
struct New(Step);

impl Job for New {
    const KIND: Kind = Kind::new("fault.new");
    const LANE: Lane = Step::LANE;
    const LONG: bool = Step::LONG;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        self.0.go(ctx).await
    }
}
