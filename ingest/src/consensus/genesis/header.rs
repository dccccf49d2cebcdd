//! Block 0 as Besu builds it from a genesis file; GoQuorum's is the same under the forks that it knows.

use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B64, B256, U256, b256};
use alloy_trie::EMPTY_ROOT_HASH;
use lastro_schema::{Gas, Header, UnixSeconds};

use super::fields::Fields;
use super::{GenesisError, state_root};

/// keccak-256 of the empty list.
const EMPTY_OMMERS_HASH: B256 =
    b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
/// In wei, where London is active at block 0 and the file gives none.
const DEFAULT_BASE_FEE: u64 = 1_000_000_000;

/// Forks that changed the header by time, newest first, under the names in `config`.
const SHANGHAI_AND_LATER: [&str; 4] = ["osakaTime", "pragueTime", "cancunTime", "shanghaiTime"];
/// Forks whose headers hold fields that [`Header`] does not know.
const UNSUPPORTED: [&str; 5] = [
    "amsterdamTime",
    "bogotaTime",
    "verkleTime",
    "futureEipsTime",
    "experimentalEipsTime",
];

pub(super) fn read(root: &Fields<'_>, config: &Fields<'_>) -> Result<Header, GenesisError> {
    let timestamp = root.u64("timestamp")?.unwrap_or_default();
    refuse_unsupported_forks(config, timestamp)?;
    let gas_limit = match root.u64("gasLimit")? {
        Some(limit) => limit,
        None => root
            .u64("gasTarget")?
            .ok_or_else(|| root.missing("gasLimit"))?,
    };
    let nonce = root.hex_quantity("nonce")?.unwrap_or_default();
    let nonce = u64::try_from(nonce).map_err(|_| GenesisError::Malformed {
        path: root.path("nonce"),
        expected: "a number of up to 8 bytes",
        found: nonce.to_string(),
    })?;
    let mut header = Header {
        parent_hash: root.word("parentHash")?.unwrap_or_default(),
        ommers_hash: EMPTY_OMMERS_HASH,
        beneficiary: root.address("coinbase")?.unwrap_or(Address::ZERO),
        state_root: state_root::read(root)?,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        difficulty: root
            .hex_quantity("difficulty")?
            .ok_or_else(|| root.missing("difficulty"))?,
        gas_limit: Gas(gas_limit),
        timestamp: UnixSeconds(timestamp),
        extra_data: root.bytes("extraData")?.unwrap_or_default().into(),
        mix_hash: root.word("mixHash")?.unwrap_or_default(),
        nonce: B64::from(nonce.to_be_bytes()),
        ..Header::default()
    };
    add_fork_fields(&mut header, root, config)?;
    Ok(header)
}

fn add_fork_fields(
    header: &mut Header,
    root: &Fields<'_>,
    config: &Fields<'_>,
) -> Result<(), GenesisError> {
    // Besu takes a given base fee even where London is not active.
    let given = root.quantity("baseFeePerGas")?;
    let is_london = config.u64("londonBlock")? == Some(0);
    header.base_fee_per_gas = given.or(is_london.then(|| U256::from(DEFAULT_BASE_FEE)));

    let timestamp = header.timestamp.0;
    if is_active(config, "shanghaiTime", timestamp)? {
        header.withdrawals_root = Some(EMPTY_ROOT_HASH);
    }
    if is_active(config, "cancunTime", timestamp)? {
        header.blob_gas_used = Some(Gas(root.u64("blobGasUsed")?.unwrap_or_default()));
        header.excess_blob_gas = Some(Gas(root.u64("excessBlobGas")?.unwrap_or_default()));
        header.parent_beacon_block_root =
            Some(root.word("parentBeaconBlockRoot")?.unwrap_or_default());
    }
    if is_active(config, "pragueTime", timestamp)? {
        header.requests_hash = Some(EMPTY_REQUESTS_HASH);
    }
    Ok(())
}

/// As in Besu: a fork that has a time of its own goes by that time alone; else it is active when a later one is.
fn is_active(config: &Fields<'_>, fork: &str, timestamp: u64) -> Result<bool, GenesisError> {
    let own_and_later = SHANGHAI_AND_LATER
        .iter()
        .rev()
        .skip_while(|name| **name != fork);
    for name in own_and_later {
        if let Some(time) = config.u64(name)? {
            return Ok(time <= timestamp);
        }
    }
    Ok(false)
}

fn refuse_unsupported_forks(config: &Fields<'_>, timestamp: u64) -> Result<(), GenesisError> {
    for name in UNSUPPORTED {
        if config.u64(name)?.is_some_and(|time| time <= timestamp) {
            return Err(GenesisError::UnsupportedFork {
                path: config.path(name),
            });
        }
    }
    Ok(())
}
