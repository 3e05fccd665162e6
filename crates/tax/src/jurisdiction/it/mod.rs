//! Italy, crypto-assets of persons outside a business (second circle).
//!
//! Calendar year, euros. TUIR is DPR 917/1986; the circular is that of the Agenzia delle Entrate
//! no. 30/E of 27 October 2023.

mod assess;
mod notes;

use chrono::NaiveDate;
use packtrain_core::ledger::{Asset, RowKind};
use packtrain_core::money::Currency;

use super::options::usual;
use super::{
    Circle, GiftIn, Jurisdiction, OptionKind, OptionSpec, Said, ScopeRule, Special, Treatment,
};
use crate::methods::journal::{Leaving, Near, PoolRules};
use crate::request::{Country, Method, Settings};

/// The day from which crypto-assets have rules of their own (TUIR art. 67(1) c-sexies, as of L.
/// 197/2022).
const FROM: NaiveDate = NaiveDate::from_ymd_opt(2023, 1, 1).expect("a day of the calendar");

/// What marks a token that stands for one thing alone, such as `APE#1`.
const NUMBERED: char = '#';

/// The rules in force for 2025 returns, as of 28 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::It,
    name: "Italy",
    currency: Currency::EUR,
    timezone: chrono_tz::Europe::Rome,
    rule_set: "it-2025.3",
    methods: &[Method::Lifo],
    options: &[
        OptionSpec {
            name: "threshold",
            kind: OptionKind::Words(&["exempt_amount", "all"]),
            meaning: "whether the 2,000 of 2023 and 2024 are free in any case, or free only where \
                      there is less than that",
        },
        OptionSpec {
            name: "e_money",
            kind: OptionKind::Assets,
            meaning: "tokens that are electronic money, with commas between them: swaps between \
                      them and other crypto-assets are taxed",
        },
        usual::LP_IS_A_TRADE,
        usual::LOAN_AS_BORROWED,
    ],
    circle: Circle::Second,
    scope: ScopeRule::Universal,
    may_choose_scope: true,
    year_begins: (1, 1),
    assessment: "it",
    taxed: Some("taxable"),
    warns_of_repurchases: false,
    asks_for_losses: true,
    terms: None,
    form_box: None,
    treatment: Treatment {
        gift_in: GiftIn::CarriedOver,
        gift_out: Leaving::Gone,
        gift_spouse: Leaving::Gone,
        donation: Leaving::Gone,
        untaxed: &[],
    },
    special: Special {
        swap_carries,
        margin_in_no_form: |_| {
            Some(Said::to_be_found(
                "by secondary pages they are miscellaneous income of art. 67(1) c-ter to \
                 c-quinquies, which is not netted with crypto-assets, and no box of it was \
                 confirmed",
            ))
        },
        ..Special::NONE
    },
    pool: |_| PoolRules {
        near: Near::After(0),
        superficial_losses: false,
    },
    rules: notes::RULES,
    assess: assess::assess,
};

/// Whether a swap is one between crypto-assets of equal characteristics and functions.
fn swap_carries(
    settings: &Settings,
    date: NaiveDate,
    kind: RowKind,
    sent: &Asset,
    received: &Asset,
) -> bool {
    let is_swap = matches!(kind, RowKind::Trade | RowKind::Wrap | RowKind::Unwrap);
    let money = settings.options.get("e_money").map_or("", String::as_str);
    let is_money = |asset: &Asset| (money.split(',')).any(|name| name.eq_ignore_ascii_case(asset));
    let is_numbered = |asset: &Asset| asset.contains(NUMBERED);
    is_swap
        && date >= FROM
        && is_money(sent) == is_money(received)
        && !is_numbered(sent)
        && !is_numbered(received)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[test]
    fn electronic_money_is_known_by_its_name_in_any_case() {
        let settings = |names: &str| {
            let options = [("e_money".to_owned(), names.to_owned())].into();
            let request = Request {
                options,
                ..Request::default()
            };
            RULES.settings(&request).unwrap()
        };
        let carries = |names: &str| {
            let (sent, received) = ("EURC".into(), "BTC".into());
            swap_carries(&settings(names), FROM, RowKind::Trade, &sent, &received)
        };
        assert!(carries("") && carries("EURI") && carries("EUR"));
        assert!(!carries("EURI,EURC") && !carries("eurc") && !carries("euri,Eurc"));
    }
}
