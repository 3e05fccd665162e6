//! What bytes cost, asked of contracts that run on a real node; and of the record that `dev` has.

use std::sync::Arc;

use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ports::{
    DataFee, DataFeeSeen, DataPrices, GasBlock, GasBlocks, GasLook, NoChains, ReferenceFee,
};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_feeds::Rpc;
use packtrain_jobs::gas::data_fee::{Oracle, questions};
use packtrain_store::PgGas;
use packtrain_tests::{Anvil, Yard};
use serde_json::{Value, json};

use super::{snapshot, yard};

const GAS_PRICE_ORACLE: [u8; 20] = {
    let mut address = [0; 20];
    (address[0], address[19]) = (0x42, 0x0f);
    address
};
const ARB_GAS_INFO: [u8; 20] = {
    let mut address = [0; 20];
    address[19] = 0x6c;
    address
};

/// A call that a contract knows, and what it answers: by its selector, and where two calls have the
/// same, by the word of it that begins at a place.
struct Known {
    selector: [u8; 4],
    word: Option<(u8, u64)>,
    answer: Vec<u128>,
}

fn known(selector: u32, word: Option<(u8, u64)>, answer: &[u128]) -> Known {
    Known {
        selector: selector.to_be_bytes(),
        word,
        answer: answer.to_vec(),
    }
}

/// Code that answers these calls and reverts at any other, put together by hand:
///
/// ```text
/// 5f 35 60e0 1c                PUSH0 CALLDATALOAD PUSH1 224 SHR      the selector
/// for each call:
/// 80 63<selector> 14           DUP1 PUSH4 EQ
/// 60<place> 35 7f<word> 14 16  PUSH1 CALLDATALOAD PUSH32 EQ AND      where a word is compared
/// 61<place> 57                 PUSH2 JUMPI
/// then:
/// 5f 5f fd                     PUSH0 PUSH0 REVERT
/// for each call:
/// 5b                           JUMPDEST
/// 7f<word> 60<at> 52 ...       PUSH32 PUSH1 MSTORE                   for each word of the answer
/// 60<bytes> 5f f3              PUSH1 PUSH0 RETURN
/// ```
fn contract(calls: &[Known]) -> Vec<u8> {
    let word = |number: u128| [[0; 16], number.to_be_bytes()].concat();
    let test_bytes = |call: &Known| 7 + call.word.map_or(0, |_| 38) + 4;
    let answer_bytes = |call: &Known| 1 + 36 * call.answer.len() + 4;
    let tests: usize = calls.iter().map(test_bytes).sum();
    let mut answers_at = 5 + tests + 3;
    let (mut code, mut answers) = (vec![0x5f, 0x35, 0x60, 0xe0, 0x1c], Vec::new());
    for call in calls {
        code.extend([0x80, 0x63]);
        code.extend(call.selector);
        code.push(0x14);
        if let Some((place, wanted)) = call.word {
            code.extend([0x60, place, 0x35, 0x7f]);
            code.extend(word(wanted.into()));
            code.extend([0x14, 0x16]);
        }
        let place = u16::try_from(answers_at).unwrap().to_be_bytes();
        code.extend([0x61, place[0], place[1], 0x57]);
        answers_at += answer_bytes(call);
        answers.push(0x5b);
        for (at, number) in call.answer.iter().enumerate() {
            answers.push(0x7f);
            answers.extend(word(*number));
            answers.extend([0x60, u8::try_from(32 * at).unwrap(), 0x52]);
        }
        let bytes = u8::try_from(32 * call.answer.len()).unwrap();
        answers.extend([0x60, bytes, 0x5f, 0xf3]);
    }
    code.extend([0x5f, 0x5f, 0xfd]);
    code.extend(answers);
    code
}

/// A `GasPriceOracle` whose answers are those that `crates/feeds/fixtures/rpc/oracle.py` counts of
/// its prices. Of the bytes it compares how many they are, which stands in the second word.
fn gas_price_oracle() -> Vec<Known> {
    vec![
        known(0x4994_8e0e, Some((36, 114)), &[752_376_600]),
        known(0x4994_8e0e, Some((36, 276)), &[1_183_773_542]),
        known(0x275a_edd2, Some((4, 65_000)), &[650]),
        known(0x275a_edd2, Some((4, 180_000)), &[1_800]),
        known(0x519b_4bd3, None, &[120_000_000]),
        known(0xf820_6140, None, &[3_000_000]),
        known(0xc598_5918, None, &[2_269]),
        known(0x68d5_dca6, None, &[1_055_762]),
    ]
}

async fn anvil(test: &str, chain: Chain) -> Option<Anvil> {
    let id = chain.id().to_string();
    Anvil::of(test, &["--chain-id", &id]).await
}

async fn of(anvil: &Anvil, chain: Chain) -> Yard {
    yard(Rpc::new(chain, &[anvil.url()]).unwrap()).await
}

async fn shown(yard: &Yard, chain: Chain) -> Value {
    let path = format!("/v2/public/gas/{chain}");
    yard.stranger().get(&path).await.expect(200).json()
}

#[tokio::test]
async fn what_bytes_cost_on_the_op_stack_is_read_from_a_contract_and_shown_to_everybody() {
    let test = "what_bytes_cost_on_the_op_stack_is_read_from_a_contract_and_shown_to_everybody";
    let Some(anvil) = anvil(test, Chain::Base).await else {
        return;
    };
    let code = contract(&gas_price_oracle());
    anvil.set_code(GAS_PRICE_ORACLE, &code).await;
    anvil.mine().await;
    let yard = of(&anvil, Chain::Base).await;
    let seen = snapshot(&yard, json!({ "chain": "base" })).await;
    assert_eq!(seen["data_fee"], "752376600", "{seen}");
    let shown = shown(&yard, Chain::Base).await;
    let fee = &shown["data_fee"];
    assert_eq!(shown["no_data_fee"], Value::Null);
    assert_eq!(fee["block"], 1);
    assert_eq!(
        fee["is_formula_exact"], true,
        "our formula gives the contract's words"
    );
    let transfer = json!({
        "name": "transfer", "bytes": 182, "gas": 65_000, "data_fee_wei": "752376600",
        "operator_fee_wei": "650",
    });
    assert_eq!(fee["transactions"][0], transfer);
    assert_eq!(fee["transactions"][1]["data_fee_wei"], "1183773542");
    assert_eq!(fee["transactions"][1]["operator_fee_wei"], "1800");
    let prices = json!({
        "l1_base_fee_wei": "120000000", "blob_base_fee_wei": "3000000",
        "base_fee_scalar": 2_269, "blob_base_fee_scalar": 1_055_762,
    });
    assert_eq!(fee["prices"], prices);
    let observed = "select value::text from metric_point where key = 'gas:8453:l1_fee'";
    assert_eq!(yard.database.texts(observed).await, ["752376600"]);

    // From the next block on there is another contract, which says other things.
    let mut other = gas_price_oracle();
    other[0].answer = vec![1];
    anvil.set_code(GAS_PRICE_ORACLE, &contract(&other)).await;
    anvil.mine().await;
    let seen = snapshot(&yard, json!({ "chain": "base" })).await;
    assert_eq!(seen["data_fee"], "1", "{seen}");
    yard.stop().await;
}

#[tokio::test]
async fn a_chain_whose_oracle_reverts_or_is_not_there_has_no_data_fee_and_says_so() {
    let test = "a_chain_whose_oracle_reverts_or_is_not_there_has_no_data_fee_and_says_so";
    let Some(anvil) = anvil(test, Chain::Optimism).await else {
        return;
    };
    let yard = of(&anvil, Chain::Optimism).await;
    let absent = "nobody on the chain says what bytes cost";
    // No code, code that refuses everything, and one that knows everything but `getL1Fee`.
    let contracts = [
        Vec::new(),
        contract(&[]),
        contract(&gas_price_oracle()[2..]),
    ];
    for (place, code) in contracts.iter().enumerate() {
        anvil.set_code(GAS_PRICE_ORACLE, code).await;
        anvil.mine().await;
        let seen = snapshot(&yard, json!({ "chain": "optimism" })).await;
        assert_eq!(seen["data_fee"], absent, "{place}: {seen}");
        assert!(seen["new"].as_u64().unwrap() > 0);
    }
    let shown = shown(&yard, Chain::Optimism).await;
    assert_eq!(shown["data_fee"], Value::Null);
    let why = "GasPriceOracle of optimism did not answer at any of the last blocks.";
    assert_eq!(shown["no_data_fee"], why);
    // An oracle of before Isthmus knows no operator.
    let mut before = gas_price_oracle();
    before.drain(2..4);
    // The transactions of OP Mainnet have two bytes less: its id has two less.
    before[0].word = Some((36, 112));
    before[1].word = Some((36, 274));
    anvil.set_code(GAS_PRICE_ORACLE, &contract(&before)).await;
    anvil.mine().await;
    let seen = snapshot(&yard, json!({ "chain": "optimism" })).await;
    assert_eq!(seen["data_fee"], "752376600", "{seen}");
    yard.stop().await;
}

#[tokio::test]
async fn what_bytes_cost_on_arbitrum_is_bounded_by_the_price_of_one() {
    let test = "what_bytes_cost_on_arbitrum_is_bounded_by_the_price_of_one";
    let Some(anvil) = anvil(test, Chain::Arbitrum).await else {
        return;
    };
    let unit = 61_000_000_u128;
    let byte = 16 * unit;
    let base_fee = 10_000_000;
    let prices = [140 * byte, byte, 20_000 * base_fee, base_fee, 0, base_fee];
    let calls = [
        known(0xf5d6_ded7, None, &[unit]),
        known(0x41b2_47a8, None, &prices),
    ];
    anvil.set_code(ARB_GAS_INFO, &contract(&calls)).await;
    anvil.mine().await;
    let yard = of(&anvil, Chain::Arbitrum).await;
    let seen = snapshot(&yard, json!({ "chain": "arbitrum" })).await;
    assert_eq!(seen["data_fee"], (182 * byte).to_string(), "{seen}");
    let fee = shown(&yard, Chain::Arbitrum).await["data_fee"].take();
    assert_eq!(
        (&fee["basis"], &fee["is_formula_exact"]),
        (&json!("bound"), &json!(true))
    );
    assert_eq!(fee["prices"], json!({ "byte_wei": byte.to_string() }));
    assert_eq!(fee["transactions"][1]["operator_fee_wei"], Value::Null);
    yard.stop().await;
}

#[tokio::test]
async fn a_node_answers_all_questions_at_a_block_also_when_newer_ones_say_something_else() {
    let test = "a_node_answers_all_questions_at_a_block_also_when_newer_ones_say_something_else";
    let Some(anvil) = anvil(test, Chain::Base).await else {
        return;
    };
    let asked = questions(Oracle::OpStack, Chain::Base);
    let rpc = Rpc::new(Chain::Base, &[anvil.url()]).unwrap();
    anvil.mine().await;
    anvil.mine().await;
    anvil
        .set_code(GAS_PRICE_ORACLE, &contract(&gas_price_oracle()))
        .await;
    anvil.mine().await;
    let words = rpc.words(&asked, 3).await.unwrap();
    assert!(words.iter().all(Option::is_some));
    let before = rpc.words(&asked, 1).await.unwrap();
    assert_eq!(before, vec![None; 8], "at block 1 there was no contract");
}

/// A block of Base, and the one before it, of a branch.
fn block(number: u64, branch: u8, parent: u8) -> GasBlock {
    let hash = |number: u64, branch: u8| {
        let mut hash = [branch; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        BlockHash(hash)
    };
    GasBlock {
        number,
        hash: hash(number, branch),
        parent: hash(number - 1, parent),
        at: SystemClock.now(),
        base_fee_wei: 1,
        next_base_fee_wei: 1,
        is_formula_exact: true,
        gas_used: 1,
        gas_limit: 2,
        tips_wei: None,
        blob_fee: None,
    }
}

#[tokio::test]
async fn a_data_fee_of_a_branch_that_was_left_is_not_shown_and_no_figure_is_cut() {
    let yard = Yard::reading(Arc::new(NoChains)).await;
    let kept = PgGas::new(yard.database.pools().worker.clone());
    let fee = |wei: u128| DataFee {
        transfer: ReferenceFee {
            data_wei: wei,
            operator_wei: Some(u128::MAX),
        },
        swap: ReferenceFee {
            data_wei: u128::MAX,
            operator_wei: None,
        },
        prices: DataPrices::OpStack {
            l1_base_fee_wei: u128::MAX,
            blob_base_fee_wei: 1,
            base_fee_scalar: u64::from(u32::MAX),
            blob_base_fee_scalar: 0,
        },
        is_formula_exact: false,
    };
    let (one, left, other) = (block(10, 1, 1), block(11, 1, 1), block(11, 2, 1));
    let look = |block: &GasBlock, after: Option<&GasBlock>| GasLook {
        number: block.number,
        hash: block.hash,
        after: after.map(|block| block.hash),
    };
    kept.record(Chain::Base, &[one, left], &look(&left, None))
        .await
        .unwrap();
    for (block, wei) in [(&one, 5), (&left, 6), (&left, 7)] {
        let fee = fee(wei);
        let keep = kept.keep_data_fee(Chain::Base, block.number, block.hash, &fee);
        keep.await.unwrap();
    }
    let newest = async || kept.data_fee(Chain::Base, 9).await.unwrap();
    let seen = |block: &GasBlock, wei| DataFeeSeen {
        number: block.number,
        at: block.at,
        fee: fee(wei),
    };
    assert_eq!(
        newest().await,
        Some(seen(&left, 6)),
        "the first that was kept stays"
    );
    kept.record(Chain::Base, &[other], &look(&other, Some(&left)))
        .await
        .unwrap();
    assert_eq!(newest().await, Some(seen(&one, 5)));
    let arbitrum = DataFee {
        prices: DataPrices::Arbitrum { byte_wei: 7 },
        ..fee(8)
    };
    let keep = kept.keep_data_fee(Chain::Base, other.number, other.hash, &arbitrum);
    keep.await.unwrap();
    assert_eq!(newest().await.unwrap().fee, arbitrum);
    assert_eq!(kept.data_fee(Chain::Optimism, 9).await.unwrap(), None);
    yard.stop().await;
}
