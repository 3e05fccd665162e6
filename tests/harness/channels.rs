//! The ways to tell people in a yard: webhooks and mails that lead to this machine alone.

use std::net::SocketAddr;
use std::sync::Arc;

use packtrain_core::money::{Currency, Money};
use packtrain_core::ports::{Channel, Doors, Owners};
use packtrain_core::secret::Secret;
use packtrain_core::time::SystemClock;
use packtrain_notify::{Entry, Policy, Reach, SystemResolver, Tariff, Webhook};
use packtrain_store::{Keyring, SEAL_KEY_BYTES};

fn loopback() -> Policy {
    Policy {
        allows_plain: true,
        networks: vec!["127.0.0.0/8".parse().expect("this is a network")],
        ..Policy::default()
    }
}

/// Webhooks, and mail where there is a server.
pub(crate) fn channels(mail: Option<SocketAddr>) -> Vec<Arc<dyn Channel>> {
    let reach = Arc::new(Reach::new(loopback(), Arc::new(SystemResolver)));
    let webhook: Arc<dyn Channel> = Arc::new(Webhook::new(reach, Arc::new(SystemClock)));
    std::iter::once(webhook).chain(mail.map(email)).collect()
}

/// Mail over this server, without protection: it is on this machine.
#[cfg(feature = "email")]
fn email(server: SocketAddr) -> Arc<dyn Channel> {
    use packtrain_notify::{Email, EmailSettings, Security};

    let settings = EmailSettings {
        host: server.ip().to_string(),
        port: server.port(),
        security: Security::Plain,
        login: None,
        from: "packtrain <alerts@packtrain.example>".to_owned(),
        connections: 2,
    };
    let mail = Email::new(&settings, Arc::new(SystemClock));
    Arc::new(mail.expect("these settings can send"))
}

#[cfg(not(feature = "email"))]
fn email(_: SocketAddr) -> Arc<dyn Channel> {
    panic!("this build sends no mail")
}

/// The key under which endpoints are sealed.
pub(crate) fn keyring() -> Arc<Keyring> {
    Arc::new(Keyring::new(&[Secret::new([7; SEAL_KEY_BYTES])]))
}

/// What they say of new endpoints.
pub(crate) fn doors() -> Arc<dyn Doors> {
    Arc::new(Entry {
        policy: loopback(),
        has_mail: true,
        topics: vec!["arn:aws:sns:".to_owned()],
        tariff: Some(tariff()),
        ..Entry::default()
    })
}

/// What SMS of a yard may cost, a part.
pub fn tariff() -> Tariff {
    let dime = Money::parse("0.10", Currency::USD).expect("this is money");
    Tariff::new(dime, Vec::new()).expect("this is a price")
}

/// The owner that a yard knows by name: the first two accounts of every anvil, on Ethereum.
pub(crate) fn owners() -> Arc<Owners> {
    let desk = "1:desk=0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266 \
                       0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
    Arc::new(packtrain_jobs::chain::owners::read([desk]).expect("these are addresses"))
}
