//! Transfers as they stand in logs, netted by hand.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const ETH: Token = Token::Native;
const USDC: Token = Token::Contract(Address([0xA0; 20]));
const SPAM: Token = Token::Contract(Address([0x66; 20]));

fn address(number: u8) -> Address {
    Address([number; 20])
}

fn hash(number: u8) -> TransactionHash {
    TransactionHash([number; 32])
}

fn transfer(log_index: u32, token: Token, from: u8, to: u8, amount: u128) -> Transfer {
    Transfer {
        transaction: hash(1),
        log_index,
        token,
        from: address(from),
        to: address(to),
        amount: amount.into(),
    }
}

fn labels(named: &[(u8, &str)]) -> Labels {
    named
        .iter()
        .map(|(number, name)| (address(*number), Box::from(*name)))
        .collect()
}

fn price(usd: &str, decimals: u8, confidence: &str) -> Price {
    Price {
        usd: usd.parse().unwrap(),
        decimals,
        confidence: confidence.parse().unwrap(),
    }
}

fn prices() -> HashMap<Token, Price> {
    HashMap::from([
        (ETH, price("3000", 18, "0.99")),
        (USDC, price("1", 6, "0.99")),
        (SPAM, price("1000000", 0, "0.3")),
    ])
}

const ETHER: u128 = 10_u128.pow(18);
const DOLLAR: u128 = 10_u128.pow(6);

/// Owner, token, net, and the worth of the owner's whole movement.
fn netted(transfers: &[Transfer], labels: &Labels) -> Vec<(String, Token, i128, String)> {
    let of = prices();
    let confidence_min = "0.9".parse().unwrap();
    let prices = Prices {
        of: &of,
        confidence_min,
    };
    let mut lines = Vec::new();
    for movement in net(transfers, labels, prices).unwrap() {
        let owner = match movement.owner {
            Owner::Named(name) => name.to_owned(),
            Owner::Address(address) => address.0[0].to_string(),
        };
        for token in &movement.tokens {
            let worth = movement.worth.to_string();
            lines.push((owner.clone(), token.token, token.net.as_i128(), worth));
        }
    }
    lines
}

fn line(owner: &str, token: Token, net: i128, worth: &str) -> (String, Token, i128, String) {
    (owner.to_owned(), token, net, worth.to_owned())
}

#[test]
fn what_an_exchange_moves_between_its_own_wallets_is_nothing() {
    let known = labels(&[(1, "exchange"), (2, "exchange")]);
    let moved = [
        transfer(0, ETH, 1, 2, 50_000 * ETHER),
        transfer(1, ETH, 2, 2, ETHER),
    ];
    assert_eq!(netted(&moved, &known), []);
}

#[test]
fn a_deposit_through_a_forwarder_is_one_movement_of_two_owners() {
    let known = labels(&[(2, "exchange"), (3, "exchange")]);
    let moved = [
        transfer(4, ETH, 1, 2, 1_000 * ETHER),
        transfer(5, ETH, 2, 3, 1_000 * ETHER),
    ];
    let ether = 1_000 * 10_i128.pow(18);
    assert_eq!(
        netted(&moved, &known),
        [
            line("exchange", ETH, ether, "3000000"),
            line("1", ETH, -ether, "-3000000"),
        ]
    );
}

#[test]
fn a_swap_is_worth_what_it_cost_and_a_router_keeps_nothing() {
    // 1 gives 10 ether to router 2, which swaps them at pool 3 and hands on 29,910 dollars.
    let moved = [
        transfer(0, ETH, 1, 2, 10 * ETHER),
        transfer(1, ETH, 2, 3, 10 * ETHER),
        transfer(2, USDC, 3, 2, 29_910 * DOLLAR),
        transfer(3, USDC, 2, 1, 29_910 * DOLLAR),
    ];
    let (ether, dollars) = (10 * 10_i128.pow(18), 29_910 * 10_i128.pow(6));
    assert_eq!(
        netted(&moved, &labels(&[])),
        [
            line("1", ETH, -ether, "-90"),
            line("1", USDC, dollars, "-90"),
            line("3", ETH, ether, "90"),
            line("3", USDC, -dollars, "90"),
        ]
    );
}

#[test]
fn a_price_that_is_not_sure_enough_counts_for_nothing_and_the_amount_stays() {
    let moved = [
        transfer(0, SPAM, 1, 2, 5),
        transfer(1, USDC, 1, 2, 7 * DOLLAR),
    ];
    let lines = netted(&moved, &labels(&[]));
    let seven = 7 * 10_i128.pow(6);
    assert_eq!(
        lines,
        [
            line("1", SPAM, -5, "-7"),
            line("1", USDC, -seven, "-7"),
            line("2", SPAM, 5, "7"),
            line("2", USDC, seven, "7"),
        ]
    );
}

#[test]
fn coins_that_are_made_come_from_nobody() {
    let moved = [transfer(0, USDC, 0, 9, 250 * DOLLAR)];
    let got = 250 * 10_i128.pow(6);
    assert_eq!(netted(&moved, &labels(&[])), [line("9", USDC, got, "250")]);
}

#[test]
fn a_transfer_that_comes_twice_counts_once_and_transactions_stand_apart() {
    let one = transfer(0, USDC, 1, 2, DOLLAR);
    let other = Transfer {
        transaction: hash(2),
        ..one
    };
    let lines = netted(&[one, other, one], &labels(&[]));
    let net: Vec<_> = lines
        .into_iter()
        .map(|(owner, _, net, _)| (owner, net))
        .collect();
    let pair = [("1".to_owned(), -1_000_000), ("2".to_owned(), 1_000_000)];
    assert_eq!(net, [pair.clone(), pair].concat());
}

#[test]
fn an_amount_beyond_all_ranges_is_left_out_and_stops_nothing() {
    let huge = Transfer {
        amount: U256::MAX,
        ..transfer(0, SPAM, 1, 2, 0)
    };
    let moved = [
        huge,
        transfer(1, SPAM, 1, 2, 5),
        transfer(2, USDC, 1, 2, DOLLAR),
    ];
    let lines = netted(&moved, &labels(&[]));
    assert!(lines.iter().all(|(_, token, ..)| *token == USDC));
    assert_eq!(lines.len(), 2);
}

#[test]
fn what_goes_back_to_its_owner_spoils_nothing_however_much_it_is() {
    let known = labels(&[(1, "pool"), (2, "pool")]);
    let huge = Transfer {
        amount: U256::MAX,
        ..transfer(0, USDC, 1, 2, 0)
    };
    let lines = netted(&[huge, transfer(1, USDC, 1, 3, DOLLAR)], &known);
    let dollar = 10_i128.pow(6);
    assert_eq!(
        lines,
        [
            line("pool", USDC, -dollar, "-1"),
            line("3", USDC, dollar, "1")
        ]
    );
}

proptest! {
    #[test]
    fn what_one_owner_loses_another_gains(
        moves in vec((0_u32..9, 1_u8..6, 1_u8..6, 0_u128..1_000), 0..40),
    ) {
        let known = labels(&[(1, "a"), (2, "a"), (3, "b")]);
        let moved: Vec<_> = moves
            .into_iter()
            .map(|(log, from, to, amount)| transfer(log, ETH, from, to, amount))
            .collect();
        let lines = netted(&moved, &known);
        prop_assert_eq!(lines.iter().map(|(_, _, net, _)| net).sum::<i128>(), 0);
        prop_assert!(lines.iter().all(|(_, _, net, _)| *net != 0));
    }
}
