//! One mail: its headers and its two forms. Nothing that a person wrote can begin a header.

use std::time::{Duration, UNIX_EPOCH};

use lettre::Message as Letter;
use lettre::address::AddressError;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use packtrain_core::ports::{DeliveryCause, DeliveryKey, Message};
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;
use sha2::{Digest, Sha256};

/// Letters of a subject: beyond that, readers of mail cut it themselves.
const SUBJECT_LETTERS_MAX: usize = 200;
/// Bytes of the address that ends these mails.
const UNSUBSCRIBE_BYTES_MAX: usize = 900;

/// Who sends.
pub(super) struct Sender(Mailbox);

impl Sender {
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        text.parse().map(Self)
    }

    pub(super) fn domain(&self) -> &str {
        self.0.email.domain()
    }

    /// The mail with a message; or why there is none.
    pub(super) fn write(
        &self,
        address: &Secret<String>,
        unsubscribe: Option<&Secret<String>>,
        key: &DeliveryKey,
        message: &Message,
        now: Timestamp,
    ) -> Result<Letter, (DeliveryCause, &'static str)> {
        let to = address.reveal().parse();
        let to = to.map_err(|_| (DeliveryCause::Endpoint, "not the address of a mailbox"))?;
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let mut letter = Letter::builder()
            .from(self.0.clone())
            .to(Mailbox::new(None, to))
            .date(UNIX_EPOCH + Duration::from_secs(seconds))
            .message_id(Some(self.message_id(key)))
            .subject(subject(&message.title))
            // No answers of machines to machines (RFC 3834).
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(url) = unsubscribe {
            if !is_unsubscribe(url.reveal()) {
                let why = "the address that ends these mails is not a plain https address";
                return Err((DeliveryCause::Endpoint, why));
            }
            // RFC 8058: one request, without a page in between.
            letter = letter
                .raw_header(header("List-Unsubscribe", &format!("<{}>", url.reveal())))
                .raw_header(header(
                    "List-Unsubscribe-Post",
                    "List-Unsubscribe=One-Click",
                ));
        }
        let text = message.text.clone();
        let written = match &message.html {
            Some(html) => letter.multipart(MultiPart::alternative_plain_html(text, html.clone())),
            None => letter.singlepart(lettre::message::SinglePart::plain(text)),
        };
        written.map_err(|_| (DeliveryCause::Message, "the mail cannot be put together"))
    }

    /// The id of the mail: of the same key always the same, so that a server or a reader can tell a
    /// repetition.
    fn message_id(&self, key: &DeliveryKey) -> String {
        use std::fmt::Write;
        let mut id = String::from("<");
        for byte in &Sha256::digest(key.as_str())[..16] {
            write!(id, "{byte:02x}").expect("a String takes everything");
        }
        id + "@" + self.domain() + ">"
    }
}

/// A subject of one line.
fn subject(title: &str) -> String {
    let letters = title.chars().map(|letter| match letter.is_control() {
        true => ' ',
        false => letter,
    });
    letters.take(SUBJECT_LETTERS_MAX).collect()
}

/// A header whose value is of ASCII without control characters.
fn header(name: &'static str, value: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str(name);
    HeaderValue::new(name, value.to_owned())
}

fn is_unsubscribe(url: &str) -> bool {
    url.starts_with("https://")
        && url.len() <= UNSUBSCRIBE_BYTES_MAX
        && url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"<>,\"".contains(&byte))
}
