//! What could be sold, and what selling it would bring.

use packtrain_tax::compute;
use packtrain_tax::import;
use packtrain_tax::outcome::TaxYear;
use packtrain_tax::request::{Country, Request};

use super::*;
use crate::{YearSelection, inventories, sample};

const LEDGER: &str = "\
id,timestamp,type,wallet,sent_asset,sent_amount,received_asset,received_amount,value,currency
a,2023-03-01T10:00:00Z,buy,Kraken,USD,1000,ETH,1,1000,USD
b,2024-09-01T10:00:00Z,buy,Kraken,USD,4000,ETH,2,4000,USD
n,2024-10-01T10:00:00Z,airdrop,Kraken,,,ODD,5,,USD
c,2024-12-01T10:00:00Z,sell,Kraken,ETH,0.5,USD,750,750,USD
d,2025-02-01T10:00:00Z,sell,Kraken,ETH,2.5,USD,2500,2500,USD
";

fn told(years: &[i32]) -> String {
    let read = import::read(LEDGER.as_bytes(), import::Limits::default()).unwrap();
    let ledgers = vec![read.into_ledger("ledger.csv".to_owned())];
    let request = Request::default();
    let outcome = compute(&ledgers, Country::Us, &request).unwrap();
    let years = YearSelection::of(years.iter().copied().map(TaxYear));
    let inventories = inventories(&ledgers, &request, &outcome, &years, &|| false).unwrap();
    let document = Document {
        outcome: &outcome,
        years,
        inputs: &[],
        inventories: &inventories,
        generated_at: sample::at(),
        taxpayer: None,
    };
    let mut json = Vec::new();
    write_harvest(&document, &mut json).unwrap();
    String::from_utf8(json).unwrap()
}

#[test]
fn open_lots_are_told_at_the_years_end_with_their_gain_and_the_day_they_turn_long_term() {
    let text = told(&[2024]);
    let read: HarvestFigures<'_> = serde_json::from_str(&text).unwrap();
    assert_eq!(read.valued_on.to_string(), "2024-12-31");
    let lots: Vec<_> = (read.open_lots.iter())
        .map(|lot| {
            let gain = lot.gain.as_deref().unwrap_or("-");
            let from = lot.long_from.unwrap().to_string();
            let price = lot.price.as_ref().map_or("-".to_owned(), |price| {
                format!("{} {}", price.source, price.distance_days.unwrap())
            });
            [
                lot.lot.as_deref().unwrap(),
                &lot.quantity,
                gain,
                &from,
                &price,
            ]
            .join(" ")
        })
        .collect();
    assert_eq!(
        lots,
        [
            "b 2 -1000.00 2025-09-02 records 30",
            "a 0.5 250.00 2024-03-02 records 30",
            "n 5 - 2025-10-02 -",
        ]
    );
    assert_eq!((&*read.losses, &*read.gains), ("-1000.00", "250.00"));
    assert_eq!(read.without_price, 1);
    assert_eq!(read.with_far_price, 0);
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("    {\"asset\""))
            .count(),
        3
    );
}

#[test]
fn what_could_be_sold_is_that_of_the_last_year_reported_on() {
    let read = told(&[2024, 2025]);
    let read: HarvestFigures<'_> = serde_json::from_str(&read).unwrap();
    assert_eq!(read.valued_on.to_string(), "2025-12-31");
    let lots: Vec<_> = read.open_lots.iter().map(|lot| lot.lot.clone()).collect();
    assert_eq!(lots, [Some("n".into())]);
}
