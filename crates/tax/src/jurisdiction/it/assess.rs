//! The substitute tax: its rates, the threshold of two years, and losses of the four years before.

use std::collections::BTreeMap;

use packtrain_core::ledger::RowKind;
use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::super::losses::Losses;
use crate::assess::{Assessment, Books, Dated, Line, UNKNOWN, above_zero, on, percent, whole};
use crate::outcome::TaxYear;
use crate::place::Place;

/// The rate of the substitute tax, in percent.
const RATE: &[Dated<i128>] = &[
    Dated {
        from: 2023,
        to: Some(2025),
        value: 26,
        source: "D.Lgs. 461/1997 art. 5; TUIR art. 67(1) c-sexies, as of L. 197/2022",
    },
    Dated {
        from: 2026,
        to: None,
        value: 33,
        source: "L. 207/2024 art. 1(24)",
    },
];

/// What gains and receipts have to come to before they are taxed, and losses before they are kept.
const THRESHOLD: &[Dated<i64>] = &[Dated {
    from: 2023,
    to: Some(2024),
    value: 2_000,
    source: "TUIR art. 67(1) c-sexies, 68(9-bis), as in force to 2024",
}];

/// Tax years after the one of a loss in which it may still be used.
const LOSS_YEARS: i32 = 4;

/// What comes of holding, which is taxed without any deduction.
const HOLDING: &[RowKind] = &[RowKind::Staking, RowKind::Interest, RowKind::Reward];
const OTHER: &[RowKind] = &[
    RowKind::Mining,
    RowKind::Airdrop,
    RowKind::Fork,
    RowKind::Income,
];

const GAIN_SOURCE: &str = "TUIR art. 68(9-bis)";
const FORM: Option<Place> = Some(Place::words("quadro RT, cripto-attività"));

/// What the tax of a year is made of.
struct Year {
    gain: Money,
    holding: Money,
    used: Money,
    /// What the losses are kept by, and gains are taxed above; none where there is none.
    threshold: Money,
    taxable: Money,
    tax: Money,
    left: Money,
    source: &'static str,
}

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let mut losses = Losses::keeping(LOSS_YEARS, books.zero());
    let mut years = BTreeMap::new();
    for year in books.years() {
        let of_year = Year::of(books, year, &mut losses)?;
        let mut out = Assessment::default();
        out.extend(of_year.gains(books, year)?);
        out.extend(of_year.tax());
        years.insert(year, out);
    }
    Ok(years)
}

impl Year {
    fn of(books: &Books<'_>, year: TaxYear, losses: &mut Losses) -> Result<Self, AmountError> {
        let (net, zero) = (books.sums(year).net, books.zero());
        let holding = books.received(year, HOLDING)?;
        let mut of_year = Self {
            gain: net,
            holding,
            used: zero,
            threshold: zero,
            taxable: zero,
            tax: zero,
            left: zero,
            source: UNKNOWN,
        };
        // What was taxed before the rules of 2023 depends on what was held day by day.
        let Some(rate) = on(RATE, year) else {
            return Ok(of_year);
        };
        let threshold = on(THRESHOLD, year).map_or(zero, |fact| whole(fact.value, books));
        let used = losses.use_up(year, above_zero(net))?;
        let loss = above_zero(net.negated());
        // Limits are for what was gained or lost, before anything is rounded.
        let exact = books.exact(year).net;
        if above_zero(exact.negated()) > threshold {
            losses.add(year, loss);
        }
        let all = above_zero(net).checked_sub(used)?.checked_add(holding)?;
        let all_exact = above_zero(exact).checked_sub(used)?.checked_add(holding)?;
        of_year.taxable = if books.chosen("threshold") == "all" {
            if all_exact < threshold { zero } else { all }
        } else {
            above_zero(all.checked_sub(threshold)?)
        };
        of_year.tax = percent(of_year.taxable, rate.value)?;
        (of_year.used, of_year.threshold) = (used, threshold);
        (of_year.left, of_year.source) = (losses.left(year)?, rate.source);
        Ok(of_year)
    }

    /// What the disposals and receipts of a year come to.
    fn gains(&self, books: &Books<'_>, year: TaxYear) -> Result<[Line; 5], AmountError> {
        let sums = books.sums(year);
        Ok([
            ("gains", "Gains", sums.gains, FORM, GAIN_SOURCE),
            ("losses", "Losses", sums.losses, FORM, GAIN_SOURCE),
            (
                "balance",
                "Gain or loss of the year",
                self.gain,
                FORM,
                GAIN_SOURCE,
            ),
            (
                "holding_income",
                "Receipts from holding, taxed without deduction",
                self.holding,
                FORM,
                GAIN_SOURCE,
            ),
            (
                "other_income",
                "Mining, airdrops and the like, which you have to assign",
                books.received(year, OTHER)?,
                None,
                "no direct guidance",
            ),
        ])
    }

    fn tax(&self) -> [Line; 5] {
        [
            (
                "losses_of_earlier_years_used",
                "Losses of the four years before that may be set against the gain",
                self.used,
                FORM,
                GAIN_SOURCE,
            ),
            (
                "threshold",
                "Threshold of the year",
                self.threshold,
                None,
                THRESHOLD[0].source,
            ),
            ("taxable", "Taxed", self.taxable, FORM, self.source),
            ("tax", "Substitute tax on it", self.tax, FORM, self.source),
            (
                "losses_carried_forward",
                "Losses that later years may still use",
                self.left,
                FORM,
                GAIN_SOURCE,
            ),
        ]
    }
}
