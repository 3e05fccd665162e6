//! The rules of each markup, and the places at which a text may be cut.

use super::*;

const ALL: [Dialect; 5] = [
    Dialect::Plain,
    Dialect::Html,
    Dialect::Slack,
    Dialect::Discord,
    Dialect::Telegram,
];

#[test]
fn every_letter_that_a_channel_takes_for_markup_is_escaped_as_that_channel_says() {
    let text = "- <!channel> @everyone *a* _b_ ~c~ `d` |e| [f](g) & \"h\" 'i' <b>\n# j 1.5 -2";
    for (dialect, written) in [
        (Dialect::Plain, text),
        (
            Dialect::Html,
            "- &lt;!channel&gt; @everyone *a* _b_ ~c~ `d` |e| [f](g) &amp; &quot;h&quot; 'i' \
             &lt;b&gt;\n# j 1.5 -2",
        ),
        (
            Dialect::Slack,
            "- &lt;!channel&gt; @everyone ∗a∗ ˍbˍ ∼c∼ ˋdˋ |e| [f](g) &amp; \"h\" 'i' \
             &lt;b&gt;\n# j 1.5 -2",
        ),
        (
            Dialect::Discord,
            "\\- \\<!channel\\> \\@everyone \\*a\\* \\_b\\_ \\~c\\~ \\`d\\` \\|e\\| \
             \\[f\\](g) & \"h\" 'i' \\<b\\>\n\\# j 1.5 -2",
        ),
        (
            Dialect::Telegram,
            "- &lt;!channel&gt; @everyone *a* _b_ ~c~ `d` |e| [f](g) &amp; &quot;h&quot; 'i' \
             &lt;b&gt;\n# j 1.5 -2",
        ),
    ] {
        assert_eq!(dialect.write(text, 1_000), written, "{dialect:?}");
    }
}

#[test]
fn nothing_is_a_mark_of_slack_and_names_and_addresses_stay_readable() {
    for (text, written) in [
        ("*ETH* 2 * 3*4", "∗ETH∗ 2 ∗ 3∗4"),
        ("transfer_out of _USDC_", "transfer_out of ˍUSDCˍ"),
        ("`a`b`c` ~d~", "ˋaˋbˋcˋ ∼d∼"),
        ("＊太字＊ ＿a＿ ｀b｀", "﹡太字﹡ ˍaˍ ˋbˋ"),
        ("> a\n> b > c", "\u{ad}&gt; a\n\u{ad}&gt; b &gt; c"),
        (
            "see_(https://a.example/~ada/_b_?c=*) *d*",
            "see\u{2cd}(https://a.example/~ada/_b_?c=*) ∗d∗",
        ),
    ] {
        assert_eq!(Dialect::Slack.write(text, 1_000), written);
    }
    let url = "https://a.example/~ada/_b_";
    let text = format!("{} {}", strong("a * b*_c"), link(url, "*more*"));
    let written = "*a ∗ b∗ˍc* <https://a.example/~ada/_b_|∗more∗>";
    assert_eq!(Dialect::Slack.write(&text, 1_000), written);
    assert_eq!(Dialect::Slack.write("****", 3), "∗∗…");
}

#[test]
fn bold_words_and_links_are_written_in_the_markup_of_the_channel() {
    let url = "https://example.org/a?b=1&c=2";
    let text = format!("{} and {}", strong("a<b"), link(url, "see > it"));
    for (dialect, written) in [
        (
            Dialect::Plain,
            "a<b and see > it: https://example.org/a?b=1&c=2",
        ),
        (
            Dialect::Html,
            "<strong>a&lt;b</strong> and \
             <a href=\"https://example.org/a?b=1&amp;c=2\">see &gt; it</a>",
        ),
        (
            Dialect::Slack,
            "*a&lt;b* and <https://example.org/a?b=1&amp;c=2|see &gt; it>",
        ),
        (
            Dialect::Discord,
            "**a\\<b** and [see \\> it](<https://example.org/a?b=1&c=2>)",
        ),
        (
            Dialect::Telegram,
            "<b>a&lt;b</b> and <a href=\"https://example.org/a?b=1&amp;c=2\">see &gt; it</a>",
        ),
    ] {
        assert_eq!(dialect.write(&text, 1_000), written, "{dialect:?}");
    }
}

#[test]
fn an_address_that_could_be_more_than_an_address_is_not_written() {
    for url in [
        "javascript:alert(1)",
        "https://a.example/\" onclick=\"x",
        "https://a.example/|b>",
        "https://a.example/ b",
        "https://a.example/>",
        "ftp://a.example/",
        "",
    ] {
        for dialect in ALL {
            assert_eq!(dialect.write(&link(url, "words"), 1_000), "words", "{url}");
        }
    }
}

#[test]
fn a_value_that_holds_marks_stays_text() {
    assert_eq!(plain("a\u{e000}b\u{e004}\u{7}c\r\nd"), "abc\nd");
    let forged = strong(&link("https://a.example/", "x"));
    assert_eq!(
        Dialect::Html.write(&forged, 1_000),
        "<strong>https://a.example/x</strong>"
    );
    // Marks that nothing closes, as a template can write them.
    assert_eq!(
        Dialect::Html.write("a\u{e000}b\u{e003}c\u{e001}\u{e002}d", 1_000),
        "a<strong>b\u{e003}c</strong>d"
    );
}

#[test]
fn a_long_text_is_cut_between_letters_and_its_markup_is_closed() {
    let url = "https://a.example/";
    let text = format!(
        "{}: 🚂 & <tag> {}\n{}",
        strong("Fire & smoke"),
        "x".repeat(30),
        link(url, "more")
    );
    for dialect in ALL {
        let whole = dialect.write(&text, 1_000);
        for limit in 0..whole.encode_utf16().count() + 2 {
            let cut = dialect.write(&text, limit);
            let seen = match dialect {
                Dialect::Telegram => without_tags(&cut),
                _ => cut.clone(),
            };
            let count = seen.encode_utf16().count();
            assert!(count <= limit, "{dialect:?} {limit}: {count} {cut}");
            assert!(is_closed(dialect, &cut), "{dialect:?} {limit}: {cut}");
            if limit > 60 {
                assert!(cut.contains(url), "{dialect:?} {limit}: {cut}");
            }
            if cut != whole && limit > 70 {
                // Where not even the sign fits, there is none.
                assert!(
                    cut.contains(CUT) || count == limit,
                    "{dialect:?} {limit}: {cut}"
                );
            }
        }
    }
}

/// What a reader of Telegram sees.
fn without_tags(text: &str) -> String {
    let mut seen = String::new();
    let mut is_tag = false;
    for letter in text.chars() {
        match letter {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => seen.push(letter),
            _ => {}
        }
    }
    seen.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// Whether every mark has its end, and no entity or escape is cut in two.
fn is_closed(dialect: Dialect, text: &str) -> bool {
    let count = |piece: &str| text.matches(piece).count();
    let entities_are_whole = text.split('&').skip(1).all(|rest| {
        ["lt;", "gt;", "amp;", "quot;"]
            .iter()
            .any(|entity| rest.starts_with(entity))
    });
    match dialect {
        Dialect::Plain => true,
        Dialect::Html => {
            count("<strong>") == count("</strong>")
                && count("<a ") == count("</a>")
                && entities_are_whole
        }
        Dialect::Telegram => {
            count("<b>") == count("</b>") && count("<a ") == count("</a>") && entities_are_whole
        }
        Dialect::Slack => count("*") % 2 == 0 && count("<") == count(">") && entities_are_whole,
        Dialect::Discord => count("**") % 2 == 0 && !text.ends_with('\\'),
    }
}
