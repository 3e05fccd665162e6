//! United States, federal income tax on digital assets held as capital assets.
//!
//! Calendar year, US dollars. Each rule that is used goes into the outcome with its source.

mod assess;
mod boxes;
mod notes;

pub use boxes::schedule_d_line;

use chrono::{Datelike, Days, Months, NaiveDate};
use packtrain_core::money::Currency;

use super::options::usual;
use super::{
    Circle, GiftIn, Jurisdiction, OptionKind, OptionSpec, Said, ScopeRule, Special, Terms,
    Treatment, by_wallet, wallet_key, words,
};
use crate::methods::journal::{Leaving, Near, PoolRules};
use crate::outcome::Term;
use crate::request::{Country, Method, Settings};

/// Lots are kept per wallet from this day on (Treas. Reg. 1.1012-1(j)).
const WALLETS_FROM: NaiveDate = match NaiveDate::from_ymd_opt(2025, 1, 1) {
    Some(date) => date,
    None => NaiveDate::MAX,
};

/// The rules in force for 2025 returns, as of 28 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::Us,
    name: "United States",
    currency: Currency::USD,
    timezone: chrono_tz::America::New_York,
    rule_set: "us-2025.7",
    methods: &[Method::Fifo, Method::Lifo, Method::Hifo, Method::Lofo],
    options: &[
        usual::WRAP_CARRIES,
        usual::LP_IS_A_TRADE,
        usual::LOAN_AS_BORROWED,
        OptionSpec {
            name: "form_1099_da",
            kind: OptionKind::ByWallet(&["none", "with_basis", "without_basis"]),
            meaning: "whether brokers reported the sales on Form 1099-DA (to 2024: 1099-B), and \
                      whether with their basis, of all wallets or of each; it decides the box of \
                      Form 8949",
        },
        usual::TRANSFER_FEE_IS_SOLD,
        usual::STAKING_ON_RECEIPT,
        usual::MARGIN_IS_CAPITAL,
        OptionSpec {
            name: "allocation",
            kind: OptionKind::Words(&["in_place", "oldest", "highest"]),
            meaning: "by which rule unused lots go to the wallets at the start of 2025, where the \
                      person does not allocate them: they stay where they are as far as there are \
                      units; or all go, oldest or highest unit cost first, to the wallets in the \
                      order of their names",
        },
        OptionSpec {
            name: "filing",
            kind: OptionKind::Words(&["other", "married_separate"]),
            meaning: "the filing status as far as it sets the limit of a year's capital loss: \
                      3,000, or 1,500 for married persons who file separately",
        },
        OptionSpec {
            name: "short_loss_before",
            kind: OptionKind::Money,
            meaning: "short-term capital loss carried over from before the first year on record",
        },
        OptionSpec {
            name: "long_loss_before",
            kind: OptionKind::Money,
            meaning: "long-term capital loss carried over from before the first year on record",
        },
    ],
    circle: Circle::First,
    scope: ScopeRule::WalletFrom(WALLETS_FROM),
    may_choose_scope: true,
    year_begins: (1, 1),
    assessment: "net_capital",
    taxed: Some("net"),
    warns_of_repurchases: true,
    asks_for_losses: false,
    terms: Some(Terms {
        short: words("Short", "Short term", "one year or less"),
        long: words("Long", "Long term", "over one year"),
        long_from,
    }),
    form_box: Some(form_box),
    treatment: Treatment {
        gift_in: GiftIn::DualBasis,
        gift_out: Leaving::Gone,
        gift_spouse: Leaving::Gone,
        donation: Leaving::Gone,
        untaxed: &[],
    },
    special: Special {
        // IRC 170(f)(11)(C) and (F); CCA 202302012.
        appraisal_above: Some("5000"),
        margin_elsewhere: Some(Said {
            why: "those from contracts of section 1256, such as futures on a regulated exchange \
                  in the United States, go to Form 6781 instead, marked to market at the end of \
                  the year, 60 % long-term and 40 % short-term",
            help: "look whether a broker sent a Form 1099-B with boxes 8 to 11 filled in: then \
                   take the rows of that broker's futures out and fill in Form 6781; results of \
                   coins that were bought or sold on margin are no such contracts",
        }),
        ..Special::NONE
    },
    pool: |_| PoolRules {
        near: Near::After(0),
        superficial_losses: false,
    },
    rules: notes::RULES,
    assess: assess::assess,
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

/// The boxes of Form 8949, which came with the returns of 2011: A to C in both parts at first, D to
/// F for long-term from 2013 (IRS Tax Tip 2012-28; Form 8949 for 2013), and G to L for digital
/// assets from 2025 (Instructions for Form 8949, 2025).
const fn boxes_of(year: i32, term: Term) -> Option<[char; 3]> {
    match (year, term) {
        (..2011, _) => None,
        (2011..2025, Term::Short) | (2011..2013, Term::Long) => Some(['A', 'B', 'C']),
        (2013..2025, Term::Long) => Some(['D', 'E', 'F']),
        (2025.., Term::Short) => Some(['G', 'H', 'I']),
        (2025.., Term::Long) => Some(['J', 'K', 'L']),
    }
}

/// The box of Form 8949 that a line of a wallet belongs in. A line of no wallet's sales is on no
/// statement.
fn form_box(
    settings: &Settings,
    wallet: Option<&str>,
    date: NaiveDate,
    term: Term,
) -> Option<char> {
    let said = settings.options.get(FORM_1099_DA);
    let statement = said
        .zip(wallet)
        .map_or("none", |(said, wallet)| statement_of(said, wallet));
    let boxes = boxes_of(date.year(), term)?;
    Some(match statement {
        "with_basis" => boxes[0],
        "without_basis" => boxes[1],
        _ => boxes[2],
    })
}

/// The option that tells which sales brokers reported.
const FORM_1099_DA: &str = "form_1099_da";

/// What a person says of the statement for a wallet: its own word, else that for all others.
fn statement_of<'s>(said: &'s str, wallet: &str) -> &'s str {
    let mut of_others = "none";
    let wallet = said.contains(':').then(|| wallet_key(wallet));
    for (name, word) in by_wallet(said) {
        match name {
            Some(name) if wallet.as_ref() == Some(&wallet_key(name)) => return word,
            Some(_) => {}
            None => of_others = word,
        }
    }
    of_others
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

    #[test]
    fn the_box_follows_the_year_the_term_and_the_statement_of_the_broker() {
        let boxes = |statement: &str| {
            let options = [("form_1099_da".to_owned(), statement.to_owned())].into();
            let request = crate::request::Request {
                options,
                ..Default::default()
            };
            let settings = RULES.settings(&request).unwrap();
            let mut all = String::new();
            let days = [
                "2010-12-31",
                "2012-12-31",
                "2013-01-01",
                "2024-12-31",
                "2025-01-01",
            ];
            for day in days {
                for term in [Term::Short, Term::Long] {
                    let letter = form_box(&settings, Some("A"), day.parse().unwrap(), term);
                    all.push(letter.unwrap_or('-'));
                }
            }
            all
        };
        assert_eq!(boxes("with_basis"), "--AAADADGJ");
        assert_eq!(boxes("without_basis"), "--BBBEBEHK");
        assert_eq!(boxes("none"), "--CCCFCFIL");
        assert_eq!(boxes("a:without_basis,with_basis"), "--BBBEBEHK");
        assert_eq!(boxes("with_basis,B:none"), "--AAADADGJ");
        assert_eq!(boxes("B:with_basis"), "--CCCFCFIL");
    }

    #[test]
    fn a_wallet_is_matched_in_any_case_of_its_letters_as_two_words_for_it_are_refused() {
        assert_eq!(statement_of("börse é:with_basis", " BÖRSE É"), "with_basis");
        assert_eq!(statement_of("ŁÓDŹ:with_basis,none", "Łódź"), "with_basis");
        assert_eq!(statement_of("ŁÓDŹ:with_basis,none", "Lodz"), "none");
    }
}
