//! `packtrain dev`: everything in this process, no servers to install.

use std::path::PathBuf;
use std::time::Instant;

use packtrain_core::ids::{ApiKeyId, TenantId};
use packtrain_core::job::About;
use packtrain_core::ports::{Actor, Control, Hint, KeyScope, StoreError};
use packtrain_core::secret::Secret;
use packtrain_jobs::analytics::ingest::Ingest;
use packtrain_store::{KeyMaterial, NewTenant};
use packtrain_workers::Fleet;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::args::{Dev, Global};
use crate::commands::api::listen;
use crate::database::{Database, derived, derived_bytes};
use crate::demo;
use crate::failure::{FAILED, Failure};
use crate::log;
use crate::metrics;
use crate::process::{narrate, stop_on_signal};
use crate::settings::{Settings, Store, Verification};
use crate::stack::{Running, Shown, replay};
use crate::terminal::{QUIET, STRONG};
use crate::warm;
use crate::wiring::{Parts, hints, sealing};

/// The tenant whose data the demo is.
const DEMO: TenantId =
    TenantId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_00de));

/// Runs the command.
pub(crate) async fn run(global: &Global, args: &Dev, settings: &Settings) -> Result<(), Failure> {
    let began = Instant::now();
    let telemetry = log::start(settings, true)?;
    let stop = CancellationToken::new();
    stop_on_signal(&stop)?;
    greet(global);
    let (tasks, serving) = (TaskTracker::new(), CancellationToken::new());
    let mut settings = Box::new(settings.clone());
    let stack = servers(global, args, &mut settings, (&tasks, &serving)).await?;
    let database = Database::open(&settings, narrate(global.quiet)).await?;
    database.keep(&tasks, &serving);
    at_home(&mut settings, &database);
    let settings = &*settings;
    let key = prepare(&database).await?;
    hints::check(settings).await?;
    let parts = Parts::open(settings, &database, !args.no_worker, &tasks, &serving)?;
    parts.check().await?;
    let listener = listen(&settings.api.listen).await?;
    let address = { listener.local_addr() }
        .map_err(|error| Failure::new(FAILED, format!("the API's address: {error}")))?;
    let counted = metrics::start(&parts.pools, &tasks, &serving)?;
    let router = parts.router(counted, &tasks, &serving)?;
    let served = tasks.spawn(packtrain_api::serve(listener, router.clone(), stop.clone()));
    maintain(&parts, &tasks, &serving);
    let fleet = (!args.no_worker).then(|| parts.fleet(&[])).transpose()?;
    let working = tasks.spawn(work(fleet, stop.clone()));
    come_by_itself(&parts, &tasks, &stop).await?;
    let ready = Ready {
        settings,
        address,
        key: &key,
        stack: &stack,
        ready_ms: began.elapsed().as_millis(),
    };
    ready.print(global, &database);
    let report = tokio::select! {
        report = demo::report(&router, &key, &parts, DEMO), if !args.no_worker => Some(report?),
        () = stop.cancelled() => None,
    };
    if let Some(report) = report {
        ready.finished(global, &report);
        if args.exit_when_ready {
            stop.cancel();
        }
    }
    stop.cancelled().await;
    say_stopping(global, args);
    let (worked, api) = tokio::join!(working, served);
    serving.cancel();
    tasks.close();
    tasks.wait().await;
    telemetry.close().await;
    parts.pools.close().await;
    stack.close().await;
    database.close().await;
    worked.map_err(|error| Failure::new(FAILED, format!("the worker ended: {error}")))??;
    api.map_err(std::io::Error::other)
        .and_then(|served| served)
        .map_err(|error| Failure::new(FAILED, format!("the API ended: {error}")))
}

/// Starts the servers beside the database, and lets the settings lead to them.
async fn servers(
    global: &Global,
    args: &Dev,
    settings: &mut Settings,
    (tasks, serving): (&TaskTracker, &CancellationToken),
) -> Result<Running, Failure> {
    let mut running = Running::start(&args.stack, settings, &narrate(global.quiet)).await?;
    let feeds = replay::feeds(args, settings, tasks, serving).await?;
    running.shown.extend(feeds);
    // Nothing else here shows an incident. At a port that nobody chose it cannot be led to.
    let listen = &settings.api.listen;
    if settings.notify.link.is_empty() && !listen.ends_with(":0") {
        settings.notify.link = format!("http://{listen}{}/", packtrain_api::INCIDENTS);
    }
    Ok(running)
}

/// What holds where one person works on one machine: nobody proves that he wants his own endpoints,
/// and the key under which they are sealed belongs to the database.
fn at_home(settings: &mut Settings, database: &Database) {
    let notify = &mut settings.notify;
    if notify.verification == Verification::Auto {
        notify.verification = Verification::None;
    }
    let is_given = !notify.keys.0.is_empty() || !notify.keys_file.as_os_str().is_empty();
    if let Some(seed) = database.seed.as_ref().filter(|_| !is_given) {
        let key = derived_bytes(seed.reveal(), "key of endpoints");
        notify.keys.0.push(sealing::written(key));
    }
}

/// Runs jobs until `stop`, where there is anybody who does.
async fn work(fleet: Option<Fleet>, stop: CancellationToken) -> Result<(), StoreError> {
    match fleet {
        Some(fleet) => fleet.run(stop).await,
        None => {
            stop.cancelled().await;
            Ok(())
        }
    }
}

/// Starts what comes by itself, and measures the world at once: that comes once an hour, and nobody
/// waits so long for the first figures. What was measured in this hour already stays.
async fn come_by_itself(
    parts: &Parts,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    tasks.spawn(parts.schedules(stop.clone()));
    let job = About::of::<Ingest>().job(parts.ids.job(), TenantId::SYSTEM, json!({}));
    let actor = Actor("dev".to_owned());
    parts.control().enqueue(&actor, &job, None).await?;
    parts.hints.send(Hint {
        lane: job.lane,
        about: None,
    });
    Ok(())
}

/// Says what starts here.
fn greet(global: &Global) {
    let version = env!("CARGO_PKG_VERSION");
    if !global.json {
        anstream::println!(
            "{STRONG}packtrain {version}{STRONG:#}  dev mode: everything in this process, no \
             servers needed\n"
        );
    }
}

/// Says what an end waits for.
fn say_stopping(global: &Global, args: &Dev) {
    if !global.json && !args.exit_when_ready {
        anstream::println!("\nStopping: running jobs may finish; Ctrl-C again ends at once.");
    }
}

/// Upkeep of the tables and of the pools, until `serving` ends.
fn maintain(parts: &Parts, tasks: &TaskTracker, serving: &CancellationToken) {
    let mut pools = parts.pools_of_requests();
    pools.extend(parts.pools_of_work());
    tasks.spawn(warm::keep(pools, warm::EVERY, serving.clone()));
    tasks.spawn(parts.upkeep(serving.clone()));
}

/// Schema, demo tenant, and a key for scripts that is the same at every start.
async fn prepare(database: &Database) -> Result<Secret<String>, Failure> {
    let (Some(owner), Some(seed)) = (&database.owner, &database.seed) else {
        return Err(Failure::new(
            crate::failure::USAGE,
            "dev works on its own database, but database addresses are set",
        )
        .help("unset them, or run packtrain api and packtrain worker instead"));
    };
    let demo = NewTenant {
        id: DEMO,
        name: "demo".to_owned(),
    };
    packtrain_store::create_tenant(owner, &demo).await?;
    let id = derived(seed.reveal(), "dev key id");
    let id = id
        .get(..32)
        .and_then(|hex| Uuid::try_parse(hex).ok())
        .unwrap_or_default();
    let secret = Secret::new(derived(seed.reveal(), "dev key secret"));
    let key = KeyMaterial {
        id: ApiKeyId::from_uuid(id),
        secret,
    };
    let scopes = [KeyScope::User, KeyScope::Operator];
    packtrain_store::create_api_key(owner, DEMO, "dev", &scopes, &key).await?;
    Ok(key.text())
}

/// What is said when everything runs.
struct Ready<'a> {
    settings: &'a Settings,
    address: std::net::SocketAddr,
    key: &'a Secret<String>,
    stack: &'a Running,
    ready_ms: u128,
}

impl Ready<'_> {
    fn print(&self, global: &Global, database: &Database) {
        let api = format!("http://{}", self.address);
        let data = self.settings.data.dir.display();
        let major = database
            .server
            .as_ref()
            .map_or(0, packtrain_devdb::Server::major);
        if global.json {
            let ms = u64::try_from(self.ready_ms).ok();
            let key = self.key.reveal();
            let mut ready = json!({ "type": "ready", "api": api, "key": key, "ms": ms });
            for shown in &self.stack.shown {
                ready[shown.name.to_lowercase()] = shown.value.as_str().into();
            }
            if self.settings.objects.store == Store::S3 {
                ready["bucket"] = self.settings.s3.bucket.as_str().into();
            }
            anstream::println!("{ready}");
            return;
        }
        let (ms, key) = (self.ready_ms, self.key.reveal());
        anstream::println!("  API         {api}/v2");
        anstream::println!("              {QUIET}described in {api}/v2/openapi.json{QUIET:#}");
        anstream::println!("  Key         {key}");
        anstream::println!(
            "  Database    {data}/pg/{major}   private PostgreSQL {major}, kept between runs"
        );
        match self.settings.objects.store {
            Store::Folder => anstream::println!("  Files       {data}/files   stands in for S3"),
            Store::S3 => anstream::println!("  Files       s3://{}", self.settings.s3.bucket),
        }
        for Shown { name, value, note } in &self.stack.shown {
            anstream::println!("  {name:<11} {value}   {QUIET}{note}{QUIET:#}");
        }
        anstream::println!("  Ready in    {ms} ms\n");
    }

    fn finished(&self, global: &Global, report: &demo::DemoReport) {
        let path: &PathBuf = &report.pdf;
        if global.json {
            let event = json!({
                "type": "demo", "report": report.id, "pdf": path, "key": report.key.as_str(),
            });
            anstream::println!("{event}");
            return;
        }
        let how = if report.is_new {
            format!("made in {} ms from two example ledgers", report.took_ms)
        } else {
            "made at the first start".to_owned()
        };
        anstream::println!("\n  Demo report {}   {how}", path.display());
        anstream::println!("              {QUIET}{}{QUIET:#}", report.id);
        if self.settings.objects.store == Store::S3 {
            let s3 = &self.settings.s3;
            let place = format!("s3://{}/{}{}", s3.bucket, s3.prefix, report.key);
            anstream::println!("              {QUIET}{place}{QUIET:#}");
        }
        let (address, id, key) = (self.address, &report.id, self.key.reveal());
        let program = program();
        anstream::println!(
            "\n  Try:  {program} report examples/*.csv --country us --year 2025 --out reports"
        );
        anstream::println!(
            "        curl -H 'Authorization: Bearer {key}' http://{address}/v2/premium/reports/{id}"
        );
        if let Some(price) = self
            .stack
            .shown
            .iter()
            .find(|it| it.value.contains("/prices/"))
        {
            anstream::println!("        curl -X PUT -d 2900 {}", price.value);
        }
        anstream::println!("\n  Ctrl-C stops after running jobs finish (again: stop now).\n");
    }
}

/// This program, as it was called.
fn program() -> String {
    std::env::args()
        .next()
        .unwrap_or_else(|| "packtrain".to_owned())
}
