//! The exempt amount, losses, the year of two rates, and the figures of form SA108.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use packtrain_core::ledger::RowKind;
use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::boxes::{self, Pounds};
use super::facts::{EXEMPT, PROCEEDS, PROCEEDS_IN_AMOUNTS, REPORTING};
use crate::assess::{Amount, Assessment, Books, UNKNOWN, above_zero, least, on, whole};
use crate::outcome::{Disposal, TaxYear};
use crate::place::{Entered, Place};

/// The first day of the rates of 18 and 24 per cent, in place of 10 and 20.
const RATES_CHANGE: Option<NaiveDate> = NaiveDate::from_ymd_opt(2024, 10, 30);
/// The tax year in which that day lies.
const RATES_CHANGE_IN: TaxYear = TaxYear(2024);
const RATES_SOURCE: &str = "Finance Act 2025 s. 7; Autumn Budget 2024";
const LOSS_SOURCE: &str = "TCGA 1992 s. 1(3), 1K (to 2018-19: s. 3); CG18030";
const MARGIN_SOURCE: &str = "TCGA 1992 s. 143, 144; SA108 and its notes";
const INCOME_SOURCE: &str = "ITTOIA 2005 s. 687; no direct guidance";
const FORM_SOURCE: &str = "SA108 and its notes";
/// A company pays corporation tax on its gains, by part 1 chapter 2 of the Act.
const COMPANY_SOURCE: &str = "TCGA 1992 s. 1(2)";

/// What the disposals of some days come to, without those that give neither gain nor loss.
struct Sums {
    proceeds: Money,
    costs: Money,
    gains: Money,
    losses: Money,
    disposals: usize,
}

/// What a year comes to.
struct Year<'o> {
    books: &'o Books<'o>,
    year: TaxYear,
    is_company: bool,
    sums: Sums,
    /// What of these are margin results, where the form of the year has them apart.
    margin: Sums,
    allowance: Money,
    allowance_source: &'static str,
    brought_used: Money,
    exempted: Money,
    taxable: Money,
    carried: Money,
    pounds: Pounds,
}

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let mut brought = books.given("loss_before");
    let mut pounds = Pounds::before(brought)?;
    let mut years = BTreeMap::new();
    for year in books.years() {
        let known = Year::of(books, year, brought, pounds)?;
        (brought, pounds) = (known.carried, known.pounds);
        years.insert(year, known.figures()?);
    }
    Ok(years)
}

impl<'o> Year<'o> {
    fn of(
        books: &'o Books<'_>,
        year: TaxYear,
        brought: Money,
        pounds: Pounds,
    ) -> Result<Self, AmountError> {
        let is_company = books.chosen("person") == "company";
        let fact = on(EXEMPT, year).filter(|_| !is_company);
        let allowance = fact.map_or(books.zero(), |fact| whole(fact.value, books));
        let without = if is_company { COMPANY_SOURCE } else { UNKNOWN };
        let mut sums = sums(books, books.lines(year).iter())?;
        let net = books.sums(year).net;
        // What gives neither gain nor loss is in neither of these.
        sums.costs = sums.proceeds.round(2).checked_sub(net)?;
        let is_apart =
            |line: &&Disposal| boxes::parts_cryptoassets(year) && line.kind == RowKind::MarginPnl;
        let mut margin = self::sums(books, books.lines(year).iter().filter(is_apart))?;
        let margin_net = margin.gains.checked_add(margin.losses)?.round(2);
        margin.costs = margin.proceeds.round(2).checked_sub(margin_net)?;
        let own = sums.without(&margin)?;
        // Losses of earlier years are used only as far as the exempt amount does not cover.
        let brought_used = least(brought, above_zero(net.checked_sub(allowance)?));
        let after_losses = above_zero(net.checked_sub(brought_used)?);
        let exempted = least(allowance, after_losses);
        Ok(Self {
            books,
            year,
            is_company,
            pounds: pounds.after(
                [own.gains, margin.gains],
                [own.losses, margin.losses],
                allowance,
            )?,
            sums,
            margin,
            allowance,
            allowance_source: fact.map_or(without, |fact| fact.source),
            brought_used,
            exempted,
            taxable: after_losses.checked_sub(exempted)?,
            carried: brought
                .checked_sub(brought_used)?
                .checked_add(above_zero(net.negated()))?,
        })
    }

    fn figures(&self) -> Result<Assessment, AmountError> {
        let mut out = Assessment::default();
        self.form(&mut out)?;
        let (losses, gains) = if self.is_company {
            (COMPANY_SOURCE, COMPANY_SOURCE)
        } else {
            (LOSS_SOURCE, "TCGA 1992 s. 1, 1K (to 2018-19: s. 3)")
        };
        let used = "Losses of earlier years used";
        let key = "losses_brought_forward_used";
        let entered = |place: Place, units| place.entered(Entered::Units(units));
        let place = self.place(key).map(|it| entered(it, self.pounds.used));
        out.money(key, used, self.brought_used, place, losses);
        let (key, source) = ("annual_exempt_amount", self.allowance_source);
        out.money(key, "Annual exempt amount", self.allowance, None, source);
        if self.year == RATES_CHANGE_IN && !self.is_company {
            let relief = (self.sums.losses.negated())
                .checked_add(self.brought_used)?
                .checked_add(self.exempted)?;
            self.split(relief, &mut out)?;
        }
        out.money("taxable", "Taxable gain", self.taxable, None, gains);
        let (key, label) = ("losses_carried_forward", "Losses to carry forward");
        let place = self.place(key).map(|it| entered(it, self.pounds.carried));
        out.money(key, label, self.carried, place, losses);
        if !self.is_company {
            self.report(&mut out)?;
        }
        let key = "miscellaneous_income";
        out.money(
            key,
            "Miscellaneous income from cryptoassets",
            self.books.sums(self.year).income,
            self.place(key),
            "CRYPTO21150, CRYPTO21200",
        );
        if self.is_company {
            // They are income of it, but no miscellaneous income, and in no figure here.
            return Ok(out);
        }
        let margin = self.books.sums(self.year).other;
        let form = self.place(key).filter(|_| !margin.is_negative());
        let label = "Results of margin positions, which are miscellaneous income as well";
        out.margin(("margin_income", label), margin, form, INCOME_SOURCE);
        Ok(out)
    }

    /// Where a figure goes. A company has another form.
    fn place(&self, key: &str) -> Option<Place> {
        (!self.is_company)
            .then(|| boxes::place(key, self.year))
            .flatten()
    }

    /// What form SA108 asks for.
    fn form(&self, out: &mut Assessment) -> Result<(), AmountError> {
        let own = self.sums.without(&self.margin)?;
        let source = if self.is_company {
            COMPANY_SOURCE
        } else {
            FORM_SOURCE
        };
        let count = Amount::Count(own.disposals);
        let (key, label) = ("number_of_disposals", "Number of disposals");
        out.push(key, label, count, self.place(key), source);
        let before = "Gains in the year, before losses";
        for (key, label, amount) in [
            ("disposal_proceeds", "Disposal proceeds", own.proceeds),
            ("allowable_costs", "Allowable costs", own.costs),
            ("gains_before_losses", before, own.gains),
            ("losses_in_year", "Losses in the year", own.losses),
        ] {
            out.money(key, label, amount, self.place(key), source);
        }
        if self.margin.disposals > 0 {
            self.margin_form(out);
        }
        Ok(())
    }

    /// What the form asks for of other property.
    fn margin_form(&self, out: &mut Assessment) {
        let place = boxes::of_other_property;
        let count = Amount::Count(self.margin.disposals);
        let label = "Margin results: number";
        let form = place("number_of_disposals");
        out.push("margin_results", label, count, form, MARGIN_SOURCE);
        let Sums {
            proceeds,
            costs,
            gains,
            losses,
            ..
        } = self.margin;
        for (key, of_form, label, amount) in [
            (
                "margin_proceeds",
                "disposal_proceeds",
                "Margin results: gains before their fees",
                proceeds,
            ),
            (
                "margin_costs",
                "allowable_costs",
                "Margin results: losses before their fees, and fees",
                costs,
            ),
            (
                "margin_gains",
                "gains_before_losses",
                "Margin results: gains",
                gains,
            ),
            (
                "margin_losses",
                "losses_in_year",
                "Margin results: losses",
                losses,
            ),
        ] {
            out.money(key, label, amount, place(of_form), MARGIN_SOURCE);
        }
    }

    /// Whether gains are reported: where they are over the exempt amount before losses, or the
    /// proceeds are large.
    fn report(&self, out: &mut Assessment) -> Result<(), AmountError> {
        let (limit, source) = match (on(PROCEEDS, self.year), on(REPORTING, self.year)) {
            (Some(fact), _) => (whole(fact.value, self.books), fact.source),
            (None, rule) => {
                let mut limit = self.books.zero();
                for _ in 0..PROCEEDS_IN_AMOUNTS {
                    limit = limit.checked_add(self.allowance)?;
                }
                (limit, rule.map_or(UNKNOWN, |rule| rule.source))
            }
        };
        let is_due = self.sums.gains > self.allowance || self.sums.proceeds > limit;
        out.push(
            "report_required",
            "Whether the gains must be reported",
            Amount::YesNo(is_due),
            None,
            source,
        );
        Ok(())
    }

    /// The year of two rates: losses, which TCGA 1992 s. 1F lets go where they help most, and the
    /// exempt amount go against the dearer part first. The parts add up to the net gain and to what
    /// is taxable, in the same pence.
    fn split(&self, relief: Money, out: &mut Assessment) -> Result<(), AmountError> {
        let lines = self.books.lines(self.year).iter();
        let is_before = |line: &&Disposal| RATES_CHANGE.is_some_and(|day| line.date < day);
        let before = sums(self.books, lines.clone().filter(is_before))?;
        let from = sums(self.books, lines.filter(|line| !is_before(line)))?;
        let net = self.books.sums(self.year).net;
        let net_before = match from.disposals {
            0 => net,
            _ => before.gains.checked_add(before.losses)?.round(2),
        };
        let dearer = above_zero(from.gains.checked_sub(relief)?).round(2);
        let taxable_from = match before.gains.is_zero() {
            true => self.taxable,
            false => least(dearer, self.taxable),
        };
        for (key, label, amount) in [
            (
                "gain_before_30_oct",
                "Net gain to 29 October 2024 (10 and 20 %)",
                net_before,
            ),
            (
                "gain_from_30_oct",
                "Net gain from 30 October 2024 (18 and 24 %)",
                net.checked_sub(net_before)?,
            ),
            (
                "taxable_before",
                "Taxable at 10 and 20 %",
                self.taxable.checked_sub(taxable_from)?,
            ),
            ("taxable_from", "Taxable at 18 and 24 %", taxable_from),
        ] {
            out.money(key, label, amount, None, RATES_SOURCE);
        }
        Ok(())
    }
}

/// Gains and losses of whole disposals: all lines of one asset and day are one.
fn sums<'l>(
    books: &Books<'_>,
    lines: impl Iterator<Item = &'l Disposal>,
) -> Result<Sums, AmountError> {
    let mut sums = Sums {
        proceeds: books.zero(),
        costs: books.zero(),
        gains: books.zero(),
        losses: books.zero(),
        disposals: 0,
    };
    let mut open: Option<(&Disposal, Money)> = None;
    for line in lines.filter(|line| !line.is_no_gain_no_loss()) {
        sums.proceeds = sums.proceeds.checked_add(line.proceeds)?;
        sums.costs = sums.costs.checked_add(line.cost)?.checked_add(line.fees)?;
        match &mut open {
            Some((first, gain)) if first.is_of_same(line) => {
                *gain = gain.checked_add(line.gain)?;
            }
            _ => {
                sums.close(open.take())?;
                open = Some((line, line.gain));
            }
        }
    }
    sums.close(open)?;
    Ok(sums)
}

impl Sums {
    /// These without some of them.
    fn without(&self, part: &Self) -> Result<Self, AmountError> {
        Ok(Self {
            proceeds: self.proceeds.checked_sub(part.proceeds)?,
            costs: self.costs.checked_sub(part.costs)?,
            gains: self.gains.checked_sub(part.gains)?,
            losses: self.losses.checked_sub(part.losses)?,
            disposals: self.disposals - part.disposals,
        })
    }

    fn close(&mut self, disposal: Option<(&Disposal, Money)>) -> Result<(), AmountError> {
        let Some((_, gain)) = disposal else {
            return Ok(());
        };
        self.disposals += 1;
        let side = if gain.is_negative() {
            &mut self.losses
        } else {
            &mut self.gains
        };
        *side = side.checked_add(gain)?;
        Ok(())
    }
}
