//! A token by hand: the smallest code that tells what ERC-20 and ERC-721 tell, since no compiler of
//! contracts is at hand. Balances lie in the storage under the address of their owner.

use packtrain_tests::Anvil;
use serde_json::{Value, json};

/// Where it lies.
pub(super) const TOKEN: &str = "0x7070707070707070707070707070707070707070";

/// Operations of the machine, by their codes (Ethereum Yellow Paper, appendix H).
const STOP: u8 = 0x00;
const ADD: u8 = 0x01;
const SUB: u8 = 0x03;
const EQ: u8 = 0x14;
const SHR: u8 = 0x1c;
const CALLER: u8 = 0x33;
const CALLDATALOAD: u8 = 0x35;
const MSTORE: u8 = 0x52;
const SLOAD: u8 = 0x54;
const SSTORE: u8 = 0x55;
const JUMPI: u8 = 0x57;
const JUMPDEST: u8 = 0x5b;
const PUSH1: u8 = 0x60;
const PUSH4: u8 = 0x63;
const PUSH32: u8 = 0x7f;
const DUP1: u8 = 0x80;
const LOG3: u8 = 0xa3;
const LOG4: u8 = 0xa4;
const RETURN: u8 = 0xf3;

const TRANSFER: &str = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
const APPROVAL: &str = "8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925";
const APPROVAL_FOR_ALL: &str = "17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31";

/// The functions that it has.
pub(super) const SEND: &str = "a9059cbb";
pub(super) const APPROVE: &str = "095ea7b3";
pub(super) const APPROVE_ALL: &str = "a22cb465";
/// `transferFrom`, which here moves a token of its own, of which no balance is kept.
pub(super) const SEND_ONE: &str = "23b872dd";
const BALANCE: &str = "70a08231";
const DECIMALS: &str = "313ce567";
/// No function of any standard: tells of a transfer without an amount.
pub(super) const BABBLE: &str = "00000000";

/// An argument of the call, by its place.
const fn argument(place: u8) -> [u8; 3] {
    [PUSH1, 4 + 32 * place, CALLDATALOAD]
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Tells a log about the caller, the first argument, and the second as data.
fn tell(topic: &str) -> Vec<u8> {
    let mut code = [
        &argument(1)[..],
        &[PUSH1, 0, MSTORE],
        &argument(0),
        &[CALLER],
    ]
    .concat();
    code.push(PUSH32);
    code.extend(bytes(topic));
    code.extend([PUSH1, 32, PUSH1, 0, LOG3, STOP]);
    code
}

/// Takes the second argument from the caller's balance and adds it to the first one's.
fn send() -> Vec<u8> {
    let to = argument(0);
    let amount = argument(1);
    let less = [&amount[..], &[CALLER, SLOAD, SUB, CALLER, SSTORE]].concat();
    let more = [&amount[..], &to, &[SLOAD, ADD], &to, &[SSTORE]].concat();
    [less, more, tell(TRANSFER)].concat()
}

fn send_one() -> Vec<u8> {
    let mut code = [argument(2), argument(1), argument(0)].concat();
    code.push(PUSH32);
    code.extend(bytes(TRANSFER));
    code.extend([PUSH1, 0, PUSH1, 0, LOG4, STOP]);
    code
}

/// Answers with what is on top.
const ANSWER: [u8; 8] = [PUSH1, 0, MSTORE, PUSH1, 32, PUSH1, 0, RETURN];

/// The code: a table of functions, and what each of them does.
fn code() -> String {
    let babble = {
        let mut code = [argument(0), [CALLER, JUMPDEST, JUMPDEST]].concat();
        code.push(PUSH32);
        code.extend(bytes(TRANSFER));
        code.extend([PUSH1, 0, PUSH1, 0, LOG3, STOP]);
        code
    };
    let functions = [
        (SEND, send()),
        (APPROVE, tell(APPROVAL)),
        (APPROVE_ALL, tell(APPROVAL_FOR_ALL)),
        (SEND_ONE, send_one()),
        (BALANCE, [&argument(0)[..], &[SLOAD], &ANSWER].concat()),
        (DECIMALS, [&[PUSH1, 6][..], &ANSWER].concat()),
        (BABBLE, babble),
    ];
    // Selector, then for each function eleven bytes that lead to it.
    let table = 6 + 11 * functions.len();
    let mut code = vec![PUSH1, 0, CALLDATALOAD, PUSH1, 0xe0, SHR];
    let mut bodies = Vec::new();
    for (selector, body) in functions {
        let place = u16::try_from(table + 1 + bodies.len()).unwrap();
        code.extend([DUP1, PUSH4]);
        code.extend(bytes(selector));
        code.push(EQ);
        // PUSH2: the places of some are beyond one byte.
        code.push(0x61);
        code.extend(place.to_be_bytes());
        code.push(JUMPI);
        bodies.push(JUMPDEST);
        bodies.extend(body);
    }
    code.push(STOP);
    assert_eq!(code.len(), table + 1, "the table is as long as it says");
    code.extend(bodies);
    let digits: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// A node with the token, and two people who have accounts on it.
pub(super) struct Bench {
    pub(super) node: Anvil,
    pub(super) ada: String,
    pub(super) bo: String,
}

impl Bench {
    /// Ada has a thousand whole tokens, of six decimals. None where there is no anvil.
    pub(super) async fn new(test: &str) -> Option<Self> {
        let node = Anvil::of(test, &["--chain-id", "1"]).await?;
        node.ask("anvil_setCode", json!([TOKEN, code()])).await;
        let accounts = node.ask("eth_accounts", json!([])).await;
        let account = |place: usize| accounts[place].as_str().unwrap().to_lowercase();
        let bench = Self {
            ada: account(0),
            bo: account(1),
            node,
        };
        let slot = format!("0x{}", word(&bench.ada));
        let amount = format!("0x{}", number(1_000_000_000));
        let set = json!([TOKEN, slot, amount]);
        bench.node.ask("anvil_setStorageAt", set).await;
        bench.node.mine().await;
        Some(bench)
    }

    /// Puts a call of Ada's into the next block.
    pub(super) async fn call(&self, function: &str, arguments: &[String]) {
        let data = format!("0x{function}{}", arguments.concat());
        let transaction = json!({
            "from": self.ada, "to": TOKEN, "data": data, "gas": "0x30d40",
        });
        self.node
            .ask("eth_sendTransaction", json!([transaction]))
            .await;
    }

    /// Ada sends so many base units to Bo, in the next block.
    pub(super) async fn send(&self, units: u128) {
        self.call(SEND, &[word(&self.bo), number(units)]).await;
    }

    /// So many blocks more.
    pub(super) async fn mine(&self, blocks: usize) {
        for _ in 0..blocks {
            self.node.mine().await;
        }
    }

    /// The node leaves so many blocks, and has empty ones in their place.
    pub(super) async fn reorganise(&self, blocks: u64) {
        let left: Value = json!([blocks, []]);
        self.node.ask("anvil_reorg", left).await;
        // What was in them waits again, and would be in the next block.
        self.node.ask("anvil_dropAllTransactions", json!([])).await;
    }
}

/// An address as an argument.
pub(super) fn word(address: &str) -> String {
    format!("{:0>64}", address.trim_start_matches("0x"))
}

/// A number as an argument.
pub(super) fn number(number: u128) -> String {
    format!("{number:064x}")
}
