//! The outcome while it is being made: lines, sums and warnings.

use std::collections::BTreeMap;

use packtrain_core::ledger::{Asset, Leg};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::{AmountError, Quantity};

use super::stakes::{Found, Otherwise};
use super::{At, ways};
use crate::outcome::{
    Disposal, Income, Removed, RemovedLot, TaxYear, Term, Totals, Transfer, Valuation, Warning,
    WarningCode,
};
use crate::settle::Way;

/// The lines, sums and warnings so far.
pub(super) struct Draft {
    currency: Currency,
    pub(super) disposals: Vec<Disposal>,
    pub(super) removed: Vec<Removed>,
    pub(super) income: Vec<Income>,
    pub(super) transfers: Vec<Transfer>,
    pub(super) valuations: Vec<Valuation>,
    pub(super) rows: BTreeMap<TaxYear, usize>,
    pub(super) totals: BTreeMap<TaxYear, Totals>,
    pub(super) found: Vec<Found>,
}

impl Draft {
    pub(super) const fn new(currency: Currency) -> Self {
        Self {
            currency,
            disposals: Vec::new(),
            removed: Vec::new(),
            income: Vec::new(),
            transfers: Vec::new(),
            valuations: Vec::new(),
            rows: BTreeMap::new(),
            totals: BTreeMap::new(),
            found: Vec::new(),
        }
    }

    fn year(&mut self, year: TaxYear) -> &mut Totals {
        let currency = self.currency;
        self.totals
            .entry(year)
            .or_insert_with(|| Totals::zero(currency))
    }

    /// Counts a row of a year; rows come in order of time.
    pub(super) fn count_row(&mut self, year: TaxYear) {
        match self.rows.last_entry() {
            Some(mut last) if *last.key() == year => *last.get_mut() += 1,
            _ => *self.rows.entry(year).or_default() += 1,
        }
    }

    /// Makes sure that a year has sums.
    pub(super) fn begin(&mut self, year: TaxYear) {
        self.year(year);
    }

    /// Adds a disposal of one line to the list and to its year.
    pub(super) fn dispose(&mut self, year: TaxYear, line: Disposal) -> Result<(), AmountError> {
        let gain = line.counted_gain()?;
        let totals = self.year(year);
        add_line(totals, &line)?;
        add_gain(totals, gain)?;
        self.disposals.push(line);
        Ok(())
    }

    /// Adds a disposal to the list and to its year: one gain or loss, whatever lines it has.
    pub(super) fn dispose_whole(
        &mut self,
        year: TaxYear,
        lines: Vec<Disposal>,
    ) -> Result<(), AmountError> {
        let mut gain = Money::zero(self.currency);
        let totals = self.year(year);
        for line in &lines {
            gain = gain.checked_add(line.counted_gain()?)?;
            add_line(totals, line)?;
        }
        add_gain(totals, gain)?;
        self.disposals.extend(lines);
        Ok(())
    }

    /// Adds an income line to the list and to its year.
    pub(super) fn receive(&mut self, year: TaxYear, line: Income) -> Result<(), AmountError> {
        let totals = self.year(year);
        totals.income = totals.income.checked_add(line.value)?;
        self.income.push(line);
        Ok(())
    }

    /// Lists units that left without a taxable disposal, with what they had cost.
    pub(super) fn list_removed(
        &mut self,
        at: &At<'_>,
        leg: &Leg,
        cost: Money,
        lots: Box<[RemovedLot]>,
    ) {
        self.removed.push(Removed {
            id: at.row.id.clone(),
            origin: at.origin,
            kind: at.row.kind,
            asset: Asset::clone(&leg.asset),
            date: at.date,
            quantity: leg.amount,
            cost,
            part: None,
            lots,
        });
    }

    /// Adds a result apart from lots to its year.
    pub(super) fn add_other(&mut self, year: TaxYear, money: Money) -> Result<(), AmountError> {
        let totals = self.year(year);
        totals.other = totals.other.checked_add(money)?;
        Ok(())
    }

    /// Adds a warning about a row.
    pub(super) fn warn(&mut self, at: &At<'_>, note: Note<'_>) {
        let warning = Warning {
            code: note.code,
            id: at.row.id.clone(),
            origin: at.origin,
            year: at.year,
            asset: note.asset.cloned(),
            at_stake: note.at_stake.abs(),
            message: note.message,
            help: note.help.to_owned(),
            is_exact: matches!(note.otherwise, Otherwise::Told),
            ways: note.ways,
        };
        let otherwise = note.otherwise;
        self.found.push(Found { warning, otherwise });
    }
}

fn add_gain(totals: &mut Totals, gain: Money) -> Result<(), AmountError> {
    let side = if gain.is_negative() {
        &mut totals.losses
    } else {
        &mut totals.gains
    };
    add(side, gain)?;
    add(&mut totals.net, gain)
}

fn add_line(totals: &mut Totals, line: &Disposal) -> Result<(), AmountError> {
    add(&mut totals.proceeds, line.proceeds)?;
    if line.is_no_gain_no_loss() {
        add(&mut totals.no_gain_no_loss, line.proceeds)?;
    }
    add(&mut totals.cost, line.cost)?;
    add(&mut totals.fees, line.fees)?;
    add(&mut totals.denied, line.denied_loss)?;
    match line.term {
        Some(Term::Short) => add(&mut totals.short, line.gain)?,
        Some(Term::Long) => add(&mut totals.long, line.gain)?,
        None => {}
    }
    totals.disposals += 1;
    Ok(())
}

fn add(sum: &mut Money, money: Money) -> Result<(), AmountError> {
    *sum = sum.checked_add(money)?;
    Ok(())
}

/// What a warning says, without the row it is about.
pub(super) struct Note<'n> {
    pub(super) code: WarningCode,
    pub(super) asset: Option<&'n Asset>,
    pub(super) at_stake: Money,
    pub(super) message: String,
    pub(super) help: &'n str,
    pub(super) ways: &'static [Way],
    pub(super) otherwise: Otherwise,
}

impl<'n> Note<'n> {
    /// Units were disposed of without a known cost; some of them may have come by another row.
    pub(super) fn missing_basis(
        asset: &'n Asset,
        quantity: Quantity,
        gain: Money,
        came_by: Option<&str>,
    ) -> Self {
        const HELP: &str =
            "add the file that has the purchase, or an opening row with basis and acquired";
        let message = format!("no purchase on record for {quantity} {asset}; zero cost was taken");
        let (message, help, ways) = match came_by {
            None => (message, HELP, ways::NO_PURCHASE),
            Some(row) => (
                format!("{message}; they came by row {row}"),
                "add the file that has the purchase, or settle the row that they came by",
                ways::NO_COST,
            ),
        };
        Self {
            code: WarningCode::MissingCostBasis,
            asset: Some(asset),
            at_stake: gain,
            message,
            help,
            ways,
            otherwise: Otherwise::Told,
        }
    }

    /// What units had cost is not known, and they went into a pool.
    pub(super) fn unknown_cost(asset: &'n Asset, quantity: Quantity, at_stake: Money) -> Self {
        Self {
            otherwise: Otherwise::Cost(at_stake),
            code: WarningCode::MissingCostBasis,
            asset: Some(asset),
            at_stake,
            message: format!("the cost of {quantity} {asset} is not known; zero was taken"),
            help: "fill basis with what they had cost",
            ways: ways::COST_OF_ROW,
        }
    }

    /// No value is known.
    pub(super) fn missing_price(
        asset: &'n Asset,
        quantity: Quantity,
        at_stake: Money,
        otherwise: Otherwise,
    ) -> Self {
        Self {
            otherwise,
            code: WarningCode::MissingPrice,
            asset: Some(asset),
            at_stake,
            message: format!("no value is known for {quantity} {asset}; zero was taken"),
            help: "fill value (for a fee: fee_value) with the market value at that time",
            ways: ways::NO_PRICE,
        }
    }

    /// A wallet gave more than it had.
    pub(super) fn negative_balance(
        asset: &'n Asset,
        wallet: &Asset,
        quantity: Quantity,
        at_stake: Money,
        otherwise: Otherwise,
    ) -> Self {
        Self {
            otherwise,
            code: WarningCode::NegativeBalance,
            asset: Some(asset),
            at_stake,
            message: format!("{wallet} gave {quantity} {asset} more than it held on record"),
            help: "a transfer or purchase into this wallet is missing; add the file that has it",
            ways: ways::SHORT,
        }
    }
}
