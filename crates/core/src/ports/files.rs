//! Uploaded files and the ledger rows that they became.

use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{ObjectKey, StoreError};
use crate::ids::{FileId, TenantId};
use crate::job::NewJob;
use crate::ledger::{Row, RowError};
use crate::time::Timestamp;

/// Where a file is on its way from bytes to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// Its bytes are stored; nothing was read yet.
    Uploaded,
    /// Its rows are in the ledger; some may be listed as unreadable.
    Imported,
    /// It could not be read at all; the problem says why.
    Rejected,
}

impl FileState {
    /// The word in answers and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Imported => "imported",
            Self::Rejected => "rejected",
        }
    }
}

impl FromStr for FileState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Uploaded, Self::Imported, Self::Rejected];
        all.into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(())
    }
}

/// How a file is read, where it does not say so itself: what only its owner knows of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadOptions {
    /// Zone of times that name none, by its IANA name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The account or wallet of its rows; for a file of a chain the address that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wallet: Option<String>,
    /// The coin in which a chain's fees are paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coin: Option<String>,
    /// Codes of currencies that are symbols of coins in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coins: Vec<String>,
    /// Symbols of coins that are codes of currencies in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub money: Vec<String>,
    /// Which of its columns hold what, for a file of no known source: TOML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
}

/// A file whose bytes are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its id.
    pub id: FileId,
    /// The name its owner gave it.
    pub name: String,
    /// Where the bytes are.
    pub object: ObjectKey,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// How many bytes.
    pub size_bytes: u64,
    /// What its owner said of it.
    pub read_options: ReadOptions,
}

/// A file that somebody will send, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// Its id, once it is there.
    pub file: FileId,
    /// How many bytes it will have.
    pub size_bytes: u64,
    /// Until when they may lie in the store without being a file.
    pub until: Timestamp,
}

/// A file as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// What was uploaded.
    pub file: NewFile,
    /// Where it is on its way.
    pub state: FileState,
    /// What format was detected.
    pub source: Option<String>,
    /// Rows in the file, good and bad.
    pub rows_total: u32,
    /// Rows that could not be read.
    pub rows_bad: u32,
    /// Why the file as a whole was rejected.
    pub problem: Option<String>,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When it was read.
    pub imported_at: Option<Timestamp>,
}

/// A file in a list: without what its owner said of it, which may be long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSummary {
    /// Its id.
    pub id: FileId,
    /// The name its owner gave it.
    pub name: String,
    /// Where it is on its way.
    pub state: FileState,
    /// What format was detected.
    pub source: Option<String>,
    /// How many bytes.
    pub size_bytes: u64,
    /// Rows in the file, good and bad.
    pub rows_total: u32,
    /// Rows that could not be read.
    pub rows_bad: u32,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// What reading a file gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// What format was detected.
    pub source: Option<String>,
    /// The good rows.
    pub rows: Vec<Row>,
    /// The bad ones, at most [`ROW_ERRORS_MAX`](crate::limits::ROW_ERRORS_MAX).
    pub errors: Vec<RowError>,
    /// All rows.
    pub rows_total: u32,
    /// All bad rows, also those beyond the list.
    pub rows_bad: u32,
    /// Why the file as a whole could not be read.
    pub problem: Option<String>,
}

/// A file with its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedFile {
    /// The file.
    pub record: FileRecord,
    /// Its good rows, in file order.
    pub rows: Vec<Row>,
}

/// Files of tenants. Another tenant's file does not exist.
#[async_trait]
pub trait Files: Send + Sync {
    /// Records an uploaded file and enqueues the job that imports it, in one transaction. What was
    /// promised of it is kept with that.
    async fn create(
        &self,
        tenant: TenantId,
        file: &NewFile,
        import: &NewJob,
    ) -> Result<FileRecord, StoreError>;

    /// Notes that a file will be sent to the store past this process, until it is created or the
    /// bytes that may have come are gone again; false when too much is promised already. Noting it
    /// twice notes it once.
    async fn promise(&self, tenant: TenantId, promise: &Promise) -> Result<bool, StoreError>;

    /// A file.
    async fn find(&self, tenant: TenantId, id: FileId) -> Result<Option<FileRecord>, StoreError>;

    /// Files before one, or from the newest on; newest first.
    async fn list(
        &self,
        tenant: TenantId,
        before: Option<FileId>,
        limit: u32,
    ) -> Result<Vec<FileSummary>, StoreError>;

    /// Errors of a file's rows after `line`, in order.
    async fn row_errors(
        &self,
        tenant: TenantId,
        id: FileId,
        after_line: u32,
        limit: u32,
    ) -> Result<Vec<RowError>, StoreError>;

    /// Replaces what is known of a file by what reading it gave. Doing it twice changes nothing.
    async fn record_import(
        &self,
        tenant: TenantId,
        id: FileId,
        imported: &Imported,
    ) -> Result<(), StoreError>;

    /// Files with their rows, in the order asked for; a file that does not exist is an error.
    async fn load(&self, tenant: TenantId, ids: &[FileId])
    -> Result<Vec<ImportedFile>, StoreError>;
}
