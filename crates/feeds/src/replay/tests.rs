//! Records that go on, and what is asked of them.

use packtrain_core::time::Timestamp;
use serde_json::{Value, json};

use super::chain::MovingChain;
use super::own::CHAINS;

fn at(moment: &str) -> Timestamp {
    moment.parse().unwrap()
}

fn ethereum() -> MovingChain {
    MovingChain::read(CHAINS[0].1).unwrap()
}

fn block(chain: &MovingChain, number: &str, now: Timestamp) -> Value {
    let params = [json!(number), json!(false)];
    chain.answer("eth_getBlockByNumber", &params, now).unwrap()
}

#[test]
fn every_record_can_be_read_and_is_of_the_chain_that_it_stands_for() {
    for (chain, text, _) in CHAINS {
        let moving = MovingChain::read(text).unwrap();
        let id = moving
            .answer("eth_chainId", &[], at("2026-12-24T12:00:00Z"))
            .unwrap();
        assert_eq!(id, format!("{:#x}", chain.id()), "{chain}");
    }
}

#[test]
fn blocks_come_with_time_follow_each_other_and_are_the_same_whenever_they_are_asked_for() {
    let (chain, now) = (ethereum(), at("2026-12-24T12:00:00Z"));
    let newest = block(&chain, "latest", now);
    let later = now + chrono::TimeDelta::seconds(12);
    let next = block(&chain, "latest", later);
    assert_eq!(next["parentHash"], newest["hash"]);
    assert_ne!(next["number"], newest["number"]);
    assert_eq!(
        block(&chain, newest["number"].as_str().unwrap(), later),
        newest
    );
    let seconds = newest["timestamp"]
        .as_str()
        .unwrap()
        .trim_start_matches("0x");
    let made = i64::from_str_radix(seconds, 16).unwrap();
    assert!(
        (0..12).contains(&(now.timestamp() - made)),
        "it is the block of now"
    );
    // One that has not come yet is not there.
    assert!(block(&chain, next["number"].as_str().unwrap(), now).is_null());
    // A round later the same block comes under another hash.
    let round = now + chrono::TimeDelta::seconds(12 * 156);
    let again = block(&chain, "latest", round);
    assert_eq!(again["gasUsed"], newest["gasUsed"]);
    assert_ne!(again["hash"], newest["hash"]);
}

#[test]
fn a_fee_history_is_that_of_its_blocks_with_the_next_base_fee_at_its_end() {
    let (chain, now) = (ethereum(), at("2026-12-24T12:00:00Z"));
    // Through two rounds, so over the seam of the record.
    for step in 0..320 {
        let now = now + chrono::TimeDelta::seconds(12 * step);
        let params = [json!("0x3"), json!("latest"), json!([10, 25, 50, 75, 90])];
        let history = chain.answer("eth_feeHistory", &params, now).unwrap();
        assert_eq!(history["reward"].as_array().unwrap().len(), 3);
        let fees = history["baseFeePerGas"].as_array().unwrap();
        assert_eq!(fees.len(), 4);
        assert_eq!(fees[2], block(&chain, "latest", now)["baseFeePerGas"]);
        let next = block(&chain, "latest", now + chrono::TimeDelta::seconds(12));
        assert_eq!(fees[3], next["baseFeePerGas"], "step {step}");
    }
}

#[test]
fn what_was_not_recorded_is_refused_and_not_made_up() {
    let (chain, now) = (ethereum(), at("2026-12-24T12:00:00Z"));
    for (method, params) in [
        ("eth_call", json!([])),
        ("eth_getBlockByNumber", json!(["0x01", false])),
        ("eth_feeHistory", json!(["0x3", "latest", [50]])),
        ("eth_feeHistory", json!([3, "latest", [10, 25, 50, 75, 90]])),
    ] {
        let refused = chain.answer(method, params.as_array().unwrap(), now);
        assert!(refused.is_err(), "{method} {params}");
    }
    for text in ["", "{}", r#"{"chain":1,"block_seconds":12,"blocks":[]}"#] {
        assert!(MovingChain::read(text.as_bytes()).is_err(), "{text}");
    }
}
