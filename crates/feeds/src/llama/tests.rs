//! DefiLlama as its answers are described, with every trap that is known of them.

use std::sync::Arc;

use packtrain_core::time::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::replay::{Fault, Replay};

/// The time at which prices were recorded.
struct Recorded;

impl Clock for Recorded {
    fn now(&self) -> Timestamp {
        DateTime::from_timestamp(1_793_880_000, 0).unwrap()
    }
}

async fn ground() -> (Replay, Llama) {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let replay = Replay::start(Arc::new(Recorded), &tasks, stop)
        .await
        .unwrap();
    let host = |name: &str| Secret::new(format!("{}/{name}", replay.url()));
    let llama = Llama::new(&host("llama-api"), &host("llama-coins")).unwrap();
    (replay, llama)
}

fn dollars(text: &str) -> Option<Quantity> {
    Some(text.parse().unwrap())
}

#[tokio::test]
async fn chains_come_with_what_is_locked_in_them_and_nulls_are_none() {
    let (_replay, llama) = ground().await;
    let chains = llama.chains().await.unwrap();
    let told: Vec<_> = chains
        .iter()
        .map(|one| (&*one.name, one.id, one.tvl_usd))
        .collect();
    assert_eq!(
        told,
        [
            ("Ethereum", Some(1), dollars("61234567890.12345")),
            ("Base", Some(8_453), dollars("4200000000")),
            ("OP Mainnet", Some(10), dollars("312345678.5")),
            ("Ghost Chain", None, None),
        ]
    );
}

#[tokio::test]
async fn protocols_are_given_on_one_by_one_and_those_that_name_nothing_are_counted() {
    let (_replay, llama) = ground().await;
    let mut all = Vec::new();
    let listed = llama.protocols(|one| all.push(one)).await.unwrap();
    assert_eq!(
        listed,
        Listed {
            read: 3,
            left_out: 2
        }
    );
    let slugs: Vec<_> = all.iter().map(|one| &*one.slug).collect();
    assert_eq!(
        slugs,
        ["bank-of-examples", "swap-of-brackets", "nothing-said"]
    );
    assert_eq!(all[0].tvl_usd, dollars("1234567890.0625"));
    assert_eq!(all[0].chain_tvls_usd.len(), 3, "null is none");
    assert_eq!(all[1].name, "Swap \"of\" Brackets ]}");
    assert_eq!((&all[2].category, all[2].tvl_usd), (&None, None));
}

#[tokio::test]
async fn prices_are_exact_and_coins_without_one_are_missing() {
    let (_replay, llama) = ground().await;
    let prices = llama
        .prices(&[
            "coingecko:bitcoin",
            "ethereum:0x69",
            "ethereum:0x6982508145454ce325ddbe47a25d4ec3d2311933",
            "base:0x0000000000000000000000000000000000000001",
            "base:0x0000000000000000000000000000000000000002",
        ])
        .await
        .unwrap();
    assert_eq!(prices.len(), 2);
    let pepe = &prices["ethereum:0x6982508145454Ce325dDbE47a25d4ec3d2311933"];
    assert_eq!(Some(pepe.usd), dollars("0.000000004213"));
    assert_eq!(
        pepe.at.unwrap().timestamp(),
        1_793_879_990,
        "a time may be a text"
    );
    let bitcoin = &prices["coingecko:bitcoin"];
    assert_eq!(
        bitcoin.at.unwrap().timestamp(),
        1_793_880_000,
        "or have a point"
    );
    assert_eq!((bitcoin.decimals, bitcoin.confidence), (None, None));
    assert_eq!(llama.prices(&[]).await.unwrap(), BTreeMap::new());
}

#[tokio::test]
async fn holdings_are_of_the_newest_times_and_those_of_no_protocol_are_nothing() {
    let (replay, llama) = ground().await;
    let times = llama.holdings("bank-of-examples").await.unwrap();
    let told: Vec<_> = times
        .iter()
        .map(|time| (time.at.timestamp(), time.tokens["WETH"].usd))
        .collect();
    let billion = dollars("1000000000");
    let wanted = [
        (1_793_664_000, dollars("1100000000")),
        (1_793_750_400, billion),
        (1_793_836_800, billion),
        (1_793_880_000, billion),
    ];
    assert_eq!(told, wanted);
    let dust = times[3].tokens["DUST"];
    assert_eq!(
        (dust.amount, dust.usd),
        (dollars("0.0000001"), dollars("0"))
    );
    replay
        .set_holding("bank-of-examples", "NEW", "7", "0.5")
        .unwrap();
    let times = llama.holdings("bank-of-examples").await.unwrap();
    assert_eq!(times[3].tokens["NEW"].amount, dollars("7"));
    assert_eq!(times[2].tokens.get("NEW"), None);
    assert_eq!(llama.holdings("another/../one").await.unwrap(), []);
    replay.set_fault(Some(Fault::Nulls));
    assert_eq!(llama.holdings("bank-of-examples").await.unwrap(), []);
    for fault in [Fault::Busy, Fault::BadGateway, Fault::Truncated] {
        replay.set_fault(Some(fault));
        let refused = llama.holdings("bank-of-examples").await;
        assert!(refused.is_err(), "{fault:?}");
    }
}

#[tokio::test]
async fn what_the_host_gets_wrong_is_an_error_and_no_empty_list() {
    let (replay, llama) = ground().await;
    for fault in [Fault::BadGateway, Fault::Truncated] {
        replay.set_fault(Some(fault));
        assert!(llama.chains().await.is_err(), "{fault:?}");
        assert!(llama.protocols(|_| ()).await.is_err(), "{fault:?}");
        assert!(
            llama.prices(&["coingecko:bitcoin"]).await.is_err(),
            "{fault:?}"
        );
    }
    replay.set_fault(Some(Fault::Nulls));
    let chains = llama.chains().await.unwrap();
    assert_eq!(chains.len(), 4);
    assert!(chains.iter().all(|chain| chain.tvl_usd.is_none()));
    replay.set_fault(None);
    assert_eq!(
        llama.chains().await.unwrap().len(),
        4,
        "and it is well again"
    );
    replay.set_fault(Some(Fault::Busy));
    let Err(HostError::Busy { retry_after, .. }) = llama.chains().await else {
        panic!("it is busy");
    };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}

/// A host that gives this answer to every request.
async fn says(tasks: &TaskTracker, body: &'static str) -> Llama {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Secret::new(format!("http://{}", listener.local_addr().unwrap()));
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut got = Vec::new();
            while !got.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut got).await.unwrap();
            }
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
            let said = format!("{head}{body}");
            stream.write_all(said.as_bytes()).await.unwrap();
        }
    });
    Llama::new(&url, &url).unwrap()
}

#[tokio::test]
async fn one_element_that_cannot_be_read_takes_no_other_one_along() {
    let tasks = TaskTracker::new();
    let coins = r#"{"coins": {
        "a:1": {"price": 1.5, "symbol": 7}, "a:2": [], "a:3": null, "a:4": "x",
        "a:5": {"price": 2, "symbol": "TWO"}
    }}"#;
    let prices = says(&tasks, coins).await.prices(&["a:1"]).await.unwrap();
    let told: Vec<_> = { prices.iter() }
        .map(|(coin, price)| (&**coin, Some(price.usd), price.symbol.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("a:1", dollars("1.5"), None),
            ("a:5", dollars("2"), Some("TWO"))
        ]
    );
    let chains = r#"[{"name": 7}, null, "x", {"name": "Base", "chainId": {}, "tvl": "3"}]"#;
    let chains = says(&tasks, chains).await.chains().await.unwrap();
    let wanted = ChainTvl {
        name: "Base".to_owned(),
        id: None,
        tvl_usd: dollars("3"),
    };
    assert_eq!(chains, [wanted]);
}

#[test]
fn coins_are_asked_for_in_parts_that_are_not_too_long_with_their_names_encoded() {
    let names: Vec<String> = (0..250)
        .map(|number| format!("ethereum:0x{number:040x}"))
        .collect();
    let coins: Vec<&str> = names.iter().map(String::as_str).collect();
    let paths = prices::paths(&coins);
    assert_eq!(paths.len(), 3);
    let counts: Vec<usize> = paths
        .iter()
        .map(|path| path.matches("0x").count())
        .collect();
    assert_eq!(counts, [100, 100, 50]);
    assert!(
        paths
            .iter()
            .all(|path| path.len() <= prices::PATH_BYTES_MAX)
    );
    assert_eq!(prices::paths(&["a b:c/d"]), ["/prices/current/a%20b:c%2Fd"]);
}
