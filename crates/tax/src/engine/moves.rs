//! The few moves that rows are made of: acquire, dispose, give away, carry, rename.

use packtrain_core::ledger::{Asset, Leg, NamedLot, RowId, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;

use super::draft::Note;
use super::gifts::side_of;
use super::input::number;
use super::lots::{Basis, Gift, NewLot, Part};
use super::run::Run;
use super::stakes::Otherwise;
use super::value::Worth;
use super::ways;
use super::{At, Stop};
use crate::import;
use crate::methods::journal::Leaving;
use crate::outcome::{Choice, Disposal, GiftSide, Term, ValueFrom, WarningCode, Why};
use crate::request::Scope;

/// Units on their way out against a value.
pub(super) struct Sale<'s> {
    pub(super) leg: &'s Leg,
    pub(super) worth: Worth,
    /// Costs of selling.
    pub(super) fees: Money,
    pub(super) is_fee: bool,
}

/// Units on their way in.
pub(super) struct Arrival<'s> {
    pub(super) asset: &'s Asset,
    pub(super) wallet: &'s Asset,
    pub(super) quantity: Quantity,
    pub(super) cost: Money,
    pub(super) basis: Basis,
    /// When they were acquired, where that was before the row.
    pub(super) acquired: Option<Timestamp>,
    /// Market value at a gift, where it is lower than the cost.
    pub(super) gift_value: Option<Money>,
}

/// Units of one sale whose cost is not known.
struct Unknown<'a> {
    quantity: Quantity,
    gain: Money,
    /// The row that brought the last of them; none where no row did.
    came_by: Option<&'a str>,
}

impl<'a> Run<'a> {
    /// Puts units into a wallet as a new lot.
    pub(super) fn acquire(&mut self, at: &At<'a>, new: &Arrival<'_>) -> Result<(), Stop> {
        if !new.quantity.is_positive() {
            return Ok(());
        }
        let basis = self.accepted(at, new.basis);
        if self.has_pools() {
            self.remember_purchase(at, new.asset, new.wallet);
            return self.pool_in(at, new, basis);
        }
        let acquired_at = new.acquired.unwrap_or(at.row.at);
        let acquired = match new.acquired {
            Some(at) => at.with_timezone(&self.settings.timezone).date_naive(),
            None => at.date,
        };
        let long_from = self.rules.long_from(acquired)?;
        let gift = match new.gift_value {
            Some(value) => Some(Box::new(Gift {
                value,
                quantity: new.quantity,
                date: at.date,
                long_from: self.rules.long_from(at.date)?,
            })),
            None => None,
        };
        let part = self.lots.add(NewLot {
            id: &at.row.id,
            file: at.origin.file,
            is_joined: import::is_joined(at.row),
            acquired_at,
            acquired,
            long_from,
            basis,
            quantity: new.quantity,
            cost: new.cost,
            gift,
        })?;
        self.remember_purchase(at, new.asset, new.wallet);
        let (book, shelf) = self.place(new.asset, new.wallet);
        Ok(self.books[book].add(shelf, part, &self.lots)?)
    }

    /// Remembers when an asset was bought, for a word on losses with a purchase close by.
    fn remember_purchase(&mut self, at: &At<'a>, asset: &Asset, wallet: &Asset) {
        if matches!(at.row.kind, RowKind::Buy | RowKind::Trade) {
            let (book, _) = self.place(asset, wallet);
            self.books[book].purchases.push((at.date, number(at.index)));
        }
    }

    /// Takes units and their lots out of a wallet, into `self.parts`; gives how many units no lot
    /// was found for.
    pub(super) fn take(
        &mut self,
        at: &At<'a>,
        leg: &Leg,
        named: &[NamedLot],
    ) -> Result<Quantity, Stop> {
        self.parts.clear();
        let (book, shelf) = self.place(&leg.asset, &at.row.wallet);
        let before = self.books[book].shelves[shelf].balance;
        let left = self.take_named(at, leg, named)?;
        self.named = self.parts.len();
        let book = &mut self.books[book];
        let missing = book.take(shelf, self.scope, left, &self.lots, &mut self.parts)?;
        let after = book.shelves[shelf].balance;
        self.warn_if_short(at, leg, &at.row.wallet, (before, after))?;
        Ok(missing)
    }

    /// Takes the lots that the row names; gives how many units are left for the method.
    fn take_named(&mut self, at: &At<'a>, leg: &Leg, named: &[NamedLot]) -> Result<Quantity, Stop> {
        let mut left = leg.amount;
        let (book, shelf) = self.place(&leg.asset, &at.row.wallet);
        let input = self.input;
        let files = input.answers.lot_files(at.origin, &at.row.id);
        for (index, name) in named.iter().enumerate() {
            let file = files.get(index).copied().flatten();
            self.applied.named_lots = true;
            let mut wanted = name.quantity.min(left);
            for lot in self.lots.of_row(&name.row, file) {
                let (before, book) = (wanted, &mut self.books[book]);
                let (lots, parts) = (&self.lots, &mut self.parts);
                wanted = book.take_lot(shelf, self.scope, (lot, wanted), lots, parts)?;
                left = left.checked_sub(before.checked_sub(wanted)?)?;
            }
            if wanted.is_positive() {
                let message = format!(
                    "{wanted} {} of lot {:?} are not in {}; the method chose other lots",
                    leg.asset, name.row, at.row.wallet
                );
                let at_stake = self.estimate(&leg.asset, wanted);
                self.draft.warn(
                    at,
                    Note {
                        code: WarningCode::NamedLotMissing,
                        asset: Some(&leg.asset),
                        at_stake,
                        message,
                        help: "name lots that are in this wallet at that time, with what is left",
                        ways: ways::NO_LOT,
                        otherwise: Otherwise::Open,
                    },
                );
            }
        }
        Ok(left)
    }

    /// Sells units: one line for each lot that they use up.
    pub(super) fn dispose(&mut self, at: &At<'a>, sale: &Sale<'_>) -> Result<(), Stop> {
        if !sale.leg.amount.is_positive() {
            return Ok(());
        }
        if self.rules.special.taxes_wealth {
            self.remove(at, sale.leg)?;
            return Ok(());
        }
        if self.portfolio.is_some() {
            return self.portfolio_out(at, sale);
        }
        if self.has_pools() {
            return self.pool_out(at, sale, Leaving::Sold);
        }
        let named: &[NamedLot] = if sale.is_fee { &[] } else { &at.row.rare.lots };
        let missing = self.take(at, sale.leg, named)?;
        let (mut proceeds, mut fees) = (sale.worth.money, sale.fees);
        let mut left = sale.leg.amount;
        let mut unknown = Unknown {
            quantity: Quantity::ZERO,
            gain: self.zero(),
            came_by: None,
        };
        let parts = std::mem::take(&mut self.parts);
        let no_lot = (missing.is_positive()).then_some((missing, None));
        let known = parts.iter().map(|part| (part.quantity, Some(part)));
        for (index, (quantity, part)) in known.chain(no_lot).enumerate() {
            let own = (proceeds.share(quantity, left)?, fees.share(quantity, left)?);
            proceeds = proceeds.checked_sub(own.0)?;
            fees = fees.checked_sub(own.1)?;
            left = left.checked_sub(quantity)?;
            let line = self.line(at, sale, (quantity, part, index < self.named), own)?;
            let lot = part.map(|part| self.lots.get(part.lot));
            if lot.is_none_or(|lot| lot.basis.is_doubtful()) {
                unknown.quantity = unknown.quantity.checked_add(quantity)?;
                unknown.gain = unknown.gain.checked_add(line.gain)?;
                unknown.came_by = lot.map(|lot| &**lot.id);
            }
            self.applied.losses |= line.gain.is_negative();
            self.applied.denied_losses |= !line.denied_loss.is_zero();
            self.draft.dispose(at.year, line)?;
        }
        self.parts = parts;
        if unknown.quantity.is_positive() {
            self.applied.missing_basis = true;
            let Unknown {
                quantity,
                gain,
                came_by,
            } = unknown;
            let note = Note::missing_basis(&sale.leg.asset, quantity, gain, came_by);
            self.draft.warn(at, note);
        }
        Ok(())
    }

    /// The line of one part, or of units without a lot.
    fn line(
        &self,
        at: &At<'a>,
        sale: &Sale<'_>,
        (quantity, part, is_named): (Quantity, Option<&Part>, bool),
        (proceeds, fees): (Money, Money),
    ) -> Result<Disposal, Stop> {
        let lot = part.map(|part| self.lots.get(part.lot));
        let on_record = lot.filter(|lot| lot.basis.is_on_record());
        let net = proceeds.checked_sub(fees)?;
        let mut cost = part.map_or_else(|| self.zero(), |part| part.cost);
        let mut held = on_record.map(|lot| (lot.acquired, lot.long_from));
        let gift = lot.and_then(|lot| lot.gift.as_deref());
        let side = gift
            .map(|gift| side_of(gift, quantity, net, &mut cost))
            .transpose()?;
        if let (Some(gift), Some(GiftSide::Loss)) = (gift, side) {
            held = Some((gift.date, gift.long_from));
        }
        let is_long = held.is_some_and(|(_, from)| from.is_some_and(|from| at.date >= from));
        let term =
            self.rules
                .terms
                .is_some()
                .then_some(if is_long { Term::Long } else { Term::Short });
        let (gain, wallet) = (net.checked_sub(cost)?, Some(&*at.row.wallet));
        let choice = match on_record {
            None => Choice::NoPurchase,
            Some(_) if is_named => Choice::Named,
            Some(_) => Choice::Method(self.settings.method, self.scope),
        };
        Ok(Disposal {
            id: at.row.id.clone(),
            origin: at.origin,
            kind: at.row.kind,
            asset: Asset::clone(&sale.leg.asset),
            wallet: Asset::clone(&at.row.wallet),
            date: at.date,
            quantity,
            proceeds,
            fees,
            cost,
            gain,
            denied_loss: self.denied(at, sale, gain),
            term,
            rule: self.settings.method.as_str(),
            acquired: held.map(|(acquired, _)| acquired),
            lot: on_record.map(|lot| RowId::clone(lot.id)),
            form_box: self.rules.form_box(self.settings, wallet, at.date, term),
            is_fee: sale.is_fee,
            why: Why {
                choice,
                is_fee: sale.is_fee,
                held: held.and_then(|(_, from)| Some((term?, from?))),
                value: sale.worth.from,
                gift: side,
            },
        })
    }

    /// The loss of a line where the law denies it, whole.
    fn denied(&self, at: &At<'a>, sale: &Sale<'_>, gain: Money) -> Money {
        let denies = self.rules.special.denies_loss;
        if gain.is_negative() && denies(at.row.kind, sale.is_fee, at.date) {
            gain.negated()
        } else {
            self.zero()
        }
    }

    /// Takes units out without a sale, and lists them with what they had cost.
    pub(super) fn remove(&mut self, at: &At<'a>, leg: &Leg) -> Result<Money, Stop> {
        if self.portfolio.is_some() {
            return self.leave_portfolio(at, leg);
        }
        if self.has_pools() {
            let worth = Worth {
                money: self.zero(),
                from: ValueFrom::Missing,
            };
            let sale = Sale {
                leg,
                worth,
                fees: self.zero(),
                is_fee: false,
            };
            self.pool_out(at, &sale, Leaving::Gone)?;
            return Ok(self.estimate(&leg.asset, leg.amount));
        }
        let missing = self.take(at, leg, &at.row.rare.lots)?;
        let cost = self
            .parts
            .iter()
            .try_fold(self.zero(), |sum, part| sum.checked_add(part.cost))?;
        if missing.is_positive() {
            let zero = self.zero();
            let otherwise = Otherwise::Told;
            let note = Note::negative_balance(&leg.asset, &at.row.wallet, missing, zero, otherwise);
            self.draft.warn(at, note);
        }
        let lots = self.lots.removed(&self.parts);
        self.draft.list_removed(at, leg, cost, lots);
        Ok(cost)
    }

    /// Moves units to another wallet with their lots.
    pub(super) fn carry(
        &mut self,
        at: &At<'a>,
        leg: &Leg,
        from: &Asset,
        to: &Asset,
    ) -> Result<(), Stop> {
        self.applied.transfers = true;
        if from == to || !leg.amount.is_positive() {
            return Ok(());
        }
        let (book, source) = self.place(&leg.asset, from);
        let (_, target) = self.place(&leg.asset, to);
        let before = self.books[book].shelves[source].balance;
        self.moved.to = Some((book, target));
        let (lots, parts) = (&self.lots, &mut self.moved.parts);
        let missing = self.books[book].carry((source, target), leg.amount, lots, parts)?;
        let after = self.books[book].shelves[source].balance;
        if after.is_negative() && !before.is_negative() {
            let short = Quantity::ZERO.checked_sub(after)?;
            let at_stake = self.estimate(&leg.asset, short);
            let otherwise = Otherwise::bought(&leg.asset, from, short, at_stake);
            let note = Note::negative_balance(&leg.asset, from, short, at_stake, otherwise);
            self.draft.warn(at, note);
        }
        if self.scope == Scope::Wallet && missing.is_positive() {
            // The units were there, only not on record: they go on without a known cost.
            let shelves = &mut self.books[book].shelves;
            shelves[source].balance = shelves[source].balance.checked_add(missing)?;
            shelves[target].balance = shelves[target].balance.checked_sub(missing)?;
            self.acquire(at, &self.unexplained(&leg.asset, to, missing))?;
            let brought = self.lots.last().map(|lot| (lot, missing));
            self.moved.parts.extend(brought);
        }
        Ok(())
    }

    /// Units that appear without an acquisition on record.
    pub(super) const fn unexplained<'s>(
        &self,
        asset: &'s Asset,
        wallet: &'s Asset,
        quantity: Quantity,
    ) -> Arrival<'s> {
        Arrival {
            asset,
            wallet,
            quantity,
            cost: self.zero(),
            basis: Basis::NoRecord,
            acquired: None,
            gift_value: None,
        }
    }

    /// Turns units of one asset into as many of another, lot by lot.
    pub(super) fn rename(&mut self, at: &At<'a>, from: &Leg, to: &Leg) -> Result<(), Stop> {
        if self.has_pools() {
            return self.rename_in_pool(at, from, to);
        }
        let missing = self.take(at, from, &at.row.rare.lots)?;
        let parts = std::mem::take(&mut self.parts);
        let (book, shelf) = self.place(&to.asset, &at.row.wallet);
        for part in &parts {
            self.books[book].add(shelf, *part, &self.lots)?;
        }
        self.parts = parts;
        self.acquire(at, &self.unexplained(&to.asset, &at.row.wallet, missing))
    }
}
