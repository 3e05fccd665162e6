//! Tax reports under load: asked for at a real API, made by real workers, stored in a bucket of
//! moto; and what became of them.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use packtrain_core::ids::JobId;
use packtrain_core::ports::KeyScope;
use packtrain_tests::{free_address, plain_http};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::Connection;
use crate::counts::Counts;
use crate::oracle::array;
use crate::process::Process;
use crate::stage::{Stage, now_us};

/// Reports of one run.
const REPORTS: usize = 12;
/// Reports that have ended when S3 is broken: the others wait, are made and are stored.
const BREAK_AFTER: i64 = 2;
/// Files of a report in the usual formats.
const ARTEFACTS: i64 = 3;
/// The longest that the reports of one run may take to end: then they count as lost.
const END_WITHIN: Duration = Duration::from_secs(240);
/// moto shows the bytes of a bucket to whoever says who he is, and believes it.
const SOMEBODY: (&str, &str) = (
    "authorization",
    "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/s3/aws4_request",
);
/// Keys that S3 lists at once.
const LIST_MAX: usize = 1000;
/// The ledger. Its rows have no values, so that every report reads the list of prices as well.
const LEDGER: &str = "\
id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,value,currency
b1,2024-01-10T12:00:00Z,staking,main,,,1.5,BTC,,USD
b2,2024-02-10T12:00:00Z,staking,main,,,20,ETH,,USD
s1,2024-06-10T12:00:00Z,sell,main,0.5,BTC,35000,USD,,USD
s2,2024-07-10T12:00:00Z,sell,main,5,ETH,15000,USD,,USD
";

/// Where reports are asked for, and where they lie.
pub(crate) struct Reports {
    pub(crate) stage: Stage,
    bucket: String,
    /// The API; its end of the network to S3 is the same as that of the workers.
    url: String,
    authorization: String,
    /// The ids of ledger and prices.
    files: [String; 2],
    _processes: [Process; 3],
}

impl Reports {
    /// An API and two workers that reach the bucket of this moto by way of `endpoint`.
    pub(crate) async fn through(moto: &str, endpoint: &str) -> Self {
        let stage = Stage::new().await.with_usual_leases();
        let name = format!("t{:016x}", stage.db.ids().random());
        let settings = [
            ("PACKTRAIN_OBJECTS_STORE", "s3"),
            ("PACKTRAIN_S3_BUCKET", name.as_str()),
            ("PACKTRAIN_S3_PATH_STYLE", "true"),
            ("PACKTRAIN_AWS_ENDPOINT_URL", endpoint),
            ("PACKTRAIN_AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("PACKTRAIN_WORKER_CPU_SLOTS", "2"),
        ];
        let settings = settings.map(|(name, value)| (name, value.to_owned()));
        let stage = stage.with_settings(settings.to_vec());
        let bucket = format!("{}/{name}", moto.trim_end_matches('/'));
        let made = plain_http("PUT", &bucket, &[], "").await;
        assert_eq!(made.status(), 200, "{}", made.text());
        let address = free_address();
        let words = ["api", "--listen", &address.to_string()];
        let api = Process::start(&mut stage.command(&words, ""));
        listens(&stage, address).await;
        let workers = [
            stage.worker("cpu,io", "").await,
            stage.worker("cpu,io", "").await,
        ];
        let key = stage.db.api_key(stage.tenant, &[KeyScope::User]).await;
        let [first, second] = workers;
        let mut reports = Self {
            bucket,
            url: format!("http://{address}"),
            authorization: format!("Bearer {}", key.text().reveal()),
            files: Default::default(),
            stage,
            _processes: [api, first, second],
        };
        let ledger = reports.uploaded("ledger.csv", LEDGER.to_owned()).await;
        let prices = reports.uploaded("prices.csv", prices()).await;
        reports.files = [ledger, prices];
        reports
    }

    /// Asks for half of the reports of a run, breaks S3 when the work on them has begun, asks for
    /// the others meanwhile, so that some meet with it however fast they are made, and counts what
    /// became of them. `breaking` ends when S3 is well again.
    pub(crate) async fn run(&self, name: &str, breaking: impl AsyncFnOnce()) -> Counts {
        let before = self.ended().await;
        let mut jobs = self.asked(name, 0..REPORTS / 2).await;
        self.stage
            .until("reports are being made", async || {
                self.ended().await >= before + BREAK_AFTER
            })
            .await;
        let others = async { self.asked(name, REPORTS / 2..REPORTS).await };
        let ((), others) = tokio::join!(breaking(), others);
        jobs.extend(others);
        let well_at = now_us();
        self.judge(&jobs, well_at).await
    }

    async fn asked(&self, name: &str, numbers: Range<usize>) -> Vec<JobId> {
        let [ledger, prices] = &self.files;
        let wanted = json!({"country": "us", "years": [2024], "files": [ledger], "prices": prices});
        let mut jobs = Vec::new();
        for at in numbers.clone() {
            let key = format!("{name}-{at}");
            let headers = [("idempotency-key", key.as_str())];
            let answer = self.post("/v2/premium/reports", &headers, wanted.to_string());
            let (status, answer) = answer.await;
            assert_eq!(status, 202, "{answer}");
            let of_key = format!(
                "select job_id::text from idempotency
                  where tenant_id = '{}' and kind = 'tax.report' and key = '{key}'",
                self.stage.tenant.as_uuid()
            );
            let job = self.stage.db.texts(&of_key).await;
            jobs.extend(job.iter().map(|id| JobId::from_uuid(id.parse().unwrap())));
        }
        assert_eq!(jobs.len(), numbers.len());
        jobs
    }

    /// What became of the reports: each has succeeded, was written down with all its files, and the
    /// bucket has the bytes of every file, and nothing that nobody names.
    async fn judge(&self, jobs: &[JobId], well_at: i64) -> Counts {
        let (stage, ids) = (&self.stage, array(jobs));
        let began = Instant::now();
        while began.elapsed() < END_WITHIN && stage.unended(jobs).await > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let number = async |sql: String| stage.db.number(&sql).await.unsigned_abs();
        let unfinished = number(format!(
            "select count(*) from unnest({ids}) as i (id)
              where not exists (select from outcome o
                                 where o.id = i.id and o.state = 'succeeded')
                 or not exists (select from report r where r.id = i.id)
                 or {ARTEFACTS} <> (select count(*) from artefact a where a.report_id = i.id)"
        ))
        .await;
        let above = number(format!(
            "select coalesce(sum(attempts - 1), 0)::bigint from outcome where id = any({ids})"
        ))
        .await;
        let duplicates = number(format!(
            "select coalesce(sum(runs - 1), 0)::bigint
               from (select count(*) as runs from job_event
                      where job_id = any({ids}) and name = 'stage'
                        and data->>'name' = 'store' and data->>'state' = 'running'
                      group by job_id) r"
        ))
        .await;
        let again = stage
            .db
            .texts(&format!(
                "select ((extract(epoch from min(finished_at)) * 1e6)::bigint - {well_at})::text
                   from outcome where id = any({ids})
                    and (extract(epoch from finished_at) * 1e6)::bigint > {well_at}
                 having count(*) > 0"
            ))
            .await;
        let again = again.iter().filter_map(|us| us.parse::<u64>().ok());
        stage.db.assert_whole().await;
        Counts {
            jobs: jobs.len() as u64,
            lost: unfinished + self.bytes_missing(&ids).await + self.others(&ids).await,
            doubled: self.strangers().await,
            duplicates,
            above,
            rerun_ms: again.map(|us| us / 1_000).collect(),
        }
    }

    /// Files of these reports whose bytes are not in the bucket, or are others.
    async fn bytes_missing(&self, ids: &str) -> u64 {
        let named = format!(
            "select object_key || ' ' || sha256 from artefact where report_id = any({ids})"
        );
        let mut missing = 0;
        for line in self.stage.db.texts(&named).await {
            let (key, sha256) = line.split_once(' ').unwrap();
            let url = format!("{}/{key}", self.bucket);
            let there = plain_http("GET", &url, &[SOMEBODY], "").await;
            let found = hex::encode(Sha256::digest(&there.body));
            missing += u64::from(there.status() != 200 || found != sha256);
        }
        missing
    }

    /// Reports whose disposals are others than those of the first report: all were asked for the
    /// same, and read the same.
    async fn others(&self, ids: &str) -> u64 {
        let others = format!(
            "select count(*) from artefact
              where report_id = any({ids}) and starts_with(name, 'disposals')
                and sha256 <> (select sha256 from artefact
                                where starts_with(name, 'disposals')
                                order by report_id limit 1)"
        );
        self.stage.db.number(&others).await.unsigned_abs()
    }

    /// Objects in the bucket that are nobody's: a report that was made twice made the same bytes.
    async fn strangers(&self) -> u64 {
        let named = "select object_key from artefact union select object_key from file";
        let named = self.stage.db.texts(named).await;
        let keys = self.keys().await;
        keys.iter().filter(|key| !named.contains(key)).count() as u64
    }

    /// All keys in the bucket.
    async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let after = keys.last().cloned().unwrap_or_default();
            let list = format!("{}?list-type=2&start-after={after}", self.bucket);
            let list = plain_http("GET", &list, &[SOMEBODY], "").await;
            assert_eq!(list.status(), 200, "{}", list.text());
            let list = list.text();
            let found = list.split("<Key>").skip(1);
            let found = found.filter_map(|key| Some(key.split_once("</Key>")?.0.to_owned()));
            let before = keys.len();
            keys.extend(found);
            if keys.len() < before + LIST_MAX {
                return keys;
            }
        }
    }

    /// Reports that have ended, in all.
    async fn ended(&self) -> i64 {
        let ended = "select count(*) from outcome o join job j on j.id = o.id
                      where j.kind = 'tax.report'";
        self.stage.db.number(ended).await
    }

    /// Uploads a file and waits until it was read.
    async fn uploaded(&self, name: &str, text: String) -> String {
        let path = format!("/v2/premium/files?name={name}");
        let unread = "select count(*) from file where state <> 'imported'";
        let headers = [("content-type", "text/csv")];
        let (status, answer) = self.post(&path, &headers, text).await;
        assert_eq!(status, 201, "{answer}");
        self.stage
            .until("the file was read", async || {
                self.stage.db.number(unread).await == 0
            })
            .await;
        answer["id"].as_str().unwrap().to_owned()
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: String) -> (u16, Value) {
        let mut all = vec![("authorization", self.authorization.as_str())];
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            all.push(("content-type", "application/json"));
        }
        all.extend(headers);
        let answer = plain_http("POST", &format!("{}{path}", self.url), &all, body).await;
        let value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        (answer.status(), value)
    }
}

async fn listens(stage: &Stage, api: SocketAddr) {
    stage
        .until("the API listens", async || {
            Connection::open(api).await.is_ok()
        })
        .await;
}

/// Some years of prices, about 120 kB: long enough to come in many pieces.
fn prices() -> String {
    let first = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
    let mut text = "date,asset,currency,price\n".to_owned();
    for day in first.iter_days().take(2_000) {
        text.push_str(&format!("{day},BTC,USD,40000.25\n{day},ETH,USD,2500.75\n"));
    }
    text
}
