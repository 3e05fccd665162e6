//! What events mean for metrics.

use chrono::TimeDelta;
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ports::{AddressBytes, ChainEvent, ChainEventKind, Owners};
use packtrain_core::time::Timestamp;
use packtrain_rules::value::Value;
use proptest::prelude::*;

use super::chain::{TOKEN, WALLET};
use crate::chain::figures::{Known, Times, points};
use crate::chain::watched::Key;

const OTHER: AddressBytes = [1; 20];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn event(kind: ChainEventKind, from: AddressBytes, to: AddressBytes, amount: &str) -> ChainEvent {
    ChainEvent {
        number: 7,
        block: BlockHash([7; 32]),
        at: at(0),
        transaction: [3; 32],
        log_index: 0,
        token: TOKEN,
        kind,
        from,
        to,
        amount: amount.to_owned(),
    }
}

/// The value that each metric of the wallet has in a block of these events; none for nothing.
fn figures(events: &[ChainEvent]) -> Vec<Option<String>> {
    let (wallet, token) = ("ad".repeat(20), "70".repeat(20));
    let keys = ["transfer_in", "transfer_out", "approval"].map(|family| {
        [token.as_str(), "any"].map(|token| {
            let token = if token == "any" {
                "any".to_owned()
            } else {
                format!("0x{token}")
            };
            let metric = format!("{family}:1:0x{wallet}:{token}");
            Key::read(&metric, &Owners::default()).unwrap()
        })
    });
    let keys = keys.concat();
    let known = Known {
        decimals: [(TOKEN, Some(2))].into(),
        ..Known::default()
    };
    let (points, told) = points(&keys, events, &known, &mut Times::new(at(100), None));
    assert_eq!(points.len(), 2 * told.len(), "each has its zero");
    let value = |key: &Key| {
        let of_key = points
            .iter()
            .find(|it| it.metric == key.metric && it.value != "0");
        of_key.map(|point| point.value.clone())
    };
    keys.iter().map(value).collect()
}

#[test]
fn a_block_is_netted_for_its_wallet() {
    use ChainEventKind::{Approval, ApprovalForAll, NftApproval, Transfer};
    let none = || None::<String>;
    let some = |text: &str| Some(text.to_owned());
    let max = || some("99999999999999999999.999999999999999999");
    let sends = |amount| event(Transfer, WALLET, OTHER, amount);
    let gets = |amount| event(Transfer, OTHER, WALLET, amount);
    let gives = |kind, amount| event(kind, WALLET, OTHER, amount);
    for (events, expected) in [
        (vec![], vec![none(); 6]),
        // In and out, net in.
        (
            vec![gets("1050"), sends("1000")],
            vec![some("0.5"), some("1"), none(), none(), none(), none()],
        ),
        (vec![sends("1"), gets("1")], vec![none(); 6]),
        // To itself.
        (vec![event(Transfer, WALLET, WALLET, "5")], vec![none(); 6]),
        (
            vec![sends("100"), sends("1")],
            vec![none(), none(), some("1.01"), some("1"), none(), none()],
        ),
        // The largest of some, and how many; what is taken back is none.
        (
            vec![
                gives(Approval, "100"),
                gives(Approval, "0"),
                gives(NftApproval, "1"),
            ],
            vec![none(), none(), none(), none(), some("1"), some("2")],
        ),
        (
            vec![gives(ApprovalForAll, "1"), gives(Approval, "1")],
            vec![none(), none(), none(), none(), max(), some("2")],
        ),
        // Of another's approval nothing.
        (vec![event(Approval, OTHER, WALLET, "5")], vec![none(); 6]),
    ] {
        assert_eq!(figures(&events), expected, "{events:?}");
    }
}

proptest! {
    #[test]
    fn no_time_is_given_twice_and_none_lies_ahead_of_what_was_given(
        wanted in prop::collection::vec(-50_i64..150, 1..40),
        last in prop::option::of(-50_i64..50),
    ) {
        let last = last.map(at);
        let mut times = Times::new(at(100), last);
        let mut before = last;
        for seconds in wanted {
            let given = times.give(at(seconds));
            prop_assert!(before.is_none_or(|before| given > before));
            // As it was wanted where that can be.
            if seconds <= 100 && before.is_none_or(|before| before < at(seconds)) {
                prop_assert_eq!(given, at(seconds));
            }
            prop_assert!(given <= at(100) + TimeDelta::microseconds(40));
            before = Some(given);
        }
    }
}

#[test]
fn what_an_owner_moves_is_netted_over_all_of_its_addresses_and_inside_it_nothing_moves() {
    let (first, second): (AddressBytes, AddressBytes) = ([8; 20], [9; 20]);
    let mut owners = Owners::default();
    owners.add(Chain::Ethereum, "desk", &[first, second]);
    let keys = ["desk", "0x0808080808080808080808080808080808080808"].map(|owner| {
        let metric = format!("transfer:1:{owner}");
        Key::read(&metric, &owners).unwrap()
    });
    let known = Known {
        decimals: [(TOKEN, Some(0))].into(),
        prices: [(TOKEN, Value::whole(2))].into(),
        ..Known::default()
    };
    let moved = |events: &[(AddressBytes, AddressBytes, &str)]| {
        let events = (0..)
            .zip(events)
            .map(|(place, (from, to, amount))| ChainEvent {
                log_index: place,
                ..event(ChainEventKind::Transfer, *from, *to, amount)
            });
        let events: Vec<ChainEvent> = events.collect();
        let (points, _) = points(&keys, &events, &known, &mut Times::new(at(100), None));
        keys.each_ref().map(|key| {
            let mut of_key = points.iter().filter(|it| it.metric == key.metric);
            let point = of_key.find(|it| it.value != "0");
            point.map(|point| point.value.clone())
        })
    };
    let some = |text: &str| Some(text.to_owned());
    // From one of its wallets to another: the owner moved nothing, the wallet did.
    assert_eq!(moved(&[(first, second, "5")]), [None, some("10")]);
    // Out of both, and through one of them.
    let through = [
        (second, first, "3"),
        (first, OTHER, "7"),
        (second, OTHER, "1"),
    ];
    assert_eq!(moved(&through), [some("16"), some("8")]);
    // Out of one and into the other.
    let around = [(first, OTHER, "7"), (OTHER, second, "6")];
    assert_eq!(moved(&around), [some("2"), some("14")]);
}
