//! What is said of a value that cannot be read.

use figment::error::{Actual, Kind};

/// The longest word that is shown as it was given.
const WORD_CHARS_MAX: usize = 24;

/// What is wrong, without a value that may be a secret: a parser shows the line at which it stood
/// still, and that may hold half of an address.
pub(super) fn told(kind: Kind) -> String {
    match kind {
        Kind::Message(said) => {
            let lines = said.lines().filter(|line| !is_excerpt(line));
            lines.collect::<Vec<_>>().join(": ")
        }
        Kind::InvalidType(Actual::Str(text), expected) if !is_word(&text) => {
            format!("invalid type: found a text, expected {expected}")
        }
        Kind::InvalidValue(Actual::Str(text), expected) if !is_word(&text) => {
            format!("invalid value: found a text, expected {expected}")
        }
        Kind::UnknownVariant(text, known) if !is_word(&text) => {
            format!("unknown word, expected one of {}", known.join(", "))
        }
        other => other.to_string(),
    }
}

/// Whether a line of a parser's message shows a line of the file: a number, and a bar.
fn is_excerpt(line: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    line.trim_start()
        .trim_start_matches(digit)
        .trim_start()
        .starts_with('|')
}

/// Whether a text is too short and plain to be an address or a key.
fn is_word(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.chars().count() <= WORD_CHARS_MAX && text.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::load;

    #[test]
    fn a_value_that_cannot_be_read_is_not_shown_where_it_may_be_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        let said = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let found = load(Some(Path::new(&file)), &[]);
            found.err().expect("it cannot be read").to_string()
        };
        for (text, word) in [
            ("[redis]\nurl = \"redis://u:secretpw@h\n", "line 2"),
            ("[redis]\nurl = redis://u:secretpw@h\n", "line 2"),
            (
                "[database]\nconnections = \"postgres://u:secretpw@h\"\n",
                "database.connections",
            ),
            (
                "[log]\nformat = \"postgres://u:secretpw@h\"\n",
                "log.format",
            ),
        ] {
            let said = said(text);
            assert!(said.contains(word) && !said.contains("secretpw"), "{said}");
            assert!(said.contains("packtrain.toml"), "{said}");
        }
        assert!(said("[worker]\ndrain_s = \"soon\"\n").contains("\"soon\""));
    }
}
