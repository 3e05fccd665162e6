//! Disposals and income as lines of JSON, byte by byte: what `serde_json` makes of a
//! [`DisposalFigure`] and an [`IncomeFigure`], at several times the cost, since these have a
//! `String` for every amount.
//!
//! [`DisposalFigure`]: crate::DisposalFigure
//! [`IncomeFigure`]: crate::IncomeFigure

use chrono::NaiveDate;
use packtrain_core::money::{Currency, Money};
use packtrain_tax::outcome::{Disposal, Income, Origin, Valuation, ValueFrom};

use crate::InputFile;
use crate::figures::file_name;
use crate::lines::Text;

/// Decimals of an amount of money.
const CENTS: u32 = 2;

/// Adds a disposal as an object on one line.
pub(super) fn add_disposal(text: &mut Text, line: &Disposal, inputs: &[InputFile]) {
    quoted(text, "{\"id\": ", &line.id);
    quoted(text, ", \"kind\": ", line.kind.as_str());
    quoted(text, ", \"asset\": ", &line.asset);
    quoted(text, ", \"wallet\": ", &line.wallet);
    text.plain(", \"date\": \"");
    text.day(line.date);
    text.plain("\", \"quantity\": \"");
    text.plain(line.quantity.text().as_bytes());
    cents(text, "\", \"proceeds\": \"", line.proceeds);
    cents(text, "\", \"fees\": \"", line.fees);
    cents(text, "\", \"cost\": \"", line.cost);
    cents(text, "\", \"gain\": \"", line.gain);
    if !line.denied_loss.is_zero() {
        cents(text, "\", \"denied_loss\": \"", line.denied_loss);
    }
    text.plain("\"");
    if let Some(term) = line.term {
        quoted(text, ", \"term\": ", term.as_str());
    }
    quoted(text, ", \"rule\": ", line.rule);
    if let Some(acquired) = line.acquired {
        text.plain(", \"acquired\": \"");
        text.day(acquired);
        text.plain("\"");
    }
    if let Some(lot) = &line.lot {
        quoted(text, ", \"lot\": ", lot);
    }
    if let Some(form_box) = line.form_box {
        quoted(text, ", \"form_box\": ", form_box.encode_utf8(&mut [0; 4]));
    }
    text.plain(match line.is_fee {
        true => ", \"is_fee\": true",
        false => ", \"is_fee\": false",
    });
    text.why(line, |text, why| quoted(text, ", \"why\": ", why));
    price(text, line.why.value, line.date, line.proceeds.currency());
    end(text, line.origin, inputs);
}

/// Adds income as an object on one line.
pub(super) fn add_income(text: &mut Text, line: &Income, inputs: &[InputFile]) {
    quoted(text, "{\"id\": ", &line.id);
    quoted(text, ", \"type\": ", line.kind.as_str());
    quoted(text, ", \"asset\": ", &line.asset);
    text.plain(", \"date\": \"");
    text.day(line.date);
    text.plain("\", \"quantity\": \"");
    text.plain(line.quantity.text().as_bytes());
    cents(text, "\", \"value\": \"", line.value);
    text.plain("\"");
    price(text, line.from, line.date, line.value.currency());
    end(text, line.origin, inputs);
}

/// Adds a part that was valued by a price from elsewhere as an object on one line.
pub(super) fn add_valuation(text: &mut Text, one: &Valuation, inputs: &[InputFile]) {
    quoted(text, "{\"id\": ", &one.id);
    quoted(text, ", \"part\": ", one.part.as_str());
    quoted(text, ", \"asset\": ", &one.asset);
    text.plain(", \"quantity\": \"");
    text.plain(one.quantity.text().as_bytes());
    text.plain("\", \"date\": \"");
    text.day(one.date);
    if one.used != one.date {
        text.plain("\", \"used_for\": \"");
        text.day(one.used);
    }
    cents(text, "\", \"value\": \"", one.value);
    text.plain("\"");
    price(text, one.from, one.used, one.value.currency());
    end(text, one.origin, inputs);
}

/// Adds where a value comes from, unless it is the row's own amounts.
fn price(text: &mut Text, from: ValueFrom, used: NaiveDate, currency: Currency) {
    let Some(source) = from.source() else {
        return;
    };
    quoted(text, ", \"price\": {\"source\": ", source);
    if let Some(day) = from.day(used) {
        text.plain(", \"date\": \"");
        text.day(day);
        text.plain("\", \"distance_days\": ");
        text.number((used - day).num_days());
    }
    if let Some((of, rate)) = from.rate(currency) {
        quoted(text, ", \"currency\": ", &of.to_string());
        if let Some(rate) = rate {
            quoted(text, ", \"rate\": ", &rate.to_plain());
        }
    }
    text.plain("}");
}

/// Adds where the row of a line stands, and ends the object.
fn end(text: &mut Text, origin: Origin, inputs: &[InputFile]) {
    if let Some(file) = file_name(origin, inputs) {
        quoted(text, ", \"file\": ", file);
    }
    text.plain(", \"line\": ");
    text.number(origin.line);
    text.plain("}");
}

/// Adds what stands before a text, and the text in quotes.
#[inline]
fn quoted(text: &mut Text, before: &str, words: &str) {
    text.plain(before);
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if words.bytes().all(is_plain) {
        text.plain("\"");
        text.plain(words);
        text.plain("\"");
    } else {
        serde_json::to_writer(&mut text.bytes, words).expect("a vector takes all bytes");
    }
}

/// Adds what stands before an amount, and the amount in cents.
#[inline]
fn cents(text: &mut Text, before: &str, money: Money) {
    text.plain(before);
    text.plain(money.fixed(CENTS).as_bytes());
}
