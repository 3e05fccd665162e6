//! Dead letters by their causes.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use packtrain_core::ports::{Cause, CausePlace};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Shared;
use crate::auth::Viewer;
use crate::body::Params;
use crate::page::{self, PageParams};
use crate::problem::Problem;

/// The name of the list of causes in its cursors.
const CAUSES: &str = "causes";
/// Where they are.
const PATH: &str = "/v2/admin/dead-letters";

/// Dead letters of one cause.
#[derive(Serialize, ToSchema)]
#[schema(as = Cause)]
pub(crate) struct CauseView {
    /// Names the cause: filter jobs and bulk changes by it.
    #[schema(example = "25f3fa8b5ada6d90")]
    cause: String,
    #[schema(example = "tax.report")]
    kind: String,
    /// Stable word of the fault.
    #[schema(example = "tax.file_rejected")]
    code: String,
    /// The newest one's message.
    message: String,
    count: u64,
    /// When the first of them died.
    first_at: DateTime<Utc>,
    /// When the last of them died.
    last_at: DateTime<Utc>,
}

/// Causes of dead letters.
#[derive(Serialize, ToSchema)]
pub(crate) struct CauseList {
    /// The most frequent first.
    items: Vec<CauseView>,
    /// The cursor of the next page; absent on the last.
    next: Option<String>,
}

impl From<Cause> for CauseView {
    fn from(cause: Cause) -> Self {
        Self {
            cause: cause.fingerprint,
            kind: cause.kind,
            code: cause.code,
            message: cause.message,
            count: cause.count,
            first_at: cause.first_at,
            last_at: cause.last_at,
        }
    }
}

/// Lists the causes of dead letters, the most frequent first.
#[utoipa::path(
    get, path = "/v2/admin/dead-letters", tag = "operation", operation_id = "listCauses",
    params(PageParams),
    responses((status = 200, description = "A page of causes.", body = CauseList,
        headers(("Link" = String, description = "The next page, if there is one."))),
    ),
)]
pub(crate) async fn causes(
    State(shared): State<Shared>,
    _: Viewer,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit()?, params.place::<CausePlace>(CAUSES)?);
    let control = &shared.api.control;
    let mut found = control.causes(after.as_ref(), limit + 1).await?;
    let next = page::cut(CAUSES, &mut found, limit, Cause::place);
    let items = found.into_iter().map(CauseView::from).collect();
    let list = CauseList { items, next };
    page::answer(PATH, &list, limit, list.next.as_deref(), &headers)
}
