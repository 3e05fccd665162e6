//! `packtrain dead`: dead letters by cause; run again or put away all of one, or all that match.

use packtrain_core::ids::TenantId;
use packtrain_core::limits::PAGE_DEFAULT;
use packtrain_core::ports::{Cause, Change, Control};
use packtrain_core::quantity::counted;
use packtrain_jobs::catalogue::entry;
use packtrain_jobs::ops::bulk::{Bulk, Filter};
use serde_json::{Value, json};

use super::{Desk, actor, cut, time};
use crate::args::{CausesList, Dead, DeadAction, Global, OfDead};
use crate::failure::{FAILED, Failure, INPUT};
use crate::settings::Settings;
use crate::table::Table;
use crate::terminal::QUIET;

/// Characters of a message in a list.
const MESSAGE_CHARS: usize = 80;

/// Runs the command.
pub(crate) async fn run(global: &Global, args: &Dead, settings: &Settings) -> Result<(), Failure> {
    let desk = Desk::open(global, settings).await?;
    let done = match &args.action {
        None => list(global, &desk, &CausesList::default()).await,
        Some(DeadAction::List(args)) => list(global, &desk, args).await,
        Some(DeadAction::Retry(args)) => change(global, &desk, Change::Retry, args).await,
        Some(DeadAction::Discard(args)) => change(global, &desk, Change::Discard, args).await,
    };
    desk.close().await;
    done
}

async fn list(global: &Global, desk: &Desk, args: &CausesList) -> Result<(), Failure> {
    let limit = args.limit.unwrap_or(PAGE_DEFAULT);
    let mut causes = desk.control.causes(args.after.as_ref(), limit + 1).await?;
    let next = cut(&mut causes, limit, Cause::place).map(|place| place.to_string());
    if global.json {
        let items: Vec<Value> = causes
            .iter()
            .map(|cause| {
                json!({
                    "cause": cause.fingerprint, "kind": cause.kind, "code": cause.code,
                    "message": cause.message, "count": cause.count,
                    "first_at": cause.first_at, "last_at": cause.last_at,
                })
            })
            .collect();
        anstream::println!("{}", json!({ "items": items, "next": next }));
        return Ok(());
    }
    let mut table = Table::new(&["CAUSE", "COUNT ", "KIND", "CODE", "LAST", "MESSAGE"]);
    for cause in &causes {
        table.row([
            cause.fingerprint.clone(),
            cause.count.to_string(),
            cause.kind.clone(),
            cause.code.clone(),
            time(Some(cause.last_at)),
            cause.message.chars().take(MESSAGE_CHARS).collect(),
        ]);
    }
    table.print("No dead letters.");
    if let Some(next) = next {
        anstream::println!("{QUIET}further ones: --after {next}{QUIET:#}");
    }
    Ok(())
}

/// Changes all that match, by a job of its own: it goes on when this command is gone.
async fn change(
    global: &Global,
    desk: &Desk,
    change: Change,
    args: &OfDead,
) -> Result<(), Failure> {
    let bulk = Bulk {
        change,
        filter: Filter {
            cause: args.cause.clone(),
            kind: args.kind.clone(),
            lane: args.lane,
            tenant: args.tenant,
            ..Filter::default()
        },
    };
    let count = desk.control.count(&bulk.filter.of(change)).await?;
    if count == 0 {
        let what = match &args.cause {
            Some(cause) => format!("no dead letter has the cause {cause:?}"),
            None => "no dead letter matches".to_owned(),
        };
        return Err(Failure::new(INPUT, what).help("packtrain dead lists the causes"));
    }
    let letters = counted(count, "dead letter", "dead letters");
    if args.dry_run {
        match global.json {
            true => anstream::println!("{}", json!({ "count": count })),
            false => anstream::println!("{letters}; without --dry-run: {}", change.as_str()),
        }
        return Ok(());
    }
    let payload = serde_json::to_value(&bulk)
        .map_err(|error| Failure::new(FAILED, format!("the change: {error}")))?;
    let about = entry::<Bulk>().about;
    let job = about.job(desk.parts.ids.job(), TenantId::SYSTEM, payload);
    desk.control.enqueue(&actor(), &job, None).await?;
    desk.wake(job.lane, Some(job.kind.clone()));
    match global.json {
        true => anstream::println!("{}", json!({ "count": count, "job": job.id })),
        false => {
            anstream::println!("{letters}: {} by {}", change.as_str(), job.id);
        }
    }
    Ok(())
}
