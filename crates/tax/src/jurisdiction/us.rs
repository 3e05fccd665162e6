//! United States, federal income tax on digital assets held as capital assets.
//!
//! Calendar year, US dollars. Each rule that is used goes into the outcome with its source.

use chrono::{Datelike, Days, Months, NaiveDate};
use packtrain_core::money::Currency;

use super::{Applied, Jurisdiction, OptionSpec};
use crate::outcome::{RuleNote, TaxYear};
use crate::request::{Country, Method, Scope, Settings};

/// The rules in force for 2025 returns, as of 22 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::Us,
    name: "United States",
    currency: Currency::USD,
    timezone: chrono_tz::America::New_York,
    rule_set: "us-2025.1",
    methods: &[Method::Fifo, Method::Lifo, Method::Hifo],
    options: &[OptionSpec {
        name: "wrap",
        values: &["carry", "trade"],
        meaning: "whether wrapping a token carries its lots over or counts as an exchange",
    }],
    wallet_scope_from: NaiveDate::from_ymd_opt(2025, 1, 1),
    year_of: |date| TaxYear(date.year()),
    year_name: |year| year.to_string(),
    long_from,
    notes,
};

/// The period starts on the day after acquisition and must be more than one year: the first long
/// day is the same date one year after the start. Where that date does not exist (29 February),
/// it is 1 March. A lot of a month's last day starts on the 1st, as Rev. Rul. 66-7 has it.
fn long_from(acquired: NaiveDate) -> Option<NaiveDate> {
    let start = acquired.checked_add_days(Days::new(1))?;
    match start.with_year(start.year().checked_add(1)?) {
        Some(day) => Some(day),
        None => start
            .checked_add_days(Days::new(1))?
            .checked_add_months(Months::new(12)),
    }
}

fn notes(settings: &Settings, applied: &Applied) -> Vec<RuleNote> {
    let mut notes = vec![RuleNote {
        text: format!(
            "Digital assets are property: a sale, swap or payment is a disposal. Dates and tax \
             years are local dates in {}.",
            settings.timezone
        ),
        source: "Notice 2014-21; IRS FAQ on digital asset transactions",
    }];
    notes.extend(method_note(settings.method));
    notes.extend(scope_notes(settings, applied));
    let mut note = |used: bool, text: &str, source: &'static str| {
        if used {
            notes.push(RuleNote {
                text: text.to_owned(),
                source,
            });
        }
    };
    note(
        true,
        "Held for more than one year is long-term, counted from the day after acquisition; the \
         anniversary itself is still short-term.",
        "IRC 1222; IRS Pub. 544; Rev. Rul. 66-7",
    );
    leg_notes(settings, applied, &mut note);
    event_notes(applied, &mut note);
    notes
}

fn method_note(method: Method) -> Option<RuleNote> {
    let (text, source) = match method {
        Method::Fifo => (
            "First in, first out: the units acquired earliest go first.",
            "Treas. Reg. 1.1012-1(j)(1), (j)(3)(i) from 2025; IRS FAQ before",
        ),
        Method::Lifo => (
            "Last in, first out: the units acquired latest go first. This is specific \
             identification by a standing order, which must be on record before each sale.",
            "Treas. Reg. 1.1012-1(j)(2), (j)(3)(ii); Notice 2025-7",
        ),
        Method::Hifo => (
            "Highest cost first: the units with the highest unit cost, purchase fees included, go \
             first; of equal cost the oldest. This is specific identification by a standing \
             order, which must be on record before each sale.",
            "Treas. Reg. 1.1012-1(j)(2), (j)(3)(ii); Notice 2025-7",
        ),
    };
    Some(RuleNote {
        text: text.to_owned(),
        source,
    })
}

fn scope_notes(settings: &Settings, applied: &Applied) -> Vec<RuleNote> {
    let mut notes = Vec::new();
    let mut note = |text: String, source: &'static str| notes.push(RuleNote { text, source });
    match settings.scope {
        Some(Scope::Universal) => note(
            "Lots of all wallets are one pool for all dates, as asked. Since 1 January 2025 the \
             law has lots per wallet or account."
                .to_owned(),
            "Treas. Reg. 1.1012-1(j); TD 10000",
        ),
        Some(Scope::Wallet) => note(
            "Lots are kept per wallet or account for all dates, as asked.".to_owned(),
            "Treas. Reg. 1.1012-1(j); TD 10000",
        ),
        None => {
            if applied.universal {
                note(
                    "Through 31 December 2024, lots of all wallets are one pool.".to_owned(),
                    "IRS FAQ on identification of units; practice before TD 10000",
                );
            }
            if applied.wallet {
                note(
                    "From 1 January 2025, a disposal uses the lots of the wallet or account that \
                     the units leave."
                        .to_owned(),
                    "Treas. Reg. 1.1012-1(j); TD 10000",
                );
            }
        }
    }
    if let Some(moved) = &applied.allocated {
        note(allocation_text(moved), "Rev. Proc. 2024-28");
    }
    notes
}

/// The allocation of unused basis to wallets, in words.
fn allocation_text(moved: &std::collections::BTreeMap<String, String>) -> String {
    let mut text = "At the start of 1 January 2025 unused basis was allocated to the wallets that \
                    held the units: a lot stays in the wallet it was bought in or moved to, the \
                    oldest first, as far as that wallet holds units; what is over goes, oldest \
                    first, to the other wallets in the order of their names."
        .to_owned();
    if moved.is_empty() {
        text.push_str(" Every lot was where its units were.");
    } else {
        let list: Vec<_> = moved
            .iter()
            .map(|(asset, quantity)| format!("{quantity} {asset}"))
            .collect();
        text.push_str(&format!(" Lots of {} changed wallets.", list.join(", ")));
    }
    text.push_str(" The law asks for the allocation to be on record; another one may be chosen.");
    text
}

fn leg_notes(
    settings: &Settings,
    applied: &Applied,
    note: &mut impl FnMut(bool, &str, &'static str),
) {
    note(
        applied.named_lots,
        "Lots named in a row are used before the method.",
        "Treas. Reg. 1.1012-1(j)(2)",
    );
    note(
        applied.swaps,
        "A swap is a sale at market value and a purchase at that value; all its costs belong to \
         the sale.",
        "Treas. Reg. 1.1001-7(b), 1.1012-1(h); IRS FAQ",
    );
    note(
        applied.costs,
        "Costs of buying are part of the basis; costs of selling reduce the proceeds.",
        "Treas. Reg. 1.1001-7(b), 1.1012-1(h)",
    );
    note(
        applied.fees_in_kind,
        "Units given as a fee are themselves sold at their value. Whether the fee of a transfer \
         may join the basis is unclear; it does not here.",
        "Treas. Reg. 1.1001-7; no direct guidance on transfers",
    );
    note(
        applied.transfers,
        "Moving units between own wallets is no disposal. They take along their lots, chosen in \
         the order of the method, with cost and acquisition date.",
        "IRS FAQ on transfers; Treas. Reg. 1.1012-1(j)(3)",
    );
    note(
        applied.transfer_differences,
        "Units that were sent and did not arrive are taken as the network's fee.",
        "practice",
    );
    let carries = settings
        .options
        .get("wrap")
        .is_some_and(|value| value == "carry");
    note(
        applied.wraps && carries,
        "Wrapping and unwrapping unit for unit carries lots over; with other amounts it is a \
         swap. There is no guidance; the option wrap decides.",
        "no direct guidance",
    );
    note(
        applied.wraps && !carries,
        "Wrapping and unwrapping is a swap, as asked. There is no guidance.",
        "no direct guidance",
    );
}

fn event_notes(applied: &Applied, note: &mut impl FnMut(bool, &str, &'static str)) {
    note(
        applied.income,
        "Rewards are income at their market value on receipt, which is then their basis.",
        "Rev. Rul. 2023-14 (staking); Rev. Rul. 2019-24 (forks, airdrops); Notice 2014-21 (mining)",
    );
    note(
        applied.gifts_received,
        "A gift received has two bases: a gain counts from the giver's, with the giver's time; a \
         loss from the market value at the gift if lower, with the time since; between the two \
         there is neither.",
        "IRC 1015(a), 1223(2); IRS Pub. 551",
    );
    note(
        applied.given_away,
        "Gifts and donations are no disposal.",
        "IRS FAQ on gifts and charitable contributions; IRC 1041 (spouses)",
    );
    note(
        applied.lost,
        "Theft and loss are listed and not deducted.",
        "IRC 165(c), (h)(5)",
    );
    note(
        applied.losses,
        "A loss stands even where the asset is bought back within 30 days: the wash sale rule \
         speaks of stock and securities.",
        "IRC 1091, as in force for 2024 and 2025",
    );
    note(
        applied.missing_basis,
        "Units without a purchase on record have zero cost and are short-term.",
        "practice; the burden of proving basis is the taxpayer's",
    );
    note(
        applied.margin,
        "Margin results are taken as stated, apart from lots.",
        "practice",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_long_day(acquired: &str) -> String {
        long_from(acquired.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_first_long_day_is_a_year_and_a_day_after_acquisition() {
        assert_eq!(first_long_day("2023-03-01"), "2024-03-02");
        assert_eq!(first_long_day("2024-12-31"), "2026-01-01");
    }

    #[test]
    fn a_lot_of_a_months_last_day_is_long_from_the_first_of_the_thirteenth_month() {
        assert_eq!(first_long_day("2023-02-28"), "2024-03-01");
        assert_eq!(first_long_day("2024-02-29"), "2025-03-01");
        assert_eq!(first_long_day("2023-04-30"), "2024-05-01");
    }

    #[test]
    fn a_period_that_would_end_on_a_missing_29_february_ends_on_1_march() {
        assert_eq!(first_long_day("2024-02-28"), "2025-03-01");
    }
}
