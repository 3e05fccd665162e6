//! Logs of token contracts, read into events. What a contract writes into a log is its own
//! invention: a log that is not exactly as the standards say is left out.

use ethnum::U256;
use packtrain_core::ports::{AddressBytes, ChainEvent, ChainEventKind, Log, LogFilter, Word};
use packtrain_core::time::Timestamp;

/// `Transfer(address,address,uint256)`, of ERC-20 and of ERC-721.
pub const TRANSFER: Word = *b"\xdd\xf2\x52\xad\x1b\xe2\xc8\x9b\x69\xc2\xb0\x68\xfc\x37\x8d\xaa\
                              \x95\x2b\xa7\xf1\x63\xc4\xa1\x16\x28\xf5\x5a\x4d\xf5\x23\xb3\xef";
/// `Approval(address,address,uint256)`, of ERC-20 and of ERC-721.
pub const APPROVAL: Word = *b"\x8c\x5b\xe1\xe5\xeb\xec\x7d\x5b\xd1\x4f\x71\x42\x7d\x1e\x84\xf3\
                              \xdd\x03\x14\xc0\xf7\xb2\x29\x1e\x5b\x20\x0a\xc8\xc7\xc3\xb9\x25";
/// `ApprovalForAll(address,address,bool)`, of ERC-721 and of ERC-1155.
pub const APPROVAL_FOR_ALL: Word =
    *b"\x17\x30\x7e\xab\x39\xab\x61\x07\xe8\x89\x98\x45\xad\x3d\x59\xbd\
       \x96\x53\xf2\x00\xf2\x20\x92\x04\x89\xca\x2b\x59\x37\x69\x6c\x31";

/// Addresses of one filter, at most: nodes bound how many topics they take.
pub(super) const ADDRESSES: usize = 200;

/// The filters that find every event of these wallets, at most [`ADDRESSES`]: what they give, and
/// what they get.
pub(super) fn filters(wallets: &[AddressBytes]) -> [LogFilter; 2] {
    let some: Vec<Word> = wallets.iter().map(word).collect();
    let filter = |topics| LogFilter {
        addresses: Vec::new(),
        topics,
    };
    [
        filter(vec![
            vec![TRANSFER, APPROVAL, APPROVAL_FOR_ALL],
            some.clone(),
        ]),
        filter(vec![vec![TRANSFER], Vec::new(), some]),
    ]
}

/// The event that a log tells of, in a block of this time; none of a log that is not as the
/// standards say.
pub fn event(log: &Log, at: Timestamp) -> Option<ChainEvent> {
    let [signature, from, to, rest @ ..] = log.topics.as_slice() else {
        return None;
    };
    let (from, to) = (address(from)?, address(to)?);
    let is_nft = match rest {
        [] => false,
        [_] => true,
        _ => return None,
    };
    let data: Option<Word> = log.data.as_slice().try_into().ok();
    let count = |is_one: bool| U256::from(u8::from(is_one));
    let (kind, amount) = match *signature {
        TRANSFER if is_nft => (ChainEventKind::NftTransfer, count(true)),
        TRANSFER => (ChainEventKind::Transfer, U256::from_be_bytes(data?)),
        APPROVAL if is_nft => (ChainEventKind::NftApproval, count(to != [0; 20])),
        APPROVAL => (ChainEventKind::Approval, U256::from_be_bytes(data?)),
        APPROVAL_FOR_ALL if !is_nft => {
            let given = U256::from_be_bytes(data?);
            if given > 1 {
                return None;
            }
            (ChainEventKind::ApprovalForAll, given)
        }
        _ => return None,
    };
    if is_nft && !log.data.is_empty() {
        return None;
    }
    Some(ChainEvent {
        number: log.block,
        block: log.block_hash,
        at,
        transaction: log.transaction,
        log_index: log.index,
        token: log.address,
        kind,
        from,
        to,
        amount: amount.to_string(),
    })
}

/// An address as a topic.
fn word(address: &AddressBytes) -> Word {
    let mut word = Word::default();
    word[12..].copy_from_slice(address);
    word
}

/// The address in a topic; none where there is more in it.
pub(super) fn address(topic: &Word) -> Option<AddressBytes> {
    let (none, address) = topic.split_at(12);
    let address = AddressBytes::try_from(address).ok()?;
    none.iter().all(|byte| *byte == 0).then_some(address)
}

#[cfg(test)]
mod tests {
    use packtrain_core::chain::BlockHash;
    use proptest::prelude::*;

    use super::*;

    const ADA: AddressBytes = [0xad; 20];
    const BO: AddressBytes = [0xb0; 20];

    fn log(topics: Vec<Word>, data: &[u8]) -> Log {
        Log {
            address: [7; 20],
            topics,
            data: data.to_vec(),
            block: 3,
            block_hash: BlockHash([3; 32]),
            transaction: [4; 32],
            index: 5,
            is_removed: false,
        }
    }

    fn read(topics: Vec<Word>, data: &[u8]) -> Option<(ChainEventKind, String)> {
        let event = event(&log(topics, data), Timestamp::UNIX_EPOCH)?;
        assert_eq!(
            (event.token, event.number, event.log_index),
            ([7; 20], 3, 5)
        );
        Some((event.kind, event.amount))
    }

    #[test]
    fn the_signatures_are_the_hashes_of_what_they_say() {
        // As every explorer of Ethereum shows them.
        assert_eq!(
            hex::encode(TRANSFER),
            "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
        );
        assert_eq!(
            hex::encode(APPROVAL),
            "8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
        );
        assert_eq!(
            hex::encode(APPROVAL_FOR_ALL),
            "17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31"
        );
    }

    #[test]
    fn what_the_standards_tell_of_is_read_with_its_amount() {
        let (ada, bo, nobody) = (word(&ADA), word(&BO), word(&[0; 20]));
        let one = U256::ONE.to_be_bytes();
        let max = U256::MAX.to_string();
        let told: [(Vec<Word>, &[u8], &str, &str); 8] = [
            (vec![TRANSFER, ada, bo], &one[..], "transfer", "1"),
            (vec![TRANSFER, ada, bo], &[255; 32], "transfer", &max),
            (vec![TRANSFER, ada, bo, [9; 32]], &[], "nft_transfer", "1"),
            (vec![APPROVAL, ada, bo], &[0; 32], "approval", "0"),
            (vec![APPROVAL, ada, bo, [9; 32]], &[], "nft_approval", "1"),
            (
                vec![APPROVAL, ada, nobody, [9; 32]],
                &[],
                "nft_approval",
                "0",
            ),
            (
                vec![APPROVAL_FOR_ALL, ada, bo],
                &one,
                "approval_for_all",
                "1",
            ),
            (
                vec![APPROVAL_FOR_ALL, ada, bo],
                &[0; 32],
                "approval_for_all",
                "0",
            ),
        ];
        for (topics, data, kind, amount) in told {
            let read = read(topics, data).unwrap();
            assert_eq!((read.0.as_str(), read.1.as_str()), (kind, amount));
        }
    }

    #[test]
    fn a_log_that_is_not_as_the_standards_say_is_left_out() {
        let (ada, bo) = (word(&ADA), word(&BO));
        let word = [0; 32];
        let odd: [(Vec<Word>, &[u8]); 12] = [
            (vec![], &word[..]),
            (vec![TRANSFER], &word),
            (vec![TRANSFER, ada], &word),
            (vec![TRANSFER, ada, bo], &[]),
            (vec![TRANSFER, ada, bo], &[0; 31]),
            (vec![TRANSFER, ada, bo], &[0; 64]),
            (vec![TRANSFER, ada, bo, word], &word),
            (vec![TRANSFER, ada, bo, word, word], &[]),
            // More than an address where an address should be.
            (vec![TRANSFER, [1; 32], bo], &word),
            (vec![APPROVAL_FOR_ALL, ada, bo], &[1; 32]),
            (vec![APPROVAL_FOR_ALL, ada, bo, word], &[]),
            (vec![[8; 32], ada, bo], &word),
        ];
        for (topics, data) in odd {
            assert_eq!(read(topics.clone(), data), None, "{topics:?} {data:?}");
        }
    }

    #[test]
    fn every_wallet_is_in_a_filter_for_what_it_gives_and_one_for_what_it_gets() {
        let wallets: Vec<AddressBytes> = (0..=200).map(|one| [one; 20]).collect();
        let filters: Vec<LogFilter> = wallets.chunks(ADDRESSES).flat_map(filters).collect();
        assert_eq!(filters.len(), 4);
        let count = |place: usize| -> usize {
            let all = filters.iter().filter_map(|filter| filter.topics.get(place));
            all.map(Vec::len).sum()
        };
        assert_eq!((count(1), count(2)), (201, 201));
    }

    proptest! {
        #[test]
        fn no_log_is_too_odd_to_be_read_or_left_out(
            topics in prop::collection::vec(any::<[u8; 32]>(), 0..6),
            known in 0_usize..4,
            data in prop::collection::vec(any::<u8>(), 0..70),
        ) {
            let mut topics = topics;
            if let (Some(first), Some(known)) =
                (topics.first_mut(), [TRANSFER, APPROVAL, APPROVAL_FOR_ALL].get(known))
            {
                *first = *known;
            }
            let log = log(topics, &data);
            if let Some(event) = event(&log, Timestamp::UNIX_EPOCH) {
                prop_assert!(event.amount.parse::<U256>().is_ok());
                prop_assert_eq!(word(&event.from), log.topics[1]);
            }
        }
    }
}
