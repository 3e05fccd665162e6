//! Binance's spot trades: the present export and the older one.
//!
//! Columns and cells checked against BittyTax (`conv/parsers/binance.py`), everytrade (the headers
//! that its tests list) and rows of real exports that others keep. In the present export an amount
//! stands with its symbol, as in `0.5BTC`; in the older one the pair alone names the assets.

use packtrain_core::ledger::{Leg, Row};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::Sheet;

pub(super) static TRADES: Source = Source {
    name: "binance-trades",
    label: "Binance",
    needed: &[
        "date(utc)",
        "pair",
        "side",
        "price",
        "executed",
        "amount",
        "fee",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read: trade,
    join: None,
};

pub(super) static OLDER: Source = Source {
    name: "binance-trades-older",
    label: "Binance",
    needed: &[
        "date(utc)",
        "market",
        "type",
        "price",
        "amount",
        "total",
        "fee",
        "fee_coin",
    ],
    known: OLDER_COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read: older,
    join: None,
};

const COLUMNS: &[&str] = &[
    "date(utc)",
    "pair",
    "side",
    "price",
    "executed",
    "amount",
    "fee",
];
const OLDER_COLUMNS: &[&str] = &[
    "date(utc)",
    "market",
    "type",
    "amount",
    "total",
    "fee",
    "fee_coin",
];
/// Where the side stands in either.
const SIDE: usize = 2;
/// The short year first: a year of four figures does not fit it, but two figures fit any year.
const FORMS: &[&str] = &["%y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S"];

/// What pairs end with.
const QUOTES: &[&str] = &[
    "AEUR", "ARS", "AUD", "BIDR", "BKRW", "BNB", "BRL", "BTC", "BUSD", "BVND", "COP", "CZK", "DAI",
    "DOGE", "DOT", "ETH", "EUR", "EURI", "FDUSD", "GBP", "GYEN", "IDRT", "JPY", "MXN", "NGN",
    "PAX", "PLN", "RON", "RUB", "SOL", "TRX", "TRY", "TUSD", "UAH", "USDC", "USDP", "USDS", "USDT",
    "UST", "VAI", "XMR", "XRP", "ZAR",
];
/// Pairs whose base ends as another quote begins.
const EUR_PAIRS: &[&str] = &["ADAEUR", "ENAEUR", "GALAEUR", "LUNAEUR", "THETAEUR"];

fn trade(sheet: &mut Sheet<'_>) -> Option<Row> {
    let base = base_symbol(sheet.cell(1), sheet.cell(4)).to_owned();
    let (fee, quote) = (
        sheet.amount_with_symbol(6, &base),
        sheet.amount_with_symbol(5, ""),
    );
    let base = sheet.amount_with_symbol(4, &base);
    row(sheet, (base, 4), (quote, 5), fee)
}

/// A base that begins with a figure: the longest end of the amount that the pair begins with, as
/// `1INCH` of `0.51INCH` and `1INCHUSDT`. Nothing for one that begins with a letter, as quotes do.
fn base_symbol<'c>(pair: &str, cell: &'c str) -> &'c str {
    let figures = cell
        .char_indices()
        .filter(|(_, letter)| letter.is_ascii_digit());
    let mut ends = figures.map(|(at, _)| &cell[at..]);
    ends.find(|end| pair.starts_with(end)).unwrap_or_default()
}

fn older(sheet: &mut Sheet<'_>) -> Option<Row> {
    let amount = sheet.size(3).good();
    let total = sheet.size(4).good();
    let fee = sheet.unsigned_leg(5, 6).good();
    let pair = sheet.cell(1).to_owned();
    let halves = match EUR_PAIRS.contains(&pair.as_str()) {
        true => pair.split_at_checked(pair.len() - 3),
        false => entry::pair(&pair, QUOTES),
    };
    let Some((base, quote)) = halves else {
        entry::no_pair(sheet, 1);
        return None;
    };
    let (base, quote) = (sheet.shared(base), sheet.shared(quote));
    let leg = |amount: Option<_>, asset| amount.map(|amount| Leg { amount, asset });
    let (base, quote) = (leg(amount, base), leg(total, quote));
    row(sheet, (base, 3), (quote, 4), fee)
}

fn row(
    sheet: &mut Sheet<'_>,
    base: (Option<Leg>, usize),
    quote: (Option<Leg>, usize),
    fee: Option<Leg>,
) -> Option<Row> {
    let at = sheet.time(0, FORMS);
    let is_sale = match sheet.cell(SIDE) {
        "BUY" => false,
        "SELL" => true,
        _ => {
            entry::unknown(sheet, SIDE, "side");
            return None;
        }
    };
    let (base, quote) = entry::both(sheet, base, quote)?;
    let (sent, received) = entry::sides(is_sale, base, quote);
    let mut row = entry::row(sheet, at?, entry::exchange(&sent, &received));
    (row.sent, row.received) = (Some(sent), Some(received));
    row.fee = fee.filter(|fee| !fee.amount.is_zero());
    sheet.is_good().then_some(row)
}
