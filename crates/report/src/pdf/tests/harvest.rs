//! What could be sold, as it reads on paper.

use chrono::NaiveDate;
use packtrain_tax::outcome::{OpenLot, Outcome, ValueFrom, Valued};
use packtrain_tax::request::{Country, Method};

use super::*;
use crate::inventory::Inventory;

const END: &str = "2025-12-31";

/// A lot that cost 100 and is worth so much by a price of a day.
fn lot(name: &str, value: &str, made: &str) -> OpenLot {
    let day: NaiveDate = sample::day(made);
    OpenLot {
        asset: "ETH".into(),
        wallet: None,
        lot: Some(name.into()),
        acquired: Some(sample::day("2024-05-01")),
        long_from: None,
        quantity: sample::quantity("1"),
        cost: sample::usd("100"),
        value: Some(Valued {
            money: sample::usd(value),
            from: ValueFrom::Recorded(day),
            day,
        }),
    }
}

fn with(outcome: &Outcome, open: Vec<OpenLot>) -> Read {
    let inventories = [Inventory {
        day: sample::day(END),
        lines: Vec::new(),
        open,
    }];
    let document = Document {
        inventories: &inventories,
        ..document(outcome)
    };
    Read::of(&pdf(&document, &Progress::UNWATCHED).unwrap())
}

fn words(read: &Read) -> String {
    read.text().replace(['\n', '\u{a0}'], " ")
}

#[test]
fn lots_of_the_largest_gains_and_losses_are_listed_and_the_others_share_a_line() {
    // Gains of 1 to 60, and a loss of 50.
    let lots = (1..=60).map(|gain| lot(&format!("l{gain}"), &format!("{}", 100 + gain), END));
    let mut lots: Vec<_> = lots.collect();
    lots.push(lot("lost", "50", END));
    let read = with(&sample::outcome(5), lots);
    let text = words(&read);
    let has = |name: &str| text.contains(&format!(" {name}, 1 May 2024 "));
    assert!(has("lost") && has("l60") && has("l22"), "{text}");
    assert!(!has("l21") && !has("l1"), "{text}");
    // 1 to 21 are 231, and all are 1,830 less 50.
    assert!(text.contains("21 more lots 2,100.00 +231.00"), "{text}");
    assert!(text.contains("Total 6,100.00 +1,780.00"), "{text}");
    assert!(text.contains("Losses would be −$50.00 and gains $1,830.00."));
    let said = "Of 61 lots the 40 with the largest gains and losses are listed; --format harvest \
                lists all.";
    assert!(text.contains(said), "{text}");
}

#[test]
fn a_gain_by_a_price_far_from_the_day_is_marked_and_in_no_sum() {
    let lots = vec![
        lot("near", "130", "2025-11-30"),
        lot("far", "900", "2025-11-29"),
    ];
    let text = words(&with(&sample::outcome(5), lots));
    assert!(text.contains("far: 32 days before"), "{text}");
    assert!(text.contains("Losses would be $0.00 and gains $30.00. 1 lot is valued by a price"));
    assert!(text.contains("Total 200.00 +30.00"), "{text}");
    let only = vec![lot("a", "900", "2024-01-01"), lot("b", "90", "2024-01-01")];
    let text = words(&with(&sample::outcome(5), only));
    assert!(text.contains("No price near that day is known, so no gains are added up."));
    assert!(text.contains("Total 200.00 –"), "{text}");
}

#[test]
fn a_pool_is_called_a_pool_and_buying_back_is_as_the_country_has_it() {
    let mut outcome = sample::outcome(5);
    let text = words(&with(&outcome, vec![lot("a", "90", END)]));
    assert!(text.contains("A loss stands even where the asset is bought back within 30 days."));
    assert!(!text.contains("may deny a loss"));
    outcome.settings.country = Country::Uk;
    outcome.settings.method = Method::S104;
    let mut pool = lot("a", "90", END);
    (pool.lot, pool.acquired) = (None, None);
    let text = words(&with(&outcome, vec![pool]));
    assert!(text.contains("ETH Section 104 pool "), "{text}");
    assert!(text.contains("buying back soon changes the gain or loss"));
}
