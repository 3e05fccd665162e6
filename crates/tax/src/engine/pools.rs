//! Methods that keep a pool: what happened to an asset is written down row by row, and when all
//! rows are known the method says what each disposal used.

use packtrain_core::ledger::{Asset, Leg, RowId, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use super::book::Book;
use super::draft::Note;
use super::lots::Basis;
use super::moves::{Arrival, Sale};
use super::run::Run;
use super::stakes::Otherwise;
use super::value::Worth;
use super::{At, Stop};
use crate::error::TaxError;
use crate::methods::journal::{Change, Entry, Journal, Leaving, Settled, Slice, Taken};
use crate::methods::{self, Way};
use crate::outcome::{
    Choice, Disposal, Holding, NO_GAIN_NO_LOSS, Removed, ValueFrom, ValuedPart, Why,
};

/// Units that came into a pool or left it.
pub(super) struct Passage<'a> {
    at: At<'a>,
    /// The asset by the name in the row; tokens that wrap each other share a pool.
    symbol: Asset,
    quantity: Quantity,
    change: Change,
    /// Where the proceeds come from.
    value: ValueFrom,
    is_fee: bool,
}

/// The lines of one disposal, with its place in the order of time.
pub(super) struct Whole {
    pub(super) index: usize,
    pub(super) year: crate::outcome::TaxYear,
    pub(super) lines: Vec<Disposal>,
}

impl<'a> Run<'a> {
    /// Whether the method keeps one cost for many units, and no lots.
    pub(super) fn has_pools(&self) -> bool {
        !matches!(methods::of(self.settings.method).way, Way::Lots(_))
    }

    /// Puts units into the pool.
    pub(super) fn pool_in(
        &mut self,
        at: &At<'a>,
        new: &Arrival<'_>,
        basis: Basis,
    ) -> Result<(), Stop> {
        if basis == Basis::Unknown {
            let at_stake = self.estimate(new.asset, new.quantity);
            let note = Note::unknown_cost(new.asset, new.quantity, at_stake);
            self.draft.warn(at, note);
        }
        let (book, shelf) = self.place(new.asset, new.wallet);
        let book = &mut self.books[book];
        let shelf = &mut book.shelves[shelf];
        shelf.balance = shelf.balance.checked_add(new.quantity)?;
        book.units = book.units.checked_add(new.quantity)?;
        book.count(new.asset, new.quantity)?;
        if let Some(portfolio) = &mut self.portfolio {
            return Ok(portfolio.total.add(new.cost)?);
        }
        book.passages.push(Passage {
            at: *at,
            symbol: Asset::clone(new.asset),
            quantity: new.quantity,
            change: Change::In {
                cost: new.cost,
                is_purchase: at.row.kind != RowKind::Opening && basis.is_on_record(),
            },
            value: ValueFrom::Money,
            is_fee: false,
        });
        Ok(())
    }

    /// Takes units out of the pool.
    pub(super) fn pool_out(
        &mut self,
        at: &At<'a>,
        sale: &Sale<'_>,
        leaving: Leaving,
    ) -> Result<(), Stop> {
        let leg = sale.leg;
        self.units_out(at, leg)?;
        let (book, _) = self.place(&leg.asset, &at.row.wallet);
        self.books[book].passages.push(Passage {
            at: *at,
            symbol: Asset::clone(&leg.asset),
            quantity: leg.amount,
            change: Change::Out {
                leaving,
                proceeds: sale.worth.money,
                fees: sale.fees,
            },
            value: sale.worth.from,
            is_fee: sale.is_fee,
        });
        Ok(())
    }

    /// Units go on under another name in the same pool.
    pub(super) fn rename_in_pool(&mut self, at: &At<'a>, from: &Leg, to: &Leg) -> Result<(), Stop> {
        let (book, _) = self.place(&from.asset, &at.row.wallet);
        let book = &mut self.books[book];
        book.count(&from.asset, Quantity::ZERO.checked_sub(from.amount)?)?;
        Ok(book.count(&to.asset, to.amount)?)
    }

    /// Settles all pools; gives what is left in them.
    pub(super) fn settle_pools(&mut self) -> Result<Vec<Holding>, TaxError> {
        let Way::Pool(settle) = methods::of(self.settings.method).way else {
            return Ok(Vec::new());
        };
        let rules = self.rules.pool_rules(self.settings);
        let (mut wholes, mut holdings) = (std::mem::take(&mut self.margin_lines), Vec::new());
        for index in 0..self.books.len() {
            let passages = std::mem::take(&mut self.books[index].passages);
            let journal = Journal {
                currency: self.settings.currency,
                entries: passages.iter().map(Passage::entry).collect(),
            };
            let name = Asset::clone(&self.books[index].asset);
            let source = |source| TaxError::Holdings {
                asset: name.to_string(),
                source,
            };
            let settled = settle(&journal, rules).map_err(source)?;
            self.write_down(&passages, &settled, &mut wholes)
                .map_err(source)?;
            let left = left_by_symbol(&self.books[index], &settled);
            holdings.extend(left.map_err(source)?);
        }
        wholes.sort_by_key(|whole| whole.index);
        for whole in wholes {
            let asset = whole.lines.first().map(|line| line.asset.to_string());
            let source = |source| TaxError::Holdings {
                asset: asset.unwrap_or_default(),
                source,
            };
            self.draft
                .dispose_whole(whole.year, whole.lines)
                .map_err(source)?;
        }
        holdings.sort_by(|a: &Holding, b| a.asset.cmp(&b.asset));
        Ok(holdings)
    }

    fn write_down(
        &mut self,
        passages: &[Passage<'a>],
        settled: &Settled,
        wholes: &mut Vec<Whole>,
    ) -> Result<(), AmountError> {
        for taken in &settled.taken {
            let outs: Vec<_> = taken.outs.iter().map(|index| &passages[*index]).collect();
            let Some(first) = outs.first() else {
                continue;
            };
            if taken.leaving == Leaving::Gone {
                self.remove_from_pool(first, taken)?;
                continue;
            }
            let lines = self.pool_lines(first, &outs, taken)?;
            for line in &lines {
                self.applied.losses |= line.gain.is_negative();
                self.applied.denied_losses |= !line.denied_loss.is_zero();
                if line.why.choice == Choice::NoPurchase {
                    self.applied.missing_basis = true;
                    let note = Note::missing_basis(&first.symbol, line.quantity, line.gain, None);
                    self.draft.warn(&first.at, note);
                }
            }
            self.note_sales(&outs, &lines);
            wholes.push(Whole {
                index: first.at.index,
                year: first.at.year,
                lines,
            });
        }
        Ok(())
    }

    fn remove_from_pool(&mut self, out: &Passage<'a>, taken: &Taken) -> Result<(), AmountError> {
        let slices = taken.slices.iter();
        let cost = slices
            .clone()
            .try_fold(self.zero(), |sum, slice| sum.checked_add(slice.cost))?;
        if let Some(missing) = slices
            .clone()
            .find(|slice| slice.choice == Choice::NoPurchase)
        {
            let (wallet, zero) = (&out.at.row.wallet, self.zero());
            let (quantity, otherwise) = (missing.quantity, Otherwise::Told);
            let note = Note::negative_balance(&out.symbol, wallet, quantity, zero, otherwise);
            self.draft.warn(&out.at, note);
        }
        self.draft.removed.push(Removed {
            id: out.at.row.id.clone(),
            origin: out.at.origin,
            kind: out.at.row.kind,
            asset: Asset::clone(&out.symbol),
            date: out.at.date,
            quantity: out.quantity,
            cost,
            part: None,
            lots: Box::default(),
        });
        Ok(())
    }

    /// Units, proceeds and costs of all that left together.
    fn summed(&self, outs: &[&Passage<'a>]) -> Result<(Quantity, Money, Money), AmountError> {
        let (mut proceeds, mut fees) = (self.zero(), self.zero());
        let mut units = Quantity::ZERO;
        for out in outs {
            units = units.checked_add(out.quantity)?;
            if let Change::Out {
                proceeds: more,
                fees: costs,
                ..
            } = out.change
            {
                proceeds = proceeds.checked_add(more)?;
                fees = fees.checked_add(costs)?;
            }
        }
        Ok((units, proceeds, fees))
    }

    /// One line for each slice of a disposal, with its share of proceeds and costs.
    fn pool_lines(
        &self,
        first: &Passage<'a>,
        outs: &[&Passage<'a>],
        taken: &Taken,
    ) -> Result<Vec<Disposal>, AmountError> {
        let (mut left, mut proceeds, mut fees) = self.summed(outs)?;
        let id = joined(outs);
        let (wallet, mut value) = (wallet_of_all(outs), value_of_all(outs));
        if taken.leaving == Leaving::NoGainNoLoss {
            value = ValueFrom::Cost;
        }
        let mut denied = taken.denied;
        let mut lines = Vec::with_capacity(taken.slices.len());
        for slice in &taken.slices {
            let (mut own, costs) = (
                proceeds.share(slice.quantity, left)?,
                fees.share(slice.quantity, left)?,
            );
            proceeds = proceeds.checked_sub(own)?;
            fees = fees.checked_sub(costs)?;
            left = left.checked_sub(slice.quantity)?;
            if taken.leaving == Leaving::NoGainNoLoss {
                own = slice.cost;
            }
            let is_fee = outs.iter().all(|out| out.is_fee);
            lines.push(Disposal {
                id: id.clone(),
                origin: first.at.origin,
                kind: first.at.row.kind,
                asset: Asset::clone(&first.symbol),
                wallet: Asset::clone(&wallet),
                date: first.at.date,
                quantity: slice.quantity,
                proceeds: own,
                fees: costs,
                cost: slice.cost,
                gain: own.checked_sub(costs)?.checked_sub(slice.cost)?,
                denied_loss: std::mem::replace(&mut denied, self.zero()),
                term: None,
                rule: self.rule(taken.leaving, slice),
                acquired: match slice.choice {
                    Choice::SameDay => Some(first.at.date),
                    Choice::DaysAfter(date) | Choice::DaysBefore(date) => Some(date),
                    _ => None,
                },
                lot: None,
                form_box: None,
                is_fee,
                why: Why {
                    choice: slice.choice.clone(),
                    is_fee,
                    held: None,
                    value,
                    gift: None,
                },
            });
        }
        Ok(lines)
    }

    /// Writes down what each of several sales was valued by, where their line cannot tell.
    fn note_sales(&mut self, outs: &[&Passage<'a>], lines: &[Disposal]) {
        let is_told = |line: &Disposal| line.why.value != ValueFrom::Several;
        if lines.first().is_none_or(is_told) {
            return;
        }
        for out in outs {
            let leg = Leg {
                amount: out.quantity,
                asset: Asset::clone(&out.symbol),
            };
            if let (Change::Out { proceeds, .. }, from) = (out.change, out.value) {
                let worth = Worth {
                    money: proceeds,
                    from,
                };
                self.note(&out.at, (&leg, ValuedPart::Proceeds), worth, out.at.date);
            }
        }
    }

    fn rule(&self, leaving: Leaving, slice: &Slice) -> &'static str {
        match slice.choice {
            _ if leaving == Leaving::NoGainNoLoss => NO_GAIN_NO_LOSS,
            Choice::SameDay => "same-day",
            Choice::DaysAfter(_) => "30-day",
            Choice::DaysBefore(_) => "10-day",
            _ => self.settings.method.as_str(),
        }
    }
}

impl Passage<'_> {
    const fn entry(&self) -> Entry {
        Entry {
            date: self.at.date,
            quantity: self.quantity,
            change: self.change,
        }
    }
}

/// The ids of rows that left together, each once, in order.
fn joined(outs: &[&Passage<'_>]) -> RowId {
    let mut ids: Vec<&str> = Vec::with_capacity(outs.len());
    for out in outs {
        // A row and its fee follow each other.
        if ids.last() != Some(&&*out.at.row.id) {
            ids.push(&out.at.row.id);
        }
    }
    ids.join("+").into()
}

/// The wallet that units left; a word where there were several.
fn wallet_of_all(outs: &[&Passage<'_>]) -> Asset {
    let first = &outs[0].at.row.wallet;
    if outs.iter().all(|out| out.at.row.wallet == *first) {
        Asset::clone(first)
    } else {
        Asset::from("several wallets")
    }
}

/// Where the proceeds come from, if all come from one kind of place.
fn value_of_all(outs: &[&Passage<'_>]) -> ValueFrom {
    let first = outs[0].value;
    if outs.iter().all(|out| out.value == first) {
        first
    } else {
        ValueFrom::Several
    }
}

/// What is left of a pool, by the names of the tokens in it, each with its share of the cost.
fn left_by_symbol(book: &Book<'_>, settled: &Settled) -> Result<Vec<Holding>, AmountError> {
    let (mut left, mut cost) = (settled.left.quantity, settled.left.money);
    let symbols = book.symbols.iter();
    let held: Vec<_> = symbols.filter(|(_, units)| units.is_positive()).collect();
    let mut holdings = Vec::new();
    for (index, (name, units)) in held.iter().enumerate() {
        // The last takes what is left, since units without a purchase are in no pool.
        let is_last = index + 1 == held.len();
        let quantity = if is_last { left } else { (*units).min(left) };
        if !quantity.is_positive() {
            continue;
        }
        let own = cost.share(quantity, left)?;
        (left, cost) = (left.checked_sub(quantity)?, cost.checked_sub(own)?);
        holdings.push(Holding {
            asset: Asset::clone(name),
            wallet: None,
            quantity,
            cost: own,
        });
    }
    Ok(holdings)
}
