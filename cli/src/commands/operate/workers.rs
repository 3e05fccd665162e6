//! `packtrain workers`: who works; ask them to drain.

use packtrain_core::job::Lane;
use packtrain_core::limits::PAGE_DEFAULT;
use packtrain_core::ports::{Control, Drain};
use serde_json::{Value, json};

use super::{Desk, actor, cut, time};
use crate::args::{Global, Workers, WorkersAction, WorkersList};
use crate::failure::{FAILED, Failure};
use crate::settings::Settings;
use crate::table::Table;
use crate::terminal::QUIET;

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &Workers,
    settings: &Settings,
) -> Result<(), Failure> {
    let desk = Desk::open(global, settings).await?;
    let done = match &args.action {
        None => list(global, &desk, &WorkersList::default()).await,
        Some(WorkersAction::List(args)) => list(global, &desk, args).await,
        Some(WorkersAction::Drain { id, of_version }) => {
            let whom = match (id, of_version) {
                (Some(id), _) => Some(Drain::Worker(*id)),
                (None, version) => version.clone().map(Drain::Version),
            };
            match whom {
                Some(whom) => drain(global, &desk, &whom).await,
                None => list(global, &desk, &WorkersList::default()).await,
            }
        }
    };
    desk.close().await;
    done
}

async fn list(global: &Global, desk: &Desk, args: &WorkersList) -> Result<(), Failure> {
    let limit = args.limit.unwrap_or(PAGE_DEFAULT);
    let mut workers = desk.control.workers(args.before, limit + 1).await?;
    let next = cut(&mut workers, limit, |worker| worker.id);
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
        anstream::println!("{}", json!({ "items": items, "next": next }));
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
    if let Some(next) = next {
        anstream::println!("{QUIET}older ones: --before {next}{QUIET:#}");
    }
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
