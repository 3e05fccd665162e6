//! The world outside in memory: files, objects and events; everything else is not there.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use packtrain_core::cpu::CpuPool;
use packtrain_core::ids::{ClockIds, FileId, JobId, LeaseId, ReportId, TenantId};
use packtrain_core::job::{Ctx, NewJob, Progress};
use packtrain_core::ledger::RowError;
use packtrain_core::ports::{
    ByteStream, FileRecord, FileState, FileSummary, Files, Imported, ImportedFile, JobEvent,
    JobEvents, NewFile, NoChains, NoMeasures, NoPrices, Noted, ObjectError, ObjectKey, Objects,
    Promise, ReadOptions, ReportRecord, Reports, StoreError, Stored,
};
use packtrain_core::time::{Clock, Timestamp};
use packtrain_tax::import::digest;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::nowhere::Nowhere;

/// Noon of a day in June, always.
#[derive(Clone, Copy)]
pub(crate) struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-06-15T12:00:00Z".parse().unwrap()
    }
}

/// Computes at once, on the thread that asks.
struct Here;

impl CpuPool for Here {
    fn spawn(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}

/// What the jobs of one tenant see.
#[derive(Default)]
pub(crate) struct World {
    files: Mutex<BTreeMap<FileId, ImportedFile>>,
    objects: Mutex<HashMap<String, Bytes>>,
    events: Mutex<Vec<(String, Value)>>,
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What an attempt of a job sees, and how to stop it.
    pub(crate) fn attempt(self: &Arc<Self>, job: u128) -> Ctx {
        Ctx {
            job: JobId::from_uuid(uuid::Uuid::from_u128(job)),
            lease: LeaseId::from_uuid(uuid::Uuid::from_u128(1)),
            batch: None,
            tenant: TenantId::from_uuid(uuid::Uuid::from_u128(2)),
            attempt: 1,
            asked_at: Noon.now(),
            clock: Arc::new(Noon),
            ids: Arc::new(ClockIds::new(Noon)),
            cancel: CancellationToken::new(),
            cpu: Arc::new(Here),
            progress: Arc::new(Progress::default()),
            world: Arc::new(packtrain_core::ports::World {
                files: self.clone(),
                reports: self.clone(),
                objects: self.clone(),
                events: self.clone(),
                checkpoints: Arc::new(Nowhere),
                housekeeping: Arc::new(Nowhere),
                jobs: Arc::new(Nowhere),
                control: Arc::new(Nowhere),
                chains: Arc::new(NoChains),
                owners: Arc::default(),
                gas: Arc::new(Nowhere),
                gas_buckets: Arc::new(Nowhere),
                gas_forecasts: Arc::new(Nowhere),
                prices: Arc::new(NoPrices),
                coins: Arc::new(Nowhere),
                chain_events: Arc::new(Nowhere),
                measures: Arc::new(NoMeasures),
                series: Arc::new(Nowhere),
                warmth: Vec::new(),
                platform: Arc::new(Nowhere),
                watch: Arc::new(Nowhere),
                endpoints: Arc::new(Nowhere),
                digests: Arc::new(Nowhere),
                channels: Vec::new(),
                wording: Arc::new(Nowhere),
            }),
        }
    }

    /// Uploads a file that nobody has read yet.
    pub(crate) async fn upload(&self, name: &str, text: &'static str) -> FileId {
        self.upload_as(name, text, ReadOptions::default()).await
    }

    /// Uploads a file with what its owner says of it.
    pub(crate) async fn upload_as(
        &self,
        name: &str,
        text: &'static str,
        read_options: ReadOptions,
    ) -> FileId {
        let mut file = NewFile {
            id: FileId::from_uuid(uuid::Uuid::nil()),
            name: name.to_owned(),
            object: ObjectKey::from_stored(""),
            sha256: digest(text.as_bytes()),
            size_bytes: text.len() as u64,
            read_options,
        };
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(2));
        file.object = self.put(tenant, text.into()).await.unwrap().key;
        let mut files = self.files.lock().unwrap();
        file.id = FileId::from_uuid(uuid::Uuid::from_u128(100 + files.len() as u128));
        let id = file.id;
        let record = FileRecord {
            file,
            state: FileState::Uploaded,
            source: None,
            rows_total: 0,
            rows_bad: 0,
            problem: None,
            created_at: Noon.now(),
            imported_at: None,
        };
        let rows = Vec::new();
        files.insert(id, ImportedFile { record, rows });
        id
    }

    /// A file with its rows.
    pub(crate) fn file(&self, id: FileId) -> ImportedFile {
        self.files.lock().unwrap()[&id].clone()
    }

    /// The bytes of an artefact.
    pub(crate) fn bytes(&self, stored: &Stored) -> Bytes {
        self.objects.lock().unwrap()[stored.key.as_str()].clone()
    }

    /// The stages that were entered, in order.
    pub(crate) fn stages(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        let entered = events.iter().filter(|(_, data)| data["state"] == "running");
        entered
            .map(|(_, data)| data["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl World {
    /// How much work a stage that is over had.
    pub(crate) fn total_of(&self, stage: &str) -> Option<u64> {
        let events = self.events.lock().unwrap();
        let over = |data: &Value| data["name"] == stage && data["state"] == "done";
        let found = events.iter().find(|(_, data)| over(data));
        found?.1["total"].as_u64()
    }
}

fn missing(what: &str) -> StoreError {
    let what = what.to_owned();
    StoreError::Missing { what }
}

#[async_trait]
impl Files for World {
    async fn create(&self, _: TenantId, _: &NewFile, _: &NewJob) -> Result<FileRecord, StoreError> {
        Err(missing("a use of this"))
    }

    async fn promise(&self, _: TenantId, _: &Promise) -> Result<bool, StoreError> {
        Err(missing("a use of this"))
    }

    async fn find(&self, _: TenantId, id: FileId) -> Result<Option<FileRecord>, StoreError> {
        let files = self.files.lock().unwrap();
        Ok(files.get(&id).map(|file| file.record.clone()))
    }

    async fn list(
        &self,
        _: TenantId,
        _: Option<FileId>,
        _: u32,
    ) -> Result<Vec<FileSummary>, StoreError> {
        Err(missing("a use of this"))
    }

    async fn row_errors(
        &self,
        _: TenantId,
        _: FileId,
        _: u32,
        _: u32,
    ) -> Result<Vec<RowError>, StoreError> {
        Err(missing("a use of this"))
    }

    async fn record_import(
        &self,
        _: TenantId,
        id: FileId,
        imported: &Imported,
    ) -> Result<(), StoreError> {
        let mut files = self.files.lock().unwrap();
        let file = files.get_mut(&id).ok_or_else(|| missing("the file"))?;
        file.record.state = match imported.problem {
            Some(_) => FileState::Rejected,
            None => FileState::Imported,
        };
        file.record.source = imported.source.clone();
        file.record.rows_total = imported.rows_total;
        file.record.rows_bad = imported.rows_bad;
        file.record.problem = imported.problem.clone();
        file.rows = imported.rows.clone();
        Ok(())
    }

    async fn load(&self, _: TenantId, ids: &[FileId]) -> Result<Vec<ImportedFile>, StoreError> {
        let files = self.files.lock().unwrap();
        let found = ids.iter().map(|id| files.get(id).cloned());
        found
            .map(|file| file.ok_or_else(|| missing("the file")))
            .collect()
    }
}

#[async_trait]
impl Objects for World {
    async fn put_stream(
        &self,
        _: TenantId,
        _: ByteStream,
        bytes_max: u64,
    ) -> Result<Stored, ObjectError> {
        Err(ObjectError::TooLarge { bytes_max })
    }

    async fn put(&self, tenant: TenantId, bytes: Bytes) -> Result<Stored, ObjectError> {
        let sha256 = digest(&bytes);
        let key = ObjectKey::of_content(tenant, &sha256);
        let size_bytes = bytes.len() as u64;
        let mut objects = self.objects.lock().unwrap();
        objects.insert(key.as_str().to_owned(), bytes);
        Ok(Stored {
            key,
            sha256,
            size_bytes,
        })
    }

    async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        let found = self.objects.lock().unwrap().get(key.as_str()).cloned();
        found.ok_or_else(|| ObjectError::Missing { key: key.clone() })
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
        events.push((name.to_owned(), data.clone()));
        Ok(Noted::Done)
    }

    async fn append_kept(&self, _: TenantId, _: JobId, _: &[Value]) -> Result<(), StoreError> {
        Err(missing("a use of this"))
    }

    async fn after(
        &self,
        _: TenantId,
        _: JobId,
        _: i64,
        _: u32,
    ) -> Result<Vec<JobEvent>, StoreError> {
        Err(missing("a use of this"))
    }

    async fn newest(&self, _: TenantId, _: JobId, _: u32) -> Result<Vec<JobEvent>, StoreError> {
        Err(missing("a use of this"))
    }
}

#[async_trait]
impl Reports for World {
    async fn find(&self, _: TenantId, _: ReportId) -> Result<Option<ReportRecord>, StoreError> {
        Err(missing("a use of this"))
    }
}
