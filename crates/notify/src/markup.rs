//! Text with bold words and links, written in the markup of a channel: every letter is escaped as
//! that channel wants it, and what is too long is cut between letters, with its markup closed.
//!
//! Templates write bold words and links with letters of the private use area around them. So what
//! people write, and what a value holds, is text and never markup.

use std::borrow::Cow;
use std::fmt::Write;

/// Around bold words.
const STRONG: char = '\u{e000}';
const STRONG_END: char = '\u{e001}';
/// Around an address and the words for it.
const LINK: char = '\u{e002}';
const LINK_WORDS: char = '\u{e003}';
const LINK_END: char = '\u{e004}';
/// Stands where something was cut off.
const CUT: &str = "…";
/// The marks of Slack, which has no way to escape one, and letters that look like them. A letter
/// without width beside a mark would not do: Slack takes one for the end of a word, where marks
/// count.
const SLACK_MARKS: [(char, char); 7] = [
    ('*', '\u{2217}'),
    ('_', '\u{2cd}'),
    ('~', '\u{223c}'),
    ('`', '\u{2cb}'),
    ('＊', '\u{fe61}'),
    ('＿', '\u{2cd}'),
    ('｀', '\u{2cb}'),
];
/// Keeps what follows from being the first of its line.
const SOFT_HYPHEN: char = '\u{ad}';

/// How a channel writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// No markup.
    Plain,
    /// The inside of an HTML paragraph.
    Html,
    /// Slack's mrkdwn: <https://docs.slack.dev/messaging/formatting-message-text>.
    Slack,
    /// Discord's Markdown: <https://docs.discord.com/developers/reference#message-formatting>.
    Discord,
    /// Telegram's HTML: <https://core.telegram.org/bots/api#html-style>.
    Telegram,
}

/// Bold words, for a template.
pub(crate) fn strong(words: &str) -> String {
    format!("{STRONG}{}{STRONG_END}", plain(words))
}

/// A link, for a template.
pub(crate) fn link(url: &str, words: &str) -> String {
    format!("{LINK}{}{LINK_WORDS}{}{LINK_END}", plain(url), plain(words))
}

/// A text without the letters that mark, and without control characters other than line ends.
pub(crate) fn plain(text: &str) -> String {
    let is_plain = |letter: &char| {
        !(STRONG..=LINK_END).contains(letter) && (!letter.is_control() || *letter == '\n')
    };
    text.chars().filter(is_plain).collect()
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    Strong(&'t str),
    Link { url: &'t str, words: &'t str },
}

/// The pieces of what a template wrote; marks that nothing closes are dropped.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find([STRONG, STRONG_END, LINK, LINK_WORDS, LINK_END]) {
        let (before, marked) = rest.split_at(at);
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let mut letters = marked.chars();
        let mark = letters.next();
        let inside = letters.as_str();
        let closed = match mark {
            Some(STRONG) => inside.split_once(STRONG_END),
            Some(LINK) => inside.split_once(LINK_END),
            _ => None,
        };
        let Some((inside, after)) = closed else {
            rest = inside;
            continue;
        };
        rest = after;
        match inside.split_once(LINK_WORDS) {
            Some((url, words)) if mark == Some(LINK) => pieces.push(Piece::Link { url, words }),
            _ => pieces.push(Piece::Strong(inside)),
        }
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// Whether an address can stand in every markup as it is.
fn is_plain_url(url: &str) -> bool {
    let has_scheme = url.starts_with("https://") || url.starts_with("http://");
    has_scheme
        && url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"<>\"'`|\\()[]".contains(&byte))
}

impl Dialect {
    /// Writes what a template wrote, in at most so many letters as the channel counts them.
    pub(crate) fn write(self, text: &str, letters_max: usize) -> String {
        let mut writing = Writing {
            dialect: self,
            out: String::new(),
            left: letters_max,
        };
        let mut pieces = pieces(text);
        // The way to more is worth more than the end of a long text.
        let last = pieces.pop_if(|piece| matches!(piece, Piece::Link { .. }));
        let last = last.map(|piece| self.whole(&piece));
        let kept = last.as_ref().map_or(0, |(_, cost)| *cost);
        writing.left = letters_max.saturating_sub(kept);
        let is_whole = pieces.iter().all(|piece| writing.piece(piece));
        if let Some((last, cost)) = last
            && cost <= letters_max
        {
            if !is_whole {
                writing.out.push('\n');
            }
            writing.out.push_str(&last);
        }
        writing.out
    }

    /// A piece written whole, and what it costs.
    fn whole(self, piece: &Piece<'_>) -> (String, usize) {
        let mut writing = Writing {
            dialect: self,
            out: String::new(),
            left: usize::MAX,
        };
        writing.piece(piece);
        // And a line end before it, should what comes before be cut.
        (writing.out, usize::MAX - writing.left + 1)
    }

    /// One letter as it stands in the text; `is_first` at the beginning of a line.
    fn escape(self, letter: char, is_first: bool, out: &mut String) {
        let entity = match letter {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            _ => "",
        };
        match self {
            Self::Html | Self::Telegram if !entity.is_empty() => out.push_str(entity),
            // Slack wants these three alone; at the beginning of a line > is a quotation even so.
            Self::Slack if !entity.is_empty() && letter != '"' => {
                if is_first && letter == '>' {
                    out.push(SOFT_HYPHEN);
                }
                out.push_str(entity);
            }
            Self::Discord => {
                let is_mark = "\\*_~`|<>[]@".contains(letter);
                if is_mark || (is_first && "#-+".contains(letter)) {
                    out.push('\\');
                }
                out.push(letter);
            }
            _ => out.push(letter),
        }
    }

    /// Words without letters that the channel would take for marks, though it has no escape for
    /// them.
    fn unmarked(self, words: &str) -> Cow<'_, str> {
        match self {
            Self::Slack => unmarked(words).into(),
            _ => words.into(),
        }
    }

    /// What stands around bold words.
    fn around_strong(self) -> (&'static str, &'static str) {
        match self {
            Self::Plain => ("", ""),
            Self::Html => ("<strong>", "</strong>"),
            Self::Slack => ("*", "*"),
            Self::Discord => ("**", "**"),
            Self::Telegram => ("<b>", "</b>"),
        }
    }

    /// What stands around the words for an address.
    fn around_link(self, url: &str) -> (String, String) {
        let url_in_html = url.replace('&', "&amp;");
        match self {
            Self::Plain => (String::new(), format!(": {url}")),
            Self::Html | Self::Telegram => (format!("<a href=\"{url_in_html}\">"), "</a>".into()),
            Self::Slack => (format!("<{url_in_html}|"), ">".into()),
            // In angle brackets no preview is made of it.
            Self::Discord => ("[".into(), format!("](<{url}>)")),
        }
    }

    /// What a piece of written text costs: Telegram counts what is seen, in UTF-16; the others
    /// count what is sent, and UTF-16 is never less than what they count.
    fn cost(self, markup: &str, seen: &str) -> usize {
        let counted = if self == Self::Telegram { seen } else { markup };
        counted.encode_utf16().count()
    }
}

struct Writing {
    dialect: Dialect,
    out: String,
    left: usize,
}

impl Writing {
    /// Writes a piece; says whether it fitted whole.
    fn piece(&mut self, piece: &Piece<'_>) -> bool {
        match piece {
            Piece::Text(text) => self.between("", text, ""),
            Piece::Strong(words) => {
                let (before, after) = self.dialect.around_strong();
                self.between(before, words, after)
            }
            Piece::Link { url, words } if is_plain_url(url) => {
                let (before, after) = self.dialect.around_link(url);
                self.between(&before, words, &after)
            }
            // No address that a reader should follow.
            Piece::Link { words, .. } => self.between("", words, ""),
        }
    }

    /// Writes words between two pieces of markup, as many as fit.
    fn between(&mut self, before: &str, words: &str, after: &str) -> bool {
        let dialect = self.dialect;
        let around = match dialect {
            // Seen by nobody.
            Dialect::Telegram => 0,
            _ => dialect.cost(before, "") + dialect.cost(after, ""),
        };
        let cut = dialect.cost(CUT, CUT);
        let Some(mut left) = self.left.checked_sub(around) else {
            return self.full();
        };
        let begin = self.out.len();
        self.out.push_str(before);
        let empty = self.out.len();
        // Up to here it fits with the sign that something was cut off.
        let mut safe = None;
        for letter in dialect.unmarked(words).chars() {
            let is_first = self.out.is_empty() || self.out.ends_with('\n');
            let at = self.out.len();
            if left >= cut {
                safe = Some((at, left - cut));
            }
            dialect.escape(letter, is_first, &mut self.out);
            let seen = letter.encode_utf8(&mut [0; 4]).to_owned();
            let cost = dialect.cost(&self.out[at..], &seen);
            if let Some(rest) = left.checked_sub(cost) {
                left = rest;
                continue;
            }
            match safe {
                Some((at, rest)) if at > empty || before.is_empty() => {
                    self.out.truncate(at);
                    self.out.push_str(CUT);
                    self.out.push_str(after);
                    self.left = rest;
                }
                _ => self.out.truncate(begin),
            }
            return self.full();
        }
        self.out.push_str(after);
        self.left = left;
        true
    }

    /// Nothing more is written.
    fn full(&mut self) -> bool {
        self.left = 0;
        false
    }
}

/// Words with letters that look like them in place of the marks of Slack. Addresses stay, since
/// Slack makes links of them first; so does `_` inside a word, where it is no mark, for the names
/// of metrics have it.
fn unmarked(words: &str) -> String {
    let is_of_word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let mut out = String::with_capacity(words.len());
    for word in words.split_inclusive(char::is_whitespace) {
        let address = word.find("https://").or_else(|| word.find("http://"));
        let (text, address) = word.split_at(address.unwrap_or(word.len()));
        let mut before = None;
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let is_inside = is_of_word(before) && is_of_word(letters.peek().copied());
            let look_alike = SLACK_MARKS.iter().find(|(mark, _)| *mark == letter);
            let look_alike = look_alike.filter(|_| letter != '_' || !is_inside);
            out.push(look_alike.map_or(letter, |(_, look_alike)| *look_alike));
            before = Some(letter);
        }
        out.push_str(address);
    }
    out
}

/// A letter of HTML, in text and in attributes.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '\'' => out.push_str("&#39;"),
            _ => Dialect::Html.escape(letter, false, &mut out),
        }
    }
    out
}

/// A text as the paragraphs of an HTML page.
pub(crate) fn paragraphs(text: &str, letters_max: usize) -> String {
    let written = Dialect::Html.write(text.trim(), letters_max);
    let mut out = String::new();
    for paragraph in written.split("\n\n").filter(|part| !part.is_empty()) {
        let lines = paragraph.trim_matches('\n').replace('\n', "<br>\n");
        writeln!(out, "<p>{lines}</p>").expect("a String takes everything");
    }
    out
}

#[cfg(test)]
mod tests;
