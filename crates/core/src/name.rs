//! What people call things: rules, endpoints, themselves. A name is shown to others, so it has
//! nothing in it that cannot be seen, or that turns the text around it.

/// What is wrong with a name, as the end of a sentence that begins with it.
///
/// Emoji that are joined into one, flags, and the joiners of scripts that need them are taken.
pub fn wrong(name: &str, chars_max: usize) -> Option<(&'static str, String)> {
    let length = name.chars().count();
    if name.trim().is_empty() {
        return Some(("empty", "needs 1 character at least".to_owned()));
    }
    if length > chars_max {
        let said = format!("has {length} characters; {chars_max} at most are taken");
        return Some(("too_long", said));
    }
    hidden(name).map(|(place, letter)| {
        let said = format!(
            "holds a character that cannot be seen, U+{:04X} in place {place}; take it out",
            u32::from(letter)
        );
        ("control", said)
    })
}

/// The first character that has no business in a name, and its place, counted from 1.
pub fn hidden(name: &str) -> Option<(usize, char)> {
    let letters: Vec<char> = name.chars().collect();
    let mut at = 0;
    while let Some(letter) = letters.get(at).copied() {
        let (before, after) = (&letters[..at], &letters[at + 1..]);
        let is_taken = match letter {
            ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => {
                let before = before.iter().rev().copied();
                let before = { before }.find(|letter| !is_selector(*letter));
                joins(before) && joins(after.first().copied())
            }
            letter if is_selector(letter) => selects(letter, before, after),
            letter => !is_hidden(letter),
        };
        if !is_taken {
            return Some((at + 1, letter));
        }
        at += 1;
        if letter == BLACK_FLAG {
            at += tags(after);
        }
    }
    None
}

/// Whether a character is a control character, turns the direction of text, or has no width: with
/// it a name looks like another one.
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || is_tag(letter)
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e001f}' | '\u{e0080}'..='\u{e0fff}')
}

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
const BLACK_FLAG: char = '\u{1f3f4}';
const TAG_END: char = '\u{e007f}';
/// Letters of the part of a country that a flag is of.
const TAGS_MAX: usize = 6;
/// Around a digit, `#` or `*` that is shown as a key.
const KEYCAP: char = '\u{20e3}';
/// From here on, in the order of Unicode, are the scripts whose letters join; those before do not.
const JOINING_FROM: char = '\u{590}';

const fn is_tag(letter: char) -> bool {
    matches!(letter, '\u{e0020}'..='\u{e007f}')
}

/// Whether a character chooses how the one before it looks, as one of emoji does.
const fn is_selector(letter: char) -> bool {
    matches!(letter, '\u{fe00}'..='\u{fe0f}')
}

/// Whether a selector changes how what it stands behind looks: an emoji that is text too, or a key.
/// Behind any other letter nobody sees it.
fn selects(selector: char, before: &[char], after: &[char]) -> bool {
    let is_of_emoji = matches!(selector, '\u{fe0e}' | '\u{fe0f}');
    is_of_emoji
        && match before.last() {
            Some('0'..='9' | '#' | '*') => after.first() == Some(&KEYCAP),
            Some('\u{a9}' | '\u{ae}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}') => true,
            Some(letter @ ('\u{203c}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')) => {
                !is_hidden(*letter) && !letter.is_whitespace()
            }
            _ => false,
        }
}

/// How many letters that nobody sees stand behind a black flag and say of which part of a country
/// it is: a few, and one that ends them.
fn tags(after: &[char]) -> usize {
    let is_letter = |letter: &&char| is_tag(**letter) && **letter != TAG_END;
    let count = after.iter().take_while(is_letter).count();
    match after.get(count) {
        Some(&TAG_END) if (1..=TAGS_MAX).contains(&count) => count + 1,
        _ => 0,
    }
}

/// Whether a character may stand beside a joiner: an emoji, or a letter of a script that joins.
fn joins(letter: Option<char>) -> bool {
    letter.is_some_and(|letter| {
        letter >= JOINING_FROM && !is_hidden(letter) && !letter.is_whitespace()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_or_turns_text_is_refused_with_its_place() {
        let refused = "\u{0}\u{7}\n\u{85}\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{202a}\
            \u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2066}\u{2067}\u{2068}\u{2069}\u{206a}\
            \u{feff}\u{3164}\u{fff9}\u{e0001}\u{e0041}";
        for letter in refused.chars() {
            let name = format!("ab{letter}cd");
            assert_eq!(hidden(&name), Some((3, letter)), "{name:?}");
            assert_eq!(wrong(&name, 9).unwrap().0, "control");
        }
        let said = wrong("gas\u{202e}", 9).unwrap().1;
        assert_eq!(
            said,
            "holds a character that cannot be seen, U+202E in place 4; take it out"
        );
    }

    #[test]
    fn emoji_flags_and_the_joiners_of_scripts_are_taken_and_joiners_elsewhere_are_not() {
        for name in [
            "ETH above 3,000",
            "Größe – naïve",
            "👩‍👩‍👧‍👦 family",
            "❤️‍🔥",
            "🏳️‍🌈 🏴‍☠️",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} England",
            "👍🏽 1️⃣ #️⃣ ©️ ❤︎ ㊗️",
            "می‌خواهم",
            "क्‍ष",
            "ガス代が高い",
            "שער הגז",
        ] {
            assert_eq!(wrong(name, 60), None, "{name}");
        }
        for name in [
            "a\u{200d}b",
            "pay\u{200c}pal",
            "👍\u{200d}",
            "\u{200d}👍",
            "👍\u{200d} 👍",
        ] {
            assert_eq!(wrong(name, 60).unwrap().0, "control", "{name:?}");
        }
    }

    #[test]
    fn what_changes_nothing_that_is_seen_makes_no_other_name() {
        let flag = |letters: &str| format!("🏴{letters}");
        for (name, place) in [
            ("ETH\u{fe0f}", 4),
            ("ETH 1\u{fe0f}", 6),
            ("漢\u{fe00}", 2),
            ("漢\u{fe0f}", 2),
            ("❤\u{fe0f}\u{fe0f}", 3),
            ("\u{fe0f}a", 1),
            ("ETH\u{e0100}", 4),
            ("ETH\u{e01ef}", 4),
            ("ETH\u{2800}", 4),
            (&flag("\u{e0067}\u{e0062}"), 2),
            (&flag("\u{e007f}"), 2),
            (&flag(&format!("{}\u{e007f}", "\u{e0067}".repeat(7))), 2),
            (&flag("\u{e0067}\u{e007f}\u{e0062}\u{e007f}"), 4),
        ] {
            let found = hidden(name).map(|(place, _)| place);
            assert_eq!(found, Some(place), "{name:?}");
        }
    }

    #[test]
    fn a_name_has_at_least_one_character_and_no_more_than_are_taken() {
        assert_eq!(wrong(" ", 9).unwrap().0, "empty");
        assert_eq!(wrong("ééé", 3), None);
        assert_eq!(wrong("abcd", 3).unwrap().0, "too_long");
    }
}
