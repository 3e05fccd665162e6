//! What else is watched of wallets, and what cannot be.

use chrono::TimeDelta;
use packtrain_core::ports::KeyScope;
use packtrain_core::time::{Clock, SystemClock};
use packtrain_tests::Yard;
use serde_json::{Value, json};

use super::token::{Bench, SEND, TOKEN, number, word};
use super::{Scene, told};
use crate::journeys::kinds::{ALERT_KINDS, Observes};
use crate::journeys::runs::{ask, ended};

#[tokio::test(flavor = "multi_thread")]
async fn balances_are_those_of_the_newest_confirmed_block() {
    let test = "balances_are_those_of_the_newest_confirmed_block";
    let Some(bench) = Bench::new(test).await else {
        return;
    };
    let scene = Scene::new(&bench, 2).await;
    let bo = &bench.bo;
    scene.above(&format!("balance:1:{bo}:{TOKEN}"), "1.5").await;
    // Of an address that is no contract there is no balance, and the others have theirs.
    scene.above(&format!("balance:1:{bo}:{bo}"), "0").await;
    let fresh = "0xf1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1";
    let native = json!({
        "name": "native",
        "when": { "metric": format!("balance:1:{fresh}:native"), "op": ">=", "value": "0.25" },
    });
    scene.rule(native).await;
    bench.mine(2).await;
    assert_eq!(scene.scan().await["balances"], 2);
    bench.send(1_500_001).await;
    let gift = json!({ "from": bench.ada, "to": fresh, "value": "0x3782dace9d90000" });
    bench.node.ask("eth_sendTransaction", json!([gift])).await;
    bench.mine(1).await;
    assert_eq!(scene.scan().await["balances"], 0, "nothing is confirmed");
    bench.mine(1).await;
    scene.scan().await;
    assert_eq!(scene.told(), []);
    bench.mine(1).await;
    scene.scan().await;
    let mut heard = scene.told();
    heard.sort();
    assert_eq!(
        heard,
        [
            told("firing", "balance", "1.500001"),
            told("firing", "native", "0.25")
        ]
    );
    let cursors = "select count(*) from chain_cursor";
    assert_eq!(
        scene.yard.database.number(cursors).await,
        0,
        "no logs are read for them"
    );
    let tokens = "select concat_ws(' ', encode(address, 'hex'), decimals)
                    from chain_token order by decimals";
    let tokens = scene.yard.database.texts(tokens).await;
    assert_eq!(tokens, [format!("{} 6", &TOKEN[2..]), bo[2..].to_owned()]);
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_whale_moves_is_told_in_dollars_where_its_token_has_a_price() {
    let test = "what_a_whale_moves_is_told_in_dollars_where_its_token_has_a_price";
    let Some(bench) = Bench::new(test).await else {
        return;
    };
    let scene = Scene::new(&bench, 0).await;
    scene
        .above(&format!("transfer:1:{}", bench.ada), "1000")
        .await;
    scene.scan().await;
    bench.send(600_000_000).await;
    bench.mine(1).await;
    scene.scan().await;
    assert_eq!(scene.told(), [], "nobody knows what the token is worth");
    scene.yard.worker(ALERT_KINDS).await;
    let priced = Observes {
        metric: format!("price:ethereum:{TOKEN}"),
        at: SystemClock.now() - TimeDelta::seconds(1),
        value: "2.5".to_owned(),
    };
    let tick = ask(&scene.yard, &priced).await;
    ended(&scene.yard, tick).await;
    ended(&scene.yard, tick.derive("then:0")).await;
    // Two transactions of one block are not one movement.
    bench.send(399_000_000).await;
    bench.send(600_000_000).await;
    bench.send(500_000_000).await;
    bench.mine(1).await;
    scene.scan().await;
    let expected = [
        told("firing", "transfer", "1500"),
        told("firing", "transfer", "1250"),
    ];
    assert_eq!(scene.told(), expected);
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_an_owner_is_told_and_what_moves_between_its_wallets_is_not() {
    let test = "what_leaves_an_owner_is_told_and_what_moves_between_its_wallets_is_not";
    let Some(bench) = Bench::new(test).await else {
        return;
    };
    let scene = Scene::new(&bench, 0).await;
    // Ada and Bo are the desk.
    scene.above("transfer:1:desk", "1000").await;
    scene.scan().await;
    scene.yard.worker(ALERT_KINDS).await;
    let priced = Observes {
        metric: format!("price:ethereum:{TOKEN}"),
        at: SystemClock.now() - TimeDelta::seconds(1),
        value: "2.5".to_owned(),
    };
    let tick = ask(&scene.yard, &priced).await;
    ended(&scene.yard, tick).await;
    ended(&scene.yard, tick.derive("then:0")).await;
    bench.send(500_000_000).await;
    bench.mine(1).await;
    assert_eq!(scene.scan().await["events"], 1);
    assert_eq!(scene.told(), [], "it is the desk's still");
    let stranger = word("0xf1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1");
    bench.call(SEND, &[stranger, number(450_000_000)]).await;
    bench.mine(1).await;
    scene.scan().await;
    assert_eq!(scene.told(), [told("firing", "transfer", "1125")]);
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_which_no_wallet_is_watched_any_more_is_left_alone() {
    let test = "a_chain_of_which_no_wallet_is_watched_any_more_is_left_alone";
    let Some(bench) = Bench::new(test).await else {
        return;
    };
    let scene = Scene::new(&bench, 0).await;
    assert_eq!(scene.scan().await, Value::Null, "nobody watches anything");
    let once = json!({
        "name": "once",
        "when": {
            "metric": format!("transfer_out:1:{}:any", bench.ada), "op": ">", "value": "0",
        },
        "auto_disable": { "after_firings": 1 },
    });
    scene.rule(once).await;
    scene.scan().await;
    bench.send(1).await;
    bench.mine(1).await;
    assert_eq!(scene.scan().await["events"], 1);
    assert_eq!(scene.told(), [told("firing", "once", "1")]);
    // It is over with that, and so is the reading, once what was told can no longer be taken back.
    bench.send(1).await;
    bench.mine(1).await;
    assert_eq!(scene.scan().await["events"], 0);
    bench.mine(260).await;
    scene.scan().await;
    assert_eq!(scene.scan().await, Value::Null);
    let kept = "select (select count(*) from chain_cursor) + (select count(*) from chain_block)";
    assert_eq!(scene.yard.database.number(kept).await, 0);
    assert_eq!(scene.events().await, ["2 transfer 1 confirmed"]);
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_is_taken_back_also_when_its_rule_has_ended() {
    let test = "what_was_told_is_taken_back_also_when_its_rule_has_ended";
    let Some(bench) = Bench::new(test).await else {
        return;
    };
    let scene = Scene::new(&bench, 0).await;
    let once = json!({
        "name": "once",
        "when": {
            "metric": format!("transfer_out:1:{}:any", bench.ada), "op": ">", "value": "0",
        },
        "auto_disable": { "after_firings": 1 },
    });
    scene.rule(once).await;
    scene.scan().await;
    bench.send(1).await;
    bench.mine(1).await;
    scene.scan().await;
    assert_eq!(scene.told(), [told("firing", "once", "1")]);
    scene.scan().await;
    bench.reorganise(1).await;
    bench.mine(1).await;
    assert_eq!(scene.scan().await["reorganised_above"], 1);
    assert_eq!(scene.events().await, ["2 transfer 1 retracted"]);
    assert_eq!(scene.told()[1..], [told("retracted", "once", "1")]);
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_a_wallet_that_cannot_be_is_refused_by_its_place() {
    let yard = Yard::without_workers().await;
    let owner = yard.client("ada", &[KeyScope::User]).await;
    let wallet = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    let slip = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed";
    for (metric, for_s, place, said) in [
        (
            format!("balance:1:{slip}:native"),
            0,
            "/rule/when/metric",
            "checksum has them (EIP-55)",
        ),
        (
            "balance:1:0x12:native".to_owned(),
            0,
            "/rule/when/metric",
            "40 hex digits",
        ),
        (
            format!("balance:1:{wallet}:usdc"),
            0,
            "/rule/when/metric",
            "native, or an address",
        ),
        (
            format!("approval:1:{wallet}:native"),
            0,
            "/rule/when/metric",
            "any, or an address",
        ),
        (
            format!("transfer_in:5:{wallet}:any"),
            0,
            "/rule/when/metric",
            "no chain 5 is known",
        ),
        (
            "transfer:1:binance".to_owned(),
            0,
            "/rule/when/metric",
            "names no address",
        ),
        (
            format!("transfer_out:1:{wallet}:any"),
            60,
            "/rule/for_s",
            "happen at a moment",
        ),
    ] {
        let when = json!({ "metric": metric, "op": ">", "value": "0" });
        let rule = json!({ "name": "x", "when": when, "for_s": for_s });
        let asked = json!({ "rule": rule, "endpoints": [] });
        let refused = owner.post("/v2/premium/alerts/rules", &[], &asked).await;
        let refused = refused.expect(422).json();
        let error = &refused["errors"][0];
        assert_eq!(error["pointer"], place, "{refused}");
        assert!(
            error["detail"].as_str().unwrap().contains(said),
            "{refused}"
        );
    }
    yard.stop().await;
}
