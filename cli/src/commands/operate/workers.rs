//! `packtrain workers`: who works; ask them to drain.

use packtrain_core::job::Lane;
use packtrain_core::limits::PAGE_MAX;
use packtrain_core::ports::{Control, Drain};
use serde_json::{Value, json};

use super::{Desk, actor, time};
use crate::args::{Global, Workers, WorkersAction};
use crate::failure::{FAILED, Failure};
use crate::settings::Settings;
use crate::table::Table;

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &Workers,
    settings: &Settings,
) -> Result<(), Failure> {
    let desk = Desk::open(global, settings).await?;
    let done = match &args.action {
        None | Some(WorkersAction::List) => list(global, &desk).await,
        Some(WorkersAction::Drain { id, of_version }) => {
            let whom = match (id, of_version) {
                (Some(id), _) => Some(Drain::Worker(*id)),
                (None, version) => version.clone().map(Drain::Version),
            };
            match whom {
                Some(whom) => drain(global, &desk, &whom).await,
                None => list(global, &desk).await,
            }
        }
    };
    desk.close().await;
    done
}

async fn list(global: &Global, desk: &Desk) -> Result<(), Failure> {
    let workers = desk.control.workers(PAGE_MAX).await?;
    if global.json {
        let items: Vec<Value> = workers
            .iter()
            .map(|worker| {
                json!({
                    "id": worker.id, "name": worker.name, "version": worker.version,
                    "lanes": worker.lanes, "started_at": worker.started_at,
                    "seen_at": worker.seen_at, "drain_at": worker.drain_at,
                    "running": worker.running,
                })
            })
            .collect();
        anstream::println!("{}", json!({ "items": items }));
        return Ok(());
    }
    let mut table = Table::new(&[
        "WORKER",
        "NAME",
        "VERSION",
        "RUNNING ",
        "SEEN",
        "DRAINS SINCE",
        "LANES",
    ]);
    for worker in &workers {
        let lanes: Vec<&str> = worker.lanes.iter().copied().map(Lane::as_str).collect();
        table.row([
            worker.id.to_string(),
            worker.name.clone(),
            worker.version.clone(),
            worker.running.to_string(),
            time(Some(worker.seen_at)),
            time(worker.drain_at),
            lanes.join(","),
        ]);
    }
    table.print("No workers.");
    Ok(())
}

async fn drain(global: &Global, desk: &Desk, whom: &Drain) -> Result<(), Failure> {
    let asked = desk.control.drain(&actor(), whom).await?;
    match global.json {
        true => anstream::println!("{}", json!({ "asked": asked })),
        false => anstream::println!("{asked} asked to drain"),
    }
    if asked == 0 {
        let what = "no such worker that was not asked before";
        return Err(Failure::new(FAILED, what).help("packtrain workers lists them"));
    }
    Ok(())
}
