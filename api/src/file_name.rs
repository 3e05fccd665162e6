//! Names of files: cleaned when they come in, quoted safely when they go out.

use std::fmt::Write;

use http::HeaderValue;
use packtrain_core::name::is_hidden;

/// Characters of a file's name.
pub(crate) const FILE_NAME_CHARS_MAX: usize = 120;
/// What a file is called that came without a usable name.
const NAMELESS: &str = "upload";

/// A name without folders, control and direction characters, and of limited length.
pub(crate) fn clean(raw: &str) -> String {
    let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !is_hidden(*c)).collect();
    let trimmed = plain.trim().trim_matches('.').trim();
    if trimmed.is_empty() {
        return NAMELESS.to_owned();
    }
    trimmed.chars().take(FILE_NAME_CHARS_MAX).collect()
}

/// The file name in a `Content-Disposition`, as it was sent.
pub(crate) fn of_disposition(header: &HeaderValue) -> Option<String> {
    let text = String::from_utf8_lossy(header.as_bytes());
    let mut plain = None;
    for (name, value) in parameters(&text) {
        if name.eq_ignore_ascii_case("filename*") {
            // charset'language'percent-encoded (RFC 8187); only UTF-8 is in use.
            let mut parts = value.splitn(3, '\'');
            let charset = parts.next().unwrap_or_default();
            if let (true, Some(encoded)) = (charset.eq_ignore_ascii_case("utf-8"), parts.nth(1)) {
                return Some(percent_decode(encoded));
            }
        } else if name.eq_ignore_ascii_case("filename") {
            plain = Some(value);
        }
    }
    plain
}

/// A `Content-Disposition` that makes a browser save the bytes under this name.
pub(crate) fn attachment(name: &str) -> Option<HeaderValue> {
    let name = clean(name);
    let ascii: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '_',
        })
        .collect();
    let mut text = format!("attachment; filename=\"{ascii}\"");
    if ascii != name {
        text.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
                text.push(char::from(byte));
            } else {
                write!(text, "%{byte:02X}").ok()?;
            }
        }
    }
    HeaderValue::from_str(&text).ok()
}

/// The `name=value` parts of a header, quotes taken off.
fn parameters(text: &str) -> Vec<(String, String)> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(';') {
        rest = rest[at + 1..].trim_start();
        let Some((name, value)) = rest.split_once('=') else {
            break;
        };
        let value = value.trim_start();
        let read;
        (read, rest) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value[..end].trim().to_owned(), &value[end..])
            }
        };
        found.push((name.trim().to_owned(), read));
    }
    found
}

/// The text up to the closing quote, with escapes resolved, and what stands after it.
fn unquote(text: &str) -> (String, &str) {
    let (mut read, mut is_escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => {
                read.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => return (read, &text[at + 1..]),
            _ => read.push(c),
        }
    }
    (read, "")
}

fn percent_decode(text: &str) -> String {
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_no_folder_no_control_character_and_no_turned_text() {
        assert_eq!(clean("../../etc/passwd"), "passwd");
        assert_eq!(clean("C:\\trades\\2025.csv"), "2025.csv");
        assert_eq!(clean("a\r\nSet-Cookie: x\0.csv"), "aSet-Cookie: x.csv");
        assert_eq!(clean("trades\u{202e}vsc.exe"), "tradesvsc.exe");
        assert_eq!(clean("Börse 2025.csv"), "Börse 2025.csv");
        for nameless in ["", "..", "/", " . ", "\u{7}"] {
            assert_eq!(clean(nameless), NAMELESS, "{nameless:?}");
        }
        assert_eq!(clean(&"x".repeat(500)).len(), FILE_NAME_CHARS_MAX);
    }

    #[test]
    fn a_name_is_read_from_every_form_of_content_disposition() {
        let read = |text: &str| of_disposition(&HeaderValue::from_str(text).unwrap());
        assert_eq!(read("attachment; filename=a.csv").unwrap(), "a.csv");
        let quoted = r#"form-data; name="file"; filename="a; \"b\".csv""#;
        assert_eq!(read(quoted).unwrap(), r#"a; "b".csv"#);
        let both = "attachment; filename=\"B_rse.csv\"; filename*=UTF-8'de'B%C3%B6rse.csv";
        assert_eq!(read(both).unwrap(), "Börse.csv");
        assert_eq!(read("inline"), None);
    }

    #[test]
    fn a_name_goes_out_quoted_and_cannot_end_its_header() {
        assert_eq!(
            attachment("tax-2025-us.pdf").unwrap(),
            "attachment; filename=\"tax-2025-us.pdf\""
        );
        assert_eq!(
            attachment("Bö\"r;se\n.pdf").unwrap(),
            "attachment; filename=\"B__r;se.pdf\"; filename*=UTF-8''B%C3%B6%22r%3Bse.pdf"
        );
    }
}
