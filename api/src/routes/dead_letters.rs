//! Dead letters by their causes.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::limits::PAGE_MAX;
use packtrain_core::ports::Cause;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Operator;
use crate::problem::Problem;
use crate::{Shared, conditional};

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
    responses((status = 200, description = "The 200 most frequent causes.", body = CauseList)),
)]
pub(crate) async fn causes(
    State(shared): State<Shared>,
    _: Operator,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let causes = shared.api.control.causes(PAGE_MAX).await?;
    let items = causes.into_iter().map(CauseView::from).collect();
    conditional::json(StatusCode::OK, &CauseList { items }, &headers)
}
