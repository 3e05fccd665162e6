//! What protocols hold of their tokens. Answers have many megabytes, a day an element: of each list
//! the newest are kept, the rest is passed over.

use std::collections::{BTreeMap, VecDeque};

use http::StatusCode;
use packtrain_core::ports::{Held, Holding};
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::figure::figure;
use super::prices::PLAIN;
use super::{Llama, lists, moment};
use crate::host::HostError;

/// Times of a list that are kept: a month and the day that is not over.
const TIMES_MAX: usize = 32;
/// Bytes of a list that are kept; where this is less than that many times, the newest.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// The lists: of amounts, and of what they are worth in dollars.
const LISTS: [&str; 2] = ["tokens", "tokensInUsd"];

#[derive(Deserialize)]
struct RawTime<'a> {
    #[serde(borrow)]
    date: &'a RawValue,
    #[serde(borrow)]
    tokens: BTreeMap<String, &'a RawValue>,
}

/// The newest elements of a list, as they stand there.
#[derive(Default)]
struct Newest {
    elements: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Newest {
    fn take(&mut self, element: &[u8]) {
        self.bytes += element.len();
        self.elements.push_back(element.to_vec());
        while self.elements.len() > TIMES_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.elements.pop_front() else {
                return;
            };
            self.bytes -= oldest.len();
        }
    }

    /// Figures by time and token; what cannot be read is left out.
    fn read(&self) -> BTreeMap<Timestamp, BTreeMap<String, Option<Quantity>>> {
        let read = self.elements.iter().filter_map(|element| {
            let raw: RawTime<'_> = serde_json::from_slice(element).ok()?;
            let tokens = raw.tokens.into_iter();
            let tokens = tokens.map(|(token, raw)| (token, figure(raw)));
            Some((moment(raw.date)?, tokens.collect()))
        });
        read.collect()
    }
}

impl Llama {
    /// What a protocol held of its tokens at the newest times, in order: those at which both the
    /// amounts and what they are worth are told. Nothing of a protocol that is not known there.
    ///
    /// # Errors
    /// [`HostError`] when the host gave nothing that can be read, or not all of it.
    pub async fn holdings(&self, slug: &str) -> Result<Vec<Holding>, HostError> {
        let path = format!("/protocol/{}", utf8_percent_encode(slug, PLAIN));
        let mut newest = [Newest::default(), Newest::default()];
        let mut take = |place: usize, element: &[u8]| newest[place].take(element);
        match lists::read(&self.api, &path, &LISTS, &mut take).await {
            Ok(_) => {}
            // It says so with either of them.
            Err(HostError::Status {
                status: StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST,
                ..
            }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
        let [amounts, worths] = newest.map(|list| list.read());
        let both = amounts.into_iter().filter_map(|(at, amounts)| {
            let worths = worths.get(&at)?;
            let mut tokens: BTreeMap<String, Held> = BTreeMap::new();
            for (token, amount) in amounts {
                tokens.entry(token).or_default().amount = amount;
            }
            for (token, usd) in worths {
                tokens.entry(token.clone()).or_default().usd = *usd;
            }
            Some(Holding { at, tokens })
        });
        Ok(both.collect())
    }
}
