//! The exempt amount, losses, the year of two rates, and the figures of form SA108.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use crate::assess::{Amount, Assessment, Books, Dated, above_zero, least, on, whole};
use crate::outcome::{Disposal, TaxYear};

const fn exempt(from: i32, to: Option<i32>, value: i64, source: &'static str) -> Dated<i64> {
    Dated {
        from,
        to,
        value,
        source,
    }
}

/// The annual exempt amount, by the calendar year in which the tax year begins.
const EXEMPT: &[Dated<i64>] = &[
    exempt(2014, Some(2014), 11_000, "TCGA 1992 s. 3; SI 2014/753"),
    exempt(2015, Some(2016), 11_100, "TCGA 1992 s. 3"),
    exempt(2017, Some(2017), 11_300, "TCGA 1992 s. 3"),
    exempt(2018, Some(2018), 11_700, "TCGA 1992 s. 3"),
    exempt(2019, Some(2019), 12_000, "TCGA 1992 s. 1K"),
    exempt(
        2020,
        Some(2022),
        12_300,
        "TCGA 1992 s. 1K; Finance Act 2021 s. 40",
    ),
    exempt(
        2023,
        Some(2023),
        6_000,
        "TCGA 1992 s. 1K; Finance Act 2023 s. 8",
    ),
    exempt(2024, None, 3_000, "TCGA 1992 s. 1K; Finance Act 2023 s. 8"),
];

/// Proceeds above which a return is due though nothing is taxable. Before 2023-24 it was four
/// times the exempt amount.
const PROCEEDS: &[Dated<i64>] = &[Dated {
    from: 2023,
    to: None,
    value: 50_000,
    source: "TMA 1970 s. 8C; notes to SA108",
}];

/// The first day of the rates of 18 and 24 per cent, in place of 10 and 20.
const RATES_CHANGE: Option<NaiveDate> = NaiveDate::from_ymd_opt(2024, 10, 30);
/// The tax year in which that day lies.
const RATES_CHANGE_IN: TaxYear = TaxYear(2024);
/// The first tax year in which SA108 has boxes of its own for cryptoassets.
const CRYPTO_BOXES_FROM: TaxYear = TaxYear(2024);

const RATES_SOURCE: &str = "Finance Act 2025 s. 7; Autumn Budget 2024";
const LOSS_SOURCE: &str = "TCGA 1992 s. 1E, 2A; CG21520";
const FORM_SOURCE: &str = "SA108 and its notes";

/// What the disposals of some days come to, without those that give neither gain nor loss.
struct Sums {
    proceeds: Money,
    costs: Money,
    gains: Money,
    losses: Money,
    disposals: usize,
}

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let is_company = books.chosen("person") == "company";
    let mut brought = books.given("loss_before");
    let mut years = BTreeMap::new();
    for year in books.years() {
        let (totals, lines) = (books.sums(year), books.lines(year));
        let fact = on(EXEMPT, year).filter(|_| !is_company);
        let allowance = fact.map_or(books.zero(), |fact| whole(fact.value, books));
        let sums = sums(books, lines.iter())?;
        let net = sums.gains.checked_add(sums.losses)?;
        // Losses of earlier years are used only as far as the exempt amount does not cover.
        let brought_used = least(brought, above_zero(net.checked_sub(allowance)?));
        let after_losses = above_zero(net.checked_sub(brought_used)?);
        let exempted = least(allowance, after_losses);
        let taxable = after_losses.checked_sub(exempted)?;
        let carried = brought
            .checked_sub(brought_used)?
            .checked_add(above_zero(net.negated()))?;
        let mut out = Assessment::default();
        let boxes = Boxes {
            is_own: year >= CRYPTO_BOXES_FROM,
        };
        out.push(
            "number_of_disposals",
            "Number of disposals",
            Amount::Count(sums.disposals),
            boxes.line("SA108 box 13.1"),
            FORM_SOURCE,
        );
        for (key, label, amount, form) in [
            (
                "disposal_proceeds",
                "Disposal proceeds",
                sums.proceeds,
                "SA108 box 13.2",
            ),
            (
                "allowable_costs",
                "Allowable costs",
                sums.costs,
                "SA108 box 13.3",
            ),
            (
                "gains_before_losses",
                "Gains in the year, before losses",
                sums.gains,
                "SA108 box 13.4",
            ),
            (
                "losses_in_year",
                "Losses in the year",
                sums.losses,
                "SA108 box 13.5",
            ),
        ] {
            out.money(key, label, amount, boxes.line(form), FORM_SOURCE);
        }
        out.money(
            "losses_brought_forward_used",
            "Losses of earlier years used",
            brought_used,
            None,
            LOSS_SOURCE,
        );
        out.money(
            "annual_exempt_amount",
            "Annual exempt amount",
            allowance,
            None,
            fact.map_or("companies have none", |fact| fact.source),
        );
        if year == RATES_CHANGE_IN && !is_company {
            let relief = sums
                .losses
                .negated()
                .checked_add(brought_used)?
                .checked_add(exempted)?;
            split_year(books, lines, relief, &mut out)?;
        }
        out.money(
            "taxable",
            "Taxable gain",
            taxable,
            None,
            "TCGA 1992 s. 1, 1K",
        );
        out.money(
            "losses_carried_forward",
            "Losses to carry forward",
            carried,
            None,
            LOSS_SOURCE,
        );
        let is_due = !is_company && is_report_due(books, year, &sums, allowance);
        out.push(
            "report_required",
            "Whether the gains must be reported",
            Amount::YesNo(is_due),
            None,
            on(PROCEEDS, year).map_or("TMA 1970 s. 8C; notes to SA108", |fact| fact.source),
        );
        out.money(
            "miscellaneous_income",
            "Miscellaneous income from cryptoassets",
            totals.income,
            Some("SA100 box 17"),
            "CRYPTO21000",
        );
        brought = carried;
        years.insert(year, out);
    }
    Ok(years)
}

/// Box numbers of the year's form.
struct Boxes {
    is_own: bool,
}

impl Boxes {
    fn line(&self, number: &'static str) -> Option<&'static str> {
        Some(if self.is_own {
            number
        } else {
            "SA108, other property"
        })
    }
}

/// A return is due for gains above the exempt amount, before losses are taken off, and for large
/// proceeds. (A loss has to be claimed too; that is not asked here.)
fn is_report_due(books: &Books<'_>, year: TaxYear, sums: &Sums, allowance: Money) -> bool {
    let limit = match on(PROCEEDS, year) {
        Some(fact) => Some(whole(fact.value, books)),
        None => (0..4).try_fold(books.zero(), |sum, _| sum.checked_add(allowance).ok()),
    };
    sums.gains > allowance || limit.is_some_and(|limit| sums.proceeds > limit)
}

/// The year of two rates: losses and the exempt amount go against the dearer part first, as TCGA
/// 1992 s. 1F lets them.
fn split_year(
    books: &Books<'_>,
    lines: &[Disposal],
    relief: Money,
    out: &mut Assessment,
) -> Result<(), AmountError> {
    let is_before = |line: &&Disposal| RATES_CHANGE.is_some_and(|day| line.date < day);
    let before = sums(books, lines.iter().filter(is_before))?;
    let from = sums(books, lines.iter().filter(|line| !is_before(line)))?;
    let taxable_from = above_zero(from.gains.checked_sub(relief)?);
    let left = above_zero(relief.checked_sub(from.gains)?);
    let taxable_before = above_zero(before.gains.checked_sub(left)?);
    for (key, label, amount) in [
        (
            "gain_before_30_oct",
            "Net gain to 29 October 2024 (10 and 20 %)",
            before.gains.checked_add(before.losses)?,
        ),
        (
            "gain_from_30_oct",
            "Net gain from 30 October 2024 (18 and 24 %)",
            from.gains.checked_add(from.losses)?,
        ),
        ("taxable_before", "Taxable at 10 and 20 %", taxable_before),
        ("taxable_from", "Taxable at 18 and 24 %", taxable_from),
    ] {
        out.money(key, label, amount, None, RATES_SOURCE);
    }
    Ok(())
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
    for line in lines.filter(|line| line.rule != "no-gain-no-loss") {
        sums.proceeds = sums.proceeds.checked_add(line.proceeds)?;
        sums.costs = sums.costs.checked_add(line.cost)?.checked_add(line.fees)?;
        match &mut open {
            Some((first, gain)) if is_same_disposal(first, line) => {
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

fn is_same_disposal(a: &Disposal, b: &Disposal) -> bool {
    a.date == b.date && a.asset == b.asset && a.id == b.id
}

impl Sums {
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
