//! A black hole between one part and SQS: hints are swallowed, and nobody is told. Jobs are in the
//! database all the same, and each lane looks for them once a second.

use std::time::Duration;

use packtrain_tests::{FakeSqs, Network, Proxy, free_address};

use super::api::Canaries;
use super::holes::{PAUSE, REQUESTS, hole, swallow};
use super::schedulers::{self, TIMES, every_second, times};
use super::sqs;
use crate::client::Connection;
use crate::counts::{Counts, repeat, turn};
use crate::process::Process;
use crate::stage::{Stage, now_us};

/// What sends hints.
const SENDING: &str = "SendMessageBatch";

/// Requests of one run, at most, until an API sends hints again.
const REQUESTS_MAX: u64 = REQUESTS + 240;
/// The longest that the requests in a hole may take: a second for each would be longer.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(30);
/// How often a scheduler may be looked at, for as long as a hole lasts: a machine that has much to
/// do besides may give it no time for some seconds.
const LOOKS: u32 = 3;

/// SQS, and the network between it and the part that loses it.
struct Cut {
    sqs: FakeSqs,
    network: Proxy,
}

impl Cut {
    async fn new() -> Self {
        let sqs = FakeSqs::with_running_clock().await;
        let server = sqs.url().trim_start_matches("http://").parse().unwrap();
        let network = Proxy::to(server).await;
        Self { sqs, network }
    }

    /// The address at which the part finds SQS.
    fn url(&self) -> String {
        format!("http://{}", self.network.address)
    }

    /// Waits until SQS is asked to do this more often than so often, and says how long after the
    /// network was well.
    async fn again(&self, stage: &Stage, action: &str, stood: usize, well_at: i64) -> Vec<u64> {
        let what = format!("SQS is asked for {action} again");
        stage
            .until(&what, async || self.sqs.asked(action) > stood)
            .await;
        vec![u64::try_from((now_us() - well_at) / 1_000).unwrap()]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hole_between_workers_and_sqs() {
    let _turn = turn().await;
    let (stage, cut) = (sqs::stage().await, Cut::new().await);
    let _workers = sqs::workers(&stage, &cut.url()).await;
    repeat("hole_between_workers_and_sqs", async |_| {
        let asked = || cut.sqs.asked("ReceiveMessage");
        let before = asked();
        stage
            .until("both wait for hints", async || asked() >= before + 2)
            .await;
        cut.network.set(Network::Hole);
        let jobs = sqs::parents(&stage).await;
        let well_at = swallow(&cut.network).await;
        let again = cut.again(&stage, "ReceiveMessage", asked(), well_at);
        let rerun_ms = again.await;
        Counts {
            rerun_ms,
            ..sqs::judged(&stage, &jobs).await
        }
    })
    .await;
}

/// The only API loses SQS: it accepts requests as before.
#[tokio::test(flavor = "multi_thread")]
async fn hole_between_an_api_and_sqs() {
    let name = "hole_between_an_api_and_sqs";
    let _turn = turn().await;
    let (stage, cut) = (sqs::stage().await, Cut::new().await);
    let api_key = stage.operator_key().await;
    sqs::queues(&stage, cut.sqs.url()).await;
    let _worker = sqs::worker(&stage, cut.sqs.url(), "ops").await;
    let address = free_address();
    let mut command = stage.command(&["api", "--listen", &address.to_string()], "");
    sqs::over_sqs(&mut command, &cut.url());
    let _api = Process::start(&mut command);
    stage
        .until("the API listens", async || {
            Connection::open(address).await.is_ok()
        })
        .await;
    repeat(name, async |round| {
        let mut canaries = Canaries::new(&stage, format!("{name}-{round}"), REQUESTS).await;
        let requests = canaries.clone();
        let accept = async |at| {
            let request = requests.request(&api_key, at);
            let mut connection = Connection::open(address).await.unwrap();
            assert_eq!(connection.send(&request).await.unwrap(), 202);
        };
        let sent = || cut.sqs.asked(SENDING);
        let before = sent();
        accept(0).await;
        stage
            .until("the API sends hints", async || sent() > before)
            .await;
        // The network is well when all were accepted, and not before.
        let asking = async {
            for at in 1..REQUESTS {
                accept(at).await;
                tokio::time::sleep(PAUSE / 5).await;
            }
        };
        cut.network.set(Network::Hole);
        let accepting = tokio::time::timeout(ACCEPTED_WITHIN, asking);
        let (accepted, ()) = tokio::join!(accepting, tokio::time::sleep(hole()));
        assert!(accepted.is_ok(), "{name}: requests waited for SQS");
        let well_at = now_us();
        cut.network.set(Network::Well);
        // A hint that takes a connection of the time before is lost, and the next one is not.
        let (stood, mut count) = (sent(), REQUESTS);
        while sent() == stood {
            assert!(count < REQUESTS_MAX, "{name}: no hint is sent any more");
            accept(count).await;
            count += 1;
            tokio::time::sleep(PAUSE).await;
        }
        let again = now_us() - well_at;
        canaries.count = count;
        Counts {
            rerun_ms: vec![u64::try_from(again / 1_000).unwrap()],
            ..canaries.judge(&stage).await
        }
    })
    .await;
}

/// Times that were decided when they came: one that waits for SQS makes up for many at once.
async fn in_time(stage: &Stage) -> i64 {
    let sql = "select count(*) from schedule_tick t join job j on j.id = t.job_id
                where j.kind = 'ops.canary'
                  and t.decided_at < t.tick_at + interval '2 seconds'";
    stage.db.number(sql).await
}

/// The only scheduler loses SQS: it decides every second as before.
#[tokio::test(flavor = "multi_thread")]
async fn hole_between_a_scheduler_and_sqs() {
    let name = "hole_between_a_scheduler_and_sqs";
    let _turn = turn().await;
    let (stage, cut) = (Stage::new().await, Cut::new().await);
    sqs::queues(&stage, cut.sqs.url()).await;
    every_second(&stage).await;
    let mut command = stage.command(&["scheduler"], "");
    sqs::over_sqs(&mut command, &cut.url());
    let _scheduler = Process::start(&mut command);
    repeat(name, async |_| {
        let (counted, before) = (schedulers::judge(&stage).await, times(&stage).await);
        let sent = || cut.sqs.asked(SENDING);
        let sent_before = sent();
        stage
            .until("it decides and sends hints", async || {
                times(&stage).await >= before + TIMES && sent() > sent_before
            })
            .await;
        cut.network.set(Network::Hole);
        // As many as the hole had seconds, but for those at its edges.
        let (mut decided, seconds) = (0, i64::try_from(hole().as_secs()).unwrap());
        for _ in 0..LOOKS {
            let stood = in_time(&stage).await;
            tokio::time::sleep(hole()).await;
            decided = in_time(&stage).await - stood;
            if decided >= seconds - TIMES {
                break;
            }
        }
        assert!(decided >= seconds - TIMES, "{name}: {decided} of {seconds}");
        let well_at = now_us();
        cut.network.set(Network::Well);
        let rerun_ms = cut.again(&stage, SENDING, sent(), well_at).await;
        Counts {
            rerun_ms,
            ..schedulers::judge(&stage).await.since(&counted)
        }
    })
    .await;
}
