//! What was made and changes no more: read from the database once, and from a cache after that.

use std::time::Duration;

use bytes::Bytes;
use packtrain_core::ids::{JobId, ReportId, TenantId};
use packtrain_core::job::State;
use packtrain_core::limits::EVENTS_MAX;
use packtrain_core::ports::{
    ArtefactRecord, Cacheable, Cached, JobEvent, ObjectKey, Owner, ReportRecord, Service, Stored,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Api;
use crate::problem::Problem;
use crate::stages::{StageView, Told, told};

/// A report or a comparison that is finished.
#[derive(Debug, PartialEq)]
pub(crate) struct Finished {
    /// What was done for it.
    pub(crate) told: Told,
    /// What a page shows first of it.
    pub(crate) summary: Value,
    /// Its files.
    pub(crate) artefacts: Vec<ArtefactRecord>,
}

/// What the tenant's job made; none when it made nothing, or nothing yet.
///
/// It is written with the end of its job and not touched after that, so that it may be kept.
pub(crate) async fn find(
    api: &Api,
    tenant: TenantId,
    job: JobId,
) -> Result<Option<Finished>, Problem> {
    let id = ReportId::of_job(job);
    let load = async {
        match api.reports.find(tenant, id).await? {
            Some(made) => {
                let events = events(api, tenant, job).await?;
                Ok::<_, Problem>(Some(Finished::new(made, &events)))
            }
            None => Ok(None),
        }
    };
    // In a box: callers that need no load need no room for it.
    let load = Box::pin(load);
    api.reads.through(Owner::Tenant(tenant), id, load).await
}

/// All events of a job.
pub(crate) async fn events(
    api: &Api,
    tenant: TenantId,
    job: JobId,
) -> Result<Vec<JobEvent>, Problem> {
    let all = u32::try_from(EVENTS_MAX).unwrap_or(u32::MAX);
    Ok(api.events.after(tenant, job, 0, all).await?)
}

impl Finished {
    fn new(made: ReportRecord, events: &[JobEvent]) -> Self {
        Self {
            told: told(events, State::Succeeded),
            summary: made.summary,
            artefacts: made.artefacts,
        }
    }
}

impl Cacheable for Finished {
    const CACHED: Cached = Cached {
        service: Service::Tax,
        what: "finished",
        version: 1,
        lasts: Duration::from_secs(60 * 60),
    };

    fn write(&self) -> Option<Bytes> {
        let artefacts = self.artefacts.iter().map(|artefact| KeptFile {
            name: artefact.name.clone(),
            media_type: artefact.media_type.clone(),
            key: artefact.stored.key.as_str().to_owned(),
            sha256: artefact.stored.sha256.clone(),
            size_bytes: artefact.stored.size_bytes,
        });
        let kept = Kept {
            stages: self.told.stages.clone(),
            summary: self.summary.clone(),
            artefacts: artefacts.collect(),
        };
        serde_json::to_vec(&kept).ok().map(Bytes::from)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let kept: Kept = serde_json::from_slice(bytes).ok()?;
        let artefacts = kept.artefacts.into_iter().map(|file| ArtefactRecord {
            name: file.name,
            media_type: file.media_type,
            stored: Stored {
                key: ObjectKey::from_stored(file.key),
                sha256: file.sha256,
                size_bytes: file.size_bytes,
            },
        });
        Some(Self {
            told: Told {
                stages: kept.stages,
                progress: None,
            },
            summary: kept.summary,
            artefacts: artefacts.collect(),
        })
    }
}

/// As it lies in a cache. Whoever changes it raises the version.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    stages: Vec<StageView>,
    summary: Value,
    artefacts: Vec<KeptFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptFile {
    name: String,
    media_type: String,
    key: String,
    sha256: String,
    size_bytes: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stages::StageState;

    /// What version 1 looks like. When this has to change, raise the version as well: processes of
    /// two versions share a cache while one replaces the other.
    const VERSION_1: &str = concat!(
        r#"{"stages":[{"name":"read","state":"done","ms":7}],"summary":{"disposals":3},"#,
        r#""artefacts":[{"name":"figures.json","media_type":"application/json","#,
        r#""key":"ten_1/ab/abc","sha256":"abc","size_bytes":12}]}"#,
    );

    fn finished() -> Finished {
        let stage = StageView {
            name: "read".to_owned(),
            state: StageState::Done,
            ms: Some(7),
        };
        Finished {
            told: Told {
                stages: vec![stage],
                progress: None,
            },
            summary: json!({ "disposals": 3 }),
            artefacts: vec![ArtefactRecord {
                name: "figures.json".to_owned(),
                media_type: "application/json".to_owned(),
                stored: Stored {
                    key: ObjectKey::from_stored("ten_1/ab/abc"),
                    sha256: "abc".to_owned(),
                    size_bytes: 12,
                },
            }],
        }
    }

    #[test]
    fn what_is_kept_reads_back_and_looks_as_its_version_says() {
        let bytes = finished().write().unwrap();
        assert_eq!(Finished::read(&bytes), Some(finished()));
        assert_eq!(Finished::CACHED.version, 1);
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), VERSION_1);
    }

    #[test]
    fn what_has_another_shape_is_not_read() {
        for other in [
            "",
            "{}",
            "[]",
            r#"{"stages":[],"summary":{},"artefacts":[],"more":1}"#,
        ] {
            assert_eq!(Finished::read(other.as_bytes()), None, "{other}");
        }
    }
}
