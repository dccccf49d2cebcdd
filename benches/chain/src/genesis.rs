//! Block 0 and the genesis file that makes it.

use std::fmt::Write;

use alloy_consensus::Header;
use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B256, U256, b256};

use crate::block::Block;
use crate::extra::ExtraData;
use crate::keys::Key;
use crate::options::{ChainOptions, Fork};

/// The mixHash by which clients recognise Istanbul-like consensus.
pub(crate) const ISTANBUL_MIX_HASH: B256 =
    b256!("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365");
/// What networks without gas limits write.
pub(crate) const GAS_LIMIT: u64 = 0x1f_ffff_ffff_ffff;
/// The base fee of a genesis block, also where all later ones have zero.
const GENESIS_BASE_FEE: u64 = 1_000_000_000;

pub(crate) fn genesis_block(options: &ChainOptions, validators: &[Key]) -> Block {
    let extra = ExtraData {
        vanity: [0; 32],
        validators: validators.iter().map(|key| key.address).collect(),
        vote: None,
        round: 0,
        seals: Vec::new(),
    };
    let mut header = empty_header(options.fork);
    header.timestamp = options.genesis_timestamp;
    header.state_root = EMPTY_ROOT_HASH;
    if options.fork >= Fork::London {
        header.base_fee_per_gas = Some(GENESIS_BASE_FEE);
    }
    let withdrawals = (options.fork >= Fork::Shanghai).then(Vec::new);
    let mut block = Block {
        header,
        extra,
        hash: B256::ZERO,
        transactions: Vec::new(),
        receipts: Vec::new(),
        withdrawals,
    };
    block.recompute_hash();
    block
}

/// A header of `fork` with every field at the value it has in an empty block.
pub(crate) fn empty_header(fork: Fork) -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        difficulty: U256::from(1),
        gas_limit: GAS_LIMIT,
        mix_hash: ISTANBUL_MIX_HASH,
        base_fee_per_gas: (fork >= Fork::London).then_some(0),
        withdrawals_root: (fork >= Fork::Shanghai).then_some(EMPTY_ROOT_HASH),
        blob_gas_used: (fork >= Fork::Cancun).then_some(0),
        excess_blob_gas: (fork >= Fork::Cancun).then_some(0),
        parent_beacon_block_root: (fork >= Fork::Cancun).then_some(B256::ZERO),
        requests_hash: (fork >= Fork::Prague).then_some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// The text of a Besu genesis file for this chain; nothing is allocated.
pub(crate) fn genesis_json(options: &ChainOptions, genesis: &Block) -> String {
    let mut forks = String::new();
    for (fork, field) in [
        (
            Fork::SpuriousDragon,
            "\"homesteadBlock\": 0,\n    \"eip150Block\": 0,\n    \"eip158Block\": 0",
        ),
        (Fork::Berlin, "\"berlinBlock\": 0"),
        (
            Fork::London,
            "\"londonBlock\": 0,\n    \"zeroBaseFee\": true",
        ),
        (Fork::Shanghai, "\"shanghaiTime\": 0"),
        (Fork::Cancun, "\"cancunTime\": 0"),
        (Fork::Prague, "\"pragueTime\": 0"),
    ] {
        if options.fork >= fork && (fork != Fork::SpuriousDragon || options.fork == fork) {
            // Writing to a string cannot fail.
            let _ = writeln!(forks, "    {field},");
        }
    }
    format!(
        r#"{{
  "config": {{
    "chainId": {chain_id},
    "contractSizeLimit": 2147483647,
{forks}    "qbft": {{
      "blockperiodseconds": {block_period},
      "epochlength": {epoch_length},
      "requesttimeoutseconds": 2
    }}
  }},
  "nonce": "0x0",
  "timestamp": "{timestamp:#x}",
  "gasLimit": "{GAS_LIMIT:#x}",
  "difficulty": "0x1",
  "mixHash": "{ISTANBUL_MIX_HASH}",
  "coinbase": "0x0000000000000000000000000000000000000000",
  "alloc": {{}},
  "extraData": "{extra_data}"
}}
"#,
        chain_id = options.chain_id,
        block_period = options.block_period.max(1),
        epoch_length = options.epoch_length,
        timestamp = options.genesis_timestamp,
        extra_data = genesis.header.extra_data,
    )
}
