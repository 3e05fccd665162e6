//! The parts of an SMS, each of which is paid (3GPP TS 23.038 and 23.040).

/// Letters of a part in the alphabet of telephones: alone, and among several.
const LETTERS_ALONE: usize = 160;
const LETTERS_AMONG: usize = 153;
/// The same in UTF-16, when one letter is not in that alphabet.
const WIDE_ALONE: usize = 70;
const WIDE_AMONG: usize = 67;

/// How many parts a text has, at most: letters that are in the alphabet of telephones but not in
/// ASCII count as wide.
pub(super) fn count(text: &str) -> u64 {
    let is_narrow = |byte: u8| {
        let is_printed = (b' '..=b'~').contains(&byte) || byte == b'\n';
        is_printed && !b"[\\]^`{|}~".contains(&byte)
    };
    let (letters, alone, among) = if text.bytes().all(is_narrow) {
        (text.len(), LETTERS_ALONE, LETTERS_AMONG)
    } else {
        (text.encode_utf16().count(), WIDE_ALONE, WIDE_AMONG)
    };
    let parts = if letters <= alone {
        1
    } else {
        letters.div_ceil(among)
    };
    u64::try_from(parts).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_parts_that_are_paid() {
        for (text, parts) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("ж".repeat(70), 1),
            ("ж".repeat(71), 2),
            ("🚂".repeat(35), 1),
            ("🚂".repeat(36), 2),
            (format!("{}…", "a".repeat(70)), 2),
        ] {
            assert_eq!(count(&text), parts, "{text}");
        }
    }
}
