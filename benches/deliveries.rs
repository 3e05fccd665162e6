//! Webhooks to a receiver on this machine: over connections that are used again, and over a new one
//! each time, by how many are on their way at once; and how long the words of a message take.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use chrono_tz::Europe::Berlin;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::stream::{self, StreamExt};
use http::header::{CONNECTION, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use packtrain_core::ids::{RequestId, TenantId};
use packtrain_core::ports::{
    Channel, ChannelKind, Delivery, DeliveryOutcome, Endpoint, Incident, Message, Notice, OwnWords,
    Reading, Severity, Wording,
};
use packtrain_core::secret::Secret;
use packtrain_core::time::{SystemClock, Timestamp};
use packtrain_notify::{Policy, Reach, SystemResolver, Templates, Webhook, new_secret};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Deliveries of one measurement.
const DELIVERIES: usize = 2_000;
/// Deliveries that are on their way at once.
const AT_ONCE: [usize; 2] = [16, 64];

/// Serves for ever; closes each connection after its answer where it is told to.
async fn serve(listener: TcpListener, is_closing: bool) {
    let mut lines = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let answering = service_fn(
            move |request: hyper::Request<hyper::body::Incoming>| async move {
                let body = request.into_body().collect().await;
                black_box(body.expect("the sender is whole").to_bytes());
                let mut answer = Response::new(Empty::<Bytes>::new());
                *answer.status_mut() = StatusCode::NO_CONTENT;
                if is_closing {
                    answer
                        .headers_mut()
                        .insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            },
        );
        lines.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answering));
        while lines.try_join_next().is_some() {}
    }
}

fn incident() -> Incident {
    let reading = |value: &str| {
        Some(Reading {
            value: value.to_owned(),
            unit: "USD".to_owned(),
        })
    };
    Incident {
        incident_id: None,
        rule_id: None,
        rule: "ETH below 3,000".to_owned(),
        why: "the ETH price was below $3,000 for 5 minutes".to_owned(),
        severity: Severity::Warning,
        metric: "ETH price".to_owned(),
        metric_key: "price:coingecko:ethereum".to_owned(),
        before: reading("3012.5"),
        after: reading("2988.1"),
        threshold: None,
        silent_s: None,
        within: String::new(),
        since: Timestamp::UNIX_EPOCH,
        at: Timestamp::UNIX_EPOCH,
        link: "https://app.example.org/alerts/inc_1".to_owned(),
    }
}

fn delivery(number: usize, url: &str, text: &str) -> Delivery {
    Delivery {
        tenant: TenantId::SYSTEM,
        key: format!("inc_{number}").parse().expect("it is a key"),
        request: RequestId::from_uuid(Uuid::nil()),
        endpoint: Endpoint::Webhook {
            url: Secret::new(url.to_owned()),
            secrets: vec![new_secret([7; 32])],
        },
        message: Message {
            title: String::new(),
            text: text.to_owned(),
            html: None,
        },
    }
}

fn webhooks(c: &mut Criterion) {
    let runtime = Runtime::new().expect("the machine has threads");
    let mut group = c.benchmark_group("webhooks");
    group
        .throughput(Throughput::Elements(DELIVERIES as u64))
        .sample_size(10);
    let notice = Notice::Firing(incident());
    let text = Templates::new()
        .write(ChannelKind::Webhook, &notice, Berlin, None)
        .text;
    for (how, is_closing) in [("reused", false), ("new", true)] {
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("there are ports");
        let address = listener.local_addr().expect("it is bound");
        let mut serving = JoinSet::new();
        serving.spawn_on(serve(listener, is_closing), runtime.handle());
        let url = format!("http://{address}/hook");
        let policy = Policy {
            allows_plain: true,
            networks: vec!["127.0.0.0/8".parse().expect("it is a network")],
            ..Policy::default()
        };
        let reach = Arc::new(Reach::new(policy, Arc::new(SystemResolver)));
        let webhook = Arc::new(Webhook::new(reach, Arc::new(SystemClock)));
        for at_once in AT_ONCE {
            group.bench_function(format!("{how}/{at_once}"), |b| {
                b.iter(|| {
                    let sending =
                        stream::iter(0..DELIVERIES).for_each_concurrent(at_once, |number| {
                            let (webhook, delivery) = (&webhook, delivery(number, &url, &text));
                            async move {
                                let attempt = webhook.send(&delivery).await;
                                assert_eq!(
                                    attempt.outcome,
                                    DeliveryOutcome::Delivered,
                                    "{attempt:?}"
                                );
                            }
                        });
                    runtime.block_on(sending);
                });
            });
        }
    }
    group.finish();
}

fn words(c: &mut Criterion) {
    let mut group = c.benchmark_group("words");
    let (templates, notice) = (Templates::new(), Notice::Firing(incident()));
    let own = OwnWords {
        title: "{{ rule }} is now {{ after }}".to_owned(),
        text: "{% if before %}Before: {{ before|strong }}{% endif %}\n{{ link|link(\"more\") }}"
            .to_owned(),
    };
    for kind in [
        ChannelKind::Webhook,
        ChannelKind::Email,
        ChannelKind::Telegram,
    ] {
        group.bench_function(format!("ours/{kind}"), |b| {
            b.iter(|| templates.write(kind, black_box(&notice), Berlin, None));
        });
    }
    group.bench_function("own/telegram", |b| {
        b.iter(|| {
            templates.write(
                ChannelKind::Telegram,
                black_box(&notice),
                Berlin,
                Some(&own),
            )
        });
    });
    group.finish();
}

criterion_group!(benches, webhooks, words);
criterion_main!(benches);
