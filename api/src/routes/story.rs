//! The story of one row out of a finished report.

use bytes::Bytes;
use packtrain_core::ports::ArtefactRecord;
use packtrain_jobs::tax::row::{FIGURES_BYTES_MAX, Story, story};

use super::id;
use super::made::Thing;
use crate::auth::User;
use crate::problem::Problem;
use crate::{Api, Shared, finished};

/// What the figures of the tenant's finished thing say of a row.
pub(super) async fn of<T: Thing>(
    shared: &Shared,
    user: User,
    (text, row): (&str, String),
) -> Result<Story, Problem> {
    let api = &shared.api;
    let found = finished::find(api, user.tenant, T::job(&id(text)?)).await?;
    let artefacts = found.map(|made| made.artefacts).unwrap_or_default();
    let figures = json_of(api, &artefacts, "figures-").await?;
    let figures = figures.ok_or_else(Problem::not_found)?;
    let open_lots = json_of(api, &artefacts, "harvest-").await?;
    let told = tokio::task::spawn_blocking(move || story(&figures, open_lots.as_deref(), &row));
    let told = told
        .await
        .map_err(|error| Problem::internal(error.to_string()))?;
    told.ok_or_else(Problem::not_found)
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
