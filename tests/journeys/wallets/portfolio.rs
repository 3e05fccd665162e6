//! The live stream of what happens to a tenant's wallets.

use packtrain_core::ports::KeyScope;
use packtrain_tests::{Client, Listening, Socket};
use serde_json::{Value, json};

use super::Scene;
use super::token::{APPROVE, Bench, TOKEN, number, word};

/// Follows `portfolio` from behind a place.
async fn follows(api: &Listening, client: &Client, after: Option<i64>) -> Socket {
    let mut socket = api.socket(client).await;
    let after = after.map_or(json!({}), |place| json!({ "portfolio": place }));
    let asked = json!({ "subscribe": ["portfolio"], "after": after });
    socket.ask(&asked).await;
    assert_eq!(socket.said().await["type"], "subscribed");
    socket
}

/// Somebody with a rule about this metric and no endpoint.
async fn watches(scene: &Scene, name: &str, metric: &str) -> Client {
    let client = scene.yard.client(name, &[KeyScope::User]).await;
    let when = json!({ "metric": metric, "op": ">", "value": "0" });
    let asked = json!({ "rule": { "name": "w", "when": when }, "endpoints": [] });
    let made = client.post("/v2/premium/alerts/rules", &[], &asked).await;
    made.expect(201);
    client
}

/// Place, word, kind and amount of what is said next.
async fn next(socket: &mut Socket) -> String {
    line(&socket.said().await)
}

fn line(said: &Value) -> String {
    let data = &said["data"];
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    format!(
        "{} {} {} {}",
        said["seq"],
        word(&said["event"]),
        word(&data["kind"]),
        word(&data["amount"])
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_a_wallet_is_told_to_all_who_watch_it_and_to_nobody_else() {
    let test = "what_happens_to_a_wallet_is_told_to_all_who_watch_it_and_to_nobody_else";
    let Some(bench) = Bench::new(test).await else {
        return;
    };
    let scene = Scene::new(&bench, 1).await;
    let api = scene.yard.listen().await;
    let (ada, bo) = (&bench.ada, &bench.bo);
    let payer = watches(&scene, "payer", &format!("transfer_out:1:{ada}:{TOKEN}")).await;
    let guard = watches(&scene, "guard", &format!("approval:1:{ada}:any")).await;
    let payee = watches(&scene, "payee", &format!("transfer_in:1:{bo}:any")).await;
    let saver = watches(&scene, "saver", &format!("balance:1:{bo}:{TOKEN}")).await;
    let nobody = scene.yard.client("nobody", &[KeyScope::User]).await;
    let mut all = Vec::new();
    for client in [&payer, &guard, &payee, &saver, &nobody] {
        all.push(follows(&api, client, None).await);
    }
    let [mut paying, mut guarding, mut paid, mut saving, mut none] =
        <[Socket; 5]>::try_from(all).ok().unwrap();
    bench.mine(1).await;
    scene.scan().await;
    // What a wallet has is told first when it is first looked at.
    assert_eq!(next(&mut saving).await, "1 balance - 0");
    bench.send(1_500_000).await;
    bench.call(APPROVE, &[word(bo), number(7)]).await;
    bench.mine(1).await;
    scene.scan().await;
    let said = paying.said().await;
    assert_eq!(line(&said), "1 found transfer 1500000");
    let data = &said["data"];
    let told = json!({
        "chain": 1, "wallet": ada, "token": TOKEN, "amount": "1500000",
        "decimals": data["decimals"], "block": data["block"], "kind": "transfer",
        "transaction": data["transaction"], "log_index": 0, "from": ada, "to": bo,
    });
    assert_eq!((&said["stream"], data), (&json!("portfolio"), &told));
    assert_eq!(data["block"]["number"], 3);
    // Whoever watches the wallet is told all that is found of it.
    assert_eq!(next(&mut paying).await, "2 found approval 7");
    assert_eq!(next(&mut guarding).await, "1 found transfer 1500000");
    assert_eq!(next(&mut guarding).await, "2 found approval 7");
    // The approval is no matter of the one who may take: nobody looks for it on his behalf.
    let said = paid.said().await;
    assert_eq!(line(&said), "1 found transfer 1500000");
    assert_eq!(said["data"]["wallet"], json!(bo));
    bench.mine(1).await;
    // Who comes now is told what is found from now on.
    let late = watches(&scene, "late", &format!("transfer_out:1:{ada}:any")).await;
    let mut coming = follows(&api, &late, None).await;
    scene.scan().await;
    for socket in [&mut paying, &mut guarding] {
        assert_eq!(next(socket).await, "3 confirmed transfer 1500000");
        assert_eq!(next(socket).await, "4 confirmed approval 7");
    }
    assert_eq!(next(&mut paid).await, "2 confirmed transfer 1500000");
    let said = saving.said().await;
    assert_eq!(line(&said), "2 balance - 1500000");
    let told = json!({
        "chain": 1, "wallet": bo, "token": TOKEN, "amount": "1500000", "decimals": 6,
        "block": said["data"]["block"],
    });
    assert_eq!(
        (&said["data"], &told["block"]["number"]),
        (&told, &json!(3))
    );
    scene.scan().await;
    bench.reorganise(2).await;
    bench.mine(2).await;
    assert_eq!(scene.scan().await["reorganised_above"], 2);
    for socket in [&mut paying, &mut guarding] {
        assert_eq!(next(socket).await, "5 retracted transfer 1500000");
        assert_eq!(next(socket).await, "6 retracted approval 7");
    }
    assert_eq!(next(&mut paid).await, "3 retracted transfer 1500000");
    assert_eq!(next(&mut saving).await, "3 balance - 0");
    bench.send(5).await;
    bench.mine(1).await;
    scene.scan().await;
    assert_eq!(next(&mut coming).await, "1 found transfer 5");
    assert_eq!(next(&mut paying).await, "7 found transfer 5");
    let told = "select count(*) from live_count c
                  join tenant t on t.id = c.tenant_id
                 where c.stream = 'portfolio' and t.name = 'nobody'";
    assert_eq!(scene.yard.database.number(told).await, 0);
    none.ask(&json!({ "unsubscribe": ["portfolio"] })).await;
    assert_eq!(
        none.said().await["type"],
        "unsubscribed",
        "and nothing before"
    );
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_is_told_what_his_wallets_did_meanwhile_and_nothing_twice() {
    let test = "who_comes_back_is_told_what_his_wallets_did_meanwhile_and_nothing_twice";
    let Some(bench) = Bench::new(test).await else {
        return;
    };
    let scene = Scene::new(&bench, 0).await;
    let api = scene.yard.listen().await;
    let (ada, bo) = (&bench.ada, &bench.bo);
    scene.above(&format!("transfer_out:1:{ada}:any"), "0").await;
    scene.above(&format!("transfer_in:1:{bo}:any"), "0").await;
    scene.scan().await;
    let path = "/v2/premium/stream/events?streams=portfolio";
    let mut events = scene.owner.follow(path, &[]).await;
    assert_eq!(events.next().await.unwrap().1["type"], "subscribed");
    // More than a page of the log, in one set for each of the two wallets.
    let many = 60_i64;
    for amount in 1..=60 {
        bench.send(amount).await;
    }
    bench.mine(1).await;
    scene.scan().await;
    let (first, _) = events.next().await.unwrap();
    assert_eq!(first, "portfolio=1");
    drop(events);
    let from = [("last-event-id", &*first)];
    let mut events = scene.owner.follow(path, &from).await;
    let mut seen = Vec::new();
    while seen.len() < usize::try_from(4 * many - 1).unwrap() {
        let (_, said) = events.next().await.unwrap();
        if said["type"] == "event" {
            let wallet = said["data"]["wallet"].as_str().unwrap().to_owned();
            seen.push((said["seq"].as_i64().unwrap(), wallet, line(&said)));
        }
    }
    let places: Vec<i64> = seen.iter().map(|(place, ..)| *place).collect();
    assert_eq!(places, (2..=4 * many).collect::<Vec<_>>());
    let of = |wallet: &str, word: &str| {
        let of_it = seen.iter().filter(|(_, whose, _)| whose == wallet);
        let lines = of_it.filter(|(.., line)| line.contains(word));
        let amounts = lines.map(|(.., line)| line.rsplit(' ').next().unwrap().to_owned());
        amounts.collect::<Vec<_>>()
    };
    let amounts = |from: i64| (from..=many).map(|it| it.to_string()).collect::<Vec<_>>();
    for word in ["found", "confirmed"] {
        let (one, other) = (of(ada, word), of(bo, word));
        let is_all = |told: &Vec<String>| *told == amounts(1) || *told == amounts(2);
        assert!(is_all(&one) && is_all(&other), "{word}: {one:?} {other:?}");
        assert_eq!(
            one.len() + other.len(),
            if word == "found" { 119 } else { 120 }
        );
    }
    // Over a socket, from the middle of a set.
    let mut socket = follows(&api, &scene.owner, Some(4 * many - 3)).await;
    for (place, _, line) in &seen[seen.len() - 3..] {
        assert_eq!(next(&mut socket).await, *line, "{place}");
    }
    bench.send(61).await;
    bench.mine(1).await;
    scene.scan().await;
    let begin = format!("{} found transfer 61", 4 * many + 1);
    assert_eq!(next(&mut socket).await, begin);
    assert_eq!(line(&events.next().await.unwrap().1), begin);
    scene.yard.stop().await;
}
