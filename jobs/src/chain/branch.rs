//! Where a chain that moved left the branch that was scanned. Pure.

use packtrain_core::ports::{BlockRef, Header};

/// The newest block that was scanned and is part of the chain still, by the headers that the chain
/// has now; none when it is none of them.
pub(super) fn ancestor(scanned: &[BlockRef], now: &[Header]) -> Option<BlockRef> {
    let is_there = |block: &&BlockRef| {
        let first = now.first()?;
        let place = usize::try_from(block.number.checked_sub(first.number)?).ok()?;
        now.get(place).filter(|header| header.hash == block.hash)
    };
    let found = { scanned.iter().rev() }.find(|block| is_there(block).is_some());
    found.copied()
}

/// The first block that does not follow the one before it.
pub(super) fn broken(headers: &[Header]) -> Option<u64> {
    let pair = { headers.windows(2) }.find(|pair| !pair[1].follows(&pair[0]))?;
    Some(pair[1].number)
}

#[cfg(test)]
mod tests {
    use packtrain_core::chain::BlockHash;
    use packtrain_core::time::Timestamp;
    use proptest::prelude::*;

    use super::*;

    /// Blocks of a branch that leaves the first one after so many blocks.
    fn chain(length: u64, leaves_after: u64, branch: u8) -> Vec<Header> {
        let hash = |number: u64| {
            let mut hash = [if number < leaves_after { 0 } else { branch }; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            BlockHash(hash)
        };
        let header = |number| Header {
            number,
            hash: hash(number),
            parent: hash(number - 1),
            at: Timestamp::UNIX_EPOCH,
            base_fee_wei: 0,
            gas_used: 0,
            gas_limit: 0,
            blobs: None,
        };
        (1..=length).map(header).collect()
    }

    proptest! {
        #[test]
        fn the_newest_common_block_is_found_wherever_a_chain_left_it(
            length in 1_u64..60,
            kept in 1_usize..60,
            fork in 1_u64..60,
            now in 1_u64..80,
            from in 1_u64..60,
        ) {
            let scanned: Vec<BlockRef> = chain(length, u64::MAX, 0)
                .iter()
                .map(BlockRef::from)
                .rev()
                .take(kept)
                .rev()
                .collect();
            let headers: Vec<Header> = chain(now, fork, 1)
                .into_iter()
                .filter(|header| header.number >= from)
                .collect();
            // By looking at every pair.
            let common = scanned.iter().rev().find(|block| {
                headers.iter().any(|header| header.hash == block.hash)
            });
            prop_assert_eq!(ancestor(&scanned, &headers), common.copied());
            prop_assert_eq!(broken(&headers), None);
        }
    }

    #[test]
    fn a_block_of_another_branch_in_the_middle_is_told_by_its_number() {
        let mut headers = chain(5, u64::MAX, 0);
        headers[3] = chain(5, 2, 1)[3];
        assert_eq!(broken(&headers), Some(4));
        headers.remove(1);
        assert_eq!(broken(&headers), Some(3));
    }
}
