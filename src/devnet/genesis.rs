//! The genesis file of a QBFT network, in GoQuorum's format.

use alloy_primitives::{Address, B256, U256, b256, hex};
use alloy_rlp::{Encodable, Header};
use serde_json::{Map, Value, json};

/// Marks a header as sealed by an Istanbul-style consensus.
const ISTANBUL_MIX_HASH: B256 =
    b256!("0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365");

/// Room for a block of a few thousand transfers.
const GAS_LIMIT: u64 = 0x1000_0000;

pub(super) struct Genesis<'a> {
    pub(super) chain_id: u64,
    /// In any order.
    pub(super) validators: &'a [Address],
    pub(super) epoch_length: u64,
    pub(super) block_period_seconds: u64,
    /// Accounts that own ether from the start.
    pub(super) funded: &'a [Address],
}

impl Genesis<'_> {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "config": {
                "chainId": self.chain_id,
                "homesteadBlock": 0,
                "eip150Block": 0,
                "eip150Hash": B256::ZERO,
                "eip155Block": 0,
                "eip158Block": 0,
                "byzantiumBlock": 0,
                "constantinopleBlock": 0,
                "petersburgBlock": 0,
                "istanbulBlock": 0,
                "muirGlacierBlock": 0,
                "berlinBlock": 0,
                "isQuorum": true,
                "txnSizeLimit": 64,
                "maxCodeSizeConfig": [{ "block": 0, "size": 64 }],
                "qbft": {
                    "epochlength": self.epoch_length,
                    "blockperiodseconds": self.block_period_seconds,
                    "requesttimeoutseconds": 2,
                    "policy": 0,
                    "ceil2Nby3Block": 0,
                },
            },
            "nonce": "0x0",
            "timestamp": "0x0",
            "extraData": hex::encode_prefixed(self.extra_data()),
            "gasLimit": format!("{GAS_LIMIT:#x}"),
            "difficulty": "0x1",
            "mixHash": ISTANBUL_MIX_HASH,
            "coinbase": Address::ZERO,
            "parentHash": B256::ZERO,
            "alloc": self.alloc(),
        })
    }

    /// `[vanity, validators, vote, round, seals]`, the validators ascending.
    fn extra_data(&self) -> Vec<u8> {
        let mut validators = self.validators.to_vec();
        validators.sort();
        let mut payload = Vec::new();
        B256::ZERO.encode(&mut payload);
        validators.encode(&mut payload);
        let no_vote = Header {
            list: true,
            payload_length: 0,
        };
        no_vote.encode(&mut payload);
        0_u64.encode(&mut payload);
        let no_seals = Header {
            list: true,
            payload_length: 0,
        };
        no_seals.encode(&mut payload);
        let mut extra_data = Vec::new();
        Header {
            list: true,
            payload_length: payload.len(),
        }
        .encode(&mut extra_data);
        extra_data.extend(payload);
        extra_data
    }

    fn alloc(&self) -> Map<String, Value> {
        // Half of all that a balance can hold: an account that receives more does not overflow.
        let balance = json!({ "balance": format!("{:#x}", U256::MAX >> 1) });
        self.funded
            .iter()
            .map(|account| (hex::encode(account), balance.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::address;

    use super::*;

    #[test]
    fn extra_data_lists_the_validators_in_ascending_order() {
        let low = address!("0x0000000000000000000000000000000000000001");
        let high = address!("0xff00000000000000000000000000000000000000");
        let genesis = Genesis {
            chain_id: 1,
            validators: &[high, low],
            epoch_length: 10,
            block_period_seconds: 1,
            funded: &[],
        };
        // Written by hand from the RLP rules: list of 32 bytes, list of two addresses, [], 0, [].
        let expected = [
            "f84f",
            "a0",
            &"00".repeat(32),
            "ea",
            "94",
            &hex::encode(low),
            "94",
            &hex::encode(high),
            "c0",
            "80",
            "c0",
        ]
        .concat();
        assert_eq!(hex::encode(genesis.extra_data()), expected);
    }
}
