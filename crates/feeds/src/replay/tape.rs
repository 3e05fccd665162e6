//! Answers in a folder: what a file is called, and in which order the answers to one question lie
//! there.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use packtrain_core::chain::Chain;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::fs;
use tokio::sync::Mutex;
use tracing::warn;

use crate::rpc::hex_of;

/// Answers of a folder, at most, and their bytes.
const FILES_MAX: usize = 20_000;
const BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Letters of a question that stand in the name of a file, for whoever looks at them.
const SLUG_LETTERS_MAX: usize = 40;
/// Hexadecimal digits of its hash beside them: they tell questions apart.
const HASH_DIGITS: usize = 16;

/// The question that answers belong to, as the beginning of a file's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name(String);

impl Name {
    /// Of what a host answers to a path. The order of what a query says does not matter.
    pub(super) fn of_path(host: &str, path: &str, query: Option<&str>) -> Self {
        let mut parts: Vec<&str> = query.into_iter().flat_map(|text| text.split('&')).collect();
        parts.sort_unstable();
        Self::new(host, &format!("{path}?{}", parts.join("&")))
    }

    /// Of what a node of a chain answers to a call.
    pub(super) fn of_call(chain: Chain, call: &Value) -> Self {
        let method = call["method"].as_str().unwrap_or_default();
        let question = format!("{method} {}", call["params"]);
        Self::new(&node_folder(chain), &question)
    }

    fn new(folder: &str, question: &str) -> Self {
        let digest = hex_of(&Sha256::digest(question));
        let hash = digest.get(2..2 + HASH_DIGITS).unwrap_or_default();
        let plain = question.chars().map(|letter| match letter {
            letter if letter.is_ascii_alphanumeric() => letter,
            _ => '-',
        });
        let slug: String = plain.take(SLUG_LETTERS_MAX).collect();
        Self(format!("{folder}/{}-{hash}", slug.trim_matches('-')))
    }

    /// The file of its answer of this turn.
    pub(super) fn file(&self, folder: &Path, turn: u32) -> PathBuf {
        folder.join(format!("{}.{turn}.json", self.0))
    }
}

/// The folder of a chain's nodes.
pub(super) fn node_folder(chain: Chain) -> String {
    format!("rpc/{chain}")
}

/// A folder that is filled.
pub(super) struct Tape {
    folder: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    files: usize,
    bytes: u64,
    is_full: bool,
    /// How many answers each question has, and the hash of the last.
    last: HashMap<Name, (u32, Vec<u8>)>,
}

impl Tape {
    /// One that is empty: answers of two recordings do not mix.
    pub(super) fn begin(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        if std::fs::read_dir(folder)?.next().is_some() {
            let what = "the folder is not empty: record into a new one";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        }
        Ok(Self {
            folder: folder.to_owned(),
            kept: Mutex::default(),
        })
    }

    /// Writes an answer down, unless it is the same as the last one to this question, or the
    /// folder is full.
    pub(super) async fn keep(&self, name: &Name, answer: &str) -> io::Result<()> {
        let mut kept = self.kept.lock().await;
        let digest = Sha256::digest(answer).to_vec();
        let last = kept.last.get(name);
        if last.is_some_and(|(_, last)| *last == digest) {
            return Ok(());
        }
        let (turn, bytes) = (last.map_or(0, |(turn, _)| turn + 1), answer.len() as u64);
        if kept.files >= FILES_MAX || kept.bytes + bytes > BYTES_MAX {
            if !std::mem::replace(&mut kept.is_full, true) {
                warn!("the record is full: nothing more is written down");
            }
            return Ok(());
        }
        let file = name.file(&self.folder, turn);
        if let Some(above) = file.parent() {
            fs::create_dir_all(above).await?;
        }
        // Whoever reads the folder meanwhile sees whole answers.
        let part = file.with_extension("part");
        fs::write(&part, answer).await?;
        fs::rename(&part, &file).await?;
        kept.files += 1;
        kept.bytes += bytes;
        kept.last.insert(name.clone(), (turn, digest));
        Ok(())
    }
}
