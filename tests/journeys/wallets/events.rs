//! Events: found once, told when they are confirmed, taken back.

use packtrain_core::chain::Chain;
use packtrain_core::job::State;
use packtrain_jobs::catalogue::KINDS;
use packtrain_jobs::chain::scan::Scan;
use serde_json::{Value, json};

use super::late::{LATE_KINDS, ScansLate};
use super::token::{APPROVE, APPROVE_ALL, BABBLE, Bench, SEND_ONE, TOKEN, number, word};
use super::{Scene, told};
use crate::journeys::runs::{ask, ended};

#[tokio::test(flavor = "multi_thread")]
async fn transfers_and_approvals_are_found_once_and_told_when_they_are_confirmed() {
    let test = "transfers_and_approvals_are_found_once_and_told_when_they_are_confirmed";
    let Some(bench) = Bench::new(test).await else {
        return;
    };
    let scene = Scene::new(&bench, 2).await;
    let (ada, bo) = (&bench.ada, &bench.bo);
    // Before anybody watches: never told.
    bench.send(1_000_000).await;
    bench.mine(1).await;
    scene
        .above(&format!("transfer_out:1:{ada}:{TOKEN}"), "2")
        .await;
    scene.above(&format!("transfer_in:1:{bo}:any"), "0").await;
    scene
        .above(&format!("approval:1:{ada}:{TOKEN}"), "1000")
        .await;
    assert_eq!(scene.scan().await["events"], 0);
    // Block 3: one amount in two parts, one approval, one of all, one token of its own, and noise.
    bench.send(1_500_000).await;
    bench.send(1_000_001).await;
    bench
        .call(APPROVE, &[word(bo), number(5_000_000_000)])
        .await;
    bench.call(APPROVE_ALL, &[word(bo), number(1)]).await;
    bench
        .call(SEND_ONE, &[word(ada), word(bo), number(77)])
        .await;
    bench.call(BABBLE, &[word(bo)]).await;
    bench.mine(1).await;
    let seen = scene.scan().await;
    assert_eq!(
        (&seen["events"], &seen["malformed"]),
        (&json!(5), &json!(1)),
        "{seen}"
    );
    let kinds = [
        "transfer 1500000",
        "transfer 1000001",
        "approval 5000000000",
        "approval_for_all 1",
        "nft_transfer 1",
    ];
    let all = |state: &str| kinds.map(|kind| format!("3 {kind} {state}")).to_vec();
    assert_eq!(scene.events().await, all("pending"));
    bench.mine(1).await;
    assert_eq!(scene.scan().await["told"], 0, "one block is not enough");
    assert_eq!(scene.told(), []);
    bench.mine(1).await;
    assert_eq!(scene.scan().await["told"], 3);
    assert_eq!(scene.events().await, all("confirmed"));
    let mut heard = scene.told();
    heard.sort();
    assert_eq!(
        heard,
        [
            // All tokens of a contract are more than any number of them.
            told(
                "firing",
                "approval",
                "99999999999999999999.999999999999999999"
            ),
            // A token of its own of the same contract is one base unit of it here.
            told("firing", "transfer_in", "1"),
            told("firing", "transfer_out", "2.500002"),
        ]
    );
    bench.mine(3).await;
    assert_eq!(scene.scan().await["told"], 0);
    assert_eq!(scene.events().await.len(), 5);
    assert_eq!(scene.told().len(), 3, "and their ends are no news");
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_is_cut_off_between_pages_goes_on_and_finds_everything_once() {
    let test = "a_scan_that_is_cut_off_between_pages_goes_on_and_finds_everything_once";
    let Some(bench) = Bench::new(test).await else {
        return;
    };
    let scene = Scene::without_workers(&bench, 1).await;
    let worker = scene.yard.worker(KINDS).await;
    scene
        .above(&format!("transfer_out:1:{}:{TOKEN}", bench.ada), "0")
        .await;
    scene.scan().await;
    // Over three pages, also at their ends: 129 is the last block of the first one.
    let blocks = [2_u64, 3, 129, 130, 257, 258, 300];
    let mut number = 1;
    for block in blocks {
        bench
            .mine(usize::try_from(block - number - 1).unwrap())
            .await;
        bench.send(u128::from(block)).await;
        bench.mine(1).await;
        number = block;
    }
    bench.mine(2).await;
    let scan = Scan {
        chain: Some(Chain::Ethereum),
    };
    let first = ended(&scene.yard, ask(&scene.yard, &scan).await).await;
    assert_eq!(first.result.unwrap()["blocks"], 128);
    // Wherever it is in the second page, or before it.
    worker.cut_off().await;
    scene.yard.worker(KINDS).await;
    scene.scan().await;
    let expected: Vec<String> = { blocks.iter() }
        .map(|block| format!("{block} transfer {block} confirmed"))
        .collect();
    assert_eq!(scene.events().await, expected);
    let firings: Vec<String> = scene.told().into_iter().map(|it| it.2).collect();
    let values = blocks.map(|block| format!("0.{block:06}").trim_end_matches('0').to_owned());
    assert_eq!(firings, values, "each once, in order");
    // What began where the chain no longer stands is not written.
    let points = "select count(*) from metric_point";
    let before = scene.yard.database.number(points).await;
    scene.yard.worker(LATE_KINDS).await;
    let late = ended(&scene.yard, ask(&scene.yard, &ScansLate {}).await).await;
    assert_eq!(late.state, State::Succeeded);
    assert_eq!(scene.events().await, expected);
    assert_eq!(scene.yard.database.number(points).await, before);
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_a_reorganisation_takes_along_is_told_to_be_undone() {
    let test = "a_transfer_that_a_reorganisation_takes_along_is_told_to_be_undone";
    let Some(bench) = Bench::new(test).await else {
        return;
    };
    let scene = Scene::new(&bench, 0).await;
    scene
        .above(&format!("transfer_out:1:{}:{TOKEN}", bench.ada), "0")
        .await;
    scene.scan().await;
    bench.send(7_000_000).await;
    bench.mine(1).await;
    scene.scan().await;
    assert_eq!(scene.told(), [told("firing", "transfer_out", "7")]);
    // Who acted on it has to know, whatever he wants to hear of the rule at the moment.
    let rules = scene.owner.get("/v2/premium/alerts/rules").await.json();
    let rule = rules["items"][0]["id"].as_str().unwrap();
    let snooze = format!("/v2/premium/alerts/rules/{rule}/snooze");
    let hour = json!({ "for_s": 3_600 });
    scene.owner.post(&snooze, &[], &hour).await.expect(200);
    bench.reorganise(1).await;
    bench.mine(1).await;
    let seen = scene.scan().await;
    assert_eq!(seen["reorganised_above"], 1, "{seen}");
    assert_eq!(scene.events().await, ["2 transfer 7000000 retracted"]);
    assert_eq!(scene.told()[1..], [told("retracted", "transfer_out", "7")]);
    let last = scene.receiver.got().pop().unwrap();
    let last: Value = serde_json::from_slice(&last.body).unwrap();
    let text = last["data"]["text"].as_str().unwrap();
    assert!(text.contains("was undone by a reorganisation"), "{text}");
    let woken = scene.owner.send("DELETE", &snooze, &[], "").await;
    woken.expect(204);
    // The same in another block is another event, and told as one.
    bench.send(7_000_000).await;
    bench.mine(1).await;
    scene.scan().await;
    assert_eq!(scene.told()[2..], [told("firing", "transfer_out", "7")]);
    // Each is an incident; the first has what was taken back besides.
    let page = scene.owner.get("/v2/premium/alerts/incidents").await.json();
    let mut stories = Vec::new();
    for incident in page["items"].as_array().unwrap() {
        let path = format!(
            "/v2/premium/alerts/incidents/{}",
            incident["id"].as_str().unwrap()
        );
        let story = scene.owner.get(&path).await.expect(200).json();
        let steps = story["steps"].as_array().unwrap().iter();
        let words = steps.map(|step| step["what"].as_str().unwrap().to_owned());
        stories.push(words.collect::<Vec<_>>().join(" "));
    }
    stories.sort();
    assert_eq!(stories, ["fired told resolved", "fired told resolved told"]);
    scene.scan().await;
    assert_eq!(scene.told().len(), 3);
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_transfer_that_was_not_confirmed_before_a_reorganisation_nobody_hears() {
    let test = "of_a_transfer_that_was_not_confirmed_before_a_reorganisation_nobody_hears";
    let Some(bench) = Bench::new(test).await else {
        return;
    };
    let scene = Scene::new(&bench, 3).await;
    scene
        .above(&format!("transfer_out:1:{}:any", bench.ada), "0")
        .await;
    bench.mine(3).await;
    scene.scan().await;
    bench.send(1).await;
    bench.mine(2).await;
    assert_eq!(scene.scan().await["events"], 1);
    bench.reorganise(2).await;
    bench.mine(6).await;
    let seen = scene.scan().await;
    assert_eq!(
        (&seen["reorganised_above"], &seen["events"]),
        (&json!(4), &json!(0)),
        "{seen}"
    );
    assert_eq!(scene.events().await, ["5 transfer 1 retracted"]);
    bench.mine(5).await;
    scene.scan().await;
    assert_eq!(scene.told(), []);
    scene.yard.stop().await;
}
