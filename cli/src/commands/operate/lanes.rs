//! `packtrain lanes`: what is in them; pause and resume.

use packtrain_core::job::Lane;
use packtrain_core::ports::Control;
use serde_json::{Value, json};

use super::{Desk, actor, time};
use crate::args::{Global, Lanes, LanesAction};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::table::Table;

/// Runs the command.
pub(crate) async fn run(global: &Global, args: &Lanes, settings: &Settings) -> Result<(), Failure> {
    let desk = Desk::open(global, settings).await?;
    let done = match args.action {
        None | Some(LanesAction::List) => list(global, &desk).await,
        Some(LanesAction::Pause { lane }) => pause(global, &desk, lane, true).await,
        Some(LanesAction::Resume { lane }) => pause(global, &desk, lane, false).await,
    };
    desk.close().await;
    done
}

async fn pause(global: &Global, desk: &Desk, lane: Lane, is_paused: bool) -> Result<(), Failure> {
    desk.control.pause(&actor(), lane, is_paused, None).await?;
    if !is_paused {
        desk.wake(lane, None);
    }
    list(global, desk).await
}

async fn list(global: &Global, desk: &Desk) -> Result<(), Failure> {
    let lanes = desk.control.lanes().await?;
    if global.json {
        let items: Vec<Value> = lanes
            .iter()
            .map(|lane| {
                json!({
                    "lane": lane.lane, "paused_at": lane.paused_at, "queued": lane.queued,
                    "scheduled": lane.scheduled, "waiting": lane.waiting,
                    "running": lane.running, "dead": lane.dead, "oldest": lane.oldest,
                    "version": lane.version,
                })
            })
            .collect();
        anstream::println!("{}", json!({ "items": items }));
        return Ok(());
    }
    let mut table = Table::new(&[
        "LANE",
        "QUEUED ",
        "SCHEDULED ",
        "WAITING ",
        "RUNNING ",
        "DEAD ",
        "OLDEST",
        "PAUSED",
    ]);
    for lane in &lanes {
        table.row([
            lane.lane.to_string(),
            lane.queued.to_string(),
            lane.scheduled.to_string(),
            lane.waiting.to_string(),
            lane.running.to_string(),
            lane.dead.to_string(),
            time(lane.oldest),
            time(lane.paused_at),
        ]);
    }
    table.print("No lanes.");
    Ok(())
}
