//! Jobs for which something is away: that they wait is told once, however often they try.

use std::time::Duration;

use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::job::{Ctx, Done};
use packtrain_core::limits::AWAY_MAX;
use tracing::warn;

/// Notes that a job of this age begins to wait for something that is away, or that it waits no
/// more. An attempt that had to stop, or that waits for something else, learned neither.
pub(crate) async fn note(ctx: &Ctx, kind: &str, age: Duration, ended: &Result<Done, Fault>) {
    let Err(fault) = ended else { return };
    let begins = match fault.verdict {
        Verdict::Away if age < AWAY_MAX => ctx.begin_to_wait(fault.code).await,
        Verdict::Snooze(_) => return,
        _ => ctx.wait_no_more().await.map(|()| false),
    };
    match begins {
        Ok(true) => {
            let (code, error) = (fault.code, &fault.message);
            warn!(job.kind = kind, code, %error, "job waits for what is away");
        }
        Ok(false) => {}
        Err(fault) => warn!(error = %fault.message, "a job's waiting could not be noted"),
    }
}
