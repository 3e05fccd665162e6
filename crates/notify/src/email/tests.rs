//! Mails to a real server on this machine.

mod sink;

use futures::future::join_all;

use super::*;
use crate::tests::{Still, delivery};
use packtrain_core::ports::{Channel, Message};
use sink::{Fault, Sink};

fn settings(sink: &Sink) -> EmailSettings {
    EmailSettings {
        host: sink.address.ip().to_string(),
        port: sink.address.port(),
        security: Security::Plain,
        login: None,
        from: "packtrain <alerts@packtrain.example>".to_owned(),
        connections: 4,
    }
}

fn email(sink: &Sink) -> Email {
    Email::new(&settings(sink), Still::at(1_796_018_400)).unwrap()
}

fn to(address: &str, unsubscribe: Option<&str>) -> Endpoint {
    Endpoint::Email {
        address: Secret::new(address.to_owned()),
        unsubscribe: unsubscribe.map(|url| Secret::new(url.to_owned())),
    }
}

/// A mail to Ada under a key.
fn mail(key: &str) -> Delivery {
    let mut delivery = delivery(key, to("ada@example.org", None), "Hello\n.\nAda");
    delivery.message.html = Some("<p>Hello</p>".to_owned());
    delivery
}

#[tokio::test]
async fn a_mail_has_both_forms_and_the_headers_by_which_readers_handle_it() {
    let sink = Sink::start().await;
    let unsubscribe = "https://app.example.org/u?t=1";
    let mut delivery = mail("inc_1:2");
    delivery.endpoint = to("ada@example.org", Some(unsubscribe));
    delivery.message.title = "Ätherpreis 🚂 is $2,988.10".to_owned();
    let attempt = email(&sink).send(&delivery).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Delivered, "{attempt:?}");
    assert_eq!(
        (attempt.status, &*attempt.excerpt),
        (Some(250), "2.0.0 kept")
    );
    let [mail] = &sink.mails()[..] else {
        panic!("there is one");
    };
    assert_eq!(mail.from, "FROM:<alerts@packtrain.example>");
    assert_eq!(mail.to, ["TO:<ada@example.org>"]);
    let header = |name: &str| mail.header(name).unwrap();
    assert_eq!(header("From"), "packtrain <alerts@packtrain.example>");
    assert_eq!(header("To"), "ada@example.org");
    assert!(
        header("Subject").starts_with("=?utf-8?"),
        "{}",
        header("Subject")
    );
    assert_eq!(header("Date"), "Mon, 30 Nov 2026 06:00:00 +0000");
    assert_eq!(header("List-Unsubscribe"), format!("<{unsubscribe}>"));
    assert_eq!(
        header("List-Unsubscribe-Post"),
        "List-Unsubscribe=One-Click"
    );
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert!(header("Content-Type").starts_with("multipart/alternative;"));
    let plain = mail
        .data
        .find("Content-Type: text/plain; charset=utf-8")
        .unwrap();
    let html = mail
        .data
        .find("Content-Type: text/html; charset=utf-8")
        .unwrap();
    assert!(plain < html, "the last form is the preferred one");
    assert!(mail.data.contains("\n\nHello\n.\nAda\n"), "{}", mail.data);
    assert!(mail.data.contains("<p>Hello</p>"), "{}", mail.data);
}

#[tokio::test]
async fn a_retry_is_the_mail_of_before_by_its_id() {
    let sink = Sink::start().await;
    let email = email(&sink);
    for key in ["inc_1", "inc_1", "inc_2"] {
        email.send(&mail(key)).await;
    }
    let ids: Vec<_> = sink
        .mails()
        .iter()
        .map(|mail| mail.header("Message-ID").unwrap())
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
    assert!(
        ids[0].starts_with('<') && ids[0].ends_with("@packtrain.example>"),
        "{}",
        ids[0]
    );
}

#[tokio::test]
async fn nothing_that_a_person_wrote_begins_a_header_or_a_command() {
    let sink = Sink::start().await;
    let email = email(&sink);
    let evil = "x\r\nBcc: eve@example.org\r\n\r\n.\r\nMAIL FROM:<eve@example.org>\r\n";
    let mut delivery = mail("inc_1");
    delivery.message = Message {
        title: evil.to_owned(),
        text: evil.to_owned(),
        html: Some(evil.to_owned()),
    };
    let attempt = email.send(&delivery).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Delivered, "{attempt:?}");
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["TO:<ada@example.org>"]);
    let names: Vec<_> = mails[0]
        .headers()
        .iter()
        .map(|header| header.split(':').next().unwrap().to_owned())
        .collect();
    assert!(!names.contains(&"Bcc".to_owned()), "{names:?}");
    assert!(mails[0].header("Subject").unwrap().contains("Bcc: eve"));
    for endpoint in [
        to("ada@example.org\r\nRCPT TO:<eve@example.org>", None),
        to("ada@example.org>, <eve@example.org", None),
        to("ada@example.org, eve@example.org", None),
        to("Ada <ada@example.org>", None),
        to("ada", None),
        to("", None),
        to(
            "ada@example.org",
            Some("https://a.example/\r\nBcc: eve@example.org"),
        ),
        to(
            "ada@example.org",
            Some("https://a.example/>, <mailto:eve@example.org"),
        ),
        to("ada@example.org", Some("javascript:eve")),
    ] {
        let mut delivery = mail("inc_2");
        delivery.endpoint = endpoint;
        let attempt = email.send(&delivery).await;
        assert_eq!(attempt.outcome, DeliveryOutcome::Permanent, "{attempt:?}");
        assert_eq!(attempt.cause, Some(DeliveryCause::Endpoint));
        assert!(
            !format!("{attempt:?}{delivery:?}").contains("eve@"),
            "{attempt:?}"
        );
    }
    assert_eq!(sink.mails().len(), 1);
}

#[tokio::test]
async fn four_hundreds_may_go_away_and_five_hundreds_will_not() {
    let sink = Sink::start().await;
    let email = email(&sink);
    let temporary = DeliveryOutcome::Temporary(None);
    for (command, fault, outcome, cause, status) in [
        (
            "RCPT",
            Fault::Say("451 4.3.0 later"),
            temporary,
            DeliveryCause::ServerError,
            Some(451),
        ),
        (
            "RCPT",
            Fault::Say("550 5.1.1 nobody"),
            DeliveryOutcome::Permanent,
            DeliveryCause::Rejected,
            Some(550),
        ),
        (
            "MAIL",
            Fault::Say("452 4.3.1 full"),
            temporary,
            DeliveryCause::ServerError,
            Some(452),
        ),
        (
            ".",
            Fault::Say("554 5.7.1 spam"),
            DeliveryOutcome::Permanent,
            DeliveryCause::Rejected,
            Some(554),
        ),
        (".", Fault::Close, temporary, DeliveryCause::Broken, None),
        (
            "DATA",
            Fault::Say("no SMTP"),
            temporary,
            DeliveryCause::Broken,
            None,
        ),
        // A server that does not let us in says nothing of the mail.
        (
            "CONNECT",
            Fault::Say("554 5.3.2 go away"),
            temporary,
            DeliveryCause::Connect,
            Some(554),
        ),
        (
            "EHLO",
            Fault::Say("550 no"),
            temporary,
            DeliveryCause::Connect,
            Some(550),
        ),
        (
            "CONNECT",
            Fault::Close,
            temporary,
            DeliveryCause::Connect,
            None,
        ),
    ] {
        sink.fail(command, fault);
        let attempt = email.send(&mail("inc_1")).await;
        let ended = (attempt.outcome, attempt.cause, attempt.status);
        assert_eq!(
            ended,
            (outcome, Some(cause), status),
            "{command} {fault:?} {attempt:?}"
        );
        sink.heal();
        let attempt = email.send(&mail("inc_2")).await;
        assert_eq!(
            attempt.outcome,
            DeliveryOutcome::Delivered,
            "after {command} {fault:?}"
        );
        email.lines.forget();
    }
}

#[tokio::test]
async fn a_login_that_fails_is_no_fault_of_the_mail_and_shows_no_password() {
    let sink = Sink::start().await;
    let login = Some(("me".to_owned(), Secret::new("hush".to_owned())));
    let settings = EmailSettings {
        login,
        ..settings(&sink)
    };
    let email = Email::new(&settings, Still::at(0)).unwrap();
    sink.fail("AUTH", Fault::Say("535 5.7.8 no"));
    let attempt = email.send(&mail("inc_1")).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Temporary(None));
    assert_eq!(
        (attempt.cause, attempt.status),
        (Some(DeliveryCause::Connect), Some(535))
    );
    assert!(!format!("{attempt:?}{settings:?}").contains("hush"));
    sink.heal();
    assert_eq!(
        email.send(&mail("inc_1")).await.outcome,
        DeliveryOutcome::Delivered
    );
}

#[tokio::test]
async fn a_server_that_should_have_tls_and_has_none_is_not_used() {
    let sink = Sink::start().await;
    let settings = EmailSettings {
        security: Security::StartTls,
        ..settings(&sink)
    };
    let email = Email::new(&settings, Still::at(0)).unwrap();
    let attempt = email.send(&mail("inc_1")).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Temporary(None));
    assert_eq!(attempt.cause, Some(DeliveryCause::Connect), "{attempt:?}");
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn a_connection_that_was_left_in_the_middle_of_a_mail_takes_no_other() {
    let sink = Sink::start().await;
    let email = email(&sink);
    for command in ["MAIL", "DATA", "."] {
        sink.fail(command, Fault::Nothing);
        let late = mail("inc_1");
        let waiting = async {
            sink.silent().await;
            // From here on nothing happens but time.
            tokio::time::pause();
        };
        let (attempt, ()) = tokio::join!(email.send(&late), waiting);
        tokio::time::resume();
        assert_eq!(
            attempt.outcome,
            DeliveryOutcome::Temporary(None),
            "{command}"
        );
        assert_eq!(attempt.cause, Some(DeliveryCause::Late), "{command}");
        sink.heal();
        let before = (sink.lines(), sink.mails().len());
        let attempt = email.send(&mail("inc_2")).await;
        assert_eq!(attempt.outcome, DeliveryOutcome::Delivered, "{command}");
        assert_eq!(
            (sink.lines(), sink.mails().len()),
            (before.0 + 1, before.1 + 1)
        );
        email.lines.forget();
    }
}

#[tokio::test]
async fn connections_are_used_again_and_there_are_no_more_than_asked_for() {
    let sink = Sink::start().await;
    let email = email(&sink);
    for number in 0..3 {
        email.send(&mail(&format!("inc_{number}"))).await;
    }
    assert_eq!(sink.lines(), 1);
    let mails: Vec<_> = (0..12)
        .map(|number| mail(&format!("inc_{number}")))
        .collect();
    let attempts = join_all(mails.iter().map(|mail| email.send(mail))).await;
    assert!(
        attempts
            .iter()
            .all(|attempt| attempt.outcome == DeliveryOutcome::Delivered)
    );
    assert_eq!(sink.mails().len(), 15);
    assert!(sink.lines() <= 4, "{}", sink.lines());
    // The server closes them all; the next mail goes over a new one.
    let before = sink.lines();
    sink.hang_up();
    let attempt = email.send(&mail("inc_x")).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Delivered, "{attempt:?}");
    assert_eq!(sink.lines(), before + 1);
}

#[tokio::test]
async fn settings_that_cannot_send_are_refused() {
    let sink = Sink::start().await;
    for from in [
        "",
        "alerts",
        "alerts@",
        "a@b.example\r\nBcc: eve@example.org",
    ] {
        let settings = EmailSettings {
            from: from.to_owned(),
            ..settings(&sink)
        };
        let refused = Email::new(&settings, Still::at(0)).err();
        assert!(matches!(refused, Some(EmailError::From(_))), "{from}");
    }
}

#[tokio::test]
async fn a_mail_that_finds_every_connection_in_use_waits_for_its_turn_and_was_not_tried() {
    let sink = Sink::start().await;
    let settings = EmailSettings {
        connections: 1,
        ..settings(&sink)
    };
    let email = Email::new(&settings, Still::at(60)).unwrap();
    let taken = email.lines.place().await.unwrap();
    tokio::time::pause();
    let attempt = email.send(&mail("inc_1")).await;
    let DeliveryOutcome::NotBefore(turn) = attempt.outcome else {
        panic!("{attempt:?}");
    };
    assert_eq!(turn.timestamp(), 65);
    assert_eq!(attempt.cause, Some(DeliveryCause::Rate));
    tokio::time::resume();
    drop(taken);
    let attempt = email.send(&mail("inc_1")).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Delivered, "{attempt:?}");
}
