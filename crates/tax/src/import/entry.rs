//! Rows of sources that know less than the product's own format.

use packtrain_core::ledger::{Asset, Leg, Rare, Row, RowKind};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;

use super::cells::WORD_CHARS_MAX;
use super::sheet::{Flaw, Sheet};
use crate::fiat::is_fiat;

/// Decimals of money.
const MONEY_DECIMALS: usize = 18;

/// A row with its id, place, time and kind; the rest is empty.
pub(super) fn row(sheet: &Sheet<'_>, at: Timestamp, kind: RowKind) -> Row {
    Row {
        id: format!("{}-{}", sheet.source(), sheet.line()).into(),
        line: sheet.line(),
        at,
        kind,
        wallet: sheet.wallet(),
        sent: None,
        received: None,
        fee: None,
        value: None,
        currency: Currency::USD,
        tx_hash: None,
        note: None,
        rare: Rare::NONE,
    }
}

/// The fee of a row whose units stay the person's own, such as those that are staked; none where
/// it cost nothing. What the row says its units are worth is not what the fee is worth.
pub(super) fn fee_alone(sheet: &Sheet<'_>, at: Timestamp, fee: Option<Leg>) -> Option<Row> {
    let mut row = row(sheet, at, RowKind::Fee);
    row.fee = Some(fee.filter(|fee| !fee.amount.is_zero())?);
    sheet.is_good().then_some(row)
}

/// Notes the source's own words for what a row is, where nobody wrote a note, so that a person's
/// rule can go by them: of rows that could be something else, and no word that only repeats the
/// kind, since each note takes memory.
pub(super) fn note_words(sheet: &Sheet<'_>, columns: &[usize], row: &mut Row) {
    let is_open =
        row.kind.is_income() || matches!(row.kind, RowKind::Deposit | RowKind::Withdrawal);
    if row.note.is_some() || !is_open {
        return;
    }
    let says_more = |word: &&str| {
        let is_word = matches!(word.chars().count(), 1..=WORD_CHARS_MAX);
        is_word && !word.eq_ignore_ascii_case(row.kind.as_str())
    };
    let words = columns.iter().map(|column| sheet.cell(*column));
    let words: Vec<&str> = words.filter(says_more).collect();
    row.note = (!words.is_empty()).then(|| words.join(" ").into());
}

/// What an exchange of two legs is: money for an asset, an asset for money, or one asset for
/// another.
pub(super) fn exchange(sent: &Leg, received: &Leg) -> RowKind {
    match (is_fiat(&sent.asset), is_fiat(&received.asset)) {
        (true, false) => RowKind::Buy,
        (false, true) => RowKind::Sell,
        _ => RowKind::Trade,
    }
}

/// An amount of money as a leg.
pub(super) fn money_leg(amount: Quantity, currency: Currency) -> Leg {
    Leg {
        amount,
        asset: Asset::from(currency.code()),
    }
}

/// Gives a row a market value.
pub(super) fn set_value(row: &mut Row, value: Option<Money>) {
    if let Some(value) = value {
        row.currency = value.currency();
        row.value = Some(value);
    }
}

/// Gives the fee of a row a value; most rows have none, and need no room for it.
pub(super) fn set_fee_value(row: &mut Row, value: Option<Money>) {
    if value.is_some() {
        row.rare.fee_value = value;
    }
}

/// An amount of money without what is beyond its eighteenth decimal: rates give more, and no
/// sum that anybody pays has them.
pub(super) fn as_money(amount: Quantity) -> Quantity {
    let text = amount.to_string();
    let end = text.find('.').map(|dot| dot + 1 + MONEY_DECIMALS);
    let cut = end.and_then(|end| text.get(..end)?.parse().ok());
    cut.unwrap_or(amount)
}

/// The two assets of a pair: parted by a mark, or by what the pair ends with.
pub(super) fn pair<'a>(pair: &'a str, quotes: &[&str]) -> Option<(&'a str, &'a str)> {
    let marked = ['-', '/', '_']
        .iter()
        .find_map(|mark| pair.split_once(*mark));
    // The longest first: PYUSD ends with USD.
    let mut ends: Vec<_> = quotes
        .iter()
        .filter(|quote| pair.ends_with(**quote))
        .collect();
    ends.sort_by_key(|quote| std::cmp::Reverse(quote.len()));
    let ended = || Some(pair.split_at(pair.len() - ends.first()?.len()));
    let halves = marked.or_else(ended);
    halves.filter(|(base, quote)| !base.is_empty() && !quote.is_empty())
}

/// The error for a word that a source does not explain.
pub(super) fn unknown(sheet: &mut Sheet<'_>, column: usize, what: &str) {
    let message = format!("unknown {what} {:?}", sheet.cell(column));
    let help = "tell us of it; until then write the row in the product's own format";
    sheet.flaw(Some(column), Flaw::new("type_unknown", message, help));
}

/// The error for a row in which nothing moves; amounts that cannot be read have their own.
pub(super) fn nothing_moved(sheet: &mut Sheet<'_>, column: Option<usize>, help: &str) {
    if sheet.is_good() {
        let message = "nothing was sent and nothing received";
        sheet.flaw(column, Flaw::new("amounts_missing", message, help));
    }
}

/// The error for a pair that cannot be parted.
pub(super) fn no_pair(sheet: &mut Sheet<'_>, column: usize) {
    let message = format!(
        "{:?} is no pair of assets that is known",
        sheet.cell(column)
    );
    let help = "write the pair with a mark in it, such as BTC/USD";
    sheet.flaw(Some(column), Flaw::new("asset_missing", message, help));
}

/// Whether a cell says that nothing moved, which is not the same as saying nothing.
pub(super) fn is_nothing(sheet: &Sheet<'_>, column: usize) -> bool {
    let cell = sheet.cell(column);
    let is_counting = |digit: u8| matches!(digit, b'1'..=b'9');
    cell.contains('0')
        && !cell
            .split(['e', 'E'])
            .next()
            .is_some_and(|it| it.bytes().any(is_counting))
}

/// Both legs of an exchange; none where nothing was filled, and none with its error where only one
/// of them is told.
pub(super) fn both(
    sheet: &mut Sheet<'_>,
    (a, column_a): (Option<Leg>, usize),
    (b, column_b): (Option<Leg>, usize),
) -> Option<(Leg, Leg)> {
    let missing = match (&a, &b) {
        (Some(_), None) => Some(column_b),
        (None, Some(_)) => Some(column_a),
        _ => None,
    };
    if missing.is_some() && sheet.is_good() {
        let message = "one half of the trade has no amount";
        let help = "write the row in the product's own format, with both amounts";
        sheet.flaw(missing, Flaw::new("amount_missing", message, help));
    }
    a.zip(b)
}

/// What a row sends and receives, of the base and the quote of its pair.
pub(super) fn sides(is_sale: bool, base: Leg, quote: Leg) -> (Leg, Leg) {
    match is_sale {
        true => (base, quote),
        false => (quote, base),
    }
}
