//! What the problems of this API mean: the address that each refusal names as its type.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

use crate::problem::{Problem, SORTS};

/// Describes a sort of problem, or lists all.
#[utoipa::path(
    get, path = "/docs/problems/{code}", tag = "platform", operation_id = "describeProblem",
    security(()),
    params(("code" = String, Path, description = "The code of a problem, such as `validation`.")),
    responses((status = 200, description = "The problem in words.", body = String,
        content_type = "text/plain")),
)]
pub(crate) async fn describe(Path(code): Path<String>) -> Result<Response, Problem> {
    let sort = SORTS.iter().find(|sort| sort.code == code);
    let sort = sort.ok_or_else(Problem::not_found)?;
    let mut others: Vec<&str> = SORTS.iter().map(|sort| sort.code).collect();
    others.sort_unstable();
    let text = format!(
        "{}\n{}\n\n{}.\n{}\n\nThe answer comes with status {}. \
         Its `detail` says what happened, its `errors` name places in the body,\n\
         and the log knows it by its `request_id`.\n\nAll problems: {}.\n",
        sort.code,
        "=".repeat(sort.code.len()),
        sort.title,
        sort.advice,
        sort.status.as_u16(),
        others.join(", "),
    );
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((headers, text).into_response())
}
