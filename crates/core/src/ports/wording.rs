//! Wording: what a message tells, before it is put into the words and the markup of a channel.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::channels::{ChannelKind, Message};
use crate::ids::{EndpointId, IncidentId, RuleId};
use crate::time::Timestamp;

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", content = "about", rename_all = "snake_case")]
pub enum Notice {
    /// A rule fires.
    Firing(Incident),
    /// It still does, and its owner wants to be reminded.
    StillFiring(Incident),
    /// It does no longer.
    Resolved(Incident),
    /// What a firing was told for did not happen after all: a reorganisation of a chain took it
    /// along.
    Retracted(Incident),
    /// What happened in a while, in one message.
    Digest(AlertDigest),
    /// Somebody tries an endpoint out.
    Test {
        /// What the endpoint is called.
        endpoint: String,
        /// When.
        at: Timestamp,
        /// Where its settings are.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        link: String,
    },
    /// Whoever reads this proves that an endpoint is his, and that he wants it. It says nothing
    /// that its maker wrote, who may have made it for a stranger.
    Verify {
        /// The endpoint.
        endpoint: EndpointId,
        /// What proves it.
        challenge: String,
        /// When.
        at: Timestamp,
    },
    /// An endpoint is switched off, since nothing arrives there; told over another one.
    EndpointDisabled(DisabledEndpoint),
}

impl Notice {
    /// The word by which templates and machines know it.
    pub const fn event(&self) -> &'static str {
        match self {
            Self::Firing(_) => "firing",
            Self::StillFiring(_) => "still_firing",
            Self::Resolved(_) => "resolved",
            Self::Retracted(_) => "retracted",
            Self::Digest(_) => "digest",
            Self::Test { .. } => "test",
            Self::Verify { .. } => "verify",
            Self::EndpointDisabled(_) => "endpoint_disabled",
        }
    }
}

/// How much a rule matters to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Worth a look.
    Warning,
    /// Somebody should act.
    Critical,
}

impl Severity {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A value that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The exact value as a plain decimal, such as `1234567.5`.
    pub value: String,
    /// `USD`, `%`, `gwei`, a coin; empty for a bare number.
    #[serde(default)]
    pub unit: String,
}

/// What a rule saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// The incident; none of a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_id: Option<IncidentId>,
    /// The rule that fires; none of a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<RuleId>,
    /// What its owner calls the rule.
    pub rule: String,
    /// Why the rule fires, in words: its condition.
    pub why: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is measured, such as `ETH price`.
    pub metric: String,
    /// Its key, by which machines know it, such as `price:coingecko:ethereum`.
    #[serde(default)]
    pub metric_key: String,
    /// The value before; in a reminder, when the rule began to fire.
    pub before: Option<Reading>,
    /// The value now.
    pub after: Option<Reading>,
    /// With what the rule compares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Reading>,
    /// How long there was no data, in seconds; none where there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_s: Option<u32>,
    /// How long it took from one to the other, such as `1 h`; empty where the rule does not ask.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub within: String,
    /// Since when the rule fires.
    pub since: Timestamp,
    /// When this was seen.
    pub at: Timestamp,
    /// Where more is to be seen; an http or https address, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub link: String,
}

/// What happened in a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertDigest {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// What happened, the oldest first; of more than
    /// [`DIGEST_ENTRIES_MAX`](crate::limits::DIGEST_ENTRIES_MAX) the first are told.
    pub entries: Vec<DigestEntry>,
    /// How much happened besides.
    #[serde(default)]
    pub more: u64,
    /// How much of that is that a rule fires.
    #[serde(default)]
    pub more_firing: u64,
    /// Where all of it is to be seen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub link: String,
}

/// One line of a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestEntry {
    /// Whether the rule fires, or does no longer.
    pub is_firing: bool,
    /// What happened.
    pub incident: Incident,
}

/// An endpoint that is switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisabledEndpoint {
    /// What it is called.
    pub endpoint: String,
    /// What it is: `webhook`, `slack`.
    pub channel: String,
    /// Since when nothing arrives.
    pub since: Timestamp,
    /// When it was switched off.
    pub at: Timestamp,
    /// Attempts that failed.
    pub failures: u64,
    /// What went wrong at last, in words.
    pub cause: String,
    /// Where it is switched on again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub link: String,
}

/// A person's own words for what a rule tells: templates with variables such as `{{ rule }}`. What
/// is empty is said in ours.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnWords {
    /// The title: one line, as a template of up to 8,192 bytes of UTF-8; a letter beyond ASCII has
    /// 2 to 4 of them.
    #[serde(default)]
    #[schema(max_length = 8192, example = "{{ rule }}: {{ after }}")]
    pub title: String,
    /// The text, as a template of up to 8,192 bytes of UTF-8; a letter beyond ASCII has 2 to 4 of
    /// them.
    #[serde(default)]
    #[schema(max_length = 8192, example = "{{ metric }} is {{ after }}.")]
    pub text: String,
}

impl OwnWords {
    /// The same; none where nothing is said in them.
    pub fn said(self) -> Option<Self> {
        let is_said = |text: &str| !text.trim().is_empty();
        (is_said(&self.title) || is_said(&self.text)).then_some(self)
    }
}

/// Which part of somebody's own words is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordsPart {
    /// The title.
    Title,
    /// The text.
    Text,
}

impl WordsPart {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Text => "text",
        }
    }
}

/// What is wrong with somebody's own words, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct WordingError {
    /// In which part.
    pub part: WordsPart,
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

/// Puts notices into words.
pub trait Wording: Send + Sync {
    /// The message for a channel, with times in the reader's zone. Own words that fail on this very
    /// notice, or say nothing of it, are replaced by ours: an alert is told in any case.
    fn write(
        &self,
        kind: ChannelKind,
        notice: &Notice,
        zone: Tz,
        own: Option<&OwnWords>,
    ) -> Message;

    /// Why own words cannot be said of this very notice, so that ours are; none where they can.
    fn unsaid(&self, notice: &Notice, zone: Tz, own: &OwnWords) -> Option<WordingError>;

    /// Where a person reads of an incident; empty where no place is set up.
    fn link(&self, incident: IncidentId) -> String;
}

/// Looks at people's own words before they are kept.
pub trait Editor: Send + Sync {
    /// Checks them, part by part.
    ///
    /// # Errors
    /// [`WordingError`] with the place of what is wrong.
    fn check(&self, own: &OwnWords) -> Result<(), WordingError>;
}
