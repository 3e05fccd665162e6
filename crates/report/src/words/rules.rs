//! Words that depend on a country's rules, its currency, or the method in force.

use packtrain_core::money::Currency;
use packtrain_tax::outcome::Totals;
use packtrain_tax::request::{Country, Method};

use super::counted_for_print;

/// What stands in place of a lot's name where it has none: the pool, else that nobody saw it come.
pub(crate) const fn unnamed_lot(method: Method) -> &'static str {
    match method {
        Method::S104 => "Section 104 pool",
        Method::Acb => "Average cost pool (ACB)",
        Method::TotalAverage => "Average cost pool",
        Method::Portfolio => "Part of the portfolio",
        Method::Fifo | Method::Lifo | Method::Hifo | Method::Lofo => "no purchase on record",
    }
}

/// How many disposals, and how many lots they used where that is another number; of methods
/// without lots, how many parts.
pub(crate) fn disposals_and_lots(disposals: usize, lots: usize, method: Method) -> String {
    let told = counted_for_print(disposals, "disposal", "disposals");
    let lots = match method {
        _ if lots == disposals => return told,
        Method::S104 | Method::Acb | Method::TotalAverage | Method::Portfolio => {
            counted_for_print(lots, "part", "parts")
        }
        Method::Fifo | Method::Lifo | Method::Hifo | Method::Lofo => {
            counted_for_print(lots, "lot", "lots")
        }
    };
    format!("{told}, {lots}")
}

/// What a country's rules make of a loss where the asset is bought back soon.
pub(crate) const fn on_buying_back(country: Country) -> &'static str {
    match country {
        Country::Us => "A loss stands even where the asset is bought back within 30 days.",
        Country::Ca => {
            "A loss is denied as far as units are bought within 30 days before or after the sale \
             and are still held after these."
        }
        Country::Uk => {
            "Units bought on the day of a sale or in the 30 days after it are matched with it \
             before the pool is, so buying back soon changes the gain or loss."
        }
        Country::Es => {
            "Whether a loss has to wait when the asset is bought back within a year is not \
             settled; in this report it stands."
        }
        Country::In => "A loss counts against nothing.",
        _ => "No rule of this report denies a loss where the asset is bought back.",
    }
}

/// The hundredth part of a currency's unit.
pub(crate) fn hundredth(currency: Currency) -> &'static str {
    match currency {
        Currency::GBP => "penny",
        Currency::USD | Currency::EUR | Currency::CAD | Currency::AUD => "cent",
        Currency::INR => "paisa",
        _ => "hundredth",
    }
}

/// What short names of sources stand for; nothing where each is named in full.
pub(crate) const fn sources_named(country: Country) -> Option<&'static str> {
    match country {
        Country::De => Some(
            "BMF with a number is a margin number of the letter of the Federal Ministry of Finance \
             of 6 March 2025 (IV C 1 - S 2256/00042/064/043).",
        ),
        _ => None,
    }
}

/// How the proceeds of a summary differ from those of the return by the costs of selling; none
/// where they do not.
pub(crate) fn proceeds_after_fees(totals: &Totals, country: Country) -> Option<String> {
    if country != Country::Us || totals.fees.is_zero() {
        return None;
    }
    let amount = crate::amounts::full;
    let after = totals.proceeds.checked_sub(totals.fees).ok()?;
    Some(format!(
        "Proceeds of {} are before the fees of selling; Form 8949 and Schedule D have them after \
         these fees of {}, which is {}.",
        amount(totals.proceeds),
        amount(totals.fees),
        amount(after),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disposals_are_counted_apart_from_the_lots_that_they_used() {
        let said = |disposals, lots, method| {
            disposals_and_lots(disposals, lots, method).replace('\u{a0}', " ")
        };
        assert_eq!(said(17, 48, Method::Fifo), "17 disposals, 48 lots");
        assert_eq!(said(1, 2, Method::S104), "1 disposal, 2 parts");
        assert_eq!(said(3, 3, Method::Fifo), "3 disposals");
    }

    #[test]
    fn what_is_said_of_buying_back_is_what_the_rules_of_the_country_say() {
        assert!(on_buying_back(Country::Us).starts_with("A loss stands"));
        assert!(on_buying_back(Country::De).starts_with("No rule of this report denies a loss"));
        assert!(on_buying_back(Country::Uk).contains("in the 30 days after it"));
        assert!(on_buying_back(Country::Ca).starts_with("A loss is denied"));
    }

    #[test]
    fn the_hundredth_part_of_a_pound_is_no_cent() {
        assert_eq!(hundredth(Currency::GBP), "penny");
        assert_eq!(hundredth(Currency::USD), "cent");
        assert_eq!(hundredth(Currency::JPY), "hundredth");
    }
}
