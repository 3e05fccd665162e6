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
    let (mut is_flag, mut found) = (false, None);
    for (at, letter) in letters.iter().copied().enumerate() {
        is_flag = letter == BLACK_FLAG || (is_flag && is_tag(letter));
        let is_taken = match letter {
            ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => {
                let before = letters[..at].iter().rev().copied();
                let before = { before }.find(|letter| !is_selector(*letter));
                joins(before) && joins(letters.get(at + 1).copied())
            }
            // The flag of a part of a country is a black one with its letters, unseen, behind it.
            letter if is_tag(letter) => is_flag,
            letter => !is_hidden(letter),
        };
        if !is_taken {
            found = Some((at + 1, letter));
            break;
        }
    }
    found
}

/// Whether a character is a control character, turns the direction of text, or has no width: with
/// it a name looks like another one.
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || is_tag(letter)
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e001f}' | '\u{e0080}'..='\u{e00ff}')
}

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
const BLACK_FLAG: char = '\u{1f3f4}';
/// From here on, in the order of Unicode, are the scripts whose letters join; those before do not.
const JOINING_FROM: char = '\u{590}';

const fn is_tag(letter: char) -> bool {
    matches!(letter, '\u{e0020}'..='\u{e007f}')
}

/// Whether a character chooses how the one before it looks, as one of emoji does.
const fn is_selector(letter: char) -> bool {
    matches!(letter, '\u{fe00}'..='\u{fe0f}')
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
            "👍🏽 1️⃣",
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
    fn a_name_has_at_least_one_character_and_no_more_than_are_taken() {
        assert_eq!(wrong(" ", 9).unwrap().0, "empty");
        assert_eq!(wrong("ééé", 3), None);
        assert_eq!(wrong("abcd", 3).unwrap().0, "too_long");
    }
}
