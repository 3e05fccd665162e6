//! Traces over processes: a request at the API, the wait in the database, the run in a worker, and
//! the collector that is told of them.

use std::process::Stdio;
use std::time::{Duration, Instant};

use packtrain_core::ports::KeyScope;
use packtrain_core::time::{Clock, SystemClock};
use packtrain_tests::{
    Collector, Manner, Message, Nobody, Told, Yard, free_address, plain_http, until,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::binary::{addresses, folder, process, worker};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
/// What the collector of a test is shown instead of nothing.
const HEADERS: &str = "x-vendor-key=hush";

const HOUR_NS: u64 = 3_600_000_000_000;

/// The parts of a fleet, on one database.
struct Fleet {
    yard: Yard,
    address: String,
    key: String,
}

impl Fleet {
    async fn new() -> Self {
        let yard = Yard::door(folder(&[])).await;
        let tenant = yard.database.tenant("ada").await;
        let key = yard.database.api_key(tenant, &[KeyScope::Operator]).await;
        Self {
            address: free_address().to_string(),
            key: key.text().reveal().clone(),
            yard,
        }
    }

    /// A part that tells this address of its spans.
    fn part(&self, mut command: Command, collector: &str) -> Command {
        command
            .env("PACKTRAIN_TELEMETRY_OTLP_URL", collector)
            .env("PACKTRAIN_TELEMETRY_OTLP_HEADERS", HEADERS);
        command
    }

    async fn api(&self, collector: &str, set: &[(&str, &str)]) -> Child {
        let words = ["api", "--quiet", "--listen", &self.address];
        let mut command = self.part(process(self.yard.folder(), &words), collector);
        command.env("PACKTRAIN_DATA_DIR", self.yard.folder());
        command.envs(addresses(&self.yard.database));
        let child = command.envs(set.iter().copied()).spawn().unwrap();
        until("the API listens", async || {
            TcpStream::connect(&self.address).await.is_ok()
        })
        .await;
        child
    }

    fn worker(&self, collector: &str) -> Command {
        self.part(worker(&self.yard), collector)
    }

    /// Asks for a canary; the answer names the job.
    async fn enqueue(&self, hold_ms: u32, headers: &[(&str, &str)]) -> Message {
        let bearer = format!("Bearer {}", self.key);
        let mut all = vec![
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        all.extend(headers);
        let url = format!("http://{}/v2/admin/jobs", self.address);
        let body = json!({ "kind": "ops.canary", "payload": { "hold_ms": hold_ms } });
        let answer = plain_http("POST", &url, &all, body.to_string()).await;
        assert_eq!(answer.status(), 202, "{}", answer.text());
        answer
    }

    async fn until_ended(&self, jobs: i64) {
        until("the jobs have ended", async || {
            self.yard
                .database
                .number("select count(*) from outcome")
                .await
                >= jobs
        })
        .await;
    }
}

fn id_of(answer: &Message) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    body["id"].as_str().unwrap().to_owned()
}

/// Told to end, it ends well.
async fn end(mut child: Child) -> Child {
    let id = child.id().expect("the process runs");
    kill_process(Pid::from_raw(id.cast_signed()).unwrap(), Signal::TERM).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    child
}

fn named<'a>(spans: &'a [Told], name: &str) -> Vec<&'a Told> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn only<'a>(spans: &'a [Told], name: &str) -> &'a Told {
    let [span] = named(spans, name)[..] else {
        panic!("{name} among {spans:#?}");
    };
    span
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_request_over_the_wait_to_the_run() {
    let collector = Collector::start(Manner::Takes).await;
    let fleet = Fleet::new().await;
    let api = fleet.api(&collector.url(), &[]).await;
    let caller = format!("00-{TRACE}-{CALLER}-01");
    let job = id_of(&fleet.enqueue(20, &[("traceparent", &caller)]).await);
    // For an hour there was no worker.
    let back = "update ready set since = since - interval '1 hour'";
    assert_eq!(fleet.yard.database.run(back).await, 1);
    let worker = fleet.worker(&collector.url()).spawn().unwrap();
    fleet.until_ended(1).await;
    // What ends well has told everything.
    end(worker).await;
    end(api).await;
    let spans = collector.of_trace(TRACE);
    assert_eq!(spans.len(), 4, "{spans:#?}");
    let request = only(&spans, "POST /v2/admin/jobs");
    let enqueue = only(&spans, "enqueue ops.canary");
    let wait = only(&spans, "wait ops.canary");
    let run = only(&spans, "run ops.canary");
    assert_eq!((&*request.parent, request.kind), (CALLER, 2));
    assert_eq!((&enqueue.parent, enqueue.kind), (&request.span, 4));
    assert_eq!((&wait.parent, wait.kind), (&enqueue.span, 1));
    assert_eq!((&run.parent, run.kind), (&enqueue.span, 5));
    // All clocks are this machine's. The wait is the database's and its end the worker's, who reads
    // its clock after the answer: both ends are late by the time that the answer took, however long
    // that is, and what lies between them is not.
    assert!(request.start <= enqueue.start && enqueue.end <= request.end);
    assert!(wait.end - wait.start >= HOUR_NS && enqueue.start <= wait.start + HOUR_NS);
    assert!(wait.end <= run.start && run.end - run.start >= 20_000_000);
    for (key, value) in [
        ("job.id", &*job),
        ("job.kind", "ops.canary"),
        ("job.lane", "ops"),
        ("job.attempt", "1"),
        ("job.outcome", "succeeded"),
        ("messaging.operation.type", "process"),
    ] {
        assert_eq!(run.attributes[key], value, "{key}");
    }
    assert_eq!(request.attributes["http.response.status_code"], "202");
    assert!(
        spans
            .iter()
            .all(|span| !span.is_error && span.service == "packtrain")
    );
    for (path, headers, body) in collector.requests() {
        assert_eq!(path, "/v1/traces");
        assert_eq!(headers["x-vendor-key"], "hush");
        let body = String::from_utf8_lossy(&body);
        for secret in [&*fleet.key, "hold_ms", "hush", "postgres://", "ten_"] {
            assert!(!body.contains(secret), "{secret}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_run_again_has_all_its_runs_in_one_trace_under_a_bad_header_too() {
    let collector = Collector::start(Manner::Takes).await;
    let fleet = Fleet::new().await;
    let _api = fleet.api(&collector.url(), &[]).await;
    let bad = format!("00-{TRACE}-{CALLER}-zz");
    // It goes on for longer than a job that is told to stop is waited for, however late it is told.
    let answer = fleet.enqueue(10_000, &[("traceparent", &bad)]).await;
    let trace = answer.header("x-request-id").replace("req_", "");
    let mut first = fleet.worker(&collector.url());
    let first = first.env("PACKTRAIN_WORKER_DRAIN_S", "0").spawn().unwrap();
    until("the canary runs", async || {
        fleet
            .yard
            .database
            .number("select count(*) from lease where started <> 0")
            .await
            > 0
    })
    .await;
    end(first).await;
    let briefly = "update job set payload = payload || '{\"hold_ms\": 0}'";
    fleet.yard.database.run(briefly).await;
    let second = fleet.worker(&collector.url()).spawn().unwrap();
    fleet.until_ended(1).await;
    end(second).await;
    assert!(collector.of_trace(TRACE).is_empty());
    until("all is told", async || {
        collector.of_trace(&trace).len() == 6
    })
    .await;
    let spans = collector.of_trace(&trace);
    let enqueue = only(&spans, "enqueue ops.canary");
    let runs = named(&spans, "run ops.canary");
    let outcomes: Vec<&str> = runs
        .iter()
        .map(|run| &*run.attributes["job.outcome"])
        .collect();
    assert_eq!(outcomes, ["released", "succeeded"]);
    assert_ne!(runs[0].span, runs[1].span);
    assert!(runs.iter().all(|run| run.parent == enqueue.span));
    let waits = named(&spans, "wait ops.canary");
    assert_eq!(waits.len(), 2);
    assert!(
        waits[1].start >= runs[0].start,
        "the second wait is after the first run"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn x_ray_ids_begin_with_the_time_and_its_header_is_read() {
    let collector = Collector::start(Manner::Takes).await;
    let fleet = Fleet::new().await;
    let began = SystemClock.now().timestamp();
    let api = fleet
        .api(&collector.url(), &[("PACKTRAIN_TELEMETRY_IDS", "xray")])
        .await;
    fleet.enqueue(0, &[]).await;
    let root = "5759e988bd862e3fe1be46a994272793";
    let header = format!(
        "Root=1-{}-{};Parent={CALLER};Sampled=1",
        &root[..8],
        &root[8..]
    );
    fleet.enqueue(0, &[("x-amzn-trace-id", &header)]).await;
    let unsampled = "Root=1-5759e988-000000000000000000000001;Parent=53995c3f42cd8ad8;Sampled=0";
    fleet.enqueue(0, &[("x-amzn-trace-id", unsampled)]).await;
    end(api).await;
    let ended = SystemClock.now().timestamp();
    let spans = collector.spans();
    assert_eq!(spans.len(), 4, "two requests are recorded: {spans:#?}");
    let (called, own): (Vec<Told>, Vec<Told>) =
        spans.into_iter().partition(|span| span.trace == root);
    assert_eq!(only(&called, "POST /v2/admin/jobs").parent, CALLER);
    let begun = only(&own, "POST /v2/admin/jobs");
    let at = i64::from_str_radix(&begun.trace[..8], 16).unwrap();
    assert!((began..=ended).contains(&at), "{}", begun.trace);
    assert_eq!(only(&own, "enqueue ops.canary").trace, begun.trace);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_of_a_schedule_begins_a_trace_that_its_run_and_what_follows_are_in() {
    let collector = Collector::start(Manner::Takes).await;
    let fleet = Fleet::new().await;
    let scheduler = || {
        let mut command = process(fleet.yard.folder(), &["scheduler", "--quiet"]);
        command.envs(addresses(&fleet.yard.database));
        fleet.part(command, &collector.url()).spawn().unwrap()
    };
    // Both try; one decides.
    let schedulers = [scheduler(), scheduler()];
    let database = &fleet.yard.database;
    until("the schedules are there", async || {
        database
            .number("select count(*) from schedule where kind = 'ops.keep_warm'")
            .await
            > 0
    })
    .await;
    database
        .run(
            "update schedule set cron = '* * * * * *', edited_at = now(), version = 2
              where kind = 'ops.keep_warm'",
        )
        .await;
    let _worker = fleet.worker(&collector.url()).spawn().unwrap();
    // Keeping warm enqueues a canary; both run.
    let is_whole = |canary: &Told, all: &[Told]| {
        let path = [
            "enqueue ops.canary",
            "run ops.keep_warm",
            "enqueue ops.keep_warm",
        ];
        let mut below = canary.clone();
        for name in path {
            let mut above = named(all, name).into_iter();
            let Some(above) = above.find(|above| above.span == below.parent) else {
                return false;
            };
            assert_eq!(above.trace, canary.trace);
            below = above.clone();
        }
        below.parent.is_empty()
    };
    until("a canary is told with all that led to it", async || {
        let all = collector.spans();
        named(&all, "run ops.canary")
            .iter()
            .any(|run| is_whole(run, &all))
    })
    .await;
    for scheduler in schedulers {
        end(scheduler).await;
    }
    let all = collector.spans();
    let begun = named(&all, "enqueue ops.keep_warm");
    let traces: std::collections::HashSet<_> = begun.iter().map(|span| &span.trace).collect();
    assert_eq!(traces.len(), begun.len(), "each time is told once");
}

/// A worker that shows its counters at this address, and what it says to its log.
fn counting(fleet: &Fleet, collector: &str, metrics: &str) -> Child {
    let mut worker = fleet.worker(collector);
    worker
        .env("PACKTRAIN_METRICS_LISTEN", metrics)
        .env("PACKTRAIN_LOG_FILTER", "warn")
        .stderr(Stdio::piped());
    worker.spawn().unwrap()
}

async fn until_shown(metrics: &str, line: &str) {
    until(line, async || {
        let url = format!("http://{metrics}/metrics");
        let shown = plain_http("GET", &url, &[], "").await.text();
        shown.lines().any(|shown| shown == line)
    })
    .await;
}

async fn said(child: &mut Child) -> String {
    let mut said = String::new();
    let log = child.stderr.as_mut().unwrap();
    log.read_to_string(&mut said).await.unwrap();
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_or_silent_or_refuses_slows_nothing() {
    let silent = Collector::start(Manner::Silent).await;
    let refusing = Collector::start(Manner::Refuses(400)).await;
    let nobody = Nobody::hold();
    let away = format!("http://{}", nobody.address);
    let metrics = free_address().to_string();
    let fleet = Fleet::new().await;
    let api = fleet.api(&silent.url(), &[]).await;
    for _ in 0..20 {
        fleet.enqueue(0, &[]).await;
    }
    let worker = counting(&fleet, &away, &metrics);
    fleet.until_ended(20).await;
    // A wait and a run for each.
    let lost = "packtrain_spans_dropped_total{reason=\"unreachable\"} 40";
    until_shown(&metrics, lost).await;
    let mut worker = end(worker).await;
    let said_of_away = said(&mut worker).await;
    let told = said_of_away.matches("spans of traces were dropped").count();
    assert_eq!(told, 1, "{said_of_away}");
    fleet.enqueue(0, &[]).await;
    let worker = counting(&fleet, &refusing.url(), &metrics);
    fleet.until_ended(21).await;
    until_shown(
        &metrics,
        "packtrain_spans_dropped_total{reason=\"refused\"} 2",
    )
    .await;
    let mut worker = end(worker).await;
    let said_of_refusal = said(&mut worker).await;
    assert!(
        said_of_refusal.contains("the collector answered 400"),
        "{said_of_refusal}"
    );
    // Its wait and its run may be told one after the other.
    let bodies: Vec<_> = refusing.requests().into_iter().map(|it| it.2).collect();
    let once = bodies
        .iter()
        .collect::<std::collections::HashSet<_>>()
        .len();
    assert!(once > 0 && once <= 2, "{once}");
    assert_eq!(once, bodies.len(), "what is refused is not sent again");
    let ending = Instant::now();
    end(api).await;
    // The silent one is waited for as long as the last spans may take, 3 s, and no longer.
    assert!(
        ending.elapsed() < Duration::from_secs(15),
        "{:?}",
        ending.elapsed()
    );
    assert!(!silent.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_the_json_log_names_the_trace_and_the_span() {
    let collector = Collector::start(Manner::Takes).await;
    let fleet = Fleet::new().await;
    let api = fleet.api(&collector.url(), &[]).await;
    fleet.enqueue(0, &[]).await;
    let mut command = fleet.worker(&collector.url());
    command
        .env("PACKTRAIN_LOG_FORMAT", "json")
        .env("PACKTRAIN_LOG_FILTER", "info")
        .stderr(Stdio::piped());
    let worker = command.spawn().unwrap();
    fleet.until_ended(1).await;
    let mut worker = end(worker).await;
    end(api).await;
    let said = said(&mut worker).await;
    let lines = said
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let of = |message: &str| {
        let found = lines
            .iter()
            .find(|line| line["fields"]["message"] == message);
        found.unwrap_or_else(|| panic!("{message} in {said}"))
    };
    let finished = of("job finished");
    let spans = collector.spans();
    let run = only(&spans, "run ops.canary");
    assert_eq!(finished["trace_id"], json!(run.trace));
    assert_eq!(finished["span_id"], json!(run.span));
    assert!(
        !said.contains("job.wait"),
        "spans for a collector alone are not logged"
    );
    let mut outside = lines.iter().filter(|line| line["span"].is_null());
    assert!(outside.all(|line| line.get("trace_id").is_none()), "{said}");
}
