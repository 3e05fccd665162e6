//! A node of Ethereum of a test's own, which mines when it is told to.

use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use packtrain_core::secret::Secret;
use packtrain_feeds::{Bounds, Host};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::programs::Program;
use crate::wait::promptly;

/// What an answer may take of time and bytes.
const BOUNDS: Bounds = Bounds {
    within: Duration::from_secs(20),
    body_bytes_max: 16 * 1024 * 1024,
};
/// What it says before its address.
const LISTENS: &str = "Listening on ";
/// Code that burns all the gas that it is given.
const BURN: &str = "0xfe";
/// Gas that one transaction burns, at most: so that several fit into a block.
const BURN_MAX: u64 = 12_000_000;
/// Gas below which no transaction can be.
const BURN_MIN: u64 = 60_000;

/// A node on a free port of this machine; it ends with the test.
pub struct Anvil {
    url: String,
    host: Host,
    accounts: Vec<String>,
    _child: Child,
}

impl Anvil {
    /// Starts one for a test, with these options besides; none where this machine has no anvil,
    /// and the test is skipped.
    pub async fn of(test: &str, options: &[&str]) -> Option<Self> {
        let program = Program::Anvil.find(test)?;
        let mut child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", "0", "--no-mining"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("anvil can be started");
        let output = child.stdout.take().expect("the output is piped");
        let mut lines = BufReader::new(output).lines();
        let address = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(address) = line.strip_prefix(LISTENS) {
                    return address.to_owned();
                }
            }
            panic!("anvil ended before it said where it listens");
        };
        let url = format!("http://{}", promptly(address).await);
        let host = Host::new("anvil", &Secret::new(url.clone()), BOUNDS);
        let mut anvil = Self {
            host: host.expect("the address can be asked"),
            url,
            accounts: Vec::new(),
            _child: child,
        };
        let accounts = anvil.ask("eth_accounts", json!([])).await;
        let accounts = accounts.as_array().expect("anvil has accounts").iter();
        let named = accounts.filter_map(|one| one.as_str().map(str::to_owned));
        anvil.accounts = named.collect();
        Some(anvil)
    }

    /// Its address.
    pub fn url(&self) -> Secret<String> {
        Secret::new(self.url.clone())
    }

    /// Asks it something; the test fails when it refuses.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let said = self.host.post(Bytes::from(body.to_string())).await;
        let (_, said) = said.unwrap_or_else(|error| panic!("{method}: {error}"));
        let mut said: Value = serde_json::from_slice(&said).expect("anvil answers with JSON");
        assert!(said["error"].is_null(), "{method}: {said}");
        said["result"].take()
    }

    /// Puts transactions into the next block that burn about so much gas, with this tip.
    pub async fn burn(&self, gas: u64, tip_wei: u64) {
        let mut left = gas;
        for account in &self.accounts {
            let part = left.min(BURN_MAX);
            if part < BURN_MIN {
                return;
            }
            left -= part;
            let transaction = json!({
                "from": account,
                "data": BURN,
                "gas": format!("{part:#x}"),
                "maxPriorityFeePerGas": format!("{tip_wei:#x}"),
                "maxFeePerGas": format!("{:#x}", 1_000_000_000_000_u64 + tip_wei),
            });
            self.ask("eth_sendTransaction", json!([transaction])).await;
        }
    }

    /// Puts a contract into the next block whose making tells one log with this topic.
    pub async fn tell(&self, topic: [u8; 32]) {
        let topic: String = topic.iter().map(|byte| format!("{byte:02x}")).collect();
        // PUSH32 topic, PUSH1 0, PUSH1 0, LOG1, STOP.
        let code = format!("0x7f{topic}60006000a100");
        let transaction = json!({ "from": self.accounts[0], "data": code, "gas": "0x30d40" });
        self.ask("eth_sendTransaction", json!([transaction])).await;
    }

    /// Puts code at an address, as if a contract had been made there.
    pub async fn set_code(&self, address: [u8; 20], code: &[u8]) {
        let hex = |bytes: &[u8]| {
            let figures: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("0x{figures}")
        };
        let params = json!([hex(&address), hex(code)]);
        self.ask("anvil_setCode", params).await;
    }

    /// Makes the next block.
    pub async fn mine(&self) {
        self.ask("evm_mine", json!([])).await;
    }
}
