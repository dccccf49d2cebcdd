//! Logs and calldata of token contracts, written word by word.

use alloy_primitives::{Address, B256, Bytes, Log, LogData, U256, b256};

/// `Transfer(address,address,uint256)`
pub(crate) const TRANSFER: B256 =
    b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
/// `TransferSingle(address,address,address,uint256,uint256)`
pub(crate) const TRANSFER_SINGLE: B256 =
    b256!("c3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62");
/// `TransferBatch(address,address,address,uint256[],uint256[])`
pub(crate) const TRANSFER_BATCH: B256 =
    b256!("4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb");
/// `Approval(address,address,uint256)`
pub(crate) const APPROVAL: B256 =
    b256!("8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925");

/// `transfer(address,uint256)`
pub(crate) const CALL_TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
/// `mint(address,uint256)`
pub(crate) const CALL_MINT: [u8; 4] = [0x40, 0xc1, 0x0f, 0x19];
/// `burn(address,uint256)`
pub(crate) const CALL_BURN: [u8; 4] = [0x9d, 0xc2, 0x9f, 0xac];

pub(crate) fn log(address: Address, topics: Vec<B256>, data: Vec<u8>) -> Log {
    Log {
        address,
        data: LogData::new_unchecked(topics, Bytes::from(data)),
    }
}

/// ERC-20 as the standard wants it.
pub(crate) fn erc20_transfer(token: Address, from: Address, to: Address, amount: U256) -> Log {
    log(
        token,
        vec![TRANSFER, from.into_word(), to.into_word()],
        amount.to_be_bytes_vec(),
    )
}

/// All three arguments in the data.
pub(crate) fn erc20_transfer_unindexed(
    token: Address,
    from: Address,
    to: Address,
    amount: U256,
) -> Log {
    let data = [from.into_word().0, to.into_word().0, amount.to_be_bytes()].concat();
    log(token, vec![TRANSFER], data)
}

/// Only `from` in the topics.
pub(crate) fn erc20_transfer_partly_indexed(
    token: Address,
    from: Address,
    to: Address,
    amount: U256,
) -> Log {
    log(
        token,
        vec![TRANSFER, from.into_word()],
        [to.into_word().0, amount.to_be_bytes()].concat(),
    )
}

pub(crate) fn erc721_transfer(token: Address, from: Address, to: Address, id: U256) -> Log {
    let topics = vec![TRANSFER, from.into_word(), to.into_word(), B256::from(id)];
    log(token, topics, Vec::new())
}

/// Who moves what from where to where, in ERC-1155.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parties {
    pub(crate) operator: Address,
    pub(crate) from: Address,
    pub(crate) to: Address,
}

impl Parties {
    fn topics(self, event: B256) -> Vec<B256> {
        vec![
            event,
            self.operator.into_word(),
            self.from.into_word(),
            self.to.into_word(),
        ]
    }
}

pub(crate) fn erc1155_single(token: Address, parties: Parties, id: U256, amount: U256) -> Log {
    log(
        token,
        parties.topics(TRANSFER_SINGLE),
        [id.to_be_bytes::<32>(), amount.to_be_bytes()].concat(),
    )
}

pub(crate) fn erc1155_batch(
    token: Address,
    parties: Parties,
    ids: &[U256],
    amounts: &[U256],
) -> Log {
    let offset_of_amounts = 32 * (3 + ids.len());
    let mut words = vec![
        U256::from(64),
        U256::from(offset_of_amounts),
        U256::from(ids.len()),
    ];
    words.extend_from_slice(ids);
    words.push(U256::from(amounts.len()));
    words.extend_from_slice(amounts);
    let data = words
        .iter()
        .flat_map(|word| word.to_be_bytes::<32>())
        .collect();
    log(token, parties.topics(TRANSFER_BATCH), data)
}

/// Calldata of a function that takes an address and an amount, with a memo behind them that the contract ignores.
pub(crate) fn calldata(selector: [u8; 4], account: Address, amount: U256, memo: &[u8]) -> Bytes {
    let mut input = Vec::with_capacity(68 + memo.len());
    input.extend_from_slice(&selector);
    input.extend_from_slice(account.into_word().as_slice());
    input.extend_from_slice(&amount.to_be_bytes::<32>());
    input.extend_from_slice(memo);
    Bytes::from(input)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    #[test]
    fn hashes_and_selectors_are_those_of_the_signatures() {
        assert_eq!(TRANSFER, keccak256("Transfer(address,address,uint256)"));
        assert_eq!(
            TRANSFER_SINGLE,
            keccak256("TransferSingle(address,address,address,uint256,uint256)")
        );
        assert_eq!(
            TRANSFER_BATCH,
            keccak256("TransferBatch(address,address,address,uint256[],uint256[])")
        );
        assert_eq!(APPROVAL, keccak256("Approval(address,address,uint256)"));
        assert_eq!(CALL_TRANSFER, keccak256("transfer(address,uint256)")[..4]);
        assert_eq!(CALL_MINT, keccak256("mint(address,uint256)")[..4]);
        assert_eq!(CALL_BURN, keccak256("burn(address,uint256)")[..4]);
    }
}
