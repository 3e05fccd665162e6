//! Files: upload them, see what reading them gave.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::ids::{FileId, TenantId};
use packtrain_core::job::About;
use packtrain_core::ledger::RowError;
use packtrain_core::limits::{FILE_BYTES_MAX, ROW_ERRORS_MAX};
use packtrain_core::ports::{FileRecord, FileState, FileSummary, Files, NewFile, StoreError};
use packtrain_jobs::tax::import::Import;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{id, locate, wake};
use crate::auth::User;
use crate::body::Params;
use crate::page::{self, PageParams, cursor, place};
use crate::problem::Problem;
use crate::request::Asked;
use crate::serve::Closing;
use crate::upload::{self, AboutFile};
use crate::wait::Wait;
use crate::{Shared, conditional};

/// The name of the list of row errors in its cursors.
const ERRORS: &str = "errors";

/// The name of the list of files in its cursors.
const FILES: &str = "files";
/// Where files are.
const PATH: &str = "/v2/premium/files";

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorParams {
    /// Row errors in this answer, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// An uploaded file.
#[derive(Serialize, ToSchema)]
#[schema(as = File)]
pub(crate) struct FileView {
    id: FileId,
    /// Its name, without folders.
    name: String,
    /// `uploaded` until it was read, then `imported`, or `rejected` when it cannot be read at all.
    #[schema(value_type = String, example = "imported")]
    state: &'static str,
    /// SHA-256 of its bytes.
    sha256: String,
    size_bytes: u64,
    /// The format that was detected.
    source: Option<String>,
    /// Rows in the file, good and bad.
    rows_total: u32,
    /// Rows that could not be read.
    rows_bad: u32,
    /// Why the file as a whole was rejected.
    problem: Option<String>,
    /// Zone of its times that name none, as it was said at upload.
    #[schema(example = "Europe/Berlin")]
    timezone: Option<String>,
    /// The wallet of its rows, as it was said at upload.
    wallet: Option<String>,
    /// The coin of its chain, as it was said at upload.
    #[schema(example = "ETH")]
    coin: Option<String>,
    /// Currencies' codes that are coins in it, as it was said at upload.
    coins: Vec<String>,
    /// Coins' symbols that are currencies in it, as it was said at upload.
    money: Vec<String>,
    /// Which of its columns hold what, as it was said at upload.
    mapping: Option<String>,
    created_at: DateTime<Utc>,
    imported_at: Option<DateTime<Utc>>,
    /// Rows that could not be read, in file order.
    errors: ErrorPage,
}

/// A page of files.
#[derive(Serialize, ToSchema)]
pub(crate) struct FilePage {
    /// Newest first.
    items: Vec<FileItem>,
    /// The cursor of the next page; absent on the last.
    next: Option<String>,
}

/// A file in a list; what its owner said of it and its row errors are where `href` leads.
#[derive(Serialize, ToSchema)]
#[schema(as = FileSummary)]
struct FileItem {
    id: FileId,
    /// Its name, without folders.
    name: String,
    /// `uploaded` until it was read, then `imported`, or `rejected` when it cannot be read at all.
    #[schema(value_type = String, example = "imported")]
    state: &'static str,
    /// The format that was detected.
    source: Option<String>,
    size_bytes: u64,
    /// Rows in the file, good and bad.
    rows_total: u32,
    /// Rows that could not be read.
    rows_bad: u32,
    created_at: DateTime<Utc>,
    /// Where it is.
    href: String,
}

impl From<FileSummary> for FileItem {
    fn from(file: FileSummary) -> Self {
        Self {
            href: format!("{PATH}/{}", file.id),
            id: file.id,
            name: file.name,
            state: file.state.as_str(),
            source: file.source,
            size_bytes: file.size_bytes,
            rows_total: file.rows_total,
            rows_bad: file.rows_bad,
            created_at: file.created_at,
        }
    }
}

/// A form with one file. What else it says comes before the file; what the query says goes before
/// what the form says.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body that is read as a stream")]
pub(crate) struct UploadForm {
    /// The file's name.
    name: Option<String>,
    /// Zone of times in the file that name none, by its IANA name.
    #[schema(example = "Europe/Berlin")]
    timezone: Option<String>,
    /// The wallet of its rows, where the file names none; for a file of a chain the address that
    /// it is about.
    #[schema(max_length = 200)]
    wallet: Option<String>,
    /// The coin in which a chain's fees are paid, where the file does not name it.
    #[schema(example = "ETH", max_length = 200)]
    coin: Option<String>,
    /// Currencies' codes that are the symbols of coins in the file, separated by commas.
    #[schema(example = "RON,MNT")]
    coins: Option<String>,
    /// Coins' symbols that are currencies in the file, separated by commas.
    #[schema(example = "GEL")]
    money: Option<String>,
    /// Which of its columns hold what, for a file of no known source: TOML of at most 16 KiB.
    mapping: Option<String>,
    /// The file.
    #[schema(format = Binary, content_media_type = "text/csv")]
    file: String,
}

/// A page of row errors.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct ErrorPage {
    items: Vec<RowError>,
    /// The cursor of the next page; absent on the last.
    next: Option<String>,
}

/// Uploads a file and has it read, told what its owner says of it. Bad rows are listed, the others
/// count.
#[utoipa::path(
    post, path = "/v2/premium/files", tag = "files", operation_id = "uploadFile", params(
        AboutFile,
        ("prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds, at most \
            30, until the file was read.", example = "wait=10"),
    ),
    request_body(description = "The file, as it is or in a form field named `file`.", content(
        (String = "text/csv"), (String = "application/octet-stream"),
        (UploadForm = "multipart/form-data"),
    )),
    responses((status = 201, description = "The file is stored and will be read.", body = FileView,
        headers(("Location" = String, description = "Where the file is."))),
    ),
)]
pub(crate) async fn upload(
    State(shared): State<Shared>,
    user: User,
    asked: Asked,
    wait: Wait,
    closing: Closing,
    Params(said): Params<AboutFile>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let (api, tenant) = (&shared.api, user.tenant);
    let upload = upload::open(request, said).await?;
    let stored = api
        .objects
        .put_stream(tenant, upload.bytes, FILE_BYTES_MAX)
        .await?;
    upload.rest.says_nothing().await?;
    let file = NewFile {
        id: api.ids.file(),
        name: upload.name,
        object: stored.key,
        sha256: stored.sha256,
        size_bytes: stored.size_bytes,
        read_options: upload.read_options,
    };
    let hold = Hold {
        asked,
        wait,
        closing,
    };
    keep(&shared, tenant, &file, hold, &headers).await
}

/// How the client waits for what it asked for.
pub(super) struct Hold {
    pub(super) asked: Asked,
    pub(super) wait: Wait,
    pub(super) closing: Closing,
}

/// Records a stored file, has it read, and shows it. A file that is recorded already is shown as it
/// is.
pub(super) async fn keep(
    shared: &Shared,
    tenant: TenantId,
    file: &NewFile,
    hold: Hold,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let files = &*shared.api.files;
    let payload = serde_json::to_value(Import { file: file.id })
        .map_err(|error| Problem::internal(error.to_string()))?;
    let mut job = About::of::<Import>().job(file.id.import_job(), tenant, payload);
    let enqueueing = hold.asked.enqueues(&mut job, &*shared.api.clock);
    let mut record = match files.create(tenant, file, &job).await {
        Ok(record) => {
            wake(shared, &job, enqueueing);
            record
        }
        // Perhaps because somebody else recorded the same file at this moment.
        Err(error @ StoreError::Refused { .. }) => {
            let found = files.find(tenant, file.id).await.ok().flatten();
            found.ok_or(error)?
        }
        Err(error) => return Err(error.into()),
    };
    let wait = hold.wait;
    if wait.for_end(shared, &hold.closing, tenant, job.id).await? {
        record = find(files, tenant, file.id).await?;
    }
    let view = view(files, tenant, record, None, page::limit(None)?).await?;
    let mut response = conditional::json(StatusCode::CREATED, &view, headers)?;
    locate(&mut response, &format!("{PATH}/{}", file.id));
    wait.tell(response.headers_mut());
    Ok(response)
}

/// Lists files, newest first.
#[utoipa::path(
    get, path = "/v2/premium/files", tag = "files", operation_id = "listFiles",
    params(PageParams),
    responses((status = 200, description = "A page of files.", body = FilePage,
        headers(("Link" = String, description = "The next page, if there is one."))),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    user: User,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = params.limit()?;
    let (files, before) = (&shared.api.files, params.place(FILES)?);
    let mut found = files.list(user.tenant, before, limit + 1).await?;
    let next = page::cut(FILES, &mut found, limit, |file| file.id);
    let items = found.into_iter().map(FileItem::from).collect();
    let page = FilePage { items, next };
    page::answer(PATH, &page, limit, page.next.as_deref(), &headers)
}

/// Shows a file and a page of its row errors.
#[utoipa::path(
    get, path = "/v2/premium/files/{id}", tag = "files", operation_id = "showFile",
    params(("id" = FileId, Path), ErrorParams),
    responses(
        (status = 200, description = "The file.", body = FileView,
            headers(("ETag" = String, description = "Changes with the answer."))),
        (status = 304, description = "The client has this answer already."),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    Params(params): Params<ErrorParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let files = &*shared.api.files;
    let limit = page::limit(params.limit)?;
    let after = place(ERRORS, params.cursor.as_deref())?;
    let record = find(files, user.tenant, id(&text)?).await?;
    let view = view(files, user.tenant, record, after, limit).await?;
    conditional::json(StatusCode::OK, &view, &headers)
}

async fn find(files: &dyn Files, tenant: TenantId, file: FileId) -> Result<FileRecord, Problem> {
    let found = files.find(tenant, file).await?;
    found.ok_or_else(Problem::not_found)
}

async fn view(
    files: &dyn Files,
    tenant: TenantId,
    record: FileRecord,
    after: Option<u32>,
    limit: u32,
) -> Result<FileView, Problem> {
    let errors = if record.state == FileState::Imported && record.rows_bad > 0 {
        errors(files, tenant, record.file.id, after.unwrap_or(0), limit).await?
    } else {
        ErrorPage::default()
    };
    let said = record.file.read_options;
    Ok(FileView {
        id: record.file.id,
        name: record.file.name,
        state: record.state.as_str(),
        sha256: record.file.sha256,
        size_bytes: record.file.size_bytes,
        source: record.source,
        rows_total: record.rows_total,
        rows_bad: record.rows_bad,
        problem: record.problem,
        timezone: said.timezone,
        wallet: said.wallet,
        coin: said.coin,
        coins: said.coins,
        money: said.money,
        mapping: said.mapping,
        created_at: record.created_at,
        imported_at: record.imported_at,
        errors,
    })
}

/// A page of errors. Pages end between lines, since the place in the list is a line: a line with
/// several errors is never cut, even where the page becomes longer by that.
async fn errors(
    files: &dyn Files,
    tenant: TenantId,
    file: FileId,
    after: u32,
    limit: u32,
) -> Result<ErrorPage, Problem> {
    let mut items = files.row_errors(tenant, file, after, limit + 1).await?;
    let limit = limit as usize;
    if items.len() <= limit {
        return Ok(ErrorPage { items, next: None });
    }
    let mut cut = items[..=limit].partition_point(|error| error.line < items[limit].line);
    if cut == 0 {
        let all = u32::try_from(ROW_ERRORS_MAX).unwrap_or(u32::MAX);
        items = files.row_errors(tenant, file, after, all).await?;
        cut = items.partition_point(|error| error.line == items[0].line);
    }
    let has_more = cut < items.len();
    items.truncate(cut);
    let last = items.last().filter(|_| has_more);
    let next = last.map(|error| cursor(ERRORS, error.line));
    Ok(ErrorPage { items, next })
}
