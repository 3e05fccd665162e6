//! Data fees: the vectors of the OP Stack, and what chains answer that say nothing, little or
//! nonsense.

use std::sync::Arc;

use packtrain_core::chain::Chain;
use packtrain_core::job::Job;
use packtrain_core::ports::{DataPrices, Question, Word, Write};
use serde_json::{Value, json};

use super::chains::{Kept, Node, attempt};
use crate::gas::data_fee::fastlz::compressed_bytes;
use crate::gas::data_fee::reference::Reference;
use crate::gas::data_fee::{FjordPrices, Oracle, fee, questions};
use crate::gas::snapshot::Snapshot;

/// A call of a contract, as op-geth's test of its FastLZ has it.
const CONTRACT_CALL: &str = "02f901550a758302df1483be21b88304743f94f8\
    0e51afb613d764fa61751affd3313c190a86bb870151bd62fd12adb8\
    e41ef24f3f0000000000000000000000000000000000000000000000\
    00000000000000006e000000000000000000000000af88d065e77c8c\
    c2239327c5edb3a432268e5831000000000000000000000000000000\
    000000000000000000000000000003c1e50000000000000000000000\
    00000000000000000000000000000000000000000000000000000000\
    000000000000000000000000000000000000000000000000a0000000\
    00000000000000000000000000000000000000000000000000000000\
    148c89ed219d02f1a5be012c689b4f5b731827bebe00000000000000\
    0000000000c001a033fd89cb37c31b2cba46b6466e040c61fc9b2a36\
    75a7f5f493ebd5ad77c497f8a07cdf65680e238392693019b4092f61\
    0222e71b7cec06449cb922b93b6a12744e";
const EMPTY_CALL: &str = "dd80808094095e7baea6a6c7c4c2dfeb977efac326af552d878080808080";

fn word(number: u128) -> Option<Word> {
    let mut word = Word::default();
    word[16..].copy_from_slice(&number.to_be_bytes());
    Some(word)
}

/// What Base's oracle of the replay says in its first moment.
fn base() -> Vec<Option<Word>> {
    let words = [
        752_376_600,
        1_183_773_542,
        0,
        0,
        120_000_000,
        3_000_000,
        2_269,
        1_055_762,
    ];
    words.into_iter().map(word).collect()
}

#[test]
fn fastlz_leaves_what_op_geth_says_that_it_leaves() {
    for (input, left) in [
        (Vec::new(), 0),
        (vec![1; 1_000], 21),
        (vec![0; 1_000], 21),
        (hex::decode(EMPTY_CALL).unwrap(), 31),
        (hex::decode(CONTRACT_CALL).unwrap(), 202),
    ] {
        assert_eq!(compressed_bytes(&input), left);
    }
}

#[test]
fn fastlz_bears_whatever_bytes_there_are() {
    proptest::proptest!(|(bytes in proptest::collection::vec(0_u8..3, 0..600))| {
        let most = bytes.len() + bytes.len() / 32 + 1;
        assert!(compressed_bytes(&bytes) <= most as u64);
    });
}

#[test]
fn the_fee_of_fjord_is_that_of_the_vectors() {
    // op-geth: TestFjordL1CostSolidityParity, and the least fee of its TestNewL1CostFunc.
    let prices = |l1, blob, base_scalar, blob_scalar| FjordPrices {
        l1_base_fee_wei: l1,
        blob_base_fee_wei: blob,
        base_fee_scalar: base_scalar,
        blob_base_fee_scalar: blob_scalar,
    };
    assert_eq!(prices(2_000_000, 3_000_000, 20, 15).fee(235), Some(105_484));
    assert_eq!(
        prices(1_000_000_000, 10_000_000, 2, 3).fee(31),
        Some(3_203_000)
    );
    assert_eq!(
        prices(u128::MAX, 1, 2, 3).fee(31),
        None,
        "no figure is made up"
    );
}

#[test]
fn the_known_transactions_are_written_as_chains_sign_them() {
    // Made with another encoder, `crates/feeds/fixtures/rpc/oracle.py`.
    let transfer = "02f86f8221058203e8830f42408401312d0082fde89471c6037cc9eb69b2aea4ce5054c7652c\
        6f0142c180b844a9059cbb00000000000000000000000048b44411a8d5d8cd7ca6d02dcdd315\
        e319a7add300000000000000000000000000000000000000000000000000000000075bcd15c0";
    let ours = hex::encode(Reference::TRANSFER.unsigned(Chain::Base));
    assert_eq!(ours, transfer);
    for (chain, transfer, swap) in [
        (Chain::Optimism, (112, 86), (274, 169)),
        (Chain::Base, (114, 88), (276, 171)),
        (Chain::Arbitrum, (114, 88), (276, 171)),
    ] {
        for (known, wanted) in [(Reference::TRANSFER, transfer), (Reference::SWAP, swap)] {
            let text = known.unsigned(chain);
            let found = (text.len(), compressed_bytes(&text));
            assert_eq!(found, wanted, "{chain} {}", known.name);
        }
    }
}

#[test]
fn what_is_asked_is_encoded_as_contracts_read_it() {
    let asked = questions(Oracle::OpStack, Chain::Base);
    let Question::Call { to, data } = &asked[0] else {
        panic!("a contract is asked");
    };
    assert_eq!(hex::encode(to), "420000000000000000000000000000000000000f");
    let text = Reference::TRANSFER.unsigned(Chain::Base);
    assert_eq!(hex::encode(&data[..4]), "49948e0e");
    let head = [word(32).unwrap(), word(114).unwrap()].concat();
    assert_eq!(data[4..68], head);
    assert_eq!(data[68..182], text);
    assert_eq!(data.len(), 4 + 32 * 6, "in whole words");
    assert!(data[182..].iter().all(|byte| *byte == 0));
    let Question::Call { data, .. } = &asked[2] else {
        panic!("a contract is asked");
    };
    assert_eq!(hex::encode(data), format!("275aedd2{:064x}", 65_000));
    assert_eq!(questions(Oracle::Arbitrum, Chain::Arbitrum).len(), 2);
}

#[test]
fn a_chain_without_the_contract_has_no_fee_and_one_that_answers_nonsense_is_told_so() {
    let none = vec![None; 8];
    assert_eq!(fee(Oracle::OpStack, Chain::Base, &none), Ok(None));
    assert_eq!(fee(Oracle::OpStack, Chain::Base, &[]), Ok(None));
    assert_eq!(
        fee(Oracle::Arbitrum, Chain::Arbitrum, &[None, None]),
        Ok(None)
    );
    let mut some = base();
    some[4] = Some([255; 32]);
    let said = fee(Oracle::OpStack, Chain::Base, &some).unwrap_err();
    assert_eq!(said, "answer 4 does not fit into 128 bits");
    // An oracle of before Isthmus has a fee all the same.
    let mut before = base();
    (before[2], before[3]) = (None, None);
    let known = fee(Oracle::OpStack, Chain::Base, &before).unwrap().unwrap();
    assert_eq!(known.transfer.operator_wei, None);
    assert_eq!(known.transfer.data_wei, 752_376_600);
}

#[test]
fn a_fee_is_the_contract_s_and_whether_the_formula_gives_it_is_said() {
    let known = fee(Oracle::OpStack, Chain::Base, &base()).unwrap().unwrap();
    assert!(known.is_formula_exact);
    assert_eq!(known.swap.data_wei, 1_183_773_542);
    assert_eq!(known.swap.operator_wei, Some(0));
    let mut other = base();
    other[1] = word(1_183_773_543);
    let known = fee(Oracle::OpStack, Chain::Base, &other).unwrap().unwrap();
    assert!(!known.is_formula_exact);
    assert_eq!(known.swap.data_wei, 1_183_773_543, "its own word");
}

#[test]
fn arbitrum_takes_no_more_than_all_bytes_at_the_price_of_one() {
    let unit = 61_000_000_u128;
    let words = [word(unit), word(unit * 16 * 140)];
    let known = fee(Oracle::Arbitrum, Chain::Arbitrum, &words)
        .unwrap()
        .unwrap();
    assert!(known.is_formula_exact);
    assert_eq!(known.transfer.data_wei, unit * 16 * (114 + 68));
    assert_eq!(
        known.prices,
        DataPrices::Arbitrum {
            byte_wei: unit * 16
        }
    );
    let known = fee(Oracle::Arbitrum, Chain::Arbitrum, &[word(unit), None]);
    assert!(!known.unwrap().unwrap().is_formula_exact);
}

/// A snapshot of Base, by what it says and what rules are told.
async fn snapshot(node: &Arc<Node>, kept: &Arc<Kept>) -> (Value, Vec<String>) {
    let chain = Some(Chain::Base);
    let done = Snapshot { chain }.run(&attempt(node, kept)).await.unwrap();
    let told = done.writes.iter().flat_map(|write| match write {
        Write::Observed(points) => points.as_slice(),
        _ => &[],
    });
    let told = told.map(|point| format!("{} {}", point.metric, point.value));
    (done.result.unwrap(), told.collect())
}

#[tokio::test]
async fn a_snapshot_keeps_what_bytes_cost_and_lets_rules_see_it() {
    let (node, kept) = (Node::of(3), Arc::<Kept>::default());
    *node.words.lock().unwrap() = Some(base());
    let (seen, told) = snapshot(&node, &kept).await;
    assert_eq!(seen["data_fee"], "752376600");
    assert_eq!(told, ["gas:8453:l1_fee 752376600"]);
    let known = kept.data_fee.lock().unwrap().unwrap();
    assert_eq!((known.number, known.fee.is_formula_exact), (102, true));
}

#[tokio::test]
async fn a_data_fee_that_is_not_there_or_cannot_be_read_costs_no_snapshot() {
    let (node, kept) = (Node::of(3), Arc::<Kept>::default());
    // It cannot be asked.
    let (seen, told) = snapshot(&node, &kept).await;
    assert_eq!(seen["new"], 3);
    let why = seen["data_fee"]["missed"].as_str().unwrap();
    assert!(why.starts_with("no node of base"), "{seen}");
    assert!(told.is_empty());
    for (answers, said) in [
        (
            vec![None; 8],
            json!("nobody on the chain says what bytes cost"),
        ),
        (
            vec![Some([255; 32]); 8],
            json!({ "missed": "answer 0 does not fit into 128 bits" }),
        ),
    ] {
        node.grow(1, 0);
        *node.words.lock().unwrap() = Some(answers);
        let (seen, _) = snapshot(&node, &kept).await;
        assert_eq!((&seen["new"], &seen["data_fee"]), (&json!(1), &said));
    }
    assert!(kept.data_fee.lock().unwrap().is_none());
    assert_eq!(kept.blocks.lock().unwrap().len(), 5);
}
