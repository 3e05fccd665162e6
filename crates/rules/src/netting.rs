//! Transfers of a chain, netted: what each owner gained and lost in one transaction.
//!
//! Addresses of one owner count as one, so that an exchange that moves coins from one of its
//! wallets to another moves nothing, and a swap is worth what it cost and not what went through the
//! router. Amounts are integers of base units; a price counts only when its source is sure enough
//! of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ethnum::{I256, U256};

use crate::value::Value;

/// Transfers of one call, at most.
pub const TRANSFERS_MAX: usize = 100_000;

/// An address of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// Nobody: where coins are made and burned.
    pub const ZERO: Self = Self([0; 20]);
}

/// The hash of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionHash(pub [u8; 32]);

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// The chain's own coin.
    Native,
    /// A token by its contract.
    Contract(Address),
}

/// A movement of tokens from one address to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// The transaction it is part of.
    pub transaction: TransactionHash,
    /// Its place in the block's log; a transfer that comes twice counts once.
    pub log_index: u32,
    /// What.
    pub token: Token,
    /// From whom.
    pub from: Address,
    /// To whom.
    pub to: Address,
    /// How much, in base units.
    pub amount: U256,
}

/// Whose an address is: an owner whose addresses are known, or itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner<'a> {
    /// By name, such as an exchange.
    Named(&'a str),
    /// Nobody knows more than the address.
    Address(Address),
}

/// Names of the owners of addresses.
pub type Labels = HashMap<Address, Box<str>>;

/// What a token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// US dollars a whole token.
    pub usd: Value,
    /// Decimals of the token's base units.
    pub decimals: u8,
    /// How sure its source is, from 0 to 1.
    pub confidence: Value,
}

/// Prices, and how sure their source must be.
#[derive(Debug, Clone, Copy)]
pub struct Prices<'a> {
    /// By token.
    pub of: &'a HashMap<Token, Price>,
    /// The least confidence that counts.
    pub confidence_min: Value,
}

/// What one owner gained and lost in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement<'a> {
    /// The transaction.
    pub transaction: TransactionHash,
    /// The owner.
    pub owner: Owner<'a>,
    /// Per token, none of them nothing.
    pub tokens: Vec<TokenMovement>,
    /// The sum of what has a worth, in US dollars: below zero for who gave more than he got.
    pub worth: Value,
}

/// How much of a token an owner gained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenMovement {
    /// The token.
    pub token: Token,
    /// In base units; below zero for a loss.
    pub net: I256,
    /// In US dollars, to the nearest 10⁻¹⁸, half away from zero; none without a price that is
    /// sure enough, or out of range.
    pub worth: Option<Value>,
}

/// More transfers than one call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} transfers; at most {TRANSFERS_MAX} are netted at once")]
pub struct TooManyTransfers(pub usize);

/// Nets transfers. Transactions come in the order of their first transfer, owners in their own.
///
/// A token whose amounts add up to more than 255 bits is left out of its transaction: no real one
/// does, and what a hostile contract writes into a log must not stop the others.
///
/// # Errors
/// [`TooManyTransfers`].
pub fn net<'a>(
    transfers: &[Transfer],
    labels: &'a Labels,
    prices: Prices<'_>,
) -> Result<Vec<Movement<'a>>, TooManyTransfers> {
    if transfers.len() > TRANSFERS_MAX {
        return Err(TooManyTransfers(transfers.len()));
    }
    let mut order = Vec::new();
    let mut sums: HashMap<TransactionHash, Sums<'a>> = HashMap::new();
    for transfer in transfers {
        let sums = sums.entry(transfer.transaction).or_insert_with(|| {
            order.push(transfer.transaction);
            Sums::default()
        });
        sums.take(transfer, labels);
    }
    let movements = order.iter().flat_map(|transaction| {
        let sums = sums.remove(transaction).unwrap_or_default();
        sums.into_movements(*transaction, prices)
    });
    Ok(movements.collect())
}

/// The sums of one transaction.
#[derive(Default)]
struct Sums<'a> {
    seen: BTreeSet<u32>,
    /// None once it is out of range.
    by_owner: BTreeMap<(Owner<'a>, Token), Option<I256>>,
}

impl<'a> Sums<'a> {
    fn take(&mut self, transfer: &Transfer, labels: &'a Labels) {
        let (from, to) = (owner(transfer.from, labels), owner(transfer.to, labels));
        if !self.seen.insert(transfer.log_index) || from == to {
            return;
        }
        let amount = I256::try_from(transfer.amount).ok();
        for (owner, amount) in [(from, amount.map(|amount| -amount)), (to, amount)] {
            if let Some(owner) = owner {
                let sum = self.by_owner.entry((owner, transfer.token));
                let sum = sum.or_insert(Some(I256::ZERO));
                *sum = sum
                    .zip(amount)
                    .and_then(|(sum, more)| sum.checked_add(more));
            }
        }
    }

    fn into_movements(self, transaction: TransactionHash, prices: Prices<'_>) -> Vec<Movement<'a>> {
        let mut movements: Vec<Movement<'a>> = Vec::new();
        for ((owner, token), net) in self.by_owner {
            let Some(net) = net.filter(|net| *net != I256::ZERO) else {
                continue;
            };
            let worth = prices.worth(token, net);
            let moved = TokenMovement { token, net, worth };
            match movements.last_mut().filter(|last| last.owner == owner) {
                Some(last) => last.tokens.push(moved),
                None => movements.push(Movement {
                    transaction,
                    owner,
                    tokens: vec![moved],
                    worth: Value::ZERO,
                }),
            }
        }
        for movement in &mut movements {
            let worths = movement.tokens.iter().filter_map(|token| token.worth);
            let sum = worths.fold(I256::ZERO, |sum, worth| sum + I256::from(worth.units()));
            movement.worth = Value::nearest(sum, I256::ONE);
        }
        movements
    }
}

/// Whose an address is; none of the zero address.
fn owner(address: Address, labels: &Labels) -> Option<Owner<'_>> {
    let named = labels.get(&address).map(|name| Owner::Named(name));
    let known = named.unwrap_or(Owner::Address(address));
    (address != Address::ZERO).then_some(known)
}

impl Prices<'_> {
    fn worth(&self, token: Token, net: I256) -> Option<Value> {
        let price = self.of.get(&token)?;
        if price.confidence < self.confidence_min {
            return None;
        }
        let whole = I256::new(10).checked_pow(price.decimals.into())?;
        let product = net.checked_mul(I256::from(price.usd.units()))?;
        // One that is further out than a value goes would be cut off there.
        let is_in_range = (product / whole).unsigned_abs() < U256::new(10).pow(38) - 1;
        is_in_range.then(|| Value::nearest(product, whole))
    }
}

#[cfg(test)]
mod tests;
