//! `packtrain enqueue`: a job of any kind.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use packtrain_core::ids::TenantId;
use packtrain_core::job::{Deadline, NewJob, Priority, State};
use packtrain_core::limits::PAYLOAD_BYTES_MAX;
use packtrain_core::ports::{Control, JobRecord, OperatorJobs};
use packtrain_jobs::catalogue::{self, Entry};
use packtrain_store::PgOperatorJobs;
use serde_json::{Value, json};

use crate::args::{Enqueue, Global};
use crate::commands::operate::{Desk, actor};
use crate::failure::{FAILED, Failure, INPUT, USAGE};
use crate::settings::Settings;
use crate::wiring::Parts;

/// How often a waiting command looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &Enqueue,
    settings: &Settings,
) -> Result<(), Failure> {
    let entry = catalogue::find(&args.kind).ok_or_else(|| {
        let known: Vec<&str> = catalogue::KINDS
            .iter()
            .map(|entry| entry.about.kind.as_str())
            .collect();
        Failure::new(USAGE, format!("unknown kind {:?}", args.kind))
            .help(format!("known: {}", known.join(", ")))
    })?;
    let payload = payload(entry, &args.payload)?;
    let desk = Desk::open(global, settings).await?;
    let job = job(args, entry, payload, &desk.parts)?;
    if !desk.jobs.has_tenant(job.tenant).await? {
        return Err(Failure::new(
            INPUT,
            format!("tenant {} does not exist", job.tenant),
        ));
    }
    desk.control.enqueue(&actor(), &job, None).await?;
    desk.wake(job.lane, Some(Arc::clone(&job.kind)));
    let ended = if args.wait {
        Some(wait(&desk.jobs, &job).await?)
    } else {
        None
    };
    desk.close().await;
    print(global, &job, ended.as_ref());
    match ended {
        Some(record) if record.state != State::Succeeded => {
            let last = record.failures.last();
            let why = last
                .map(|last| format!(": {}", last.message))
                .unwrap_or_default();
            Err(Failure::new(
                FAILED,
                format!("job {} is {}{why}", record.id, record.state),
            ))
        }
        _ => Ok(()),
    }
}

fn job(args: &Enqueue, entry: &Entry, payload: Value, parts: &Parts) -> Result<NewJob, Failure> {
    let tenant = args.tenant.unwrap_or(TenantId::SYSTEM);
    let mut job = entry.job(parts.ids.job(), tenant, payload);
    if let Some(priority) = args.priority {
        job.priority = Priority::try_from(priority).map_err(|error| Failure::new(USAGE, error))?;
    }
    let delay = |seconds| parts.clock.now() + chrono::Duration::seconds(i64::from(seconds));
    job.run_at = args.delay.map(delay);
    if let Some(deadline) = args.deadline {
        let due = job.run_at.unwrap_or_else(|| parts.clock.now());
        if deadline <= due {
            let what = format!("the deadline {deadline} passes before the job is due");
            return Err(Failure::new(USAGE, what).help("give a later time, or a shorter --delay"));
        }
        job.deadline = Some(Deadline::At(deadline));
    }
    Ok(job)
}

fn payload(entry: &Entry, text: &str) -> Result<Value, Failure> {
    let read = |error: std::io::Error| Failure::new(INPUT, format!("the payload: {error}"));
    let text = match text.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).map_err(read)?,
        None if text == "-" => {
            let mut all = String::new();
            let most = PAYLOAD_BYTES_MAX as u64 + 1;
            std::io::stdin()
                .lock()
                .take(most)
                .read_to_string(&mut all)
                .map_err(read)?;
            all
        }
        None => text.to_owned(),
    };
    if text.len() > PAYLOAD_BYTES_MAX {
        let what = format!("the payload is larger than {PAYLOAD_BYTES_MAX} bytes");
        return Err(Failure::new(INPUT, what));
    }
    let payload = serde_json::from_str(&text)
        .map_err(|error| Failure::new(INPUT, format!("the payload is not JSON: {error}")))?;
    (entry.check)(&payload)
        .map_err(|error| Failure::new(INPUT, packtrain_core::fault::chain(&error)))?;
    Ok(payload)
}

async fn wait(jobs: &PgOperatorJobs, job: &NewJob) -> Result<JobRecord, Failure> {
    loop {
        match OperatorJobs::find(jobs, job.id).await? {
            Some(record) if record.state.is_final() => return Ok(record),
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

fn print(global: &Global, job: &NewJob, ended: Option<&JobRecord>) {
    if global.json {
        let document = json!({
            "id": job.id,
            "kind": &*job.kind,
            "lane": job.lane,
            "state": ended.map(|record| record.state),
            "result": ended.and_then(|record| record.result.clone()),
        });
        anstream::println!("{document}");
        return;
    }
    anstream::println!("{}", job.id);
    if let Some(record) = ended {
        let result = record
            .result
            .as_ref()
            .map(Value::to_string)
            .unwrap_or_default();
        anstream::println!("{} {result}", record.state);
    }
}
