//! `packtrain jobs`: list, show, cancel, retry, discard.

use packtrain_core::ids::JobId;
use packtrain_core::limits::{EVENTS_SHOWN, PAGE_DEFAULT};
use packtrain_core::ports::{
    Change, Control, JobEvent, JobEvents, JobFilter, JobRecord, JobSummary, OperatorJobs,
};
use packtrain_store::PgEvents;
use serde_json::{Value, json};

use super::{Desk, actor, time};
use crate::args::{Global, Jobs, JobsAction, JobsList};
use crate::failure::{FAILED, Failure, INPUT};
use crate::settings::Settings;
use crate::table::Table;
use crate::terminal::QUIET;

/// Runs the command.
pub(crate) async fn run(global: &Global, args: &Jobs, settings: &Settings) -> Result<(), Failure> {
    let desk = Desk::open(global, settings).await?;
    let done = match &args.action {
        None => list(global, &desk, &JobsList::default()).await,
        Some(JobsAction::List(args)) => list(global, &desk, args).await,
        Some(JobsAction::Show { id }) => show(global, &desk, *id).await,
        Some(JobsAction::Cancel(args)) => change(global, &desk, Change::Cancel, &args.ids).await,
        Some(JobsAction::Retry(args)) => change(global, &desk, Change::Retry, &args.ids).await,
        Some(JobsAction::Discard(args)) => change(global, &desk, Change::Discard, &args.ids).await,
    };
    desk.close().await;
    done
}

async fn list(global: &Global, desk: &Desk, args: &JobsList) -> Result<(), Failure> {
    let filter = JobFilter {
        kind: args.kind.clone(),
        lane: args.lane,
        state: args.state,
        tenant: args.tenant,
        cause: args.cause.clone(),
        batch: args.batch,
        before: args.before,
        limit: args.limit.unwrap_or(PAGE_DEFAULT),
        ..JobFilter::default()
    };
    let jobs = desk.jobs.list(&filter).await?;
    if global.json {
        let items: Vec<Value> = jobs.iter().map(summary).collect();
        anstream::println!("{}", json!({ "items": items }));
        return Ok(());
    }
    let mut table = Table::new(&["JOB", "KIND", "LANE", "STATE", "ATTEMPTS ", "CREATED"]);
    for job in &jobs {
        table.row([
            job.id.to_string(),
            job.kind.clone(),
            job.lane.to_string(),
            job.state.to_string(),
            format!("{}/{}", job.attempts, job.attempts_max),
            time(Some(job.created_at)),
        ]);
    }
    table.print("No jobs.");
    if jobs.len() == filter.limit as usize
        && let Some(last) = jobs.last()
    {
        anstream::println!("{QUIET}older ones: --before {}{QUIET:#}", last.id);
    }
    Ok(())
}

async fn show(global: &Global, desk: &Desk, id: JobId) -> Result<(), Failure> {
    let found = desk.jobs.find(id).await?;
    let job = found.ok_or_else(|| Failure::new(INPUT, format!("{id} does not exist")))?;
    let events = PgEvents::new(desk.parts.pools.app.clone());
    let events = events.newest(job.tenant, id, EVENTS_SHOWN).await?;
    if global.json {
        let mut whole = summary(&job.clone().into());
        whole["deadline"] = json!(job.deadline);
        whole["payload"] = job.payload.clone();
        whole["result"] = json!(job.result);
        whole["failures"] = failures(&job);
        whole["events"] = events.iter().map(event).collect();
        anstream::println!("{whole}");
        return Ok(());
    }
    let line = |name: &str, value: &str| {
        if !value.is_empty() {
            anstream::println!("{QUIET}{name:<10}{QUIET:#}{value}");
        }
    };
    line("job", &job.id.to_string());
    line("kind", &job.kind);
    line("tenant", &job.tenant.to_string());
    line("lane", job.lane.as_str());
    line("state", job.state.as_str());
    line(
        "attempts",
        &format!("{} of {}", job.attempts, job.attempts_max),
    );
    line("created", &time(Some(job.created_at)));
    line("run at", &time(job.run_at));
    line("deadline", &time(job.deadline));
    line("reason", job.reason.as_deref().unwrap_or_default());
    line("started", &time(job.started_at));
    line("finished", &time(job.finished_at));
    line("payload", &job.payload.to_string());
    let result = job.result.as_ref().map(Value::to_string);
    line("result", &result.unwrap_or_default());
    for failure in &job.failures {
        let (code, message) = (&failure.code, &failure.message);
        let at = time(Some(failure.ended_at));
        line(
            "failure",
            &format!("{} {at} {code}: {message}", failure.number),
        );
    }
    for event in &events {
        let (at, name, data) = (time(Some(event.at)), &event.name, &event.data);
        line("event", &format!("{} {at} {name} {data}", event.seq));
    }
    Ok(())
}

async fn change(
    global: &Global,
    desk: &Desk,
    change: Change,
    ids: &[JobId],
) -> Result<(), Failure> {
    let changed = desk.control.change(&actor(), change, ids).await?;
    for lane in &changed.woken {
        desk.wake(*lane, None);
    }
    if global.json {
        let (done, asked) = (&changed.done, &changed.asked);
        anstream::println!("{}", json!({ "changed": done, "asked": asked }));
    } else {
        let done = match change {
            Change::Cancel => "cancelled",
            Change::Retry => "runs again",
            Change::Discard => "discarded",
        };
        for id in ids {
            if changed.done.contains(id) {
                anstream::println!("{id}  {done}");
            } else if changed.asked.contains(id) {
                anstream::println!("{id}  runs, and was asked to stop");
            }
        }
    }
    let is_left = |id: &&JobId| !changed.done.contains(id) && !changed.asked.contains(id);
    let left: Vec<String> = ids.iter().filter(is_left).map(JobId::to_string).collect();
    if left.is_empty() {
        return Ok(());
    }
    let what = format!("{} does nothing to {}", change.as_str(), left.join(", "));
    Err(Failure::new(FAILED, what).help("packtrain jobs show ID says where a job is"))
}

fn summary(job: &JobSummary) -> Value {
    json!({
        "id": job.id, "tenant": job.tenant, "kind": job.kind, "lane": job.lane,
        "state": job.state, "attempts": job.attempts, "attempts_max": job.attempts_max,
        "created_at": job.created_at, "run_at": job.run_at, "reason": job.reason,
        "started_at": job.started_at, "finished_at": job.finished_at,
    })
}

fn event(event: &JobEvent) -> Value {
    json!({ "seq": event.seq, "at": event.at, "name": event.name, "data": event.data })
}

fn failures(job: &JobRecord) -> Value {
    let all = job.failures.iter().map(|failure| {
        json!({
            "attempt": failure.number, "code": failure.code, "message": failure.message,
            "ended_at": failure.ended_at,
        })
    });
    all.collect()
}
