//! Words of the domain as a lay person reads them.
//!
//! What is not known here is printed by its stable word, so that a new method, kind or code
//! needs no change of this file to appear.

use chrono::{Datelike, NaiveDate};
use packtrain_core::ledger::RowKind;
use packtrain_tax::jurisdiction::{self, ScopeRule};
use packtrain_tax::outcome::{MatchedBy, NO_GAIN_NO_LOSS, Removed, Totals, Warning, WarningCode};
use packtrain_tax::request::{Country, Method, Scope, Settings};
use packtrain_tax::settle::Way;

mod rules;

pub(crate) use rules::{
    disposals_and_lots, hundredth, on_buying_back, proceeds_after_fees, sources_named, unnamed_lot,
};

/// What every report says about itself.
pub(crate) const NOT_ADVICE: &str = "Calculations, not tax advice.";

/// Who gave an answer to a finding.
pub(crate) const YOUR_ANSWER: &str = "your answer";

/// What an amount, or a sum of such, says of what is at stake in things to check.
pub(crate) fn at_stake(amount: &str, is_exact: bool) -> String {
    match is_exact {
        true => format!("{amount} at stake"),
        false => format!("{amount} at stake, {ESTIMATED}"),
    }
}

/// What is said of an amount at stake that was not computed.
pub(crate) const ESTIMATED: &str = "estimated";

/// The word of the scope that held, in figures.
pub(crate) fn scope(settings: &Settings) -> &'static str {
    match held(settings) {
        ScopeRule::Universal => Scope::Universal.as_str(),
        ScopeRule::Wallet => Scope::Wallet.as_str(),
        ScopeRule::WalletFrom(_) => "dated",
    }
}

/// A scope in a word or two.
pub(crate) fn scope_name(settings: &Settings) -> &'static str {
    match held(settings) {
        ScopeRule::Universal => "All wallets together",
        ScopeRule::Wallet => "Each wallet on its own",
        ScopeRule::WalletFrom(_) => "As the law sets by date",
    }
}

/// A scope in a sentence.
pub(crate) fn scope_sentence(settings: &Settings) -> String {
    const TOGETHER: &str = "a sale may use up lots of any wallet";
    const ALONE: &str = "a sale uses up lots of the wallet that sells";
    match settings.method {
        Method::Portfolio => {
            return "All assets of all wallets are one portfolio, and there are no lots."
                .to_owned();
        }
        Method::Acb | Method::S104 | Method::TotalAverage => {
            return "The units of an asset in all wallets have one cost together.".to_owned();
        }
        Method::Fifo | Method::Lifo | Method::Hifo | Method::Lofo => {}
    }
    match held(settings) {
        ScopeRule::Universal => sentence(TOGETHER),
        ScopeRule::Wallet => sentence(ALONE),
        ScopeRule::WalletFrom(from) => {
            let from = from.format("%-d %B %Y");
            sentence(&format!("before {from} {TOGETHER}; from then on {ALONE}"))
        }
    }
}

/// What was asked for, else the country's rule.
fn held(settings: &Settings) -> ScopeRule {
    match settings.scope {
        Some(Scope::Universal) => ScopeRule::Universal,
        Some(Scope::Wallet) => ScopeRule::Wallet,
        None => jurisdiction::of(settings.country).scope,
    }
}

/// How units that left without a sale used a part of a portfolio's cost; none where they did not.
pub(crate) fn part(line: &Removed) -> Option<String> {
    let part = line.part.as_ref()?;
    Some(sentence(&part.to_string()))
}

/// A country by its name.
pub(crate) fn country(country: Country) -> &'static str {
    jurisdiction::of(country).name
}

/// A method by the short name that people use.
pub(crate) fn method(method: Method) -> String {
    rule(method.as_str())
}

/// A method by its name in full.
pub(crate) fn method_name(method: Method) -> String {
    let name = match method.as_str() {
        "fifo" => "First in, first out (FIFO)",
        "lifo" => "Last in, first out (LIFO)",
        "hifo" => "Highest cost first (HIFO)",
        "lofo" => "Lowest cost first (LOFO)",
        "total_average" => "Average cost of a whole year",
        "acb" => "Average cost (adjusted cost base)",
        "s104" => "Same day, 30 days after, section 104 pool",
        "portfolio" => "One total cost of all assets",
        other => return rule(other),
    };
    name.to_owned()
}

/// A method in a sentence.
pub(crate) fn method_sentence(method: Method) -> &'static str {
    match method.as_str() {
        "fifo" => "First in, first out: a sale uses up the oldest lots first.",
        "lifo" => "Last in, first out: a sale uses up the newest lots first.",
        "hifo" => {
            "Highest cost first: a sale uses up the lots with the highest cost per unit first."
        }
        "lofo" => "Lowest cost first: a sale uses up the lots with the lowest cost per unit first.",
        "acb" => "Average cost: all units of an asset cost the same, purchase fees included.",
        "total_average" => {
            "Total average: all units of an asset that were there on 1 January or came in during \
             the year cost the same."
        }
        "portfolio" => {
            "All assets have one total cost: a sale uses the part of it that its price is of the \
             value of all that is held."
        }
        "s104" => {
            "A sale is matched with purchases of the same day, then with those of the 30 days \
             after it, then with the pool at its average cost."
        }
        _ => "The lots that a sale uses up follow the rule named with each sale.",
    }
}

/// A matching rule as a table names it.
pub(crate) fn rule(rule: &str) -> String {
    match rule {
        "fifo" | "lifo" | "hifo" | "lofo" | "acb" => rule.to_uppercase(),
        "s104" => "Pool".to_owned(),
        "same-day" => "Same day".to_owned(),
        "30-day" => "30 days".to_owned(),
        "10-day" => "10 days".to_owned(),
        NO_GAIN_NO_LOSS => "No gain/loss".to_owned(),
        _ => sentence_case(rule),
    }
}

/// What happened in a row, as a noun.
pub(crate) fn kind(kind: RowKind) -> String {
    let word = match kind {
        RowKind::Sell => "Sale",
        RowKind::Trade => "Swap",
        RowKind::Spend => "Payment",
        RowKind::Staking => "Staking",
        RowKind::Interest => "Interest",
        RowKind::Fork => "Chain split",
        RowKind::Income => "Other income",
        RowKind::GiftIn => "Gift received",
        RowKind::GiftOut => "Gift made",
        RowKind::GiftSpouse => "Gift to spouse",
        RowKind::Lost => "Lost",
        RowKind::Stolen => "Stolen",
        RowKind::MarginPnl => "Margin result",
        RowKind::LpDeposit => "Into liquidity pool",
        RowKind::LpWithdraw => "Out of liquidity pool",
        RowKind::Opening => "Opening balance",
        _ => return sentence_case(kind.as_str()),
    };
    word.to_owned()
}

/// What the proceeds of a summary have that those of the return have not; none where they are the
/// same.
pub fn no_gain_no_loss(totals: &Totals) -> Option<String> {
    let part = totals.no_gain_no_loss;
    let amount = |money| crate::amounts::full(money);
    let rest = totals.proceeds.checked_sub(part).ok()?;
    (!part.is_zero()).then(|| {
        format!(
            "Proceeds of {} have {} in them of gifts to a spouse or civil partner and to \
             charities, taken at cost, which give neither gain nor loss; the return leaves these \
             out and has {}.",
            amount(totals.proceeds),
            amount(part),
            amount(rest),
        )
    })
}

/// Says that no row falls in these years, each by its name; none where there are none.
pub fn no_row_in(years: &[String]) -> Option<String> {
    (!years.is_empty()).then(|| {
        format!(
            "No row of these records falls in {}: there is nothing to report on {}.",
            years.join(", "),
            if years.len() == 1 { "it" } else { "them" },
        )
    })
}

/// What a kind of warning is about, as a heading.
pub(crate) fn warning(code: WarningCode) -> String {
    let words = match code.as_str() {
        "missing_cost_basis" => "Sold without a purchase on record",
        "negative_balance" => "More left a wallet than it held",
        "missing_portfolio_price" => "No price near a sale for what was held",
        "missing_price" => "No price was found",
        "unmatched_loan" => "Paid back without a loan on record",
        "unmatched_transfer" => "Transfers with one half missing",
        "loss_event_not_deducted" => "Lost or stolen, and not deducted",
        "repurchase_near_loss" => "Sold at a loss and bought again soon",
        "margin_in_no_form" => "Margin results that are in no figure for the return",
        "margin_kind_unknown" => "Margin results that may belong elsewhere by their kind",
        "appraisal_needed" => "Donations whose deduction needs an appraisal",
        "currency_mismatch" => "Rows in another currency, left out",
        "duplicate_row" => "Rows that stand in the files twice, counted once",
        "perhaps_twice" => "Rows that two exports of one exchange may both have",
        "named_lot_missing" => "Named lots that are not there",
        "unusable_row" => "Rows that do not add up, left out",
        other => return sentence_case(other),
    };
    words.to_owned()
}

/// What a person can do about a finding, in sentences.
pub(crate) fn advice(warning: &Warning) -> String {
    let help = sentence(&warning.help);
    match settling(warning.ways) {
        Some(ways) => format!("{help} {}", sentence(&ways)),
        None => help,
    }
}

/// How a finding is settled, such as `to settle it, correct the row in its file`; nothing where
/// it cannot be.
#[must_use]
pub fn settling(ways: &[Way]) -> Option<String> {
    let ways: Vec<_> = ways.iter().copied().map(way).collect();
    let ways = match ways.as_slice() {
        [] => return None,
        [only] => (*only).to_owned(),
        [one, other] => format!("{one} or {other}"),
        [first @ .., last] => format!("{}, or {last}", first.join(", ")),
    };
    Some(format!("to settle it, {ways}"))
}

/// A way to settle a finding, as what a person does.
const fn way(way: Way) -> &'static str {
    match way {
        Way::AddFile => "add the missing file",
        Way::AddPrices => "add a price of that day to a list of prices",
        Way::CorrectRow => "correct the row in its file",
        Way::Purchase => "answer with the purchase",
        Way::Price => "answer with the price of one unit",
        Way::AcceptZero => "answer that zero is right",
        Way::Accept => "answer that what was assumed is right",
        Way::Keep => "answer that it happened twice",
        Way::Transfer => "answer which two rows are one transfer",
        Way::NotTransfer => "answer that it is no transfer",
        Way::Lots => "answer which lots it uses",
        Way::Rule => "say by a rule what the row is",
    }
}

/// A date that nobody reads the wrong way round, such as `4 Mar 2025`.
pub(crate) fn date(date: NaiveDate) -> String {
    let month = MONTHS[date.month0() as usize];
    format!("{} {month} {}", date.day(), date.year())
}

/// Months by their three letters.
pub(crate) const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The title over a part of what it heads, which goes on from the page before where that is not
/// the first.
pub(crate) fn title_from(part: usize, title: &str) -> String {
    match part {
        0 => title.to_owned(),
        _ => format!("{title}, continued"),
    }
}

/// A count with its noun for print, such as `1 row` and `1,204 rows`: with commas, and never broken
/// between them.
pub(crate) fn counted_for_print(count: usize, one: &str, many: &str) -> String {
    let word = if count == 1 { one } else { many };
    format!("{}\u{a0}{word}", crate::amounts::count(count))
}

/// Says where the lines are that a list leaves out.
pub(crate) fn more_in_figures(count: usize) -> String {
    format!(
        "{} in the figures file.",
        counted_for_print(count, "more is", "more are")
    )
}

/// How long before a day a price was made, such as `3 days before`.
pub(crate) fn before(price: NaiveDate, day: NaiveDate) -> String {
    match (day - price).num_days() {
        0 => "same day".to_owned(),
        days => {
            let count = usize::try_from(days.abs()).unwrap_or_default();
            let side = if days > 0 { "before" } else { "after" };
            format!("{} {side}", counted_for_print(count, "day", "days"))
        }
    }
}

/// What told the halves of a transfer.
pub(crate) const fn matched_by(by: MatchedBy) -> &'static str {
    match by {
        MatchedBy::Answer => "answer",
        MatchedBy::Hash => "hash",
        MatchedBy::Amount => "amount",
    }
}

/// An answer.
pub(crate) const fn yes_or_no(answer: bool) -> &'static str {
    if answer { "Yes" } else { "No" }
}

/// A message as a sentence: with a capital and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut sentence = capitalised(text);
    if !sentence.ends_with(['.', '!', '?', '…']) && !sentence.is_empty() {
        sentence.push('.');
    }
    sentence
}

/// `some_word` as `Some word`.
pub(crate) fn sentence_case(word: &str) -> String {
    capitalised(&word.replace('_', " "))
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_printed_as_a_sentence() {
        assert_eq!(sentence("zero cost was taken"), "Zero cost was taken.");
        assert_eq!(sentence("Add the file."), "Add the file.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn ways_to_settle_a_finding_are_sentences_and_no_words_of_the_file() {
        assert_eq!(settling(&[]), None);
        let two = settling(&[Way::Accept, Way::Keep]).unwrap();
        assert_eq!(
            two,
            "to settle it, answer that what was assumed is right or answer that it happened twice"
        );
        let three = settling(&[Way::AddFile, Way::Purchase, Way::AcceptZero]).unwrap();
        assert!(three.ends_with(", or answer that zero is right"), "{three}");
        assert!(!three.contains('_'), "{three}");
    }

    #[test]
    fn an_unknown_word_is_printed_as_it_is() {
        assert_eq!(rule("some-day"), "Some-day");
        assert_eq!(kind(RowKind::Mining), "Mining");
        assert_eq!(kind(RowKind::Sell), "Sale");
    }
}
