//! Units between wallets: transfers in one row, and withdrawals with their deposits.

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;

use super::draft::Note;
use super::run::Run;
use super::stakes::Otherwise;
use super::value::{Worth, asset_leg};
use super::{At, Stop, ways};
use crate::outcome::{MatchedBy, Transfer, ValueFrom, WarningCode};
use crate::settle::Way;

impl<'a> Run<'a> {
    /// A transfer in one row.
    pub(super) fn transfer(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        let row = at.row;
        let Some(leg) = row.sent.as_ref().or(row.received.as_ref()) else {
            self.leave_out(
                at,
                WarningCode::UnusableRow,
                "the row has no amounts; left out".into(),
            );
            return Ok(());
        };
        let Some(sent) = asset_leg(Some(leg)) else {
            return Ok(());
        };
        let received = row.received.as_ref().unwrap_or(sent);
        if received.asset != sent.asset {
            let message = format!(
                "{} was sent and {} arrived; left out",
                sent.asset, received.asset
            );
            self.leave_out(at, WarningCode::UnusableRow, message);
            return Ok(());
        }
        let outside = self.outside();
        let to = row.rare.to_wallet.as_ref().unwrap_or(&outside);
        self.carry(at, &smaller(sent, received), &row.wallet, to)?;
        self.lost_on_the_way(at, worth, sent, received.amount)?;
        self.found_on_the_way(at, to, sent.amount, received)
    }

    /// The leaving half of a transfer: with its other half, or to a wallet that is not on record.
    pub(super) fn withdrawal(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        let Some(sent) = asset_leg(at.row.sent.as_ref()) else {
            return Ok(());
        };
        if let Some((index, other, by)) = self.input.partner(at) {
            let received = other.received.as_ref().unwrap_or(sent);
            let wallets = (&at.row.wallet, &other.wallet);
            self.carry_once(at, index, &smaller(sent, received), wallets)?;
            self.note_transfer(at, other, (sent, received), by)?;
            return self.lost_on_the_way(at, worth, sent, received.amount);
        }
        let outside = self.outside();
        self.carry(at, sent, &at.row.wallet, &outside)?;
        let message = format!(
            "{} {} left {} and no deposit fits it; taken as moved to a wallet \
             of your own",
            sent.amount, sent.asset, at.row.wallet
        );
        let help = "add the file of the wallet it went to; if it was a sale, payment or gift, \
                    change the type";
        let value = self.value_of(sent, worth);
        let (stake, otherwise) = (value, Otherwise::Kind(RowKind::Spend, value));
        self.warn_unmatched(at, sent, (stake, otherwise), (message, help, ways::SENT));
        Ok(())
    }

    /// The arriving half of a transfer: with its other half, or from a wallet not on record.
    pub(super) fn deposit(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        let Some(received) = asset_leg(at.row.received.as_ref()) else {
            return Ok(());
        };
        if let Some((index, other, _)) = self.input.partner(at) {
            let sent = other.sent.as_ref().unwrap_or(received);
            let wallets = (&other.wallet, &at.row.wallet);
            self.carry_once(at, index, &smaller(sent, received), wallets)?;
            return self.found_on_the_way(at, &at.row.wallet, sent.amount, received);
        }
        let outside = self.outside();
        let there = self.balance(&received.asset, &outside).max(Quantity::ZERO);
        let back = Leg {
            amount: there.min(received.amount),
            asset: Asset::clone(&received.asset),
        };
        self.carry(at, &back, &outside, &at.row.wallet)?;
        let unknown = received.amount.checked_sub(back.amount)?;
        self.acquire(
            at,
            &self.unexplained(&received.asset, &at.row.wallet, unknown),
        )?;
        // The person said where they come from.
        if unknown.is_zero() && self.input.answers.is_brought(at.origin, &at.row.id) {
            return Ok(());
        }
        let (amount, asset, wallet) = (received.amount, &received.asset, &at.row.wallet);
        let (message, ways) = if unknown.is_zero() {
            let message = format!(
                "{amount} {asset} came to {wallet} and no withdrawal fits it; \
                 taken as coming back from a wallet of your own"
            );
            (message, ways::CAME_BACK)
        } else {
            let message = format!(
                "{amount} {asset} came to {wallet} and no withdrawal fits it; \
                 {unknown} {asset} {} no purchase on record and zero cost",
                unknown.word("has", "have"),
            );
            (message, ways::CAME)
        };
        let help = "add the file of the wallet it came from; if it was a purchase or a reward, \
                    change the type";
        let value = self.value_of(received, worth);
        let stake = value.share(unknown, received.amount)?;
        let otherwise = Otherwise::Kind(RowKind::Buy, value);
        self.warn_unmatched(at, received, (stake, otherwise), (message, help, ways));
        Ok(())
    }

    /// Lists a withdrawal and a deposit that were taken as one transfer.
    fn note_transfer(
        &mut self,
        at: &At<'a>,
        other: &Row,
        (sent, received): (&Leg, &Leg),
        by: MatchedBy,
    ) -> Result<(), Stop> {
        self.applied.matched_by_amount |= by == MatchedBy::Amount;
        let lost = sent.amount.checked_sub(received.amount.min(sent.amount))?;
        self.draft.transfers.push(Transfer {
            sent: at.row.id.clone(),
            received: other.id.clone(),
            origin: at.origin,
            asset: Asset::clone(&sent.asset),
            from: Asset::clone(&at.row.wallet),
            to: Asset::clone(&other.wallet),
            date: at.date,
            quantity: received.amount,
            lost,
            by,
        });
        Ok(())
    }

    fn warn_unmatched(
        &mut self,
        at: &At<'a>,
        leg: &Leg,
        (at_stake, otherwise): (Money, Otherwise),
        (message, help, ways): (String, &str, &'static [Way]),
    ) {
        let (code, asset) = (WarningCode::UnmatchedTransfer, Some(&leg.asset));
        self.draft.warn(
            at,
            Note {
                code,
                asset,
                at_stake,
                message,
                help,
                ways,
                otherwise,
            },
        );
    }

    /// What units are worth: as the row says, else by the last price on record.
    fn value_of(&mut self, leg: &Leg, worth: Worth) -> Money {
        match worth.is_missing() {
            true => self.estimate(&leg.asset, leg.amount),
            false => worth.money,
        }
    }

    /// Units that were sent and did not arrive are the network's fee.
    fn lost_on_the_way(
        &mut self,
        at: &At<'a>,
        worth: Worth,
        sent: &Leg,
        arrived: Quantity,
    ) -> Result<(), Stop> {
        if arrived >= sent.amount {
            return Ok(());
        }
        let asset = Asset::clone(&sent.asset);
        let leg = Leg {
            amount: sent.amount.checked_sub(arrived)?,
            asset,
        };
        let mut value = worth;
        if !worth.is_missing() {
            value.money = worth.money.share(leg.amount, sent.amount)?;
            value.from = ValueFrom::Implied;
        }
        self.applied.transfer_differences = true;
        self.transfer_fee(at, &leg, value)
    }

    /// Units that arrived and were not sent have no purchase on record.
    fn found_on_the_way(
        &mut self,
        at: &At<'a>,
        to: &Asset,
        sent: Quantity,
        received: &Leg,
    ) -> Result<(), Stop> {
        if received.amount <= sent {
            return Ok(());
        }
        let more = received.amount.checked_sub(sent)?;
        self.acquire(at, &self.unexplained(&received.asset, to, more))?;
        let message = format!(
            "{more} {} more arrived than {} sent; {} no purchase on record and zero cost",
            received.asset,
            sent.word("was", "were"),
            more.word("it has", "they have"),
        );
        let help = "correct the amounts, or add the row that brought the rest";
        let stake = self.estimate(&received.asset, more);
        let told = (message, help, ways::MORE_CAME);
        self.warn_unmatched(at, received, (stake, Otherwise::Open), told);
        Ok(())
    }
}

/// The one of two legs that has fewer units.
fn smaller(a: &Leg, b: &Leg) -> Leg {
    Leg {
        amount: a.amount.min(b.amount),
        asset: Asset::clone(&a.asset),
    }
}
