//! Checks people's own words before they are kept: what is wrong is said with its place.

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind};
use packtrain_core::limits::OWN_WORDS_BYTES_MAX;
use packtrain_core::name::is_hidden;
use packtrain_core::ports::{Incident, Notice, WordingError, WordsPart};

use super::facts;
use crate::markup::plain;

/// Bytes of one tag, and tags of one text. The engine descends once for every operator of a tag and
/// every `elif`, and a stack that overflows ends the whole process.
const TAG_BYTES_MAX: usize = 300;
const TAGS_MAX: usize = 200;
/// What may be done to a variable.
const FILTERS: &str = "strong, link, upper, lower";
/// What tags may do.
const TAGS: [&str; 4] = ["if", "elif", "else", "endif"];

/// Checks one part.
pub(super) fn check(
    engine: &Environment<'static>,
    part: WordsPart,
    text: &str,
) -> Result<(), WordingError> {
    let wrong = |offset: usize, what: String| wrong(part, text, offset, what);
    if text.len() > OWN_WORDS_BYTES_MAX {
        let (letters, bytes) = (text.chars().count(), text.len());
        let what = format!(
            "more than {OWN_WORDS_BYTES_MAX} bytes: its {letters} characters are {bytes} as UTF-8"
        );
        return Err(wrong(0, what));
    }
    let odd = text
        .char_indices()
        .find(|(_, letter)| plain(letter.encode_utf8(&mut [0; 4])).is_empty());
    // Line ends of other systems and tabs are dropped when it is written.
    if let Some((at, letter)) = odd.filter(|(_, letter)| !matches!(letter, '\r' | '\t')) {
        return Err(wrong(
            at,
            format!("the letter {:?} has no place here", letter),
        ));
    }
    if let Err((at, what)) = scan(text) {
        return Err(wrong(at, what.to_owned()));
    }
    let names = facts::names();
    let said = |error: &Error| {
        let wrong = failed(part, text, error);
        let there_are = match error.kind() {
            ErrorKind::UnknownFilter => FILTERS.to_owned(),
            ErrorKind::UndefinedError => names.join(", "),
            _ => return wrong,
        };
        WordingError {
            what: format!("{}; there are {there_are}", wrong.what),
            ..wrong
        }
    };
    let template = engine
        .template_from_str(text)
        .map_err(|error| said(&error))?;
    let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
    unknown.retain(|name| !names.contains(name));
    // The first in the text, so that the place is where a reader looks first.
    unknown.sort_by_key(|name| find(text, name));
    if let Some(name) = unknown.first() {
        let what = format!("there is no {name}; there are {}", names.join(", "));
        return Err(wrong(find(text, name), what));
    }
    for facts in samples() {
        template.render(facts).map_err(|error| said(&error))?;
    }
    Ok(())
}

/// What somebody's own words say of facts, or why they fail, as they do where they say nothing.
pub(super) fn say(
    engine: &Environment<'static>,
    part: WordsPart,
    text: &str,
    facts: &Value,
) -> Result<String, WordingError> {
    scan(text).map_err(|(at, what)| wrong(part, text, at, what.to_owned()))?;
    let said = engine.render_str(text, facts.clone());
    let said = said.map_err(|error| failed(part, text, &error))?;
    // A channel would send an empty message, or refuse it.
    let is_seen = |letter: char| !letter.is_whitespace() && !is_hidden(letter);
    match plain(&said).contains(is_seen) {
        true => Ok(said),
        false => Err(wrong(part, text, 0, "it says nothing of this alert".into())),
    }
}

/// Something that is wrong at a byte of a text.
fn wrong(part: WordsPart, text: &str, offset: usize, what: String) -> WordingError {
    let (line, column) = place(text, offset);
    WordingError {
        part,
        line,
        column,
        what,
    }
}

/// What the engine says is wrong with a text.
fn failed(part: WordsPart, text: &str, error: &Error) -> WordingError {
    let offset = error.range().map_or(0, |range| range.start);
    let detail = error.detail().map(|detail| format!(": {detail}"));
    let what = format!("{}{}", error.kind(), detail.unwrap_or_default());
    wrong(part, text, offset, what)
}

/// Whether a text keeps to variables, filters and conditions; where it first does not, and why.
///
/// Fuel does not pay for everything: a list that is repeated costs nothing until it is printed, and
/// printing a hundred million ones takes a minute. So there are no lists, loops or definitions; and
/// nothing after which this reading and the engine's could differ about where a tag ends.
pub(super) fn scan(text: &str) -> Result<(), (usize, &'static str)> {
    let bytes = text.as_bytes();
    let two = |at: usize| bytes.get(at..at + 2).unwrap_or_default();
    let (mut at, mut tags) = (0, 0);
    while at < bytes.len() {
        let begin = at;
        let end: &[u8] = match two(at) {
            b"{{" => b"}}",
            b"{%" => {
                let word = text[at + 2..].trim_start_matches(['-', '+']).trim_start();
                let word = word.split(|letter: char| !letter.is_alphanumeric()).next();
                if !word.is_some_and(|word| TAGS.contains(&word)) {
                    return Err((at, "only if, elif, else and endif have a place here"));
                }
                b"%}"
            }
            b"{#" => return Err((at, "comments have no place here")),
            _ => {
                at += 1;
                continue;
            }
        };
        at += 2;
        while at < bytes.len() && two(at) != end {
            match bytes[at] {
                quote @ (b'"' | b'\'') => at = behind(bytes, at, quote),
                b'[' | b'{' | b'*' => return Err((at, "lists, maps and * have no place here")),
                _ => at += 1,
            }
        }
        at += 2;
        tags += 1;
        if at - begin > TAG_BYTES_MAX {
            return Err((begin, "this is too long for one pair of braces"));
        }
        if tags > TAGS_MAX {
            return Err((begin, "there are too many variables and conditions"));
        }
    }
    Ok(())
}

/// The place behind a quoted text that begins here.
fn behind(bytes: &[u8], begin: usize, quote: u8) -> usize {
    let mut at = begin + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// Variables with everything in them, and with as little as there can be.
fn samples() -> [Value; 2] {
    let whole = facts::sample();
    let bare = Incident {
        before: None,
        after: None,
        ..whole.clone()
    };
    [Notice::Firing(whole), Notice::Resolved(bare)].map(|notice| facts::of(&notice, chrono_tz::UTC))
}

/// Where a name stands inside braces; the beginning when it is not found.
fn find(text: &str, name: &str) -> usize {
    let is_part = |letter: Option<char>| letter.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let found = text.match_indices(name).find(|(at, _)| {
        let (before, after) = (&text[..*at], &text[at + name.len()..]);
        let opened = before
            .rfind('{')
            .is_some_and(|open| !before[open..].contains('}'));
        opened && !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    });
    found.map_or(0, |(at, _)| at)
}

/// Line and character of a byte, from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    (line, column)
}
