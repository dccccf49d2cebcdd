use alloy_primitives::{Address, U256, address, b256};
use serde_json::{Value, json};

use super::*;
use crate::consensus::VoteDialect;

/// A QBFT genesis of one validator, with `config` merged in.
fn genesis(config: Value) -> Value {
    let mut json = json!({
        "config": {"chainId": 1337, "berlinBlock": 0},
        "nonce": "0x0",
        "timestamp": "0x58ee40ba",
        "gasLimit": "0x47b760",
        "difficulty": "0x1",
        "mixHash": "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365",
        "coinbase": "0x0000000000000000000000000000000000000000",
        "alloc": {},
        "extraData": qbft_extra_data(&[address!("93917cadbace5dfce132b991732c6cda9bcc5b8a")]),
    });
    for (key, value) in config.as_object().unwrap() {
        json["config"][key] = value.clone();
    }
    json
}

fn qbft() -> Value {
    json!({"qbft": {"epochlength": 100, "blockperiodseconds": 5, "requesttimeoutseconds": 10}})
}

fn qbft_extra_data(validators: &[Address]) -> String {
    let extra = BftExtra {
        validators: validators.to_vec(),
        ..BftExtra::default()
    };
    let mut bytes = Vec::new();
    extra.encode_sealed(crate::consensus::BftProtocol::Qbft, &mut bytes);
    alloy_primitives::hex::encode_prefixed(bytes)
}

fn parse(json: &Value) -> Result<GenesisFile, GenesisError> {
    GenesisFile::parse(json.to_string().as_bytes())
}

fn refused(json: &Value) -> String {
    parse(json).unwrap_err().to_string()
}

fn merged(mut base: Value, more: Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        base[key] = value.clone();
    }
    base
}

/// The custom genesis of go-ethereum's own tests, whose hash is published there; it has an account with storage.
#[test]
fn a_published_genesis_with_storage() {
    let json = json!({
        "config": {"chainId": 1, "homesteadBlock": 3},
        "gasLimit": 4_712_388,
        "difficulty": "0x20000",
        "alloc": {"0100000000000000000000000000000000000000": {
            "balance": "1",
            "storage": {
                "0x0100000000000000000000000000000000000000000000000000000000000000":
                    "0x0100000000000000000000000000000000000000000000000000000000000000",
            },
        }},
    });
    let file = parse(&json).unwrap();
    assert_eq!(
        file.hash,
        b256!("89c99d90b79719238d2645c7642f2c9295246e80775b38cfd162b696817fbd50")
    );
    assert_eq!(file.consensus, Consensus::Plain);
}

#[test]
fn accounts_in_all_their_spellings() {
    let root = |alloc: Value| {
        parse(&merged(genesis(qbft()), json!({"alloc": alloc})))
            .unwrap()
            .header
            .state_root
    };
    let contract = root(json!({"0x0000000000000000000000000000000000008888": {
        "comment": "ignored",
        "balance": "1000",
        "nonce": "0x1",
        "code": "0x6001600155",
        "storage": {"0x04": "0x0f4240", "0x0000000000000000000000000000000000000000000000000000000000000005": "00"},
    }}));
    assert_eq!(
        contract,
        root(
            json!({"8888": {"Balance": "0x3e8", "nonce": "1", "code": "6001600155", "storage": {"4": "0f4240"}}})
        )
    );
    let account = alloy_trie::TrieAccount {
        nonce: 1,
        balance: U256::from(1000),
        storage_root: alloy_trie::root::storage_root_unhashed([(
            U256::from(4).into(),
            U256::from(1_000_000),
        )]),
        code_hash: alloy_primitives::keccak256([0x60, 1, 0x60, 1, 0x55]),
    };
    let owner = address!("0000000000000000000000000000000000008888");
    assert_eq!(
        contract,
        alloy_trie::root::state_root_unhashed([(owner, account)])
    );
    assert_ne!(
        root(json!({"8888": {}})),
        root(json!({})),
        "an empty account is an account"
    );
}

#[test]
fn header_fields_by_fork() {
    let header = |config: Value| parse(&genesis(merged(qbft(), config))).unwrap().header;
    let n_optional = |header: &Header| {
        [
            header.base_fee_per_gas.is_some(),
            header.withdrawals_root.is_some(),
            header.blob_gas_used.is_some() && header.excess_blob_gas.is_some(),
            header.parent_beacon_block_root.is_some(),
            header.requests_hash.is_some(),
        ]
        .iter()
        .filter(|present| **present)
        .count()
    };
    let london = json!({"londonBlock": 0});
    let with = |key: &str, time: Value| header(merged(london.clone(), json!({key: time})));
    assert_eq!(n_optional(&header(json!({}))), 0);
    assert_eq!(n_optional(&header(json!({"londonBlock": 10}))), 0);
    assert_eq!(
        header(london.clone()).base_fee_per_gas,
        Some(U256::from(1_000_000_000))
    );
    assert_eq!(n_optional(&header(london.clone())), 1);
    assert_eq!(n_optional(&with("shanghaiTime", json!(0))), 2);
    assert_eq!(
        n_optional(&with("shanghaiTime", json!(4_000_000_000_u64))),
        1,
        "later than block 0"
    );
    assert_eq!(
        n_optional(&with("cancunTime", json!(0))),
        4,
        "Cancun brings Shanghai"
    );
    assert_eq!(n_optional(&with("pragueTime", json!(0))), 5);
    assert_eq!(n_optional(&with("osakaTime", json!(0))), 5);
    let prague = with("pragueTime", json!(0));
    assert_eq!(
        prague.requests_hash,
        Some(b256!(
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )),
        "SHA-256 of nothing"
    );
    let json = merged(
        genesis(merged(qbft(), london)),
        json!({"baseFeePerGas": "0x7"}),
    );
    assert_eq!(
        parse(&json).unwrap().header.base_fee_per_gas,
        Some(U256::from(7))
    );
}

#[test]
fn rules_in_besus_spelling() {
    let config = merged(
        qbft(),
        json!({"transitions": {
            "qbft": [
                {"block": 20, "blockperiodseconds": 2},
                {"block": 30, "validatorselectionmode": "blockheader", "validators": [
                    "0x9811ebc35d7b06b3fa8dc5809a1f9c52751e1deb", "372a70ace72b02cc7f1757183f98c620254f9c8d",
                ]},
            ],
            "ibft2": [{"block": 40, "validators": []}],
        }}),
    );
    let file = parse(&genesis(config)).unwrap();
    assert_eq!(file.consensus, Consensus::Qbft);
    assert_eq!(
        (file.rules.epoch_length().get(), file.rules.dialect()),
        (100, VoteDialect::Besu)
    );
    assert_eq!(file.block_period, Some(Duration::from_secs(5)));
    assert_eq!(file.request_timeout, Some(Duration::from_secs(10)));
    let overrides: Vec<_> = file
        .rules
        .overrides()
        .iter()
        .map(|(block, set)| (block.0, set.clone()))
        .collect();
    let sorted = vec![
        address!("372a70ace72b02cc7f1757183f98c620254f9c8d"),
        address!("9811ebc35d7b06b3fa8dc5809a1f9c52751e1deb"),
    ];
    assert_eq!(overrides, [(30, sorted)]);
}

#[test]
fn rules_in_goquorums_spellings() {
    let newer = json!({
        "isQuorum": true,
        "qbft": {"epochLength": 50, "blockPeriodSeconds": 1, "policy": 0, "ceil2Nby3Block": 0},
        "transitions": [{"block": 10, "blockperiodseconds": 3}],
    });
    let older =
        json!({"isQuorum": true, "istanbul": {"epoch": 50, "policy": 0, "testQBFTBlock": 0}});
    for config in [newer, older] {
        let file = parse(&genesis(config)).unwrap();
        assert_eq!(file.consensus, Consensus::Qbft);
        assert_eq!(
            (file.rules.epoch_length().get(), file.rules.dialect()),
            (50, VoteDialect::Goquorum)
        );
    }
}

#[test]
fn ibft2_is_told_by_its_key_and_its_extra_data() {
    let extra = BftExtra {
        validators: vec![Address::repeat_byte(1)],
        ..BftExtra::default()
    };
    let mut bytes = Vec::new();
    extra.encode_sealed(crate::consensus::BftProtocol::Ibft2, &mut bytes);
    let ibft2 = json!({"ibft2": {"epochlength": 30}});
    let json = merged(
        genesis(ibft2.clone()),
        json!({"extraData": alloy_primitives::hex::encode(bytes)}),
    );
    assert_eq!(parse(&json).unwrap().consensus, Consensus::Ibft2);
    assert_eq!(
        refused(&genesis(ibft2)),
        "the genesis file is configured for ibft2, but its extraData is not of that form"
    );
}

#[test]
fn what_would_leave_the_validators_unknown_is_refused() {
    let with = |config: Value| refused(&genesis(merged(qbft(), config)));
    let in_qbft = |more: Value| {
        refused(&genesis(
            json!({"qbft": merged(qbft()["qbft"].clone(), more)}),
        ))
    };
    let transition = |entry: Value| with(json!({"transitions": {"qbft": [entry]}}));
    let contract = json!("0x0000000000000000000000000000000000007777");

    assert!(in_qbft(json!({"validatorcontractaddress": contract})).contains("from block 0 on"));
    assert!(
        transition(json!({"block": 7, "validatorContractAddress": contract}))
            .contains("from block 7 on")
    );
    assert!(
        transition(json!({"block": 7, "validatorselectionmode": "Contract"}))
            .contains("from block 7 on")
    );
    assert!(transition(json!({"block": 0, "validators": [contract]})).contains("at block 0"));
    assert!(transition(json!({"block": 9, "validators": []})).contains("at block 9"));
    assert!(
        transition(json!({"validators": [contract]}))
            .contains("lacks config.transitions.qbft[0].block")
    );
    assert!(
        transition(json!({"block": 9, "validators": ["0xzz"]})).contains("a list of addresses")
    );
    assert!(in_qbft(json!({"startBlock": 5})).contains("config.qbft.startBlock"));
    assert!(in_qbft(json!({"epochlength": 0})).contains("above 0"));
    assert!(with(json!({"ibft2": {}})).contains("as well as"));
    assert!(with(json!({"ibft": {}})).contains("IBFT 1.0"));
    assert!(refused(&genesis(json!({"istanbul": {"epoch": 9}}))).contains("IBFT 1.0"));
    assert!(refused(&genesis(json!({}))).contains("does not name that protocol"));
    for key in ["validators", "epochLength", "algorithm"] {
        let goquorum = json!({"isQuorum": true, "transitions": [{"block": 5, key: "x"}]});
        assert!(with(goquorum).contains(key));
    }
    let empty = merged(genesis(qbft()), json!({"extraData": qbft_extra_data(&[])}));
    assert!(refused(&empty).contains("by a contract from block 0 on (extraData)"));
}

#[test]
fn what_nodes_would_read_differently_is_refused() {
    let with = |more: Value| refused(&merged(genesis(qbft()), more));
    assert!(with(json!({"DIFFICULTY": "0x2"})).contains("more than one spelling"));
    assert!(with(json!({"difficulty": "10"})).contains("in hexadecimal after 0x"));
    assert!(with(json!({"gasLimit": "010"})).contains("without leading zeros"));
    assert!(with(json!({"alloc": {"01": {}, "0x1": {}}})).contains("more than one spelling"));
    assert!(
        with(json!({"alloc": {"01": {"storage": {"1": "2", "0x01": "3"}}}}))
            .contains("more than one spelling")
    );
    assert!(with(json!({"alloc": {"01": {"nonce": "12"}}})).contains("alloc.01.nonce"));
    let twice = merged(qbft(), json!({"QBFT": {"epochlength": 7}}));
    assert!(refused(&genesis(twice)).contains("config.qbft in more than one spelling"));
}

#[test]
fn faults_are_named() {
    assert!(matches!(
        GenesisFile::parse(b"{"),
        Err(GenesisError::Json(_))
    ));
    assert_eq!(
        refused(&json!([])),
        "genesis file: the root of the file should be an object, but is []"
    );
    assert_eq!(refused(&json!({})), "the genesis file lacks config");
    let without = |key: &str| refused(&merged(genesis(qbft()), json!({key: null})));
    assert_eq!(without("difficulty"), "the genesis file lacks difficulty");
    assert_eq!(without("gasLimit"), "the genesis file lacks gasLimit");
    assert_eq!(
        refused(&json!({"config": {}})),
        "the genesis file lacks config.chainId"
    );
    let with = |more: Value| refused(&merged(genesis(qbft()), more));
    assert!(with(json!({"alloc": {"0xg": {}}})).contains("keyed by an address"));
    assert!(with(json!({"alloc": {"1": {"code": "0x (left out)"}}})).contains("alloc.1.code"));
    assert!(with(json!({"alloc": {"1": {"balance": "-5"}}})).contains("alloc.1.balance"));
    assert!(with(json!({"mixHash": "0x123z"})).contains("mixHash"));
    assert!(with(json!({"extraData": "0x123z"})).contains("extraData"));
    let long = with(json!({"extraData": "zz".repeat(500)}));
    assert!(long.len() < 250 && long.ends_with('…'), "{long}");
    let future = merged(qbft(), json!({"futureEipsTime": 0}));
    assert!(refused(&genesis(future)).contains("config.futureEipsTime"));
}
