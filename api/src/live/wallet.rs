//! What is said of a tenant's wallets over a live stream.

use chrono::{DateTime, Utc};
use packtrain_core::ports::{AddressBytes, WalletEvent, WalletStep, WalletWhat};
use serde::Serialize;
use utoipa::ToSchema;

/// Of a wallet that a rule of the tenant watches. Addresses and hashes are hex digits in small
/// letters.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveWallet)]
pub(super) struct WalletData {
    /// The id of the chain.
    #[schema(example = 1)]
    chain: u64,
    /// Whose it is told as. What moved between two wallets is told for each of them.
    wallet: String,
    /// The contract of the token; null for the chain's own coin.
    token: Option<String>,
    /// What the wallet has now, what was moved, or how much may be taken: base units, a whole
    /// number of up to 256 bits as a decimal string.
    #[schema(example = "1500000")]
    amount: String,
    /// Decimals of the token; null where they are not known here.
    decimals: Option<u8>,
    block: WalletBlock,
    /// The transfer or the approval; absent of a balance.
    #[serde(flatten)]
    event: Option<WalletEventData>,
}

/// The block in which it happened, or as of which the balance is.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveWalletBlock)]
struct WalletBlock {
    number: u64,
    hash: String,
    /// When it was made, as it says itself.
    at: DateTime<Utc>,
}

/// A transfer or an approval. Chain, block, transaction and place name it.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveWalletEvent)]
struct WalletEventData {
    /// `transfer`, `nft_transfer`, `approval`, `nft_approval` or `approval_for_all`.
    kind: &'static str,
    transaction: String,
    /// Its place in the block's log.
    log_index: u64,
    /// From whom; of an approval who gives it.
    from: String,
    /// To whom; of an approval who gets it.
    to: String,
}

/// The word for what happened.
pub(super) const fn word(step: &WalletStep) -> &'static str {
    match step.what {
        WalletWhat::Balance => "balance",
        WalletWhat::Found(_) => "found",
        WalletWhat::Confirmed(_) => "confirmed",
        WalletWhat::Retracted(_) => "retracted",
    }
}

impl WalletData {
    pub(super) fn of(step: &WalletStep) -> Self {
        let event = match &step.what {
            WalletWhat::Balance => None,
            WalletWhat::Found(event)
            | WalletWhat::Confirmed(event)
            | WalletWhat::Retracted(event) => Some(WalletEventData::of(event)),
        };
        Self {
            chain: step.chain.id(),
            wallet: address(&step.wallet),
            token: step.token.as_ref().map(address),
            amount: step.amount.clone(),
            decimals: step.decimals,
            block: WalletBlock {
                number: step.number,
                hash: step.block.to_string(),
                at: step.block_at,
            },
            event,
        }
    }
}

impl WalletEventData {
    fn of(event: &WalletEvent) -> Self {
        Self {
            kind: event.kind.as_str(),
            transaction: digits(&event.transaction),
            log_index: event.log_index,
            from: address(&event.from),
            to: address(&event.to),
        }
    }
}

fn address(bytes: &AddressBytes) -> String {
    digits(bytes)
}

fn digits(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
