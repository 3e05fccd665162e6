//! What stands somewhere and what should, for people: no words of a programming language.

use serde::de::Unexpected;
use serde_json::Value;

/// Characters of a text that are said again.
const SHOWN_CHARS_MAX: usize = 60;
/// Letters in which a word may differ from the one that was meant.
const DIFFERENT_MAX: usize = 2;

/// A text between quotation marks, shortened.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().count() <= SHOWN_CHARS_MAX {
        return format!("{text:?}");
    }
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("{:?}", format!("{shown}…"))
}

/// What stands somewhere.
pub(super) fn found(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(is) => is.to_string(),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Char(letter) => format!("the text {}", quoted(&letter.to_string())),
        Unexpected::Str(text) => format!("the text {}", quoted(text)),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Seq | Unexpected::Bytes(_) => "a list".to_owned(),
        Unexpected::Map
        | Unexpected::Enum
        | Unexpected::NewtypeStruct
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant => "an object".to_owned(),
        Unexpected::UnitVariant => "a word alone".to_owned(),
        Unexpected::Other(other) => (*other).to_owned(),
    }
}

/// What a plain value is.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the text {}", quoted(text)),
        Value::Number(number) => format!("the number {number}"),
        Value::Bool(is) => is.to_string(),
        Value::Null => "null".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// What should stand there, by what a type says of itself.
pub(super) fn wanted(said: &str) -> String {
    let whole = |least: &str, most: &str| format!("a whole number from {least} to {most}");
    match said {
        "u8" => whole("0", "255"),
        "u16" => whole("0", "65535"),
        "u32" => whole("0", "4294967295"),
        "u64" | "usize" | "u128" => whole("0", "18446744073709551615"),
        "i8" => whole("-128", "127"),
        "i16" => whole("-32768", "32767"),
        "i32" => whole("-2147483648", "2147483647"),
        "i64" | "isize" | "i128" => whole("-9223372036854775808", "9223372036854775807"),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "a borrowed string" | "a character" => "a text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        "unit" | "option" => "null".to_owned(),
        "fewer elements in array" => "a list with fewer".to_owned(),
        "string or map" => "a word, or an object with one key".to_owned(),
        _ if said.starts_with("a tuple of size ") || said.starts_with("an array of length ") => {
            let count = said.rsplit(' ').next().unwrap_or_default();
            format!("a list of {count}")
        }
        _ if is_of_program(said) => "an object".to_owned(),
        _ => of_library(said).unwrap_or(said).to_owned(),
    }
}

/// Whether a type names itself instead of what it wants.
fn is_of_program(said: &str) -> bool {
    let firsts = [
        "struct ",
        "enum ",
        "tuple ",
        "unit ",
        "newtype ",
        "variant ",
        "internally ",
        "adjacently ",
        "field ",
    ];
    firsts.iter().any(|first| said.starts_with(first))
}

/// What the types of libraries want, each by what it says of itself.
pub(super) fn of_library(said: &str) -> Option<&'static str> {
    match said {
        "an RFC 3339 formatted date and time string" => Some("a time such as 2026-12-24T18:00:00Z"),
        "a formatted date string" => Some("a date such as 2026-12-24"),
        "a formatted time string" => Some("a time of day such as 18:00:00"),
        "an IANA timezone string" => Some("the IANA name of a time zone, such as Europe/Berlin"),
        "a Decimal type representing a fixed-point number" => Some("a decimal such as 0.42"),
        _ => None,
    }
}

/// What a type says of a value, with the value where it does not name it.
pub(super) fn said_of(found: &str, said: &str) -> String {
    let text = found.strip_prefix("the text ").unwrap_or(found);
    if said.contains(text) || said.contains(text.trim_matches('"')) {
        return said.to_owned();
    }
    match said.strip_prefix("not ") {
        Some(rest) => format!("This is {found}, and not {rest}"),
        None => format!("This is {found}: {said}"),
    }
}

/// A word that is none of those there are.
pub(super) fn no_word(found: &str, known: &[String]) -> String {
    let meant = meant(found, known);
    let known = known.join(", ");
    format!(
        "This is the text {}; it must be one of {known}.{meant}",
        quoted(found)
    )
}

/// A key that is none of those there are.
pub(super) fn no_key(found: &str, known: &[String]) -> String {
    let hint = meant(found, known);
    match known {
        [] => format!("{} is not known here; take it out.", quoted(found)),
        known => {
            let known = known.join(", ");
            format!(
                "{} is not known here; there are {known}.{hint}",
                quoted(found)
            )
        }
    }
}

/// The one that was probably meant.
fn meant(found: &str, known: &[String]) -> String {
    let small = found.to_lowercase();
    let near = known
        .iter()
        .map(|known| (distance(&small, &known.to_lowercase()), known));
    let near = near.filter(|(distance, known)| {
        *distance <= DIFFERENT_MAX && distance * 2 < known.chars().count()
    });
    match near.min_by_key(|(distance, _)| *distance) {
        Some((_, known)) => format!(" Is {known} meant?"),
        None => String::new(),
    }
}

/// How many letters have to be changed, put in or taken out; of long texts more than may be.
fn distance(one: &str, other: &str) -> usize {
    if one.len() > SHOWN_CHARS_MAX {
        return usize::MAX / 2;
    }
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = at + 1;
        for (place, with) in other.iter().enumerate() {
            let changed = corner + usize::from(letter != *with);
            corner = row[place + 1];
            row[place + 1] = changed.min(corner + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

/// Where a text ceases to be JSON.
pub(super) fn not_json(error: &serde_json::Error, text: &[u8]) -> String {
    if text.iter().all(u8::is_ascii_whitespace) {
        return "There is nothing in it; it must be JSON.".to_owned();
    }
    let place = format!("line {}, column {}", error.line(), error.column());
    if error.is_eof() {
        return format!("It breaks off at {place}, before its JSON is complete.");
    }
    let said = error.to_string();
    let said = match without_place(&said) {
        "expected value" => "a value is expected there",
        "expected `,` or `]`" => "a comma or ] is expected there",
        "expected `,` or `}`" => "a comma or } is expected there",
        "expected `:`" => "a colon is expected there",
        "expected ident" => "true, false or null is expected there",
        "trailing characters" => "nothing may follow the document",
        "recursion limit exceeded" => "it is nested too deeply",
        said => said,
    };
    format!("It is no JSON from {place} on: {said}.")
}

/// What a reader says without the place of it.
pub(super) fn without_place(said: &str) -> &str {
    said.rsplit_once(" at line ").map_or(said, |(said, _)| said)
}
