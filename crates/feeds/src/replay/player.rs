//! A folder into which somebody recorded, played back: each question has its answers in the order
//! in which they came, and keeps the last.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, StatusCode};
use packtrain_core::chain::Chain;
use serde_json::{Value, json};
use tokio::fs;

use super::asked::{Asked, HOSTS, Place, Refused};
use super::tape::{Name, node_folder};

/// What JSON-RPC says of what is not there.
const NO_METHOD: i64 = -32_601;

/// A folder that is played.
pub(super) struct Player {
    folder: PathBuf,
    chains: Vec<Chain>,
    /// Which answer comes next.
    turns: Mutex<HashMap<Name, u32>>,
}

impl Player {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let has = |name: &str| folder.join(name).is_dir();
        let chains: Vec<Chain> = Chain::ALL
            .into_iter()
            .filter(|chain| has(&node_folder(*chain)))
            .collect();
        if chains.is_empty() && !HOSTS.into_iter().any(has) {
            let what = "nothing was recorded there";
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        Ok(Self {
            folder: folder.to_owned(),
            chains,
            turns: Mutex::default(),
        })
    }

    /// One node of each chain.
    pub(super) fn nodes(&self) -> Vec<(Chain, usize)> {
        self.chains.iter().map(|chain| (*chain, 1)).collect()
    }

    pub(super) async fn said(&self, asked: &Asked) -> Result<Bytes, Refused> {
        let found = match asked.place() {
            Some(Place::Node(chain, _)) => self.calls(chain, asked).await,
            Some(Place::Host(host, path)) if asked.method == Method::GET => {
                let name = Name::of_path(host, path, asked.query.as_deref());
                self.next(&name).await
            }
            _ => None,
        };
        found.ok_or(StatusCode::NOT_FOUND.into())
    }

    async fn calls(&self, chain: Chain, asked: &Asked) -> Option<Bytes> {
        let (calls, is_list) = asked.calls()?;
        let mut said = Vec::with_capacity(calls.len());
        for call in &calls {
            said.push(self.one(chain, call).await);
        }
        let said = match is_list {
            true => Value::Array(said),
            false => said.pop()?,
        };
        Some(said.to_string().into())
    }

    async fn one(&self, chain: Chain, call: &Value) -> Value {
        let text = self.next(&Name::of_call(chain, call)).await;
        let known = text.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let missing = || {
            let message = "this was not recorded";
            json!({ "error": { "code": NO_METHOD, "message": message } })
        };
        let mut said = known.filter(Value::is_object).unwrap_or_else(missing);
        said["jsonrpc"] = "2.0".into();
        said["id"] = call["id"].clone();
        said
    }

    async fn next(&self, name: &Name) -> Option<Bytes> {
        let turn = self.turns().get(name).copied().unwrap_or_default();
        if let Ok(text) = fs::read(name.file(&self.folder, turn)).await {
            self.turns().insert(name.clone(), turn + 1);
            return Some(text.into());
        }
        let last = turn.checked_sub(1)?;
        let text = fs::read(name.file(&self.folder, last)).await;
        text.ok().map(Bytes::from)
    }

    fn turns(&self) -> std::sync::MutexGuard<'_, HashMap<Name, u32>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
