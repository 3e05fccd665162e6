//! The words of every event in every channel, as snapshots; and what people's own words may do.
//! `SNAPSHOTS=overwrite cargo test -p packtrain-notify` writes them anew.

use chrono_tz::Europe::Berlin;
use packtrain_core::ids::EndpointId;
use packtrain_core::ports::{AlertDigest, DigestEntry, DisabledEndpoint, Incident, Reading};
use packtrain_core::time::Timestamp;
use snapbox::{Assert, Data, IntoData, file};
use uuid::Uuid;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn incident() -> Incident {
    Incident {
        since: at("2026-11-30T06:15:00Z"),
        at: at("2026-11-30T06:15:00Z"),
        link: "https://app.example.org/alerts/inc_1".to_owned(),
        ..facts::sample()
    }
}

fn notices() -> Vec<Notice> {
    let reading = |value: &str, unit: &str| {
        Some(Reading {
            value: value.to_owned(),
            unit: unit.to_owned(),
        })
    };
    let later = Incident {
        at: at("2026-11-30T08:20:00Z"),
        before: reading("2988.1", "USD"),
        after: reading("3021.75", "USD"),
        ..incident()
    };
    let gas = Incident {
        rule: "Gas <cheap> & calm".to_owned(),
        metric: "Base fee on Ethereum".to_owned(),
        metric_key: "gas:1:base_fee".to_owned(),
        before: reading("1204000000", "wei"),
        after: reading("49681200", "wei"),
        ..incident()
    };
    let silent = Incident {
        rule: "Aave TVL".to_owned(),
        metric: "TVL of Aave".to_owned(),
        metric_key: "tvl:aave".to_owned(),
        before: None,
        after: None,
        ..incident()
    };
    vec![
        Notice::Firing(incident()),
        Notice::StillFiring(Incident {
            after: reading("2701", "USD"),
            severity: Severity::Critical,
            at: at("2026-12-01T06:15:00Z"),
            ..incident()
        }),
        Notice::Resolved(later),
        Notice::Digest(AlertDigest {
            from: at("2026-11-29T23:00:00Z"),
            to: at("2026-11-30T23:00:00Z"),
            entries: vec![
                DigestEntry {
                    is_firing: true,
                    incident: incident(),
                },
                DigestEntry {
                    is_firing: true,
                    incident: gas,
                },
                DigestEntry {
                    is_firing: false,
                    incident: silent,
                },
            ],
            more: 0,
            more_firing: 0,
            link: "https://app.example.org/alerts".to_owned(),
        }),
        Notice::Test {
            endpoint: "Team channel".to_owned(),
            at: at("2026-11-30T06:15:00Z"),
            link: "https://app.example.org/endpoints/1".to_owned(),
        },
        Notice::Retracted(Incident {
            rule: "Treasury pays".to_owned(),
            why: "transfer_out of USDC is above 1000".to_owned(),
            metric: "transfer_out of USDC".to_owned(),
            before: reading("0", ""),
            after: reading("2500.5", ""),
            at: at("2026-11-30T08:20:00Z"),
            ..incident()
        }),
        Notice::EndpointDisabled(DisabledEndpoint {
            endpoint: "Team channel".to_owned(),
            channel: "webhook".to_owned(),
            since: at("2026-11-25T06:15:00Z"),
            at: at("2026-11-30T06:15:00Z"),
            failures: 1_204,
            cause: "404 no such hook".to_owned(),
            link: "https://app.example.org/endpoints/1".to_owned(),
        }),
        Notice::Verify {
            endpoint: EndpointId::from_uuid(Uuid::from_u128(1)),
            challenge: "7K3M-0QZX-9TAB".to_owned(),
            at: at("2026-11-30T06:15:00Z"),
        },
    ]
}

fn assert_shown(shown: String, expected: Data) {
    let assert = Assert::new().action_env("SNAPSHOTS").normalize_paths(false);
    assert.eq(shown.into_data().raw(), expected.raw());
}

/// All notices in the words of one channel.
fn shown(kind: ChannelKind) -> String {
    let templates = Templates::new();
    let mut all = String::new();
    for notice in notices() {
        let message = templates.write(kind, &notice, Berlin, None);
        all.push_str(&format!(
            "== {}\n{}\n--\n{}\n",
            notice.event(),
            message.title,
            message.text
        ));
    }
    all
}

#[test]
fn mails_say_what_happened_in_plain_text() {
    assert_shown(shown(ChannelKind::Email), file!["snapshots/mail.txt": Text]);
}

#[test]
fn slack_is_told_in_its_own_markup() {
    assert_shown(
        shown(ChannelKind::Slack),
        file!["snapshots/slack.txt": Text],
    );
}

#[test]
fn discord_is_told_in_its_own_markup() {
    assert_shown(
        shown(ChannelKind::Discord),
        file!["snapshots/discord.txt": Text],
    );
}

#[test]
fn telegram_is_told_in_its_own_markup() {
    assert_shown(
        shown(ChannelKind::Telegram),
        file!["snapshots/telegram.txt": Text],
    );
}

#[test]
fn telephones_are_told_in_one_line() {
    assert_shown(shown(ChannelKind::Sns), file!["snapshots/sns.txt": Text]);
}

#[test]
fn mails_say_the_same_as_a_page() {
    let message = Templates::new().write(ChannelKind::Email, &notices()[3], Berlin, None);
    assert_shown(message.html.unwrap(), file!["snapshots/mail.html": Text]);
}

#[test]
fn webhooks_carry_exact_values_beside_the_words() {
    let mut all = String::new();
    for notice in notices() {
        let message = Templates::new().write(ChannelKind::Webhook, &notice, Berlin, None);
        let body: serde_json::Value = serde_json::from_str(&message.text).unwrap();
        assert_eq!(body["data"]["title"], message.title);
        all.push_str(&format!("{} {}\n", body["type"], body["timestamp"]));
    }
    assert_shown(all, file!["snapshots/webhooks.txt": Text]);
    let firing = Templates::new().write(ChannelKind::Webhook, &notices()[0], Berlin, None);
    let firing: serde_json::Value = serde_json::from_str(&firing.text).unwrap();
    assert_shown(
        serde_json::to_string_pretty(&firing).unwrap(),
        file!["snapshots/webhook.json": Text],
    );
}

#[test]
fn every_message_fits_its_channel_however_long_names_and_digests_are() {
    let long = Incident {
        rule: "Ä<&*_🚂".repeat(2_000),
        why: "because ".repeat(5_000),
        metric: "x".repeat(9_000),
        ..incident()
    };
    let entry = DigestEntry {
        is_firing: true,
        incident: long.clone(),
    };
    let digest = AlertDigest {
        from: at("2026-11-29T23:00:00Z"),
        to: at("2026-11-30T23:00:00Z"),
        entries: vec![entry; 200],
        more: 7,
        more_firing: 3,
        link: "https://app.example.org/alerts".to_owned(),
    };
    let templates = Templates::new();
    // As many bytes as there can be.
    let mut wide = digest.clone();
    for entry in &mut wide.entries {
        entry.incident.rule = "🚂".repeat(2_000);
        entry.incident.metric = "🚂".repeat(2_000);
    }
    for notice in [
        Notice::Firing(long),
        Notice::Digest(digest),
        Notice::Digest(wide),
    ] {
        for (kind, letters_max) in [
            (ChannelKind::Slack, 4_000),
            (ChannelKind::Discord, 2_000),
            (ChannelKind::Sns, 140),
            (ChannelKind::Sms, 140),
            (ChannelKind::Email, 32_000),
        ] {
            let message = templates.write(kind, &notice, Berlin, None);
            let count = message.text.encode_utf16().count();
            assert!(count <= letters_max, "{kind} {count}");
            assert!(message.title.encode_utf16().count() <= TITLE_LETTERS_MAX);
        }
        let message = templates.write(ChannelKind::Webhook, &notice, Berlin, None);
        let body: serde_json::Value = serde_json::from_str(&message.text).unwrap();
        assert!(body["data"]["text"].as_str().unwrap().len() <= 4 * TEXT_LETTERS_MAX);
        assert!(message.text.len() < 512 * 1024, "{}", message.text.len());
        if let Notice::Digest(_) = notice {
            assert_eq!(body["data"]["entries"].as_array().unwrap().len(), 50);
            assert_eq!(body["data"]["more"], 157);
            let title = body["data"]["title"].as_str().unwrap();
            assert!(title.starts_with("207 changes, 203 alerts"), "{title}");
        }
    }
}

#[test]
fn who_is_asked_for_proof_reads_the_code_in_every_channel() {
    let asked = notices().pop().unwrap();
    assert_eq!(asked.event(), "verify");
    for kind in ChannelKind::ALL {
        let message = Templates::new().write(kind, &asked, Berlin, None);
        assert!(
            message.text.contains("7K3M-0QZX-9TAB"),
            "{kind}: {}",
            message.text
        );
    }
    let hook = Templates::new().write(ChannelKind::Webhook, &asked, Berlin, None);
    let body: serde_json::Value = serde_json::from_str(&hook.text).unwrap();
    assert_eq!(body["type"], "endpoint.verify");
    assert_eq!(body["data"]["challenge"], "7K3M-0QZX-9TAB");
}

fn own(title: &str, text: &str) -> OwnWords {
    OwnWords {
        title: title.to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn own_words_are_text_and_never_markup() {
    let own = own(
        "{{ metric|upper }} <!channel>",
        "<b>{{ rule }}</b> & [x](y) {{ \"<i>\" }} {{ \"now\"|strong }}\n{{ link|link(\"more\") }}",
    );
    let templates = Templates::new();
    assert_eq!(templates.check(&own), Ok(()));
    let notice = Notice::Firing(incident());
    let write = |kind| templates.write(kind, &notice, Berlin, Some(&own));
    assert_eq!(
        write(ChannelKind::Slack).text,
        "*ETH PRICE &lt;!channel&gt;*\n&lt;b&gt;ETH below 3,000&lt;/b&gt; &amp; [x](y) &lt;i&gt; \
         *now*\n<https://app.example.org/alerts/inc_1|more>"
    );
    let html = write(ChannelKind::Email).html.unwrap();
    assert!(
        html.contains("&lt;b&gt;ETH below 3,000&lt;/b&gt; &amp; [x](y)"),
        "{html}"
    );
    assert!(html.contains("<strong>now</strong><br>"), "{html}");
}

#[test]
fn stars_in_the_name_of_a_rule_are_no_marks_of_slack() {
    let notice = Notice::Firing(Incident {
        rule: "*ETH* ~below~ 3,000".to_owned(),
        ..incident()
    });
    let message = Templates::new().write(ChannelKind::Slack, &notice, Berlin, None);
    let begin = "*∗ETH∗ ∼below∼ 3,000: ETH price is $2,988.10*\nETH price went";
    assert!(message.text.starts_with(begin), "{}", message.text);
}

#[test]
fn a_name_of_several_lines_is_told_in_one() {
    let odd = Incident {
        rule: "a\n\n# b\t c".to_owned(),
        ..incident()
    };
    let own = own("", "{{ rule|strong }}");
    let write = |kind| {
        let notice = Notice::Firing(odd.clone());
        Templates::new().write(kind, &notice, Berlin, Some(&own))
    };
    assert!(write(ChannelKind::Discord).text.ends_with("\n**a # b c**"));
    let html = write(ChannelKind::Email).html.unwrap();
    assert!(html.contains("<p><strong>a # b c</strong></p>"), "{html}");
}

#[test]
fn a_message_without_a_link_invites_nobody_to_open_one() {
    let templates = Templates::new();
    let notice = |link: &str| {
        Notice::Firing(Incident {
            link: link.to_owned(),
            ..incident()
        })
    };
    for kind in [ChannelKind::Email, ChannelKind::Slack, ChannelKind::Webhook] {
        let write = |link| templates.write(kind, &notice(link), Tz::UTC, None).text;
        assert!(
            write("https://example.org/a").contains("Open the alert"),
            "{kind}"
        );
        assert!(!write("").contains("Open"), "{kind}: {}", write(""));
    }
}

#[test]
fn a_change_over_a_window_is_told_with_how_long_it_took() {
    let dollars = |value: &str| {
        Some(Reading {
            value: value.to_owned(),
            unit: "USD".to_owned(),
        })
    };
    let notice = Notice::Firing(Incident {
        metric: "TVL of aave".to_owned(),
        before: dollars("12345678901.5"),
        after: dollars("9506172754.155"),
        within: "1 h".to_owned(),
        ..incident()
    });
    let message = Templates::new().write(ChannelKind::Slack, &notice, Berlin, None);
    let said = "TVL of aave went from $12,345,678,901.50 to $9,506,172,754.16 (-23%) within 1 h.";
    assert!(message.text.contains(said), "{}", message.text);
}

#[test]
fn a_value_below_its_threshold_does_not_look_like_it() {
    let dollars = |value: &str| {
        Some(Reading {
            value: value.to_owned(),
            unit: "USD".to_owned(),
        })
    };
    let close = Notice::Firing(Incident {
        before: dollars("3000.001"),
        after: dollars("2999.999"),
        threshold: dollars("3000"),
        ..incident()
    });
    let message = Templates::new().write(ChannelKind::Email, &close, Berlin, None);
    assert_eq!(message.title, "ETH below 3,000: ETH price is $2,999.999");
    let begin = "ETH price went from $3,000.001 to $2,999.999.";
    assert!(message.text.starts_with(begin), "{}", message.text);
}

#[test]
fn a_webhook_names_its_incident_and_its_rule_and_leads_nowhere_where_there_is_no_place() {
    let id = uuid::Uuid::from_u128(7);
    let notice = Notice::Firing(Incident {
        incident_id: Some(packtrain_core::ids::IncidentId::from_uuid(id)),
        rule_id: Some(packtrain_core::ids::RuleId::from_uuid(id)),
        link: String::new(),
        ..incident()
    });
    let body = Templates::new().write(ChannelKind::Webhook, &notice, Berlin, None);
    let body: serde_json::Value = serde_json::from_str(&body.text).unwrap();
    let data = &body["data"];
    assert_eq!(data["incident_id"], "inc_00000000000000000000000000000007");
    assert_eq!(data["rule_id"], "rule_00000000000000000000000000000007");
    assert_eq!(data.get("link"), None);
}

#[test]
fn missing_data_is_told_with_how_long_it_has_been_missing() {
    let silent = || Incident {
        why: "no data for 10 min".to_owned(),
        before: None,
        after: None,
        silent_s: Some(660),
        ..incident()
    };
    for (notice, title, begin) in [
        (
            Notice::Firing(silent()),
            "ETH below 3,000: ETH price gives no data",
            "ETH price has given no data for 11 min.\n\nWhy: no data for 10 min\n",
        ),
        (
            Notice::StillFiring(silent()),
            "ETH below 3,000 still fires: ETH price gives no data",
            "ETH price has given no data for 11 min.\n\nWhy:",
        ),
        (
            Notice::Resolved(silent()),
            "ETH below 3,000 is over: ETH price gives no data",
            "ETH price has given no data for 11 min, so the alert counts as over.\n\nIt fired",
        ),
    ] {
        let message = Templates::new().write(ChannelKind::Email, &notice, Berlin, None);
        assert_eq!(message.title, title);
        assert!(message.text.starts_with(begin), "{}", message.text);
    }
}

#[test]
fn own_words_are_for_rules_and_a_digest_is_told_in_ours() {
    let own = own("mine", "");
    let templates = Templates::new();
    let notices = notices();
    let title = |notice| {
        templates
            .write(ChannelKind::Slack, notice, Berlin, Some(&own))
            .title
    };
    assert_eq!(title(&notices[0]), "mine");
    assert_eq!(
        title(&notices[3]),
        "3 changes, 2 alerts firing: Mon 30 Nov 2026, 00:00 CET to \
        Tue 1 Dec 2026, 00:00 CET"
    );
    let text = templates
        .write(ChannelKind::Slack, &notices[0], Berlin, Some(&own))
        .text;
    assert!(
        text.contains("went from"),
        "what is left empty is said in ours: {text}"
    );
}

#[test]
fn own_words_that_fail_on_a_notice_are_replaced_by_ours() {
    let own = own(
        "{{ after.nothing.there }}",
        "{% if not before %}{{ oops }}{% endif %}",
    );
    let silent = Notice::Firing(Incident {
        before: None,
        after: None,
        ..incident()
    });
    let templates = Templates::new();
    let message = templates.write(ChannelKind::Slack, &silent, Berlin, Some(&own));
    assert_eq!(message.title, "ETH below 3,000: ETH price gives no data");
    assert!(message.text.contains("gives no data."), "{}", message.text);
    let why = templates.unsaid(&silent, Berlin, &own).unwrap();
    assert_eq!((why.part, why.line), (WordsPart::Title, 1));
    assert!(why.what.starts_with("undefined value"), "{why}");
    // What is told in ours anyway does not fail.
    assert_eq!(templates.unsaid(&notices()[3], Berlin, &own), None);
    let good = self::own("{{ rule }}", "");
    assert_eq!(templates.unsaid(&silent, Berlin, &good), None);
}

#[test]
fn own_words_that_say_nothing_of_an_alert_are_replaced_by_ours() {
    let silent = Notice::Resolved(Incident {
        before: None,
        after: None,
        silent_s: Some(660),
        ..incident()
    });
    let templates = Templates::new();
    let of_values = "{% if before %}{{ before }} -> {% endif %}{{ after }}";
    for nothing in [of_values, "{{ after|strong }}", "\u{200b}{{ change }}\n"] {
        let own = own(nothing, nothing);
        assert_eq!(templates.check(&own), Ok(()), "it says something of others");
        for kind in ChannelKind::ALL {
            let message = templates.write(kind, &silent, Berlin, Some(&own));
            let ours = templates.write(kind, &silent, Berlin, None);
            assert_eq!(message, ours, "{kind} {nothing}");
        }
        let why = templates.unsaid(&silent, Berlin, &own).unwrap();
        assert_eq!((why.part, why.line, why.column), (WordsPart::Title, 1, 1));
        assert_eq!(why.what, "it says nothing of this alert");
    }
    let good = own("{{ rule }}", of_values);
    assert_eq!(templates.unsaid(&notices()[0], Berlin, &good), None);
}

#[test]
fn what_is_wrong_with_own_words_is_said_with_its_place() {
    let templates = Templates::new();
    for (text, line, column, what) in [
        ("a\nb {{ prize }}", 2, 6, "there is no prize"),
        (
            "{% if before %}{{ rule }}{% else %}{{ rulez }}{% endif %}",
            1,
            39,
            "there is no rulez",
        ),
        ("{{ rule", 1, 4, "syntax error"),
        ("x\n{% if rule %}", 2, 12, "syntax error"),
        ("{{ rule|shout }}", 1, 9, "unknown; there are strong, link"),
        ("{% include \"a\" %}", 1, 1, "only if"),
        ("{% import \"a\" as b %}", 1, 1, "only if"),
        ("{% extends \"a\" %}", 1, 1, "only if"),
        ("a{%- macro a() %}{% endmacro %}", 1, 2, "only if"),
        ("{% set a = 1 %}", 1, 1, "only if"),
        ("{% for a in rule %}{% endfor %}", 1, 1, "only if"),
        ("{% autoescape false %}{% endautoescape %}", 1, 1, "only if"),
        (
            "{% raw %}{{ \" {% endraw %}{{ [1] * 9 }}{# \" #}",
            1,
            1,
            "only if",
        ),
        ("x {# \" #}{{ [1] * 9 }}{# \" #}", 1, 3, "comments"),
        ("{{ \"}}\" ~ [1] }}", 1, 11, "lists"),
        ("{{ '\\'}}' ~ [1] }}", 1, 13, "lists"),
        ("{{ {'a':{'b':1}} }}", 1, 4, "maps"),
        ("{% if rule and [1] %}{% endif %}", 1, 16, "lists"),
        ("{{ range(10) }}", 1, 4, "there is no range"),
        (
            "{{ rule.secret }}",
            1,
            4,
            "is undefined; there are after, after_exact, at",
        ),
        ("{{ rule|strong(1) }}", 1, 9, "too many arguments"),
        ("a\u{e000}", 1, 2, "has no place here"),
        ("\u{7}", 1, 1, "has no place here"),
    ] {
        let wrong = templates.check(&own("", text)).expect_err(text);
        assert!(wrong.what.contains(what), "{text}: {wrong}");
        assert_eq!(
            (wrong.part, wrong.line, wrong.column),
            (WordsPart::Text, line, column),
            "{text}: {wrong}"
        );
    }
    let sums = format!("{{{{ {} }}}}", vec!["rule"; 57].join("~")).repeat(27);
    for (text, what) in [
        ("{{ rule", "syntax error"),
        ("{{ rule|strong(1) }}", "too many arguments"),
        (&sums, "engine ran out of fuel"),
    ] {
        let wrong = templates.check(&own("", text)).expect_err(text);
        assert!(wrong.what.starts_with(what), "{wrong}");
        let is_listed = wrong.what.contains("there are");
        assert!(!is_listed, "no name or filter is what it lacks: {wrong}");
    }
    let wide = templates.check(&own("", &"価".repeat(3_000))).unwrap_err();
    let what = "more than 8192 bytes: its 3000 characters are 9000 as UTF-8";
    assert_eq!(wide.what, what);
    let long = "x".repeat(9_000);
    assert_eq!(
        templates.check(&own(&long, "")).unwrap_err().part,
        WordsPart::Title
    );
    assert_eq!(
        templates.check(&own("{{ rule }}", "tab\t{{ after }}\r\n")),
        Ok(())
    );
}

#[test]
fn own_words_that_would_run_long_or_grow_large_are_stopped() {
    let templates = Templates::new();
    let chain = format!("{{{{ {} }}}}", vec!["rule"; 1_600].join("~"));
    let nots = format!("{{{{ {} rule }}}}", "not ".repeat(2_000));
    let elifs = format!(
        "{{% if rule %}}{}{{% endif %}}",
        "{% elif rule %}".repeat(500)
    );
    let ifs = "{% if rule %}".repeat(600);
    for text in [
        &*chain,
        &nots,
        &elifs,
        &ifs,
        "{{ \"x\" * 100000000 }}",
        "{{ [1] * 100000000 }}",
        "{% for a in [1] * 1000 %}{% for b in [1] * 1000 %}x{% endfor %}{% endfor %}",
        "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set x = rule ~ rule %}{% set x = x ~ x %}{{ x }}",
    ] {
        let wrong = templates.check(&own("", text));
        assert!(wrong.is_err(), "{text}");
        let notice = Notice::Firing(incident());
        let message = templates.write(ChannelKind::Slack, &notice, Berlin, Some(&own("", text)));
        assert!(message.text.contains("went from"), "{text}");
    }
}

#[test]
fn own_words_as_deep_as_they_may_be_are_written() {
    let chain = format!("{{{{ {} }}}}", vec!["rule"; 58].join("~"));
    let elifs = format!(
        "{{% if not rule %}}{}{{% else %}}a{{% endif %}}",
        "{% elif not rule %}".repeat(190)
    );
    let ifs = format!(
        "{}a{}",
        "{% if rule %}".repeat(90),
        "{% endif %}".repeat(90)
    );
    let templates = Templates::new();
    let notice = Notice::Firing(incident());
    for text in [&*chain, &elifs, &ifs] {
        let own = own("", text);
        assert_eq!(templates.check(&own), Ok(()), "{text}");
        let message = templates.write(ChannelKind::Slack, &notice, Berlin, Some(&own));
        assert!(!message.text.contains("went from"), "{}", message.text);
    }
}

#[test]
fn times_are_told_in_the_zone_of_the_reader_summer_time_too() {
    let notice = Notice::Test {
        endpoint: "x".to_owned(),
        at: at("2026-10-25T00:30:00Z"),
        link: String::new(),
    };
    let text = |zone| {
        Templates::new()
            .write(ChannelKind::Email, &notice, zone, None)
            .text
    };
    assert!(
        text(Berlin).contains("Sun 25 Oct 2026, 02:30 CEST"),
        "{}",
        text(Berlin)
    );
    let pacific = text(chrono_tz::America::Los_Angeles);
    assert!(pacific.contains("Sat 24 Oct 2026, 17:30 PDT"), "{pacific}");
}
