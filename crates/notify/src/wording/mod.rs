//! Words of messages. A template is plain text with variables, people's own ones too: what it says
//! becomes the markup of a channel only afterwards, so that nothing in it can be markup by mistake.
//!
//! It runs without files, macros and the engine's own filters. What people write runs on a limited
//! amount of fuel besides, and keeps to variables, filters and conditions, since fuel does not pay
//! for everything.

mod bounds;
mod check;
mod facts;

use std::collections::BTreeMap;

use chrono_tz::Tz;
use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior};
use packtrain_core::ids::IncidentId;
use packtrain_core::limits::DIGEST_ENTRIES_MAX;
use packtrain_core::ports::{
    ChannelKind, Editor, Message, Notice, OwnWords, Severity, Wording, WordingError, WordsPart,
};
use packtrain_core::time::rfc3339;
use serde_json::json;

use crate::markup::{self, Dialect};

/// What people's own words may spend: one for each step, and one for 64 bytes.
const FUEL: u64 = 5_000;
/// How deep they may call themselves.
const RECURSION_MAX: usize = 16;
/// Letters of a title.
const TITLE_LETTERS_MAX: usize = 200;
/// Letters of a mail, and of the text in a webhook's body.
const TEXT_LETTERS_MAX: usize = 32_000;
/// Letters of a message as Slack, Discord and Telegram take it. Slack takes more, and shows this.
pub(crate) const SLACK_LETTERS_MAX: usize = 4_000;
pub(crate) const DISCORD_LETTERS_MAX: usize = 2_000;
pub(crate) const TELEGRAM_LETTERS_MAX: usize = 4_096;
/// Letters for a telephone: one part of an SMS with letters outside its alphabet holds 70.
pub(crate) const SMS_LETTERS_MAX: usize = 140;

/// Title and text of each event.
const OURS: [(&str, &str); 16] = [
    ("firing.title", include_str!("templates/firing.title.txt")),
    ("firing", include_str!("templates/firing.txt")),
    (
        "still_firing.title",
        include_str!("templates/still_firing.title.txt"),
    ),
    ("still_firing", include_str!("templates/still_firing.txt")),
    (
        "resolved.title",
        include_str!("templates/resolved.title.txt"),
    ),
    ("resolved", include_str!("templates/resolved.txt")),
    (
        "retracted.title",
        include_str!("templates/retracted.title.txt"),
    ),
    ("retracted", include_str!("templates/retracted.txt")),
    ("digest.title", include_str!("templates/digest.title.txt")),
    ("digest", include_str!("templates/digest.txt")),
    ("test.title", include_str!("templates/test.title.txt")),
    ("test", include_str!("templates/test.txt")),
    ("verify.title", include_str!("templates/verify.title.txt")),
    ("verify", include_str!("templates/verify.txt")),
    (
        "endpoint_disabled.title",
        include_str!("templates/endpoint_disabled.title.txt"),
    ),
    (
        "endpoint_disabled",
        include_str!("templates/endpoint_disabled.txt"),
    ),
];
/// The page around the text of a mail; `TITLE`, `BODY` and `COLOUR` between percent signs are
/// replaced.
const PAGE: &str = include_str!("templates/mail.html");

/// Puts notices into words by templates: ours, or a person's own.
pub struct Templates {
    /// With our templates; what they say is limited by the facts, which are.
    ours: Environment<'static>,
    /// For people's own words.
    own: Environment<'static>,
    /// What the address of an incident begins with; empty where there is none.
    incidents: String,
}

impl Default for Templates {
    fn default() -> Self {
        Self::new()
    }
}

impl Templates {
    /// The templates of this build.
    pub fn new() -> Self {
        let mut ours = engine();
        for (name, text) in OURS {
            let added = ours.add_template(name, text);
            added.expect("our templates are written in the engine's language");
        }
        let mut own = engine();
        own.set_recursion_limit(RECURSION_MAX);
        own.set_fuel(Some(FUEL));
        // Places of errors are kept in this mode alone.
        own.set_debug(true);
        Self {
            ours,
            own,
            incidents: String::new(),
        }
    }

    /// The same, with messages that lead to their incidents: at this address, to which the id of
    /// one is added.
    #[must_use]
    pub fn leading_to(self, incidents: &str) -> Self {
        Self {
            incidents: incidents.to_owned(),
            ..self
        }
    }

    /// What a template of ours says; the last letter of a text file is a line end.
    fn ours(&self, name: &str, facts: &Value) -> String {
        let template = self.ours.get_template(name);
        let said = template.and_then(|template| template.render(facts.clone()));
        said.expect("our templates take every notice")
    }

    /// What a part of a person's own words says, or why it fails; none where it is empty.
    fn own(
        &self,
        (part, words): (WordsPart, &str),
        facts: &Value,
    ) -> Option<Result<String, WordingError>> {
        let words = Some(words).filter(|words| !words.trim().is_empty())?;
        Some(check::say(&self.own, part, &markup::plain(words), facts))
    }

    /// Title and text, with marks for bold words and links.
    fn words(&self, notice: &Notice, zone: Tz, own: Option<&OwnWords>) -> (String, String) {
        let facts = facts::of(notice, zone);
        let own = own.filter(|_| is_about_rule(notice)).map(parts);
        let [title, text] = own.map_or([None, None], |own| {
            own.map(|part| self.own(part, &facts)?.ok())
        });
        let event = notice.event();
        let title = title.unwrap_or_else(|| self.ours(&format!("{event}.title"), &facts));
        let text = text.unwrap_or_else(|| self.ours(event, &facts));
        // A title is one line, in a subject and above a text.
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        (title, text.trim().to_owned())
    }
}

impl Wording for Templates {
    fn write(
        &self,
        kind: ChannelKind,
        notice: &Notice,
        zone: Tz,
        own: Option<&OwnWords>,
    ) -> Message {
        let (title, text) = self.words(notice, zone, own);
        let plain_title = Dialect::Plain.write(&title, TITLE_LETTERS_MAX);
        let chat = |dialect: Dialect, letters_max| {
            let whole = format!("{}\n{text}", markup::strong(&title));
            (dialect.write(&whole, letters_max), None)
        };
        let (text, html) = match kind {
            ChannelKind::Webhook => (body(notice, &plain_title, &text), None),
            ChannelKind::Email => (
                Dialect::Plain.write(&text, TEXT_LETTERS_MAX),
                Some(page(notice, &plain_title, &text)),
            ),
            ChannelKind::Slack => chat(Dialect::Slack, SLACK_LETTERS_MAX),
            ChannelKind::Discord => chat(Dialect::Discord, DISCORD_LETTERS_MAX),
            ChannelKind::Telegram => chat(Dialect::Telegram, TELEGRAM_LETTERS_MAX),
            // A topic may lead to telephones as well.
            ChannelKind::Sns | ChannelKind::Sms => {
                (Dialect::Plain.write(&title, SMS_LETTERS_MAX), None)
            }
        };
        Message {
            title: plain_title,
            text,
            html,
        }
    }

    fn unsaid(&self, notice: &Notice, zone: Tz, own: &OwnWords) -> Option<WordingError> {
        if !is_about_rule(notice) {
            return None;
        }
        let facts = facts::of(notice, zone);
        let said = parts(own).into_iter();
        said.filter_map(|part| self.own(part, &facts))
            .find_map(Result::err)
    }

    fn link(&self, incident: IncidentId) -> String {
        match self.incidents.as_str() {
            "" => String::new(),
            begin => format!("{begin}{incident}"),
        }
    }
}

impl Editor for Templates {
    fn check(&self, own: &OwnWords) -> Result<(), WordingError> {
        for (part, text) in parts(own) {
            check::check(&self.own, part, text)?;
        }
        Ok(())
    }
}

/// Whether a notice is told in the words of its rule: that something did not happen after all is
/// told in ours, and so is what tells of many rules or of none.
const fn is_about_rule(notice: &Notice) -> bool {
    matches!(
        notice,
        Notice::Firing(_) | Notice::StillFiring(_) | Notice::Resolved(_)
    )
}

/// Somebody's own words, part by part.
fn parts(own: &OwnWords) -> [(WordsPart, &str); 2] {
    [(WordsPart::Title, &own.title), (WordsPart::Text, &own.text)]
}

/// An engine that knows our filters and nothing else.
fn engine() -> Environment<'static> {
    let mut engine = Environment::empty();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.add_filter("strong", |words: &str| markup::strong(words));
    engine.add_filter("link", |url: &str, words: &str| markup::link(url, words));
    engine.add_filter("upper", |words: &str| words.to_uppercase());
    engine.add_filter("lower", |words: &str| words.to_lowercase());
    engine
}

/// The body of a webhook: the form that Standard Webhooks recommends, with exact values.
fn body(notice: &Notice, title: &str, text: &str) -> String {
    let (kind, at) = match notice {
        Notice::Firing(incident)
        | Notice::StillFiring(incident)
        | Notice::Resolved(incident)
        | Notice::Retracted(incident) => (format!("alert.{}", notice.event()), incident.at),
        Notice::Digest(digest) => ("alert.digest".to_owned(), digest.to),
        Notice::Test { at, .. } => ("endpoint.test".to_owned(), *at),
        Notice::Verify { at, .. } => ("endpoint.verify".to_owned(), *at),
        Notice::EndpointDisabled(disabled) => ("endpoint.disabled".to_owned(), disabled.at),
    };
    let text = Dialect::Plain.write(text, TEXT_LETTERS_MAX);
    let mut body =
        json!({ "type": kind, "timestamp": rfc3339(at), "data": { "title": title, "text": text } });
    let mut told = serde_json::to_value(bounds::kept(notice)).unwrap_or_default();
    if let (Some(data), Some(about)) = (body["data"].as_object_mut(), told["about"].as_object_mut())
    {
        data.append(about);
    }
    if let Notice::Digest(digest) = notice {
        let cut = digest.entries.len().saturating_sub(DIGEST_ENTRIES_MAX);
        let cut = u64::try_from(cut).unwrap_or(u64::MAX);
        body["data"]["more"] = digest.more.saturating_add(cut).into();
    }
    body.to_string()
}

/// A mail as a page.
fn page(notice: &Notice, title: &str, text: &str) -> String {
    let colour = match notice {
        Notice::Firing(incident) | Notice::StillFiring(incident) => match incident.severity {
            Severity::Info => "#2b6cb0",
            Severity::Warning => "#b7791f",
            Severity::Critical => "#c53030",
        },
        Notice::Resolved(_) => "#2f855a",
        Notice::Retracted(_) | Notice::Digest(_) | Notice::Test { .. } | Notice::Verify { .. } => {
            "#2b6cb0"
        }
        Notice::EndpointDisabled(_) => "#b7791f",
    };
    let parts = BTreeMap::from([
        ("TITLE", markup::html(title)),
        ("BODY", markup::paragraphs(text, TEXT_LETTERS_MAX)),
        ("COLOUR", colour.to_owned()),
    ]);
    let mut out = String::new();
    // Piece by piece, so that nothing in a part is taken for the name of another.
    for piece in PAGE.split('%') {
        out.push_str(parts.get(piece).map_or(piece, String::as_str));
    }
    out
}

#[cfg(test)]
mod tests;
