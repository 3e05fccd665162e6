//! The story of one row out of a finished report.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use packtrain_core::ports::ArtefactRecord;
use packtrain_jobs::tax::row::{FIGURES_BYTES_MAX, Story, story};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::id;
use super::made::Thing;
use crate::auth::User;
use crate::problem::{BUSY, Problem, REQUEST_MALFORMED};
use crate::{Api, Shared, finished};

/// Stories that are told at the same time: each has up to two files of [`FIGURES_BYTES_MAX`] in
/// memory.
pub(crate) const STORIES_MAX: usize = 4;
/// How long a request waits for its turn. It has a place among all requests meanwhile, so it is not
/// long.
const TURN_TIME_MAX: Duration = Duration::from_secs(2);
/// The longest id of a row, in characters, as the description of the route has it.
const ROW_CHARS_MAX: usize = 300;

/// What the figures of the tenant's finished thing say of a row.
pub(super) async fn of<T: Thing>(
    shared: &Shared,
    user: User,
    (text, row): (&str, String),
) -> Result<Story, Problem> {
    if row.chars().count() > ROW_CHARS_MAX {
        let said = format!("The id of a row has at most {ROW_CHARS_MAX} characters.");
        return Err(Problem::said(&REQUEST_MALFORMED, said));
    }
    let api = &shared.api;
    let found = finished::find(api, user.tenant, T::job(&id(text)?)).await?;
    let artefacts = found.map(|made| made.artefacts).unwrap_or_default();
    let turn = turn(&shared.stories).await?;
    let figures = json_of(api, &artefacts, "figures-").await?;
    let figures = figures.ok_or_else(Problem::not_found)?;
    let open_lots = json_of(api, &artefacts, "harvest-").await?;
    let told = tokio::task::spawn_blocking(move || {
        // A request that is given up leaves this work behind, and the files with it.
        let _turn = turn;
        story(&figures, open_lots.as_deref(), &row)
    });
    let told = told
        .await
        .map_err(|error| Problem::internal(error.to_string()))?;
    told.ok_or_else(Problem::not_found)
}

/// A place among the stories that are told; those that find none in time may try again.
async fn turn(stories: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    let turn = timeout(TURN_TIME_MAX, Arc::clone(stories).acquire_owned()).await;
    turn.ok()
        .and_then(Result::ok)
        .ok_or_else(|| Problem::of(&BUSY))
}

/// The bytes of the JSON file whose name begins so, where there is one that is not too large.
async fn json_of(
    api: &Api,
    artefacts: &[ArtefactRecord],
    name: &str,
) -> Result<Option<Bytes>, Problem> {
    let is_it = |made: &&ArtefactRecord| {
        made.name.starts_with(name)
            && made.media_type == "application/json"
            && made.stored.size_bytes <= FIGURES_BYTES_MAX
    };
    match artefacts.iter().find(is_it) {
        Some(made) => Ok(Some(api.objects.get(&made.stored.key).await?)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_so_many_stories_are_told_at_once_and_the_next_one_waits_a_moment() {
        let stories = Arc::new(Semaphore::new(STORIES_MAX));
        let mut told = Vec::new();
        for _ in 0..STORIES_MAX {
            told.push(turn(&stories).await.unwrap());
        }
        let began = tokio::time::Instant::now();
        let response = turn(&stories).await.unwrap_err().into_response();
        assert_eq!(began.elapsed(), TURN_TIME_MAX);
        assert_eq!(response.status(), http::StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[http::header::RETRY_AFTER], "1");
        let next = turn(&stories);
        let end = async {
            tokio::time::sleep(TURN_TIME_MAX / 2).await;
            drop(told.pop());
        };
        assert!(tokio::join!(next, end).0.is_ok());
    }
}
