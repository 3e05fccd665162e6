//! What this program brings along: two chains that go on, a market, and a few lists.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use packtrain_core::chain::Chain;
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Clock;
use serde_json::{Value, json};

use super::MoveError;
use super::asked::{Asked, Place};
use super::chain::{Calls, MovingChain};
use super::files;
use super::market::{Costs, Market};
use super::vault::{Vault, Worth};

/// Where prices are asked for.
const CURRENT: &str = "/prices/current/";
/// Where it is asked what is locked and held.
const PROTOCOLS: &str = "/protocols";
const PROTOCOL: &str = "/protocol/";
/// Where stablecoins are listed.
const STABLECOINS: &str = "/stablecoins";
/// A chain that was recorded, and what its contract answers, if it has one.
type Recorded = (Chain, &'static [u8], Option<&'static [u8]>);
/// The chains that were recorded, and what their contracts answer;
/// `crates/feeds/fixtures/README.md` says how.
pub(super) const CHAINS: [Recorded; 2] = [
    (
        Chain::Ethereum,
        include_bytes!("../../fixtures/rpc/ethereum.json"),
        None,
    ),
    (
        Chain::Base,
        include_bytes!("../../fixtures/rpc/base.json"),
        Some(include_bytes!("../../fixtures/rpc/base-oracle.json")),
    ),
];

/// All of it.
pub(super) struct Own {
    chains: Vec<(Chain, MovingChain)>,
    clock: Arc<dyn Clock>,
    market: Market,
    vault: Vault,
}

impl Own {
    pub(super) fn read(clock: Arc<dyn Clock>) -> io::Result<Self> {
        let chains = CHAINS.iter().map(|(chain, text, calls)| {
            let calls = calls.map(Calls::read).transpose();
            let moving = MovingChain::read(text).map_err(io::Error::other)?;
            Ok((*chain, moving.calling(calls.map_err(io::Error::other)?)))
        });
        Ok(Self {
            chains: chains.collect::<io::Result<_>>()?,
            clock,
            market: Market::default(),
            vault: Vault::default(),
        })
    }

    /// One node of each chain.
    pub(super) fn nodes(&self) -> Vec<(Chain, usize)> {
        self.chains.iter().map(|(chain, _)| (*chain, 1)).collect()
    }

    pub(super) fn move_price(&self, coin: &str, usd: &str) -> Result<Quantity, MoveError> {
        self.market.set(coin, usd)
    }

    /// What a coin costs now.
    pub(super) fn price(&self, coin: &str) -> Result<Costs, MoveError> {
        self.market.price(coin, self.clock.now())
    }

    pub(super) fn move_holding(
        &self,
        protocol: &str,
        token: &str,
        worth: (&str, &str),
    ) -> Result<Worth, MoveError> {
        self.vault.set(protocol, token, worth)
    }

    /// What the host that a path names answers; none where there is no such host.
    pub(super) fn said(&self, asked: &Asked) -> Option<Bytes> {
        match asked.place()? {
            Place::Node(chain, _) => {
                let (_, chain) = self.chains.iter().find(|(one, _)| *one == chain)?;
                let (calls, is_list) = asked.calls()?;
                let mut said = calls.iter().map(|call| self.one(chain, call));
                let said = match is_list {
                    true => said.collect(),
                    false => said.next()?,
                };
                Some(said.to_string().into())
            }
            Place::Host(_, _) if asked.method != Method::GET => None,
            Place::Host("llama-coins", path) => {
                let coins = path.strip_prefix(CURRENT)?;
                self.market.answer(coins, self.clock.now())
            }
            Place::Host("llama-api", PROTOCOLS) => self.vault.protocols(),
            Place::Host("llama-api", path) if path.starts_with(PROTOCOL) => self
                .vault
                .protocol(&path[PROTOCOL.len()..], self.clock.now()),
            Place::Host("llama-stablecoins", STABLECOINS) => self.market.stablecoins(),
            Place::Host(host, path) => files::answer(host, path),
        }
    }

    fn one(&self, chain: &MovingChain, call: &Value) -> Value {
        let method = call["method"].as_str().unwrap_or_default();
        let params = call["params"].as_array().map_or(&[][..], Vec::as_slice);
        let id = &call["id"];
        match chain.answer(method, params, self.clock.now()) {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err((code, message)) => json!({
                "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message },
            }),
        }
    }
}
