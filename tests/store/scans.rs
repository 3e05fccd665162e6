//! What scans of a chain write, part by part, and what tenants are told of it.

use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{
    AddressBytes, BlockRef, ChainEvent, ChainEventKind, ChainEvents, End, Happening, LiveLog,
    LiveStream, ScanPart, Scanned, Success, WalletWhat, Write,
};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_store::{PgChainEvents, PgLive};

use super::scene;

/// Wallets that somebody watches, in the order in which they are read, and one that nobody does.
const ADA: AddressBytes = [1; 20];
const BO: AddressBytes = [2; 20];
const NOBODY: AddressBytes = [9; 20];

/// A chain that was scanned to block 100, and tenants of whom each watches one wallet.
struct Scene {
    store: scene::Scene,
    kept: PgChainEvents,
    live: PgLive,
    tenants: [TenantId; 2],
}

impl Scene {
    async fn new() -> Self {
        let store = scene::Scene::new().await;
        let db = &store.db;
        let tenants = [db.tenant("ada").await, db.tenant("bo").await];
        for (tenant, wallet) in tenants.iter().zip([ADA, BO]) {
            let (tenant, metric) = (tenant.as_uuid(), metric(wallet));
            let sql = format!(
                "with ruled as (
                     insert into alert_state (rule_id, tenant_id, version, state)
                     values (gen_random_uuid(), '{tenant}', 1, '{{}}')
                     returning rule_id, tenant_id)
                 insert into alert_level (metric, level, rule_id, tenant_id)
                 select '{metric}', 1, rule_id, tenant_id from ruled",
            );
            db.run(&sql).await;
        }
        let scene = Self {
            kept: PgChainEvents::new(db.pools().worker.clone()),
            live: PgLive::new(db.pools().clone()),
            tenants,
            store,
        };
        let first = Scanned {
            blocks: vec![block(100)],
            ..scene.began().await
        };
        scene.write(first).await;
        scene
    }

    /// A scan that begins where the chain stands now.
    async fn began(&self) -> Scanned {
        let state = self.kept.state(Chain::Ethereum).await.unwrap();
        let state = state.as_ref();
        Scanned {
            chain: Chain::Ethereum,
            begun_at: state.map(|it| it.blocks.last().unwrap().hash),
            begun_part: state.and_then(|it| it.part),
            above: None,
            again: None,
            blocks: Vec::new(),
            keep_from: 0,
            events: Vec::new(),
            gaps: Vec::new(),
            part: None,
            confirmed_to: None,
            told: Vec::new(),
            points: Vec::new(),
            told_at: None,
            is_over: false,
            watchers: [ADA, BO].map(|it| (it, metric(it))).to_vec(),
        }
    }

    async fn write(&self, scanned: Scanned) {
        let held = self.store.running().await;
        let end = End::Succeeded(Success {
            writes: vec![Write::Scanned(Box::new(scanned))],
            ..Success::default()
        });
        let settled = self.store.settle(&[held.ends(end)]).await;
        assert_eq!(settled.written, 1);
    }

    /// What each of the two tenants was told, in order: of which block, and which place in it.
    async fn told(&self) -> [Vec<String>; 2] {
        let mut told = [Vec::new(), Vec::new()];
        for (told, tenant) in told.iter_mut().zip(self.tenants) {
            let stream = LiveStream::Portfolio(tenant);
            for event in self.live.after(stream, 0, 100).await.unwrap() {
                let Happening::Wallet(step) = event.what else {
                    panic!("{event:?} is of no wallet");
                };
                let (word, of) = match step.what {
                    WalletWhat::Found(of) => ("found", of),
                    WalletWhat::Confirmed(of) => ("confirmed", of),
                    WalletWhat::Retracted(of) => ("retracted", of),
                    WalletWhat::Balance => panic!("{step:?} is no event"),
                };
                told.push(format!("{word} {} {}", step.number, of.log_index));
            }
        }
        told
    }

    /// The events that are kept: number of the block, place and state.
    async fn events(&self) -> Vec<String> {
        let sql = "select concat_ws(' ', number, log_index, state)
                     from chain_event
                    order by number, log_index";
        self.store.db.texts(sql).await
    }
}

fn metric(wallet: AddressBytes) -> String {
    format!("transfer:1:0x{:02x}", wallet[0])
}

fn block(number: u8) -> BlockRef {
    BlockRef {
        number: number.into(),
        hash: BlockHash([number; 32]),
        parent: BlockHash([number - 1; 32]),
        at: SystemClock.now(),
    }
}

/// That all was read of the blocks up to one, of the wallets up to one.
fn part(number: u8, wallet: AddressBytes) -> Option<ScanPart> {
    Some(ScanPart {
        number: number.into(),
        hash: BlockHash([number; 32]),
        wallet,
    })
}

fn transfer(number: u8, log_index: u64, from: AddressBytes, to: AddressBytes) -> ChainEvent {
    ChainEvent {
        number: number.into(),
        block: BlockHash([number; 32]),
        at: SystemClock.now(),
        transaction: [7; 32],
        log_index,
        token: [0x70; 20],
        kind: ChainEventKind::Transfer,
        from,
        to,
        amount: "5".to_owned(),
    }
}

#[tokio::test]
async fn what_two_parts_of_a_scan_find_is_told_once_and_when_all_wallets_were_read() {
    let scene = Scene::new().await;
    let shared = transfer(101, 0, ADA, BO);
    let one = Scanned {
        events: vec![shared.clone(), transfer(101, 1, ADA, NOBODY)],
        part: part(101, ADA),
        ..scene.began().await
    };
    scene.write(one).await;
    assert_eq!(scene.told().await, [vec![], vec![]] as [Vec<String>; 2]);
    let other = Scanned {
        blocks: vec![block(101)],
        events: vec![shared],
        ..scene.began().await
    };
    scene.write(other).await;
    let told = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let found = [
        told(&["found 101 0", "found 101 1"]),
        told(&["found 101 0"]),
    ];
    assert_eq!(scene.told().await, found);
    let next = Scanned {
        blocks: vec![block(102)],
        confirmed_to: Some(101),
        ..scene.began().await
    };
    scene.write(next).await;
    let of_ada = [
        "found 101 0",
        "found 101 1",
        "confirmed 101 0",
        "confirmed 101 1",
    ];
    let of_bo = ["found 101 0", "confirmed 101 0"];
    assert_eq!(scene.told().await, [told(&of_ada), told(&of_bo)]);
}

#[tokio::test]
async fn what_was_found_in_part_and_is_read_again_is_told_once_and_never_taken_back() {
    let scene = Scene::new().await;
    let (early, late) = (transfer(101, 0, ADA, BO), transfer(102, 0, ADA, BO));
    let one = Scanned {
        events: vec![early.clone(), late.clone()],
        part: part(102, ADA),
        ..scene.began().await
    };
    scene.write(one).await;
    let shorter = Scanned {
        again: Some(101),
        blocks: vec![block(101)],
        events: vec![early],
        confirmed_to: Some(101),
        ..scene.began().await
    };
    scene.write(shorter).await;
    assert_eq!(
        scene.events().await,
        ["101 0 confirmed"],
        "the rest is given up"
    );
    let rest = Scanned {
        blocks: vec![block(102)],
        events: vec![late],
        confirmed_to: Some(102),
        ..scene.began().await
    };
    scene.write(rest).await;
    let all = [
        "found 101 0",
        "confirmed 101 0",
        "found 102 0",
        "confirmed 102 0",
    ];
    let all = all.map(str::to_owned).to_vec();
    assert_eq!(scene.told().await, [all.clone(), all]);
}

#[tokio::test]
async fn a_block_that_came_back_in_part_and_left_again_is_told_to_be_retracted_once() {
    let scene = Scene::new().await;
    let event = transfer(101, 0, ADA, BO);
    let there = Scanned {
        blocks: vec![block(101)],
        events: vec![event.clone()],
        ..scene.began().await
    };
    scene.write(there).await;
    let gone = |scanned| Scanned {
        above: Some(100),
        ..scanned
    };
    scene.write(gone(scene.began().await)).await;
    let back = Scanned {
        events: vec![event],
        part: part(101, ADA),
        ..scene.began().await
    };
    scene.write(back).await;
    assert_eq!(scene.events().await, ["101 0 pending"]);
    scene.write(gone(scene.began().await)).await;
    assert_eq!(scene.events().await, ["101 0 retracted"]);
    let all = ["found 101 0", "retracted 101 0"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(scene.told().await, [all.clone(), all]);
}

#[tokio::test]
async fn a_scan_that_began_before_another_one_wrote_its_part_is_not_written() {
    let scene = Scene::new().await;
    let late = Scanned {
        events: vec![transfer(101, 1, ADA, NOBODY)],
        part: part(101, ADA),
        ..scene.began().await
    };
    let sooner = Scanned {
        events: vec![transfer(101, 0, ADA, BO)],
        part: part(101, BO),
        ..scene.began().await
    };
    scene.write(sooner).await;
    scene.write(late.clone()).await;
    // Nor is one that went on from that part, once another one did.
    let next = Scanned {
        part: part(102, ADA),
        ..scene.began().await
    };
    let again = Scanned {
        part: part(101, ADA),
        ..scene.began().await
    };
    for (scanned, stands) in [(late, part(101, BO)), (next, part(102, ADA))] {
        scene.write(scanned).await;
        let state = scene.kept.state(Chain::Ethereum).await.unwrap().unwrap();
        assert_eq!((state.blocks.len(), state.part), (1, stands));
    }
    scene.write(again).await;
    let state = scene.kept.state(Chain::Ethereum).await.unwrap().unwrap();
    assert_eq!((state.blocks.len(), state.part), (1, part(102, ADA)));
    assert_eq!(scene.events().await, ["101 0 pending"]);
}
