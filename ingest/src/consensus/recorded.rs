//! Headers recorded from real Besu nodes (`fixtures/besu`), and signers of our own, for tests.

mod headers;
mod lies;

use std::fs;
use std::path::PathBuf;

use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U256, keccak256};
use lastro_schema::{BlockNumber, Gas, Header, UnixSeconds};
use secp256k1::{Message, SECP256K1, SecretKey};
use serde_json::Value;

use super::Seal;

/// A block as a node answered it.
#[derive(Clone, Debug)]
pub(super) struct RecordedHeader {
    pub(super) header: Header,
    pub(super) hash: B256,
}

/// Files that hold answers to `eth_getBlockByNumber`.
pub(super) const HEADER_FILES: [&str; 4] = [
    "blocks.jsonl",
    "votes_headers.jsonl",
    "round_change_headers.jsonl",
    "halt_headers.jsonl",
];
pub(super) const NETS: [&str; 3] = ["main", "rbb", "berlin"];

pub(super) fn path(net: &str, file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/besu")
        .join(net)
        .join(file)
}

/// The JSON values of a file, one per line; none where the net has no such file.
pub(super) fn lines(net: &str, file: &str) -> Vec<Value> {
    let path = path(net, file);
    if !path.exists() {
        assert_eq!(net, "berlin", "the fixture {} is missing", path.display());
        return Vec::new();
    }
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// All headers recorded in `file`.
pub(super) fn headers(net: &str, file: &str) -> Vec<RecordedHeader> {
    lines(net, file)
        .iter()
        .filter(|line| line["request"]["method"] == "eth_getBlockByNumber")
        .map(|line| &line["response"]["result"])
        .filter(|block| !block.is_null())
        .map(|block| RecordedHeader {
            header: header(block),
            hash: word(&block["hash"]),
        })
        .collect()
}

/// All headers of a net, by number, each once.
pub(super) fn all_headers(net: &str) -> Vec<RecordedHeader> {
    let mut all: Vec<_> = HEADER_FILES
        .iter()
        .flat_map(|file| headers(net, file))
        .collect();
    all.sort_by_key(|recorded| recorded.header.number);
    all.dedup_by_key(|recorded| recorded.header.number);
    all
}

pub(super) fn header_at(net: &str, number: u64) -> RecordedHeader {
    all_headers(net)
        .into_iter()
        .find(|recorded| recorded.header.number.0 == number)
        .unwrap()
}

pub(super) fn word(value: &Value) -> B256 {
    value.as_str().unwrap().parse().unwrap()
}

pub(super) fn address(value: &Value) -> Address {
    value.as_str().unwrap().parse().unwrap()
}

pub(super) fn bytes(value: &Value) -> Bytes {
    value.as_str().unwrap().parse().unwrap()
}

fn header(block: &Value) -> Header {
    Header {
        parent_hash: word(&block["parentHash"]),
        ommers_hash: word(&block["sha3Uncles"]),
        beneficiary: address(&block["miner"]),
        state_root: word(&block["stateRoot"]),
        transactions_root: word(&block["transactionsRoot"]),
        receipts_root: word(&block["receiptsRoot"]),
        logs_bloom: block["logsBloom"]
            .as_str()
            .unwrap()
            .parse::<Bloom>()
            .unwrap(),
        difficulty: integer(&block["difficulty"]),
        number: BlockNumber(integer(&block["number"]).to()),
        gas_limit: Gas(integer(&block["gasLimit"]).to()),
        gas_used: Gas(integer(&block["gasUsed"]).to()),
        timestamp: UnixSeconds(integer(&block["timestamp"]).to()),
        extra_data: bytes(&block["extraData"]),
        mix_hash: word(&block["mixHash"]),
        nonce: block["nonce"].as_str().unwrap().parse::<B64>().unwrap(),
        base_fee_per_gas: block.get("baseFeePerGas").map(integer),
        withdrawals_root: block.get("withdrawalsRoot").map(word),
        blob_gas_used: block.get("blobGasUsed").map(|gas| Gas(integer(gas).to())),
        excess_blob_gas: block.get("excessBlobGas").map(|gas| Gas(integer(gas).to())),
        parent_beacon_block_root: block.get("parentBeaconBlockRoot").map(word),
        requests_hash: block.get("requestsHash").map(word),
    }
}

fn integer(value: &Value) -> U256 {
    U256::from_str_radix(value.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}

/// A validator whose key we hold.
#[derive(Clone, Copy)]
pub(super) struct Signer {
    key: SecretKey,
    pub(super) address: Address,
}

impl Signer {
    /// The `n`th of a fixed series.
    pub(super) fn new(n: u8) -> Self {
        let key = SecretKey::from_byte_array(keccak256([n]).0).unwrap();
        let public = key.public_key(SECP256K1).serialize_uncompressed();
        Self {
            key,
            address: Address::from_slice(&keccak256(&public[1..])[12..]),
        }
    }

    /// `n` of them, in ascending order of their addresses.
    pub(super) fn sorted(n: u8) -> Vec<Self> {
        let mut signers: Vec<_> = (0..n).map(Self::new).collect();
        signers.sort_by_key(|signer| signer.address);
        signers
    }

    pub(super) fn seal(&self, digest: B256) -> Seal {
        let signature = SECP256K1.sign_ecdsa_recoverable(Message::from_digest(digest.0), &self.key);
        let (id, compact) = signature.serialize_compact();
        let mut seal = [0; 65];
        seal[..64].copy_from_slice(&compact);
        seal[64] = u8::try_from(i32::from(id)).unwrap();
        Seal(seal)
    }
}

/// The other valid signature of the same signer over the same digest: (r, n − s, flipped v).
pub(super) fn twin(seal: &Seal) -> Seal {
    let order = U256::from_be_slice(&secp256k1::constants::CURVE_ORDER);
    let s = U256::from_be_slice(&seal.0[32..64]);
    let mut twin = *seal;
    twin.0[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
    twin.0[64] ^= 1;
    twin
}
