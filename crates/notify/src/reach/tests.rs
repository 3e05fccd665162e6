//! Real receivers on this machine: what is asked, over which connection, and what never is.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::Mutex;

use async_trait::async_trait;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::*;
use crate::tests::{Receiver, Reply, answer, local, local_policy, serve};
use packtrain_core::secret::Secret;

/// Answers with one list after the other, and counts.
struct Scripted(Mutex<(VecDeque<Vec<IpAddr>>, usize)>);

impl Scripted {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new((answers.iter().map(parse).collect(), 0))))
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

#[async_trait]
impl Resolve for Scripted {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let mut script = self.0.lock().unwrap();
        script.1 += 1;
        script
            .0
            .pop_front()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn target(url: &str, reach: &Reach) -> Target {
    Target::parse(&Secret::new(url.to_owned()), reach.policy()).unwrap()
}

fn post(is_repeatable: bool) -> Post {
    Post {
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{}"),
        is_repeatable,
    }
}

async fn status(reach: &Reach, target: &Target) -> Result<u16, ReachError> {
    let answer = reach.post(target, &post(true)).await?;
    Ok(answer.status.as_u16())
}

/// From the answer on nothing happens but time, which then goes by at once.
async fn stand_still(receiver: &Receiver) {
    receiver.answered().await;
    tokio::time::pause();
}

#[tokio::test]
async fn the_address_that_was_looked_at_is_connected_to_whatever_the_name_leads_to_next() {
    let vetted = Receiver::start(|_| answer(200, "", "")).await;
    let port = vetted.address.port();
    let elsewhere = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let elsewhere = Receiver::over(elsewhere, |_| answer(200, "", ""));
    let resolver = Scripted::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let policy = Policy {
        allows_plain: true,
        networks: vec!["127.0.0.1/32".parse().unwrap()],
        ..Policy::default()
    };
    let reach = Reach::new(policy, Arc::clone(&resolver) as Arc<dyn Resolve>);
    let target = target(&format!("http://rebind.example:{port}/hook"), &reach);
    assert_eq!(status(&reach, &target).await.unwrap(), 200);
    assert_eq!(resolver.asked(), 1);
    assert_eq!(
        vetted.received()[0].header("host"),
        Some(&*format!("rebind.example:{port}"))
    );
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn a_name_is_looked_at_again_for_every_connection() {
    let receiver = Receiver::start(|_| answer(200, "connection: close\r\n", "")).await;
    let resolver = Scripted::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let reach = Reach::new(local_policy(), resolver);
    let url = format!("http://rebind.example:{}/", receiver.address.port());
    let target = target(&url, &reach);
    assert_eq!(status(&reach, &target).await.unwrap(), 200);
    let refused = status(&reach, &target).await;
    let expected = Refusal::NotPublic(Kept::Private);
    assert!(
        matches!(refused, Err(ReachError::Refused(why)) if why == expected),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_host_of_which_one_address_is_not_public_is_refused_whole() {
    for (addresses, kept) in [
        (&["127.0.0.1"][..], Kept::Loopback),
        (&["1.1.1.1", "10.0.0.1"], Kept::Private),
        (&["169.254.169.254"], Kept::Metadata),
        (&["fd00:ec2::254"], Kept::Metadata),
        (&["2606:4700::1111", "::1"], Kept::Loopback),
        (&["::ffff:127.0.0.1"], Kept::V4Mapped),
        (&["64:ff9b::10.0.0.1"], Kept::Nat64),
        (&["100.64.0.1"], Kept::CarrierNat),
    ] {
        let reach = Reach::new(Policy::default(), Scripted::new(&[addresses]));
        let target = target("https://hooks.example/", &reach);
        let refused = status(&reach, &target).await;
        let expected = Refusal::NotPublic(kept);
        assert!(
            matches!(refused, Err(ReachError::Refused(why)) if why == expected),
            "{addresses:?}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_name_that_leads_out_of_the_networks_that_are_allowed_is_reached_at_few_ports() {
    let reach = Reach::new(local_policy(), Scripted::new(&[&["1.1.1.1"]]));
    let target = target("https://hooks.example:22/", &reach);
    let refused = status(&reach, &target).await;
    assert!(matches!(
        refused,
        Err(ReachError::Refused(Refusal::Port(22)))
    ));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let inside = Receiver::start(|_| answer(200, "", "secret")).await;
    let location = format!("location: http://{}/latest\r\n", inside.address);
    let receiver = Receiver::start(move |_| answer(307, &location, "")).await;
    let reach = local();
    let target = Target::parse(&receiver.url("/"), reach.policy()).unwrap();
    assert_eq!(status(&reach, &target).await.unwrap(), 307);
    assert!(inside.received().is_empty());
}

/// A receiver with a certificate; notes the names that TLS was asked for.
async fn over_tls(name: &str) -> (u16, RootCertStore, Arc<Mutex<Vec<String>>>, JoinSet<()>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], signing_key.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (names, noted) = (Arc::default(), Mutex::default());
    let seen: Arc<Mutex<Vec<String>>> = Arc::clone(&names);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let name = stream
                .get_ref()
                .1
                .server_name()
                .unwrap_or_default()
                .to_owned();
            seen.lock().unwrap().push(name);
            serve(stream, 0, &noted, &Notify::new(), &|received| {
                answer(200, "", received.header("host").unwrap())
            })
            .await;
        }
    });
    (port, roots, names, serving)
}

#[tokio::test]
async fn tls_asks_the_vetted_address_for_the_name_and_believes_no_other() {
    let (port, roots, names, _serving) = over_tls("hooks.example").await;
    let resolver = Scripted::new(&[&["127.0.0.1"], &["127.0.0.1"], &["127.0.0.1"]]);
    let reach = Reach::new(local_policy(), resolver).trusting(roots);
    let hooks = target(&format!("https://hooks.example:{port}/"), &reach);
    let answer = reach.post(&hooks, &post(true)).await.unwrap();
    assert_eq!(answer.body, format!("hooks.example:{port}").into_bytes());
    assert_eq!(*names.lock().unwrap(), ["hooks.example"]);
    drop(answer);
    let other = target(&format!("https://other.example:{port}/"), &reach);
    // The first connection is still kept, and no other host's request goes over it.
    let refused = tokio::time::timeout(ANSWER_WITHIN, async {
        reach.idle.take(&hooks);
        status(&reach, &other).await
    });
    let refused = refused.await.unwrap();
    assert!(matches!(refused, Err(ReachError::Tls(_))), "{refused:?}");
}

#[tokio::test]
async fn who_never_answers_is_left_after_the_time_limit() {
    let receiver = Receiver::start(|_| Reply::Nothing).await;
    let reach = local();
    let target = Target::parse(&receiver.url("/"), reach.policy()).unwrap();
    let began = Instant::now();
    let (late, ()) = tokio::join!(status(&reach, &target), stand_still(&receiver));
    assert!(matches!(late, Err(ReachError::Late)), "{late:?}");
    // The clock stands still but for what the test itself takes.
    let late = began.elapsed() - ANSWER_WITHIN;
    assert!(late < Duration::from_secs(5), "{late:?}");
}

#[tokio::test]
async fn a_body_that_stops_is_cut_off_and_its_status_counts() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin";
    let receiver = Receiver::start(move |_| Reply::Say(head.to_owned())).await;
    let reach = local();
    let target = Target::parse(&receiver.url("/"), reach.policy()).unwrap();
    let (post, began) = (post(true), Instant::now());
    let (answer, ()) = tokio::join!(reach.post(&target, &post), stand_still(&receiver));
    let answer = answer.unwrap();
    assert!(began.elapsed() < ANSWER_WITHIN + Duration::from_secs(5));
    assert_eq!(
        (answer.status.as_u16(), &*answer.body),
        (200, &b"begin"[..])
    );
    assert!(
        reach.idle.take(&target).is_none(),
        "who owes the rest is not asked again"
    );
}

#[tokio::test]
async fn a_body_without_an_end_is_read_up_to_its_limit() {
    let head = "HTTP/1.1 500 X\r\ntransfer-encoding: chunked\r\n\r\n";
    let receiver = Receiver::start(move |_| Reply::Endless(head.to_owned())).await;
    let reach = local();
    let target = Target::parse(&receiver.url("/"), reach.policy()).unwrap();
    let answer = reach.post(&target, &post(true)).await.unwrap();
    assert_eq!(answer.status.as_u16(), 500);
    assert_eq!(answer.body.len(), 16 * 1024);
    assert!(reach.idle.take(&target).is_none());
}

#[tokio::test]
async fn a_head_without_an_end_is_no_answer() {
    let head = format!("HTTP/1.1 200 OK\r\n{}", "x-a: b\r\n".repeat(10_000));
    let receiver = Receiver::start(move |_| Reply::Say(head.clone())).await;
    let reach = local();
    let target = Target::parse(&receiver.url("/"), reach.policy()).unwrap();
    let broken = status(&reach, &target).await;
    assert!(matches!(broken, Err(ReachError::Broken(_))), "{broken:?}");
}

#[tokio::test]
async fn a_connection_is_used_again_for_some_seconds() {
    let receiver = Receiver::start(|_| answer(200, "", "ok")).await;
    let reach = local();
    let target = Target::parse(&receiver.url("/"), reach.policy()).unwrap();
    for pause in [0, 1, 2, 6] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(pause)).await;
        tokio::time::resume();
        status(&reach, &target).await.unwrap();
    }
    let lines: Vec<_> = receiver
        .received()
        .iter()
        .map(|received| received.line)
        .collect();
    assert_eq!(lines, [0, 0, 0, 1]);
}

#[tokio::test]
async fn a_connection_that_waits_takes_no_request_of_another_name_or_port_or_without_tls() {
    let receiver = Receiver::start(|_| answer(200, "", "ok")).await;
    let port = receiver.address.port();
    let resolver = Scripted::new(&[&["127.0.0.1"], &["127.0.0.1"]]);
    let reach = Reach::new(local_policy(), Arc::clone(&resolver) as Arc<dyn Resolve>);
    let one = target(&format!("http://one.example:{port}/"), &reach);
    let other = target(&format!("http://other.example:{port}/"), &reach);
    // Both lead to the same place, and the connection of the one waits.
    for (target, line) in [(&one, 0), (&other, 1), (&one, 0), (&other, 1)] {
        status(&reach, target).await.unwrap();
        let last = receiver.received().pop().unwrap();
        assert_eq!(last.line, line);
    }
    assert_eq!(resolver.asked(), 2);
    for elsewhere in [
        format!("https://one.example:{port}/"),
        "http://one.example:8443/".to_owned(),
    ] {
        assert!(reach.idle.take(&target(&elsewhere, &reach)).is_none());
    }
    assert!(reach.idle.take(&one).is_some());
}

#[tokio::test]
async fn what_a_receiver_closed_in_between_is_asked_again_where_repetitions_are_told() {
    // Closes each connection at its second request.
    let seen = Mutex::new(HashSet::new());
    let receiver =
        Receiver::start(
            move |received| match seen.lock().unwrap().insert(received.line) {
                true => answer(200, "", ""),
                false => Reply::Close,
            },
        )
        .await;
    let reach = local();
    let target = Target::parse(&receiver.url("/"), reach.policy()).unwrap();
    assert_eq!(status(&reach, &target).await.unwrap(), 200);
    assert_eq!(status(&reach, &target).await.unwrap(), 200);
    let lines = || {
        let received = receiver.received();
        received.iter().map(|r| r.line).collect::<Vec<_>>()
    };
    assert_eq!(lines(), [0, 0, 1]);
    let broken = reach.post(&target, &post(false)).await;
    assert!(matches!(broken, Err(ReachError::Broken(_))), "{broken:?}");
    assert_eq!(lines(), [0, 0, 1, 1], "it may have been read");
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() {
    let two = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 410 Gone\r\n\
               content-length: 0\r\n\r\n";
    let receiver = Receiver::start(move |received| match received.line {
        0 => Reply::Say(two.to_owned()),
        _ => answer(201, "", ""),
    })
    .await;
    let reach = local();
    let target = Target::parse(&receiver.url("/"), reach.policy()).unwrap();
    assert_eq!(status(&reach, &target).await.unwrap(), 200);
    assert_eq!(status(&reach, &target).await.unwrap(), 201);
}

#[tokio::test]
async fn where_nobody_listens_there_is_no_connection() {
    // Nobody listens where a port is taken and no more than that.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}/", taken.local_addr().unwrap());
    let reach = local();
    let refused = status(&reach, &target(&url, &reach)).await;
    assert!(
        matches!(refused, Err(ReachError::Connect(_))),
        "{refused:?}"
    );
    let reach = Reach::new(local_policy(), Scripted::new(&[]));
    let unknown = status(&reach, &target("http://unknown.example/", &reach)).await;
    assert!(
        matches!(unknown, Err(ReachError::Resolve(_))),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn no_more_connections_wait_than_there_is_room_for() {
    let receiver = Receiver::start(|_| answer(200, "", "")).await;
    let reach = local();
    let target = Target::parse(&receiver.url("/"), reach.policy()).unwrap();
    let mut lines = Vec::new();
    for _ in 0..40 {
        lines.push(reach.open(&target).await.unwrap());
    }
    for line in lines {
        reach.idle.put(&target, line);
    }
    let waiting = std::iter::from_fn(|| reach.idle.take(&target)).count();
    assert_eq!(waiting, 32);
}
