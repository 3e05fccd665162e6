//! Rewards of staking that count only when they leave the wallet in which they were credited,
//! where an option says so: until then they are not at the person's command, and in no figure.

use std::collections::{BTreeMap, HashMap, VecDeque};

use packtrain_core::ledger::{Asset, Leg, RowKind};
use packtrain_core::quantity::{AmountError, Quantity};

use super::run::Run;
use super::value::{Worth, asset_leg};
use super::{At, Stop};
use crate::outcome::Income;

/// Rewards that wait, by asset and wallet, in order of time.
#[derive(Default)]
pub(super) struct Waiting<'a> {
    rewards: HashMap<(Asset, Asset), VecDeque<Reward<'a>>>,
}

/// A reward, or what is left of it.
struct Reward<'a> {
    at: At<'a>,
    quantity: Quantity,
}

impl<'a> Waiting<'a> {
    /// Takes the oldest rewards of a wallet, at most `wanted` units together.
    fn take(
        &mut self,
        asset: &Asset,
        wallet: &Asset,
        wanted: Quantity,
    ) -> Result<Vec<Reward<'a>>, AmountError> {
        let place = (Asset::clone(asset), Asset::clone(wallet));
        let mut taken = Vec::new();
        let Some(rewards) = self.rewards.get_mut(&place) else {
            return Ok(taken);
        };
        let mut left = wanted;
        while let Some(reward) = rewards.front_mut().filter(|_| left.is_positive()) {
            let quantity = reward.quantity.min(left);
            let at = reward.at;
            left = left.checked_sub(quantity)?;
            reward.quantity = reward.quantity.checked_sub(quantity)?;
            if reward.quantity.is_zero() {
                rewards.pop_front();
            }
            taken.push(Reward { at, quantity });
        }
        Ok(taken)
    }

    /// What still waits, by asset, in the order of their names.
    pub(super) fn left(&self) -> Result<BTreeMap<String, String>, AmountError> {
        let mut sums: BTreeMap<&Asset, Quantity> = BTreeMap::new();
        for ((asset, _), rewards) in &self.rewards {
            for reward in rewards {
                let sum = sums.entry(asset).or_insert(Quantity::ZERO);
                *sum = sum.checked_add(reward.quantity)?;
            }
        }
        let sums = sums.into_iter();
        Ok(sums
            .map(|(asset, sum)| (asset.to_string(), sum.to_string()))
            .collect())
    }
}

impl<'a> Run<'a> {
    /// Whether a reward waits until it leaves its wallet; it then does.
    pub(super) fn waits(&mut self, at: &At<'a>, leg: &Leg) -> bool {
        if at.row.kind != RowKind::Staking || asset_leg(Some(leg)).is_none() {
            return false;
        }
        self.applied.staking = true;
        if !self.choices.rewards_wait {
            return false;
        }
        let place = (Asset::clone(&leg.asset), Asset::clone(&at.row.wallet));
        let rewards = self.waiting.rewards.entry(place).or_default();
        rewards.push_back(Reward {
            at: *at,
            quantity: leg.amount,
        });
        true
    }

    /// What leaves the row's wallet takes rewards that wait there along: they count from now on.
    pub(super) fn release_rewards(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        if self.waiting.rewards.is_empty() {
            return Ok(());
        }
        let row = at.row;
        // The half of a transfer that came first has moved the units already.
        let partner = self.input.partner(at);
        // A transfer may say its amount on either side.
        let sent = match row.kind {
            RowKind::Transfer | RowKind::Bridge => row.sent.as_ref().or(row.received.as_ref()),
            _ => row.sent.as_ref(),
        };
        if row.kind == RowKind::Deposit {
            let later = partner.filter(|(index, ..)| at.index < *index);
            let sent = later.and_then(|(_, other, _)| {
                let sent = asset_leg(other.sent.as_ref())?;
                Some((&other.wallet, sent))
            });
            if let Some((wallet, sent)) = sent {
                self.release(at, wallet, sent, worth)?;
            }
        } else if let Some(sent) = asset_leg(sent) {
            let is_done = row.kind == RowKind::Withdrawal
                && partner.is_some_and(|(index, ..)| index < at.index);
            if !is_done {
                self.release(at, &row.wallet, sent, worth)?;
            }
        }
        let Some(fee) = asset_leg(row.fee.as_ref()) else {
            return Ok(());
        };
        let worth = self.of_fee?;
        self.release(at, &row.wallet, fee, worth)
    }

    /// Rewards that wait become income and lots of the day, as many as `leg` has units.
    fn release(
        &mut self,
        at: &At<'a>,
        wallet: &Asset,
        leg: &Leg,
        worth: Worth,
    ) -> Result<(), Stop> {
        let (mut value, mut units) = (worth.money, leg.amount);
        for reward in self.waiting.take(&leg.asset, wallet, leg.amount)? {
            let share = value.share(reward.quantity, units)?;
            value = value.checked_sub(share)?;
            units = units.checked_sub(reward.quantity)?;
            let part = Leg {
                amount: reward.quantity,
                asset: Asset::clone(&leg.asset),
            };
            if worth.is_missing() {
                self.warn_missing_price(at, &part);
            }
            let worth = Worth {
                money: share,
                ..worth
            };
            self.count_reward(at, &reward.at, &part, worth)?;
        }
        Ok(())
    }

    /// A reward as income and as a lot of the day on which it left its wallet.
    fn count_reward(
        &mut self,
        now: &At<'a>,
        then: &At<'a>,
        leg: &Leg,
        worth: Worth,
    ) -> Result<(), Stop> {
        // The row of the reward, at the time and in the year of the row that moved it.
        let at = At {
            row: then.row,
            origin: then.origin,
            ..*now
        };
        let mut arrival = self.arrival(&at, leg, worth.money);
        arrival.acquired = Some(now.row.at);
        self.acquire(&at, &arrival)?;
        self.applied.income = true;
        let line = Income {
            id: then.row.id.clone(),
            origin: then.origin,
            kind: then.row.kind,
            asset: Asset::clone(&leg.asset),
            date: now.date,
            quantity: leg.amount,
            value: worth.money,
            from: worth.from,
        };
        Ok(self.draft.receive(now.year, line)?)
    }
}
