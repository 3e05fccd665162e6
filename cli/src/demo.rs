//! Demo data: loaded on the first start, through the API like any user's.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use packtrain_core::fault::chain;
use packtrain_core::ids::{ReportId, TenantId};
use packtrain_core::ports::{ObjectError, ObjectKey, Reports};
use packtrain_core::secret::Secret;
use packtrain_store::PgReports;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::failure::{FAILED, Failure};
use crate::wiring::Parts;

/// The example ledgers, as a person would upload them.
const LEDGERS: [(&str, &[u8]); 2] = [
    (
        "ledger-coinharbor.csv",
        include_bytes!("../../examples/ledger-coinharbor.csv"),
    ),
    (
        "ledger-wallet.csv",
        include_bytes!("../../examples/ledger-wallet.csv"),
    ),
];
/// The report as a person reads it.
const PDF: &str = "tax-2025-us.pdf";
/// The file that names the demo report, beside its PDF.
const NOTE: &str = "report-id";
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The finished demo report.
pub(crate) struct DemoReport {
    /// Its id.
    pub(crate) id: String,
    /// Its PDF, as a file with a name that a person can open.
    pub(crate) pdf: PathBuf,
    /// Where the store has it.
    pub(crate) key: ObjectKey,
    /// Whether this start made it.
    pub(crate) is_new: bool,
    /// How long that took.
    pub(crate) took_ms: u128,
}

/// Finds the demo report of an earlier start, or makes it.
pub(crate) async fn report(
    router: &Router,
    key: &Secret<String>,
    parts: &Parts,
    tenant: TenantId,
) -> Result<DemoReport, Failure> {
    let began = Instant::now();
    let client = Client { router, key };
    let note = parts.settings.data.dir.join("demo").join(NOTE);
    let noted = fs::read_to_string(&note).unwrap_or_default();
    let known = find(parts, tenant, noted.trim()).await?;
    let is_new = known.is_none();
    let (id, key) = match known {
        Some(known) => known,
        None => {
            let made = client.make().await?;
            let lost = || Failure::new(FAILED, format!("the demo report {made} has no PDF"));
            find(parts, tenant, &made).await?.ok_or_else(lost)?
        }
    };
    let pdf = client.download(&id, parts, is_new).await?;
    fs::write(&note, &id)
        .map_err(|error| Failure::new(FAILED, format!("{}: {error}", note.display())))?;
    Ok(DemoReport {
        id,
        pdf,
        key,
        is_new,
        took_ms: began.elapsed().as_millis(),
    })
}

/// A report by its id, and where its PDF lies; none where the database or the store has not kept
/// it: an earlier start may have stood on another store, or on one that keeps nothing.
async fn find(
    parts: &Parts,
    tenant: TenantId,
    id: &str,
) -> Result<Option<(String, ObjectKey)>, Failure> {
    let Ok(id) = id.parse::<ReportId>() else {
        return Ok(None);
    };
    let reports = PgReports::new(parts.pools.app.clone());
    let Some(report) = reports.find(tenant, id).await? else {
        return Ok(None);
    };
    let mut artefacts = report.artefacts.into_iter();
    let Some(pdf) = artefacts.find(|artefact| artefact.name == PDF) else {
        return Ok(None);
    };
    match parts.store.objects.get(&pdf.stored.key).await {
        Ok(_) => Ok(Some((report.id.to_string(), pdf.stored.key))),
        Err(ObjectError::Missing { .. }) => Ok(None),
        Err(error) => Err(Failure::new(
            FAILED,
            format!("demo report: {}", chain(&error)),
        )),
    }
}

/// Speaks to this process's own API.
struct Client<'a> {
    router: &'a Router,
    key: &'a Secret<String>,
}

impl Client<'_> {
    async fn make(&self) -> Result<String, Failure> {
        let mut files = Vec::new();
        for (name, bytes) in LEDGERS {
            let request = self
                .request("POST", &format!("/v2/premium/files?name={name}"))
                .header("content-type", "text/csv")
                .header("prefer", "wait=30")
                .body(Body::from(bytes));
            let file = self.send(request).await?;
            files.push(file["id"].clone());
        }
        let body = json!({ "country": "us", "years": [2025], "files": files });
        let request = self
            .request("POST", "/v2/premium/reports")
            .header("content-type", "application/json")
            .header(
                "idempotency-key",
                format!("demo-{}", files[0].as_str().unwrap_or_default()),
            )
            .header("prefer", "wait=30")
            .body(Body::from(body.to_string()));
        let report = self.send(request).await?;
        let id = report["id"].as_str().unwrap_or_default().to_owned();
        match report["state"].as_str() {
            Some("succeeded") => Ok(id),
            state => {
                let state = state.unwrap_or("unknown");
                let what = format!("the demo report {id} is {state} after 30 s");
                Err(Failure::new(FAILED, what))
            }
        }
    }

    /// Fetches the PDF and keeps it under a name that a person can open.
    async fn download(&self, id: &str, parts: &Parts, is_new: bool) -> Result<PathBuf, Failure> {
        let name = PDF;
        let folder = parts.settings.data.dir.join("demo");
        let path = folder.join(name);
        if !is_new && path.exists() {
            return Ok(path);
        }
        let request = self
            .request(
                "GET",
                &format!("/v2/premium/reports/{id}/artifacts/{name}?redirect=false"),
            )
            .body(Body::empty());
        let bytes = self.bytes(request).await?;
        let beside = folder.join("unfinished");
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&beside, &bytes))
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(|error| Failure::new(FAILED, format!("{}: {error}", path.display())))?;
        Ok(path)
    }

    fn request(&self, method: &str, uri: &str) -> axum::http::request::Builder {
        let key = format!("Bearer {}", self.key.reveal());
        Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", key)
    }

    async fn send(&self, request: axum::http::Result<Request<Body>>) -> Result<Value, Failure> {
        let bytes = self.bytes(request).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::new(FAILED, format!("the API's answer: {error}")))
    }

    async fn bytes(
        &self,
        request: axum::http::Result<Request<Body>>,
    ) -> Result<axum::body::Bytes, Failure> {
        let failed = |what: String| Failure::new(FAILED, format!("demo data: {what}"));
        let request = request.map_err(|error| failed(error.to_string()))?;
        let answer = self
            .router
            .clone()
            .oneshot(request)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let status: StatusCode = answer.status();
        let bytes = to_bytes(answer.into_body(), ANSWER_BYTES_MAX)
            .await
            .map_err(|error| failed(error.to_string()))?;
        if status.is_success() {
            return Ok(bytes);
        }
        Err(failed(format!(
            "{status}: {}",
            String::from_utf8_lossy(&bytes)
        )))
    }
}
