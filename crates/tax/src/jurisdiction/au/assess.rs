//! The discount, and losses before it.

mod schedule;

use std::collections::BTreeMap;

use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use crate::assess::{Assessment, Books, Line, above_zero, least};
use crate::outcome::{TaxYear, Term};
use crate::place::{Entered, Place};

/// The last tax year, by the calendar year in which it begins, whose gains have the discount. From
/// 1 July 2027 indexed costs and a minimum tax take its place for what accrues from then on
/// (Treasury Laws Amendment (Tax Reform No. 1) Act 2026); they are not in these rules.
const DISCOUNT_TO: TaxYear = TaxYear(2026);

const DISCOUNT_SOURCE: &str = "ITAA 1997 s. 115-25, 115-100; TD 2002/10";
const NO_DISCOUNT_SOURCE: &str = "ITAA 1997 s. 115-10";
const AFTER_DISCOUNT_SOURCE: &str =
    "Treasury Laws Amendment (Tax Reform No. 1) Act 2026, which these rules do not follow yet";
const LOSS_SOURCE: &str = "ITAA 1997 s. 102-5, 102-15";
const MARGIN_SOURCE: &str =
    "ITAA 1997 s. 6-5, 8-1, 15-15, 25-40; TR 2005/15 on contracts for differences";
const INCOME_SOURCE: &str = "ATO, Staking rewards and airdrops";

/// Where figures go.
struct Form {
    gains: Option<Place>,
    net: Place,
    carried: Place,
    income: Option<Place>,
    deduction: Option<Place>,
    schedule: &'static str,
}

/// Labels of a return have no cents.
const fn label(form: &'static str, label: &'static str) -> Place {
    Place::at(form, "label", label).entered(Entered::Down)
}

const QUESTION: &str = "Tax return, question 18";
/// A person's return has capital gains at question 18, with labels H, A and V (ATO, instructions
/// for question 18 and the guide to capital gains tax).
const PERSON: Form = Form {
    gains: Some(label(QUESTION, "H")),
    net: label(QUESTION, "A"),
    carried: label(QUESTION, "V"),
    income: Some(label("Tax return, question 24, other income", "")),
    deduction: Some(label("Tax return, other deductions", "")),
    schedule: "CGT schedule, if you attach one",
};
const COMPANY: Form = Form {
    gains: None,
    net: label("Company return, net capital gain", "A"),
    carried: label("Company return, losses information", "V"),
    income: None,
    deduction: None,
    schedule: "CGT schedule",
};
const WORKSHEET: Option<Place> =
    Some(Place::words("CGT summary worksheet").entered(Entered::Unsigned));

/// The discount of a year: its label, its source, and whether there is one.
const fn discount_of(year: TaxYear, is_person: bool) -> (&'static str, &'static str, bool) {
    if !is_person {
        ("No discount for a company", NO_DISCOUNT_SOURCE, false)
    } else if year.0 > DISCOUNT_TO.0 {
        let label = "Discount: not known for this year, none is taken";
        (label, AFTER_DISCOUNT_SOURCE, false)
    } else {
        ("Discount of 50 %", DISCOUNT_SOURCE, true)
    }
}

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let is_person = books.chosen("person") == "individual";
    let form = if is_person { PERSON } else { COMPANY };
    let mut brought = books.given("loss_before").round(2);
    let mut years = BTreeMap::new();
    for year in books.years() {
        // In the cents of the printed sums: what is made of them adds up in every output.
        let sums = books.sums(year);
        let (gains, losses) = (sums.gains, sums.losses.negated());
        let lines = books.lines(year).iter();
        let long = lines.filter(|line| line.term == Some(Term::Long));
        let long = least(books.gains_and_losses(long)?.0.round(2), gains);
        let short = gains.checked_sub(long)?;
        let all_losses = losses.checked_add(brought)?;
        // Losses go against gains without a discount first, which is best for the taxpayer.
        let against_short = least(all_losses, short);
        let left = all_losses.checked_sub(against_short)?;
        let against_long = least(left, long);
        let carried = left.checked_sub(against_long)?;
        let long_left = long.checked_sub(against_long)?;
        let (discount_label, discount_source, has_discount) = discount_of(year, is_person);
        let discount = if has_discount {
            half(long_left)?
        } else {
            books.zero()
        };
        let net = short
            .checked_sub(against_short)?
            .checked_add(long_left)?
            .checked_sub(discount)?;
        let of_year = Year {
            short,
            long,
            losses,
            brought,
            discount,
            discount_label,
            discount_source,
            net,
            carried,
            income: sums.income,
        };
        let mut out = Assessment::default();
        out.extend(of_year.gains(&form)?);
        out.extend(of_year.results(&form));
        out.extend(schedule::lines(&of_year, form.schedule)?);
        let is_loss = sums.other.is_negative();
        out.margin(
            ("margin_income", "Results of margin positions"),
            sums.other,
            if is_loss { form.deduction } else { form.income },
            MARGIN_SOURCE,
        );
        brought = carried;
        years.insert(year, out);
    }
    Ok(years)
}

/// What a year comes to.
struct Year {
    short: Money,
    long: Money,
    losses: Money,
    brought: Money,
    discount: Money,
    discount_label: &'static str,
    discount_source: &'static str,
    net: Money,
    carried: Money,
    income: Money,
}

impl Year {
    fn gains(&self, form: &Form) -> Result<[Line; 6], AmountError> {
        Ok([
            (
                "total_current_year_capital_gains",
                "Capital gains of the year",
                self.short.checked_add(self.long)?,
                form.gains,
                LOSS_SOURCE,
            ),
            (
                "gains_without_discount",
                "of these held for less than twelve months",
                self.short,
                WORKSHEET,
                DISCOUNT_SOURCE,
            ),
            (
                "gains_with_discount",
                "of these held for at least twelve months",
                self.long,
                WORKSHEET,
                DISCOUNT_SOURCE,
            ),
            (
                "losses_of_year",
                "Capital losses of the year",
                self.losses.negated(),
                WORKSHEET,
                LOSS_SOURCE,
            ),
            (
                "losses_of_earlier_years",
                "Capital losses of earlier years",
                self.brought.negated(),
                WORKSHEET,
                LOSS_SOURCE,
            ),
            (
                "discount",
                self.discount_label,
                self.discount.negated(),
                WORKSHEET,
                self.discount_source,
            ),
        ])
    }

    fn results(&self, form: &Form) -> [Line; 3] {
        [
            (
                "net_capital_gain",
                "Net capital gain",
                self.net,
                Some(form.net),
                LOSS_SOURCE,
            ),
            (
                "losses_carried_forward",
                "Net capital losses to carry forward",
                above_zero(self.carried),
                Some(form.carried),
                LOSS_SOURCE,
            ),
            (
                "income",
                "Income from crypto assets",
                self.income,
                form.income,
                INCOME_SOURCE,
            ),
        ]
    }
}

/// Half of an amount, in cents.
fn half(money: Money) -> Result<Money, AmountError> {
    let half = money.share(Quantity::from_units(1, 0)?, Quantity::from_units(2, 0)?)?;
    Ok(half.round(2))
}
