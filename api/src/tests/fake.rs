//! Ports in memory: just enough to see what the routes ask and how they tell what they got.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use packtrain_core::ids::{ApiKeyId, ClockIds, FileId, JobId, ReportId, TenantId};
use packtrain_core::job::{Deadline, Lane, NewJob, State};
use packtrain_core::ledger::RowError;
use packtrain_core::limits::PROMISED_BYTES_MAX;
use packtrain_core::ports::{
    ApiKeyRecord, ApiKeys, Cache, CacheKey, Enqueued, FileRecord, FileState, FileSummary, Files,
    Hint, HintStream, Hints, Imported, ImportedFile, JobEvent, JobEvents, JobFilter, JobQueue,
    JobRecord, JobSummary, KeyScope, Keyed, NewFile, Noted, OperatorJobs, OwnJob, OwnJobs, Promise,
    Readiness, ReportRecord, Reports, Requested, StoreError,
};
use packtrain_core::reads::Reads;
use packtrain_core::time::{Clock, SystemClock, Timestamp};
use packtrain_core::trace::TraceRules;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Api, Live, router};

mod alerts;
mod gas;
mod live;
mod series;
mod store;

/// Tenant, kind and idempotency key.
type KeyPlace = (TenantId, String, String);

/// Everything outside, in memory.
#[derive(Default)]
pub(super) struct World {
    pub(super) keys: Mutex<HashMap<ApiKeyId, ApiKeyRecord>>,
    pub(super) jobs: Mutex<BTreeMap<JobId, JobRecord>>,
    pub(super) asked: Mutex<Vec<NewJob>>,
    pub(super) keyed: Mutex<HashMap<KeyPlace, ([u8; 32], JobId)>>,
    pub(super) files: Mutex<HashMap<(TenantId, FileId), FileRecord>>,
    pub(super) promises: Mutex<HashMap<(TenantId, FileId), Promise>>,
    pub(super) row_errors: Mutex<Vec<RowError>>,
    pub(super) reports: Mutex<HashMap<(TenantId, ReportId), ReportRecord>>,
    pub(super) events: Mutex<Vec<JobEvent>>,
    pub(super) tickets: Mutex<HashMap<[u8; 32], TenantId>>,
    pub(super) cached: Mutex<HashMap<String, Bytes>>,
    pub(super) objects: Mutex<HashMap<String, Bytes>>,
    pub(super) loads: AtomicUsize,
    /// The most artefacts that were loaded at the same time.
    pub(super) loads_most: AtomicUsize,
    pub(super) hints: Mutex<Vec<Hint>>,
    pub(super) actors: Mutex<Vec<String>>,
    pub(super) links: AtomicBool,
    pub(super) is_paused: AtomicBool,
    pub(super) is_away: AtomicBool,
    pub(super) panics: AtomicBool,
}

#[async_trait]
impl Cache for World {
    async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        self.cached.lock().unwrap().get(key.as_str()).cloned()
    }

    async fn put(&self, key: &CacheKey, value: Bytes, _: Duration) {
        let mut cached = self.cached.lock().unwrap();
        cached.insert(key.as_str().to_owned(), value);
    }
}

/// Noon of a day in June, always.
pub(super) struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-06-15T12:00:00Z".parse().unwrap()
    }
}

impl World {
    pub(super) fn router(self: &Arc<Self>) -> axum::Router {
        router(Api {
            keys: self.clone(),
            jobs: self.clone(),
            operator: self.clone(),
            control: self.clone(),
            figures: self.clone(),
            backlogs: self.clone(),
            files: self.clone(),
            reports: self.clone(),
            gas: self.clone(),
            gas_buckets: self.clone(),
            gas_forecasts: self.clone(),
            series: self.clone(),
            events: self.clone(),
            alerts: crate::Alerts {
                rules: self.clone(),
                endpoints: self.clone(),
                doors: self.clone(),
                digests: self.clone(),
                needs_proof: true,
                owners: Arc::default(),
                editor: self.clone(),
            },
            live: Live::new(self.clone(), self.clone()),
            reads: Reads::new(self.clone()),
            objects: self.clone(),
            hints: self.clone(),
            ready: self.clone(),
            metrics: Arc::new(|| "counted 7\n".to_owned()),
            clock: Arc::new(Noon),
            ids: Arc::new(ClockIds::new(SystemClock)),
            traces: TraceRules::default(),
        })
    }

    /// A new key of a tenant, as its client sends it.
    pub(super) fn key(&self, tenant: TenantId, scope: KeyScope) -> String {
        let mut keys = self.keys.lock().unwrap();
        let id: ApiKeyId = format!("key_{:032x}", keys.len() + 1).parse().unwrap();
        let secret = "5e".repeat(32);
        let record = ApiKeyRecord {
            id,
            tenant,
            secret_sha256: Sha256::digest(secret.as_bytes()).into(),
            scopes: vec![scope],
        };
        keys.insert(id, record);
        format!("pt_{}_{secret}", id.as_uuid().simple())
    }

    pub(super) fn set_state(&self, id: JobId, state: State) {
        self.jobs.lock().unwrap().get_mut(&id).unwrap().state = state;
    }

    pub(super) fn end(&self, id: JobId, state: State, result: Value) {
        let mut jobs = self.jobs.lock().unwrap();
        let job = jobs.get_mut(&id).unwrap();
        (job.state, job.result) = (state, Some(result));
    }

    pub(super) fn take(&self, job: &NewJob) {
        let record = JobRecord {
            id: job.id,
            tenant: job.tenant,
            kind: job.kind.to_string(),
            lane: job.lane,
            state: State::Queued,
            attempts: 0,
            attempts_max: job.attempts_max,
            payload: job.payload.clone(),
            result: None,
            created_at: Noon.now(),
            run_at: job.run_at,
            deadline: job.deadline.and_then(Deadline::moment),
            reason: job.run_at.map(|_| "asked".to_owned()),
            started_at: None,
            finished_at: None,
            batch: None,
            gate: None,
            failures: Vec::new(),
        };
        self.jobs.lock().unwrap().insert(job.id, record);
        self.asked.lock().unwrap().push(job.clone());
    }

    fn knock(&self) -> Result<(), StoreError> {
        assert!(
            !self.panics.load(Ordering::Relaxed),
            "the secret is hunter2"
        );
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("no route to 10.0.0.7".into()));
        }
        Ok(())
    }
}

fn missing(what: &str) -> StoreError {
    let what = what.to_owned();
    StoreError::Missing { what }
}

#[async_trait]
impl ApiKeys for World {
    async fn find(&self, id: ApiKeyId) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.knock()?;
        Ok(self.keys.lock().unwrap().get(&id).cloned())
    }
}

#[async_trait]
impl JobQueue for World {
    async fn enqueue(&self, _: TenantId, _: &[NewJob]) -> Result<Enqueued, StoreError> {
        Err(missing("a use of this"))
    }

    async fn request(&self, job: &NewJob, keyed: &Keyed) -> Result<Requested, StoreError> {
        let place = (job.tenant, job.kind.to_string(), keyed.key.clone());
        let known = self.keyed.lock().unwrap().get(&place).copied();
        Ok(match known {
            Some((hash, id)) if hash == keyed.body_sha256 => Requested::Repeated(id),
            Some(_) => Requested::Conflict,
            None => {
                self.take(job);
                let entry = (keyed.body_sha256, job.id);
                self.keyed.lock().unwrap().insert(place, entry);
                Requested::Created(job.id)
            }
        })
    }

    async fn find(&self, tenant: TenantId, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        let found = self.jobs.lock().unwrap().get(&id).cloned();
        Ok(found.filter(|job| job.tenant == tenant))
    }

    async fn list(&self, tenant: TenantId, wanted: OwnJobs<'_>) -> Result<Vec<OwnJob>, StoreError> {
        let jobs = self.jobs.lock().unwrap();
        let found = jobs.values().rev().filter(|job| {
            job.tenant == tenant
                && job.kind == wanted.kind
                && wanted.before.is_none_or(|before| job.id < before)
        });
        let own = |job: &JobRecord| OwnJob {
            id: job.id,
            state: job.state,
            created_at: job.created_at,
            finished_at: job.finished_at,
            asked: job.payload.clone(),
        };
        Ok(found.take(wanted.limit as usize).map(own).collect())
    }
}

#[async_trait]
impl OperatorJobs for World {
    async fn list(&self, filter: &JobFilter) -> Result<Vec<JobSummary>, StoreError> {
        let jobs = self.jobs.lock().unwrap();
        let found = jobs.values().rev().filter(|job| {
            filter.before.is_none_or(|before| job.id < before)
                && filter.lane.is_none_or(|lane| job.lane == lane)
        });
        let found = found.take(filter.limit as usize).cloned();
        Ok(found.map(JobSummary::from).collect())
    }

    async fn ids(&self, _: &JobFilter) -> Result<Vec<JobId>, StoreError> {
        Err(missing("a use of this"))
    }

    async fn records(&self, _: &JobFilter) -> Result<Vec<JobRecord>, StoreError> {
        Err(missing("a use of this"))
    }

    async fn find(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.jobs.lock().unwrap().get(&id).cloned())
    }

    async fn has_tenant(&self, tenant: TenantId) -> Result<bool, StoreError> {
        let keys = self.keys.lock().unwrap();
        Ok(tenant == TenantId::SYSTEM || keys.values().any(|key| key.tenant == tenant))
    }
}

#[async_trait]
impl Files for World {
    async fn create(
        &self,
        tenant: TenantId,
        file: &NewFile,
        import: &NewJob,
    ) -> Result<FileRecord, StoreError> {
        if self.files.lock().unwrap().contains_key(&(tenant, file.id)) {
            return Err(StoreError::Refused {
                what: "to record a file",
                source: "there is one of this id".into(),
            });
        }
        self.take(import);
        self.promises.lock().unwrap().remove(&(tenant, file.id));
        let record = FileRecord {
            file: file.clone(),
            state: FileState::Uploaded,
            source: None,
            rows_total: 0,
            rows_bad: 0,
            problem: None,
            created_at: Noon.now(),
            imported_at: None,
        };
        self.files
            .lock()
            .unwrap()
            .insert((tenant, file.id), record.clone());
        Ok(record)
    }

    async fn promise(&self, tenant: TenantId, promise: &Promise) -> Result<bool, StoreError> {
        let mut promises = self.promises.lock().unwrap();
        let place = (tenant, promise.file);
        let others = promises
            .iter()
            .filter(|(known, _)| **known != place && known.0 == tenant);
        let bytes: u64 = others.map(|(_, promise)| promise.size_bytes).sum();
        let fits = bytes + promise.size_bytes <= PROMISED_BYTES_MAX;
        if fits {
            promises.insert(place, *promise);
        }
        Ok(fits)
    }

    async fn find(&self, tenant: TenantId, id: FileId) -> Result<Option<FileRecord>, StoreError> {
        Ok(self.files.lock().unwrap().get(&(tenant, id)).cloned())
    }

    async fn list(
        &self,
        tenant: TenantId,
        before: Option<FileId>,
        limit: u32,
    ) -> Result<Vec<FileSummary>, StoreError> {
        let files = self.files.lock().unwrap();
        let own = files.iter().filter(|((owner, _), _)| *owner == tenant);
        let mut own: Vec<_> = own.map(|(_, record)| record.clone()).collect();
        own.retain(|record| before.is_none_or(|before| record.file.id < before));
        own.sort_by_key(|record| std::cmp::Reverse(record.file.id));
        let summary = |record: FileRecord| FileSummary {
            id: record.file.id,
            name: record.file.name,
            state: record.state,
            source: record.source,
            size_bytes: record.file.size_bytes,
            rows_total: record.rows_total,
            rows_bad: record.rows_bad,
            created_at: record.created_at,
        };
        Ok(own.into_iter().take(limit as usize).map(summary).collect())
    }

    async fn row_errors(
        &self,
        _: TenantId,
        _: FileId,
        after_line: u32,
        limit: u32,
    ) -> Result<Vec<RowError>, StoreError> {
        let errors = self.row_errors.lock().unwrap();
        let found = errors.iter().filter(|error| error.line > after_line);
        Ok(found.take(limit as usize).cloned().collect())
    }

    async fn record_import(&self, _: TenantId, _: FileId, _: &Imported) -> Result<(), StoreError> {
        Err(missing("a use of this"))
    }

    async fn load(&self, _: TenantId, _: &[FileId]) -> Result<Vec<ImportedFile>, StoreError> {
        Err(missing("a use of this"))
    }
}

#[async_trait]
impl Reports for World {
    async fn find(
        &self,
        tenant: TenantId,
        id: ReportId,
    ) -> Result<Option<ReportRecord>, StoreError> {
        Ok(self.reports.lock().unwrap().get(&(tenant, id)).cloned())
    }
}

#[async_trait]
impl JobEvents for World {
    async fn append(
        &self,
        _: TenantId,
        _: JobId,
        name: &str,
        data: &Value,
    ) -> Result<Noted, StoreError> {
        let mut events = self.events.lock().unwrap();
        let seq = i64::try_from(events.len()).unwrap() + 1;
        let (name, data) = (name.to_owned(), data.clone());
        events.push(JobEvent {
            seq,
            at: Noon.now(),
            name,
            data,
        });
        Ok(Noted::Done)
    }

    async fn append_kept(&self, _: TenantId, _: JobId, _: &[Value]) -> Result<(), StoreError> {
        unreachable!("only a worker keeps back")
    }

    async fn after(
        &self,
        _: TenantId,
        _: JobId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<JobEvent>, StoreError> {
        let events = self.events.lock().unwrap();
        let found = events.iter().filter(|event| event.seq > seq);
        Ok(found.take(limit as usize).cloned().collect())
    }

    async fn newest(&self, _: TenantId, _: JobId, limit: u32) -> Result<Vec<JobEvent>, StoreError> {
        let events = self.events.lock().unwrap();
        let from = events.len().saturating_sub(limit as usize);
        Ok(events[from..].to_vec())
    }
}

#[async_trait]
impl Hints for World {
    fn send(&self, hint: Hint) {
        self.hints.lock().unwrap().push(hint);
    }

    async fn subscribe(&self, _: &[Lane]) -> HintStream {
        Box::pin(futures::stream::pending())
    }
}

#[async_trait]
impl Readiness for World {
    async fn check(&self) -> Result<(), StoreError> {
        self.knock()
    }
}
