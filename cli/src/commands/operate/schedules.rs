//! `packtrain schedules`: when they come; run one now; edit one.

use packtrain_core::cron::Cron;
use packtrain_core::ids::TenantId;
use packtrain_core::job::NewJob;
use packtrain_core::ports::{Control, Edited, ScheduleEdit};
use packtrain_core::schedule::ScheduleRecord;
use packtrain_core::time::Timestamp;
use packtrain_jobs::catalogue;
use serde_json::{Value, json};

use super::{Desk, actor, time};
use crate::args::{Global, ScheduleEditArgs, Schedules, SchedulesAction};
use crate::failure::{FAILED, Failure, INPUT};
use crate::settings::Settings;
use crate::table::Table;

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &Schedules,
    settings: &Settings,
) -> Result<(), Failure> {
    let desk = Desk::open(global, settings).await?;
    let done = match &args.action {
        None | Some(SchedulesAction::List) => list(global, &desk).await,
        Some(SchedulesAction::Run { kind }) => run_now(global, &desk, kind).await,
        Some(SchedulesAction::Edit(args)) => edit(global, &desk, args).await,
    };
    desk.close().await;
    done
}

async fn list(global: &Global, desk: &Desk) -> Result<(), Failure> {
    let schedules = desk.control.schedules().await?;
    let now = desk.parts.clock.now();
    if global.json {
        let items: Vec<Value> = schedules
            .iter()
            .map(|schedule| {
                json!({
                    "id": schedule.id, "kind": schedule.kind, "cron": schedule.cron,
                    "zone": schedule.zone, "missed": schedule.missed,
                    "jitter_s": schedule.jitter_s, "overlap": schedule.overlap,
                    "enabled": schedule.is_enabled, "next": next(schedule, now),
                    "edited_at": schedule.edited_at, "version": schedule.version,
                })
            })
            .collect();
        anstream::println!("{}", json!({ "items": items }));
        return Ok(());
    }
    let mut table = Table::new(&[
        "KIND",
        "CRON",
        "ZONE",
        "MISSED",
        "JITTER",
        "OVERLAP",
        "NEXT (UTC)",
        "EDITED",
    ]);
    for schedule in &schedules {
        let next = match schedule.is_enabled {
            true => time(next(schedule, now)),
            false => "rests".to_owned(),
        };
        table.row([
            schedule.kind.clone(),
            schedule.cron.clone(),
            schedule.zone.clone(),
            schedule.missed.to_string(),
            format!("{} s", schedule.jitter_s),
            schedule.overlap.to_string(),
            next,
            time(schedule.edited_at),
        ]);
    }
    table.print("No schedules yet; the first scheduler writes them.");
    Ok(())
}

fn next(schedule: &ScheduleRecord, now: Timestamp) -> Option<Timestamp> {
    let cron = Cron::parse(&schedule.cron, &schedule.zone).ok()?;
    cron.next_after(now).filter(|_| schedule.is_enabled)
}

async fn run_now(global: &Global, desk: &Desk, kind: &str) -> Result<(), Failure> {
    let schedule = find(desk, kind).await?;
    let unknown = || Failure::new(FAILED, format!("this version does not know {kind}"));
    let entry = catalogue::find(kind).ok_or_else(unknown)?;
    let job = NewJob {
        schedule: Some(schedule.id),
        ..entry.job(desk.parts.ids.job(), TenantId::SYSTEM, json!({}))
    };
    desk.control.enqueue(&actor(), &job, None).await?;
    desk.wake(job.lane, Some(job.kind.clone()));
    match global.json {
        true => anstream::println!("{}", json!({ "job": job.id })),
        false => anstream::println!("{}", job.id),
    }
    Ok(())
}

async fn edit(global: &Global, desk: &Desk, args: &ScheduleEditArgs) -> Result<(), Failure> {
    let known = find(desk, &args.kind).await?;
    let cron = args.cron.as_deref().unwrap_or(&known.cron);
    let zone = args.zone.as_deref().unwrap_or(&known.zone);
    Cron::parse(cron, zone).map_err(|error| Failure::new(INPUT, error.to_string()))?;
    let edit = ScheduleEdit {
        cron: args.cron.clone(),
        zone: args.zone.clone(),
        missed: args.missed,
        jitter_s: args.jitter,
        overlap: args.overlap,
        is_enabled: (args.enable || args.disable).then_some(args.enable),
    };
    let edited = desk
        .control
        .edit_schedule(&actor(), known.id, &edit, Some(known.version))
        .await?;
    if edited != Edited::Yes {
        let what = format!("{} was changed by somebody else meanwhile", args.kind);
        return Err(Failure::new(FAILED, what).help("look at it again: packtrain schedules"));
    }
    list(global, desk).await
}

async fn find(desk: &Desk, kind: &str) -> Result<ScheduleRecord, Failure> {
    let all = desk.control.schedules().await?;
    let known: Vec<String> = all.iter().map(|schedule| schedule.kind.clone()).collect();
    let found = all.into_iter().find(|schedule| schedule.kind == kind);
    found.ok_or_else(|| {
        let what = format!("{kind} has no schedule");
        Failure::new(INPUT, what).help(format!("known: {}", known.join(", ")))
    })
}
