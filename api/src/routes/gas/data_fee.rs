//! What a transaction pays for its bytes, on chains that write them down on another one.

use chrono::{DateTime, Utc};
use packtrain_core::chain::Chain;
use packtrain_core::ports::{DataFeeSeen, DataPrices, ReferenceFee};
use packtrain_jobs::gas::data_fee::Oracle;
use packtrain_jobs::gas::data_fee::reference::Reference;
use packtrain_jobs::gas::rules;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a fee is made by the OP Stack, and where that is said.
const FJORD: &str = "max(100000000, 836500 * (bytes after FastLZ + 68) - 42585600) * (16 * \
    base_fee_scalar * l1_base_fee_wei + blob_base_fee_scalar * blob_base_fee_wei) / 10^12";
const FJORD_SOURCE: &str = "https://specs.optimism.io/protocol/fjord/exec-engine.html";
/// How it is made by Arbitrum.
const ARBITRUM: &str = "bytes after Brotli * byte_wei; shown are all bytes, none compressed";
const ARBITRUM_SOURCE: &str = "https://docs.arbitrum.io/build-decentralized-apps/precompiles/\
    reference#arbgasinfo";

/// What the figure of a data fee is.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DataBasisView {
    /// What the chain says that these very bytes pay.
    Exact,
    /// At the chain's price of a byte, no more than that.
    Bound,
}

/// What a known transaction pays besides for gas, in wei.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct KnownFeeView {
    /// `transfer` of a token, or a `swap`: `docs/gas.md` has their bytes.
    #[schema(example = "transfer")]
    name: String,
    /// Its bytes, with a signature of 68.
    bytes: u64,
    /// The gas by which the operator's fee is counted.
    gas: u64,
    /// For its bytes.
    #[schema(example = "752376600")]
    data_fee_wei: String,
    /// To the operator of the chain; null where there is no such fee.
    operator_fee_wei: Option<String>,
}

/// The prices of which a data fee is made; those of the other kind of chain are left out.
#[derive(Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct DataPricesView {
    /// What gas costs at least on the chain below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    l1_base_fee_wei: Option<String>,
    /// What a unit of blob gas costs there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blob_base_fee_wei: Option<String>,
    /// In millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base_fee_scalar: Option<u64>,
    /// In millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blob_base_fee_scalar: Option<u64>,
    /// What a byte costs after it was compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    byte_wei: Option<String>,
}

/// What transactions pay for their bytes besides for gas.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct DataFeeView {
    /// The block at which the chain was asked.
    block: u64,
    /// When that was made, as it says itself.
    at: DateTime<Utc>,
    basis: DataBasisView,
    transactions: Vec<KnownFeeView>,
    prices: DataPricesView,
    /// How the fee of another transaction is made of the prices.
    formula: String,
    /// Who says so.
    source: String,
    /// Whether the formula gives what the chain says.
    is_formula_exact: bool,
}

impl DataFeeView {
    pub(crate) fn of(chain: Chain, seen: &DataFeeSeen) -> Self {
        let fee = &seen.fee;
        let (basis, formula, source) = match fee.prices {
            DataPrices::OpStack { .. } => (DataBasisView::Exact, FJORD, FJORD_SOURCE),
            DataPrices::Arbitrum { .. } => (DataBasisView::Bound, ARBITRUM, ARBITRUM_SOURCE),
        };
        Self {
            block: seen.number,
            at: seen.at,
            basis,
            transactions: vec![
                KnownFeeView::of(&Reference::TRANSFER, chain, fee.transfer),
                KnownFeeView::of(&Reference::SWAP, chain, fee.swap),
            ],
            prices: DataPricesView::of(fee.prices),
            formula: formula.to_owned(),
            source: source.to_owned(),
            is_formula_exact: fee.is_formula_exact,
        }
    }
}

impl KnownFeeView {
    fn of(known: &Reference, chain: Chain, fee: ReferenceFee) -> Self {
        Self {
            name: known.name.to_owned(),
            bytes: known.signed_bytes(chain),
            gas: known.gas,
            data_fee_wei: fee.data_wei.to_string(),
            operator_fee_wei: fee.operator_wei.map(|wei| wei.to_string()),
        }
    }
}

impl DataPricesView {
    fn of(prices: DataPrices) -> Self {
        match prices {
            DataPrices::OpStack {
                l1_base_fee_wei,
                blob_base_fee_wei,
                base_fee_scalar,
                blob_base_fee_scalar,
            } => Self {
                l1_base_fee_wei: Some(l1_base_fee_wei.to_string()),
                blob_base_fee_wei: Some(blob_base_fee_wei.to_string()),
                base_fee_scalar: Some(base_fee_scalar),
                blob_base_fee_scalar: Some(blob_base_fee_scalar),
                byte_wei: None,
            },
            DataPrices::Arbitrum { byte_wei } => Self {
                byte_wei: Some(byte_wei.to_string()),
                ..Self::default()
            },
        }
    }
}

/// Why there is no fee to show.
pub(crate) fn missing(chain: Chain) -> String {
    match rules::of(chain).data_fee {
        None => format!("Transactions of {chain} pay for gas alone."),
        Some(oracle) => {
            let who = match oracle {
                Oracle::OpStack => "GasPriceOracle",
                Oracle::Arbitrum => "ArbGasInfo",
            };
            format!("{who} of {chain} did not answer at any of the last blocks.")
        }
    }
}
