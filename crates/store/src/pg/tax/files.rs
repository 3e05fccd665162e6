//! Uploaded files and what reading them gave.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use packtrain_core::ids::{FileId, TenantId};
use packtrain_core::job::NewJob;
use packtrain_core::ledger::RowError;
use packtrain_core::limits::{PROMISED_BYTES_MAX, PROMISES_OPEN_MAX};
use packtrain_core::ports::{
    FileRecord, FileState, FileSummary, Files, Imported, ImportedFile, NewFile, ObjectKey, Promise,
    StoreError,
};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{number, refused, unreadable};
use crate::gate::{TenantGate, commit};
use crate::pg::jobs::enqueue::enqueue;
use crate::pg::jobs::fair::FairKeys;
use crate::pg::tax::ledger;
use crate::pool::Pool;

/// Rows of one insert statement.
const INSERT_ROWS: usize = 5_000;

/// Files over the pool of `packtrain_app` (to upload and read) or `packtrain_worker` (to import).
#[derive(Clone)]
pub struct PgFiles {
    gate: TenantGate,
    fair: FairKeys,
}

impl PgFiles {
    /// Works over a pool.
    pub fn new(pool: Pool) -> Self {
        Self {
            fair: FairKeys::new(pool.clone()),
            gate: TenantGate::new(pool),
        }
    }
}

#[async_trait]
impl Files for PgFiles {
    async fn create(
        &self,
        tenant: TenantId,
        file: &NewFile,
        import: &NewJob,
    ) -> Result<FileRecord, StoreError> {
        let options = serde_json::to_value(&file.read_options)
            .map_err(|error| unreadable("file.read_options", error))?;
        let keys = self.fair.of(std::slice::from_ref(import)).await?;
        let mut tx = self.gate.begin(tenant).await?;
        sqlx::query!(
            r#"
            insert into file (id, tenant_id, name, object_key, sha256, size_bytes, read_options)
            values ($1, $2, $3, $4, $5, $6, $7)
            "#,
            file.id.as_uuid(),
            tenant.as_uuid(),
            file.name,
            file.object.as_str(),
            file.sha256,
            number::<i64, _>("file.size_bytes", file.size_bytes)?,
            options,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to record a file"))?;
        sqlx::query!("delete from promise where id = $1", file.id.as_uuid())
            .execute(&mut *tx)
            .await
            .map_err(refused("to keep a promise"))?;
        enqueue(&mut tx, std::slice::from_ref(import), &keys).await?;
        let record = find(&mut tx, file.id).await?;
        commit(tx, "to record a file").await?;
        record.ok_or_else(|| missing(file.id))
    }

    async fn promise(&self, tenant: TenantId, promise: &Promise) -> Result<bool, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        // One at a time for each tenant: two at once would not count each other.
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended($1, 0))",
            format!("packtrain.promise:{tenant}"),
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(refused("to promise a file"))?;
        sqlx::query!(
            "delete from promise where tenant_id = $1 and expires_at < now_utc()",
            tenant.as_uuid(),
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to promise a file"))?;
        sqlx::query!(
            r#"
            insert into promise (id, tenant_id, size_bytes, expires_at)
            select $1::uuid, $2::uuid, $3::bigint, $4::timestamptz
             where not exists (select from file f where f.id = $1)
            on conflict (id) do update
               set expires_at = greatest(promise.expires_at, excluded.expires_at)
            "#,
            promise.file.as_uuid(),
            tenant.as_uuid(),
            number::<i64, _>("promise.size_bytes", promise.size_bytes)?,
            promise.until,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to promise a file"))?;
        let open = sqlx::query!(
            r#"
            select count(*) as "files!",
                   coalesce(sum(size_bytes), 0)::bigint as "bytes!"
              from promise
             where tenant_id = $1
            "#,
            tenant.as_uuid(),
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(refused("to promise a file"))?;
        let fits = open.files <= i64::from(PROMISES_OPEN_MAX)
            && open.bytes.unsigned_abs() <= PROMISED_BYTES_MAX;
        if fits {
            commit(tx, "to promise a file").await?;
        }
        Ok(fits)
    }

    async fn find(&self, tenant: TenantId, id: FileId) -> Result<Option<FileRecord>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        find(&mut tx, id).await
    }

    async fn list(
        &self,
        tenant: TenantId,
        before: Option<FileId>,
        limit: u32,
    ) -> Result<Vec<FileSummary>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let rows = sqlx::query!(
            r#"
            select id, name, state, source, size_bytes, rows_total, rows_bad, created_at
              from file
             where tenant_id = $1
               and id < $2
             order by id desc
             limit $3
            "#,
            tenant.as_uuid(),
            before.map_or(Uuid::max(), |before| before.as_uuid()),
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(refused("to list files"))?;
        rows.into_iter()
            .map(|row| {
                Ok(FileSummary {
                    id: FileId::from_uuid(row.id),
                    name: row.name,
                    state: (row.state)
                        .parse()
                        .map_err(|()| unreadable("file.state", &row.state))?,
                    source: row.source,
                    size_bytes: number("file.size_bytes", row.size_bytes)?,
                    rows_total: number("file.rows_total", row.rows_total)?,
                    rows_bad: number("file.rows_bad", row.rows_bad)?,
                    created_at: row.created_at,
                })
            })
            .collect()
    }

    async fn row_errors(
        &self,
        tenant: TenantId,
        id: FileId,
        after_line: u32,
        limit: u32,
    ) -> Result<Vec<RowError>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let rows = sqlx::query_scalar!(
            r#"
            select error
              from row_error
             where file_id = $1
               and line > $2
             order by line, place
             limit $3
            "#,
            id.as_uuid(),
            i32::try_from(after_line).unwrap_or(i32::MAX),
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(refused("to read a file's errors"))?;
        rows.into_iter()
            .map(|row| {
                serde_json::from_value(row).map_err(|error| unreadable("row_error.error", error))
            })
            .collect()
    }

    async fn record_import(
        &self,
        tenant: TenantId,
        id: FileId,
        imported: &Imported,
    ) -> Result<(), StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        clear(&mut tx, id).await?;
        for rows in imported.rows.chunks(INSERT_ROWS) {
            ledger::insert(&mut tx, tenant, id, rows).await?;
        }
        insert_errors(&mut tx, tenant, id, &imported.errors).await?;
        let state = if imported.problem.is_some() {
            FileState::Rejected
        } else {
            FileState::Imported
        };
        let updated = sqlx::query!(
            r#"
            update file
               set state = $2, source = $3, rows_total = $4, rows_bad = $5, problem = $6,
                   imported_at = now_utc()
             where id = $1
            "#,
            id.as_uuid(),
            state.as_str(),
            imported.source,
            number::<i32, _>("file.rows_total", imported.rows_total)?,
            number::<i32, _>("file.rows_bad", imported.rows_bad)?,
            imported.problem,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to record an import"))?;
        if updated.rows_affected() != 1 {
            return Err(missing(id));
        }
        commit(tx, "to record an import").await
    }

    async fn load(
        &self,
        tenant: TenantId,
        ids: &[FileId],
    ) -> Result<Vec<ImportedFile>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let mut files = Vec::with_capacity(ids.len());
        for id in ids {
            let record = find(&mut tx, *id).await?.ok_or_else(|| missing(*id))?;
            let rows = ledger::load(&mut tx, *id).await?;
            files.push(ImportedFile { record, rows });
        }
        Ok(files)
    }
}

fn missing(id: FileId) -> StoreError {
    StoreError::Missing {
        what: format!("file {id}"),
    }
}

async fn clear(connection: &mut PgConnection, id: FileId) -> Result<(), StoreError> {
    sqlx::query!("delete from ledger_row where file_id = $1", id.as_uuid())
        .execute(&mut *connection)
        .await
        .map_err(refused("to replace a file's rows"))?;
    sqlx::query!("delete from row_error where file_id = $1", id.as_uuid())
        .execute(connection)
        .await
        .map_err(refused("to replace a file's errors"))?;
    Ok(())
}

async fn insert_errors(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: FileId,
    errors: &[RowError],
) -> Result<(), StoreError> {
    let lines: Vec<i32> = errors
        .iter()
        .map(|error| i32::try_from(error.line).unwrap_or(i32::MAX))
        .collect();
    let texts = errors
        .iter()
        .map(|error| serde_json::to_value(error).map_err(|e| unreadable("row_error.error", e)))
        .collect::<Result<Vec<Value>, _>>()?;
    sqlx::query!(
        r#"
        insert into row_error (file_id, line, place, tenant_id, error)
        select $1, e.line, e.place, $2, e.error
          from unnest($3::integer[], $4::jsonb[]) with ordinality as e (line, error, place)
        "#,
        id.as_uuid(),
        tenant.as_uuid(),
        &lines,
        &texts,
    )
    .execute(connection)
    .await
    .map_err(refused("to record a file's errors"))?;
    Ok(())
}

async fn find(connection: &mut PgConnection, id: FileId) -> Result<Option<FileRecord>, StoreError> {
    let row = sqlx::query_as!(
        Found,
        r#"
        select id, name, object_key, sha256, size_bytes, state, source, rows_total, rows_bad,
               problem, created_at, imported_at, read_options
          from file
         where id = $1
        "#,
        id.as_uuid(),
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to read a file"))?;
    row.map(Found::record).transpose()
}

struct Found {
    id: Uuid,
    name: String,
    object_key: String,
    sha256: String,
    size_bytes: i64,
    state: String,
    source: Option<String>,
    rows_total: i32,
    rows_bad: i32,
    problem: Option<String>,
    created_at: DateTime<Utc>,
    imported_at: Option<DateTime<Utc>>,
    read_options: Value,
}

impl Found {
    fn record(self) -> Result<FileRecord, StoreError> {
        let file = NewFile {
            id: FileId::from_uuid(self.id),
            name: self.name,
            object: ObjectKey::from_stored(self.object_key),
            sha256: self.sha256,
            size_bytes: number("file.size_bytes", self.size_bytes)?,
            read_options: serde_json::from_value(self.read_options)
                .map_err(|error| unreadable("file.read_options", error))?,
        };
        Ok(FileRecord {
            file,
            state: self
                .state
                .parse()
                .map_err(|()| unreadable("file.state", &self.state))?,
            source: self.source,
            rows_total: number("file.rows_total", self.rows_total)?,
            rows_bad: number("file.rows_bad", self.rows_bad)?,
            problem: self.problem,
            created_at: self.created_at,
            imported_at: self.imported_at,
        })
    }
}
