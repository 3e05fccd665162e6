//! `packtrain bench live`: very many clients of live streams on one process of the API. How soon a
//! snapshot of gas reaches the last of them, what a client holds in memory, and that clients that
//! do not read hold nobody else.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::ports::{GasBlock, GasBlocks, GasLook, JobEvents, JobQueue};
use packtrain_store::{PgEvents, PgGas};
use serde_json::json;
use tokio::net::TcpStream;

use self::crowd::{Crowd, Pace, Receipt, Slow};
use super::canary;
use super::cost::load;
use super::ground::Ground;
use super::spread::Spread;
use super::worker::WorkerProcess;
use crate::args::{BenchLive, Global};
use crate::failure::{FAILED, Failure};
use crate::process::many_files;
use crate::table::Table;
use crate::usage::{self, Memory};

mod crowd;

/// What everybody follows.
const ALL: Chain = Chain::Ethereum;
/// Clients that do not read, and as many that do, which follow a job.
const SLOW: usize = 10;
/// Events of that job, and letters of each: more than sockets and queues take.
const EVENTS_BESIDE: usize = 1_000;
const EVENT_LETTERS: usize = 24_000;
/// The pause between two of them: what one look finds has room in a queue.
const EVENT_PAUSE: Duration = Duration::from_millis(5);
/// How long the process rests before its memory is read.
const REST: Duration = Duration::from_secs(3);
/// How long all may take to hear of one thing.
const HEARD_WITHIN: Duration = Duration::from_secs(60);
/// How often is looked whether the API is there.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What was measured.
struct Measured {
    connected_s: f64,
    before: Memory,
    after: Memory,
    all: Spread,
    /// Of each broadcast, until the last client had it.
    last: Spread,
    /// Clients that read, beside others that do not.
    beside: Spread,
    /// A broadcast to all meanwhile.
    meanwhile: Spread,
    slow: Slow,
}

/// Runs the command.
pub(crate) async fn run(global: &Global, args: &BenchLive, ground: &Ground) -> Result<(), Failure> {
    many_files();
    let address = free_address()?;
    let mut api = WorkerProcess::listening(ground, "api", &address.to_string())?;
    let pid = api.pid;
    let measured = api.meanwhile(measure(ground, args, address, pid)).await?;
    api.end().await?;
    ground.steps.finish();
    match global.json {
        true => print_json(args, &measured),
        false => print(args, &measured),
    }
    Ok(())
}

fn free_address() -> Result<SocketAddr, Failure> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0");
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_err(|error| Failure::new(FAILED, format!("no port is free: {error}")))
}

async fn measure(
    ground: &Ground,
    args: &BenchLive,
    address: SocketAddr,
    pid: u32,
) -> Result<Measured, Failure> {
    while TcpStream::connect(address).await.is_err() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    tokio::time::sleep(REST).await;
    let before = held(pid)?;
    ground.steps.begin("connect", "clients");
    let (began, all) = (Instant::now(), format!("gas:{}", ALL.id()));
    let mut crowd = Crowd::gather(ground, address, args.clients, &all).await?;
    let connected_s = began.elapsed().as_secs_f64();
    let what = format!("{connected_s:.1} s");
    ground
        .steps
        .end("connected", &format!("{} clients", args.clients), &what);
    tokio::time::sleep(REST).await;
    let after = held(pid)?;
    let mut writer = Writer::new(ground);
    let (mut all, mut last) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        let times = broadcast(&mut writer, &mut crowd).await?;
        last.push(Spread::of_ms(times.clone()).max());
        all.extend(times);
    }
    let mut beside = Beside::open(ground, address).await?;
    beside.write(EVENTS_BESIDE / 2).await?;
    let meanwhile = broadcast(&mut writer, &mut crowd).await?;
    beside.write(EVENTS_BESIDE / 2).await?;
    let (beside, slow) = beside.end().await?;
    Ok(Measured {
        connected_s,
        before,
        after,
        all: Spread::of_ms(all),
        last: Spread::of_ms(last),
        beside,
        meanwhile: Spread::of_ms(meanwhile),
        slow,
    })
}

fn held(pid: u32) -> Result<Memory, Failure> {
    usage::memory(pid).ok_or_else(|| Failure::new(FAILED, "the API is gone"))
}

/// Writes one snapshot and waits until all have it: how long each waited, in milliseconds, from
/// before the snapshot was written.
async fn broadcast(writer: &mut Writer, crowd: &mut Crowd) -> Result<Vec<f64>, Failure> {
    let began = writer.write().await?;
    let receipts = crowd.heard(crowd.count(), HEARD_WITHIN).await?;
    Ok(receipts
        .iter()
        .map(|receipt| since(began, receipt))
        .collect())
}

fn since(began: Instant, receipt: &Receipt) -> f64 {
    let waited = receipt.at.saturating_duration_since(began);
    waited.as_secs_f64() * 1e3
}

/// Writes snapshots of gas, one block after the other.
struct Writer {
    gas: PgGas,
    clock: std::sync::Arc<dyn packtrain_core::time::Clock>,
    number: u64,
}

impl Writer {
    fn new(ground: &Ground) -> Self {
        Self {
            gas: PgGas::new(ground.parts.pools.worker.clone()),
            clock: std::sync::Arc::clone(&ground.parts.clock),
            number: 0,
        }
    }

    /// Writes one; when that began.
    async fn write(&mut self) -> Result<Instant, Failure> {
        self.number += 1;
        let (number, at) = (self.number, self.clock.now());
        let hash = |number: u64| {
            let mut hash = [7; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            BlockHash(hash)
        };
        let block = GasBlock {
            number,
            hash: hash(number),
            parent: hash(number - 1),
            at,
            base_fee_wei: 1_000_000_000 + number,
            next_base_fee_wei: 1_000_000_000 + number,
            is_formula_exact: true,
            gas_used: 15_000_000,
            gas_limit: 30_000_000,
            tips_wei: Some([1, 2, 3, 4, 5]),
            blob_fee: None,
        };
        let look = GasLook {
            number,
            hash: block.hash,
            after: None,
        };
        let began = Instant::now();
        self.gas.record(ALL, &[block], &look).await?;
        Ok(began)
    }
}

/// A job that clients follow who do not read, and as many who do.
struct Beside {
    events: PgEvents,
    tenant: TenantId,
    job: JobId,
    began: Vec<Instant>,
    quick: Crowd,
    slow: Crowd,
}

impl Beside {
    async fn open(ground: &Ground, address: SocketAddr) -> Result<Self, Failure> {
        let tenant = ground.tenant("beside").await?;
        let job = canary(&*ground.parts.ids, tenant, 0);
        let id = job.id;
        ground.jobs.enqueue(tenant, &[job]).await?;
        let followed = format!("job:{id}");
        let crowd = async |pace| {
            let tenants = [tenant; SLOW].into_iter();
            Crowd::of(ground, address, tenants, &followed, pace).await
        };
        Ok(Self {
            events: PgEvents::new(ground.parts.pools.worker.clone()),
            tenant,
            job: id,
            began: Vec::new(),
            quick: crowd(Pace::Reads).await?,
            slow: crowd(Pace::Waits).await?,
        })
    }

    async fn write(&mut self, count: usize) -> Result<(), Failure> {
        let data = json!({ "said": "x".repeat(EVENT_LETTERS) });
        for _ in 0..count {
            self.began.push(Instant::now());
            let (tenant, job) = (self.tenant, self.job);
            self.events.append(tenant, job, "progress", &data).await?;
            tokio::time::sleep(EVENT_PAUSE).await;
        }
        Ok(())
    }

    /// How long those waited that read, and what became of the others.
    async fn end(mut self) -> Result<(Spread, Slow), Failure> {
        let count = SLOW * self.began.len();
        let receipts = self.quick.heard(count, HEARD_WITHIN).await?;
        let times = receipts.iter().filter_map(|receipt| {
            let place = usize::try_from(receipt.seq).ok()?.checked_sub(1)?;
            Some(since(*self.began.get(place)?, receipt))
        });
        Ok((Spread::of_ms(times), self.slow.read_at_last().await?))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for a reader, of three digits or so"
)]
fn per_client(args: &BenchLive, measured: &Measured) -> f64 {
    let grown = measured
        .after
        .pss_bytes
        .saturating_sub(measured.before.pss_bytes);
    grown as f64 / args.clients as f64
}

fn print_json(args: &BenchLive, measured: &Measured) {
    let Measured { before, after, .. } = measured;
    let document = json!({
        "clients": args.clients, "rounds": args.rounds, "connected_s": measured.connected_s,
        "pss_before_bytes": before.pss_bytes, "pss_after_bytes": after.pss_bytes,
        "pss_per_client_bytes": per_client(args, measured),
        "told": measured.all.json(), "last_told": measured.last.json(),
        "told_beside_slow": measured.beside.json(),
        "told_all_beside_slow": measured.meanwhile.json(),
        "slow": { "clients": SLOW, "resume": measured.slow.resume, "cut": measured.slow.cut,
            "told_each_most": measured.slow.told_most, "written": EVENTS_BESIDE },
        "load": load(),
    });
    anstream::println!("{document}");
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for a reader, of three digits or so"
)]
fn print(args: &BenchLive, measured: &Measured) {
    let heads = &["FROM WRITING TO", "TOLD ", "P50 MS ", "P99 MS ", "MAX MS "];
    let mut table = Table::new(heads);
    for (what, spread) in [
        ("each client", &measured.all),
        ("the last client", &measured.last),
        ("each, beside clients that do not read", &measured.meanwhile),
        (
            "10 that follow a job, beside 10 that do not read",
            &measured.beside,
        ),
    ] {
        table.row([
            what.to_owned(),
            spread.count().to_string(),
            format!("{:.1}", spread.p50()),
            format!("{:.1}", spread.p99()),
            format!("{:.1}", spread.max()),
        ]);
    }
    table.print("Nothing was measured.");
    let mb = |memory: Memory| memory.pss_bytes as f64 / 1e6;
    anstream::println!(
        "\n{} clients connected in {:.1} s, 64 at a time. The API held {:.1} MB (PSS) before and \
         {:.1} MB with them: {:.1} kB each. Of {SLOW} that did not read {} were told to resume \
         (4001) and {} cut off, after {} of {EVENTS_BESIDE} events at most. Load averages at \
         the end: {}",
        args.clients,
        measured.connected_s,
        mb(measured.before),
        mb(measured.after),
        per_client(args, measured) / 1e3,
        measured.slow.resume,
        measured.slow.cut,
        measured.slow.told_most,
        load()
    );
}
