//! What gas costs on a chain, and what to offer for it; everybody may ask. What it cost and will
//! cost is for those who have a key.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use packtrain_core::chain::Chain;
use packtrain_core::ports::{
    BlobFee, Cacheable, Cached, DataFeeSeen, GasBlock, GasHead, Owner, Service, Tips,
};
use packtrain_core::time::Timestamp;
use packtrain_jobs::gas::offer::{self, Basis, Offer};
use packtrain_jobs::gas::{rules, snapshot, tips};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::data_fee::DataFeeView;

use crate::problem::{GAS_UNSEEN, Problem};
use crate::{Api, Shared, conditional};

mod data_fee;
pub(crate) mod forecast;
pub(crate) mod heatmap;
pub(crate) mod history;

/// How long an answer serves everyone: new blocks come no sooner, and strangers cost no more.
const FRESH_FOR: Duration = Duration::from_secs(2);
/// After so many snapshots that did not come the answer says that it is old.
const STALE_AFTER: u32 = 4;

/// A chain.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct ChainView {
    name: Chain,
    /// By EIP-155.
    #[schema(example = 1)]
    id: u64,
}

/// The newest block that was seen.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct BlockView {
    number: u64,
    hash: String,
    /// When it was made, as it says itself.
    at: DateTime<Utc>,
    /// What each unit of its gas cost at least, in wei.
    #[schema(example = "412345678")]
    base_fee_wei: String,
    gas_used: u64,
    gas_limit: u64,
    /// The part of its gas that was used, in percent.
    gas_used_percent: u64,
}

/// What a unit of blob gas costs, in wei.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct BlobFeeView {
    /// In the newest block.
    now_wei: String,
    /// In the next one, exactly.
    next_wei: String,
}

/// Tips of recent blocks: for each percentile of a block's gas the median over the blocks.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct TipsView {
    p10_wei: String,
    p25_wei: String,
    p50_wei: String,
    p75_wei: String,
    p90_wei: String,
    /// Blocks that count: those of the last that have transactions, 20 at most.
    blocks: usize,
}

/// Why an offer is enough.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BasisView {
    /// The base fee cannot rise above it by the rules of the chain; of the tip no rule says what
    /// is enough.
    Bound,
    /// So it was in recent windows of this many blocks.
    Observed,
}

/// What to offer for a transaction that is sent now.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct OfferView {
    /// To be taken within so many blocks.
    within_blocks: u32,
    /// How long they take.
    within_seconds: f64,
    basis: BasisView,
    /// In this part of recent windows one block at least would have taken it; null for a bound.
    probability_percent: Option<u8>,
    /// The windows, each of which begins a block after the other; null for a bound.
    samples: Option<usize>,
    /// The base fee that it bears.
    base_fee_wei: String,
    /// `maxPriorityFeePerGas`.
    tip_wei: String,
    /// `maxFeePerGas`.
    max_fee_wei: String,
}

/// What gas costs. Wei are integers as decimal strings.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = Gas)]
pub(crate) struct GasView {
    chain: ChainView,
    block: BlockView,
    /// What each unit of the next block's gas costs at least.
    next_base_fee_wei: String,
    /// Whether the formula that is known of the chain gives that too; without it no bounds are
    /// given.
    is_formula_exact: bool,
    /// Null on a chain without blobs.
    blob_fee: Option<BlobFeeView>,
    /// What transactions pay for their bytes besides; null where they pay nothing, and where the
    /// chain does not say what.
    data_fee: Option<DataFeeView>,
    /// Which of the two it is; null beside a data fee.
    no_data_fee: Option<String>,
    /// Null when no recent block has transactions.
    tips: Option<TipsView>,
    /// By horizon, and how sure.
    offers: Vec<OfferView>,
    /// When the chain was asked and this was its newest block.
    as_of: DateTime<Utc>,
    /// When it is asked again.
    next_update: DateTime<Utc>,
    /// Whether several updates did not come.
    is_stale: bool,
}

/// What is kept of a chain, as it is seen for a moment by all who ask.
#[derive(Serialize, Deserialize)]
struct Seen(GasView);

impl Cacheable for Seen {
    const CACHED: Cached = Cached {
        service: Service::Gas,
        what: "now",
        version: 2,
        lasts: FRESH_FOR,
    };

    fn write(&self) -> Option<Bytes> {
        serde_json::to_vec(self).ok().map(Bytes::from)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Shows what gas costs on a chain: the newest block, the next base fee, tips, blobs, and what to
/// offer.
#[utoipa::path(
    get, path = "/v2/public/gas/{chain}", tag = "gas", operation_id = "readGas", security(()),
    params(
        ("chain" = String, Path, description = "The chain by its name or its id, such as \
            `ethereum` or `1`."),
        ("if-none-match" = Option<String>, Header, description = "The tag of an answer that is \
            there already."),
    ),
    responses(
        (status = 200, description = "What gas costs.", body = GasView,
            headers(("ETag" = String, description = "Changes with the answer."))),
        (status = 304, description = "The same as before."),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (api, chain) = (&shared.api, super::id::<Chain>(&text)?);
    let load = async { view(api, chain).await.map(|view| view.map(Seen)) };
    let seen = api.reads.through(Owner::Everyone, chain, load).await?;
    let Some(Seen(view)) = seen else {
        let said = format!("No block of {chain} was seen yet; it may not be configured here.");
        return Err(Problem::said(&GAS_UNSEEN, said));
    };
    let fresh = (view.next_update - api.clock.now()).to_std();
    conditional::public(&view, &headers, fresh.unwrap_or_default())
}

async fn view(api: &Api, chain: Chain) -> Result<Option<GasView>, Problem> {
    let Some(head) = api.gas.head(chain).await? else {
        return Ok(None);
    };
    let blocks = api.gas.recent(chain, offer::RECENT_MAX).await?;
    let data_fee = match rules::of(chain).data_fee {
        Some(_) => api.gas.data_fee(chain, offer::RECENT_MAX).await?,
        None => None,
    };
    let now = api.clock.now();
    Ok(GasView::of(chain, &head, &blocks, data_fee.as_ref(), now))
}

/// Up to when what was seen of a chain is in its quarters of an hour.
async fn rolled(api: &Api, chain: Chain) -> Result<Timestamp, Problem> {
    let rolled_at = api.gas_buckets.rolled_at(chain).await?;
    rolled_at.ok_or_else(|| {
        let said = format!(
            "Nothing was made of blocks of {chain} yet: that is done four times an \
            hour, where the chain is configured."
        );
        Problem::said(&GAS_UNSEEN, said)
    })
}

impl GasView {
    fn of(
        chain: Chain,
        head: &GasHead,
        blocks: &[GasBlock],
        data_fee: Option<&DataFeeSeen>,
        now: Timestamp,
    ) -> Option<Self> {
        let block = blocks.first()?;
        let rules = rules::of(chain);
        let medians = tips::medians(blocks);
        let offers = offer::offers(&rules, blocks, medians.as_ref());
        let every = TimeDelta::from_std(snapshot::EVERY).unwrap_or_default();
        let late = every * i32::try_from(STALE_AFTER).unwrap_or(i32::MAX);
        Some(Self {
            chain: ChainView::of(chain),
            block: BlockView::of(block),
            next_base_fee_wei: block.next_base_fee_wei.to_string(),
            is_formula_exact: block.is_formula_exact,
            blob_fee: block.blob_fee.map(BlobFeeView::of),
            data_fee: data_fee.map(|seen| DataFeeView::of(chain, seen)),
            no_data_fee: data_fee.is_none().then(|| data_fee::missing(chain)),
            tips: medians.map(|medians| TipsView::of(medians.wei, medians.blocks)),
            offers: offers
                .iter()
                .map(|offer| OfferView::of(chain, offer))
                .collect(),
            as_of: head.seen_at,
            next_update: head.seen_at + every,
            is_stale: now > head.seen_at + late,
        })
    }
}

impl ChainView {
    const fn of(chain: Chain) -> Self {
        Self {
            name: chain,
            id: chain.id(),
        }
    }
}

impl BlobFeeView {
    pub(crate) fn of(fee: BlobFee) -> Self {
        Self {
            now_wei: fee.now_wei.to_string(),
            next_wei: fee.next_wei.to_string(),
        }
    }
}

impl BlockView {
    pub(crate) fn of(block: &GasBlock) -> Self {
        let percent = u128::from(block.gas_used) * 100 / u128::from(block.gas_limit.max(1));
        Self {
            number: block.number,
            hash: block.hash.to_string(),
            at: block.at,
            base_fee_wei: block.base_fee_wei.to_string(),
            gas_used: block.gas_used,
            gas_limit: block.gas_limit,
            gas_used_percent: u64::try_from(percent).unwrap_or(u64::MAX),
        }
    }
}

impl TipsView {
    fn of(wei: Tips, blocks: usize) -> Self {
        let [p10, p25, p50, p75, p90] = wei.map(|wei| wei.to_string());
        Self {
            p10_wei: p10,
            p25_wei: p25,
            p50_wei: p50,
            p75_wei: p75,
            p90_wei: p90,
            blocks,
        }
    }
}

impl OfferView {
    fn of(chain: Chain, offer: &Offer) -> Self {
        let (basis, percent, samples) = match offer.basis {
            Basis::Bound => (BasisView::Bound, None, None),
            Basis::Observed { percent, windows } => {
                (BasisView::Observed, Some(percent), Some(windows))
            }
        };
        Self {
            within_blocks: offer.blocks,
            within_seconds: (chain.block_time() * offer.blocks).as_secs_f64(),
            basis,
            probability_percent: percent,
            samples,
            base_fee_wei: offer.base_fee_wei.to_string(),
            tip_wei: offer.tip_wei.to_string(),
            max_fee_wei: offer.max_fee_wei().to_string(),
        }
    }
}
