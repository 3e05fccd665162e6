//! The database: where it is, how many connections it grants, and a private server's programs.

use std::path::PathBuf;

use packtrain_store::Limits;
use serde::Deserialize;

use super::{Address, Problem};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    pub(crate) owner_url: Address,
    pub(crate) app_url: Address,
    pub(crate) operator_url: Address,
    pub(crate) worker_url: Address,
    pub(crate) direct_url: Address,
    pub(crate) pooled: bool,
    pub(crate) connections: u32,
    pub(crate) pooler_connections: u32,
    pub(crate) api_tasks_max: u32,
    pub(crate) worker_tasks_max: u32,
    pub(crate) scheduler_tasks_max: u32,
    pub(crate) app_limit: u32,
    pub(crate) operator_limit: u32,
    pub(crate) worker_limit: u32,
}

impl Database {
    /// What would let nobody reach it.
    pub(super) fn problem(&self) -> Option<Problem> {
        let is_none = self.connections == 0;
        is_none.then(|| {
            (
                "database.connections".to_owned(),
                "0 is not 1 or more".to_owned(),
            )
        })
    }

    /// How many connections the server shall grant each role.
    pub(crate) fn limits(&self) -> Limits {
        let limit = |limit: u32| (limit > 0).then_some(limit);
        Limits {
            app: limit(self.app_limit),
            operator: limit(self.operator_limit),
            worker: limit(self.worker_limit),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pg {
    pub(crate) bin: PathBuf,
    pub(crate) system: bool,
    pub(crate) fetch: bool,
}
