//! Generated chains prove themselves, and look like a real node's.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use lastro_bench_chain::{
    Chain, ChainOptions, Fork, HugeBlock, ServedChain, TokenKind, Traffic, ValidatorChange,
    ValidatorVote,
};
use serde_json::Value;

use crate::checker::{Pair, check_block, check_chain};

const FORKS: [Fork; 6] = [
    Fork::SpuriousDragon,
    Fork::Berlin,
    Fork::London,
    Fork::Shanghai,
    Fork::Cancun,
    Fork::Prague,
];

pub(crate) fn pairs(chain: &ServedChain) -> Vec<Pair> {
    let parse = |json: Option<&[u8]>| {
        json.map_or(Value::Null, |json| serde_json::from_slice(json).unwrap())
    };
    (0..=chain.head())
        .map(|number| Pair {
            block: parse(chain.block_json(number)),
            receipts: parse(chain.receipts_json(number)),
        })
        .collect()
}

fn check(options: &ChainOptions) -> Vec<Pair> {
    let chain = Chain::generate(options).unwrap();
    let pairs = pairs(&ServedChain::render(&chain));
    let findings = check_chain(&pairs, chain.blocks[0].hash, options.epoch_length);
    assert_eq!(findings, BTreeMap::new(), "{options:?}");
    pairs
}

#[test]
fn the_checker_agrees_with_a_real_node() {
    let lines = include_str!("../recorded/besu-26.8.0.jsonl").lines();
    for line in lines {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let pair = Pair {
            block: line["block"].take(),
            receipts: line["receipts"].take(),
        };
        let number = u64::from_str_radix(&pair.block["number"].as_str().unwrap()[2..], 16).unwrap();
        assert_eq!(
            check_block(&pair, number),
            BTreeSet::new(),
            "block {number}"
        );
    }
}

#[test]
fn plain_chains_are_consistent() {
    check(&ChainOptions::small(30));
    check(&ChainOptions {
        transactions_per_block: 0,
        ..ChainOptions::small(10)
    });
    check(&ChainOptions {
        n_validators: 1,
        block_period: 0,
        ..ChainOptions::small(5)
    });
    check(&ChainOptions {
        n_blocks: 0,
        ..ChainOptions::small(0)
    });
}

#[test]
fn mixed_chains_of_every_fork_are_consistent() {
    for fork in FORKS {
        check(&ChainOptions::mixed(60, fork));
    }
}

#[test]
fn a_mixed_chain_has_everything_in_it() {
    let pairs = check(&ChainOptions::mixed(200, Fork::Prague));
    let mut types = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for pair in &pairs {
        let transactions = pair.block["transactions"].as_array().unwrap();
        if transactions.is_empty() {
            seen.insert("empty block");
        }
        if !pair.block["withdrawals"].as_array().unwrap().is_empty() {
            seen.insert("withdrawals");
        }
        for (transaction, receipt) in transactions.iter().zip(pair.receipts.as_array().unwrap()) {
            types.insert(transaction["type"].as_str().unwrap().to_owned());
            let failed = receipt["status"] == "0x0";
            match (transaction["to"].is_null(), failed) {
                (true, true) => seen.insert("failed creation"),
                (true, false) => seen.insert("creation"),
                (false, true) => seen.insert("failed call"),
                (false, false) => seen.insert("call"),
            };
            if transaction["chainId"].is_null() {
                seen.insert("unprotected");
            }
            match receipt["logs"].as_array().unwrap().len() {
                0 => seen.insert("no logs"),
                1 => seen.insert("one log"),
                _ => seen.insert("several logs"),
            };
        }
    }
    assert_eq!(
        types,
        ["0x0", "0x1", "0x2", "0x3", "0x4"]
            .map(str::to_owned)
            .into()
    );
    assert_eq!(seen.len(), 10, "{seen:?}");
}

#[test]
fn votes_change_the_set() {
    let change = |first_block, vote| ValidatorChange { first_block, vote };
    let options = ChainOptions {
        validator_changes: vec![
            change(3, ValidatorVote::Remove(1)),
            change(12, ValidatorVote::Add(4)),
            change(20, ValidatorVote::Add(5)),
            // Too late for a majority before the epoch at 30, and voted again after it.
            change(29, ValidatorVote::Add(1)),
        ],
        epoch_length: 30,
        round_changes_per_mille: 100,
        ..ChainOptions::small(40)
    };
    check(&options);
    let chain = Chain::generate(&options).unwrap();
    let sizes: Vec<usize> = [3, 7, 16, 25, 30, 40]
        .map(|n: usize| chain.blocks[n].extra.validators.len())
        .into();
    assert_eq!(sizes, [4, 3, 4, 5, 5, 6]);
}

#[test]
fn other_nodes_have_other_seals_of_the_same_blocks() {
    let chain = Chain::generate(&ChainOptions::small(30)).unwrap();
    let other = chain.as_seen_by(2);
    let pairs = pairs(&ServedChain::render(&other));
    assert_eq!(
        check_chain(&pairs, chain.blocks[0].hash, chain.options.epoch_length),
        BTreeMap::new()
    );
    let mut n_different = 0;
    for (block, other) in chain.blocks.iter().zip(&other.blocks) {
        assert_eq!(
            (block.hash, &block.transactions),
            (other.hash, &other.transactions)
        );
        n_different += usize::from(block.header.extra_data != other.header.extra_data);
    }
    assert!((20..=30).contains(&n_different), "{n_different}");
}

#[test]
fn the_genesis_file_gives_block_zero() {
    for fork in FORKS {
        let chain = Chain::generate(&ChainOptions {
            fork,
            ..ChainOptions::small(1)
        })
        .unwrap();
        let file: Value = serde_json::from_str(&chain.genesis_json).unwrap();
        let rendered = ServedChain::render(&chain);
        let block: Value = serde_json::from_slice(rendered.block_json(0).unwrap()).unwrap();
        for (in_file, in_block) in [
            ("extraData", "extraData"),
            ("gasLimit", "gasLimit"),
            ("timestamp", "timestamp"),
            ("difficulty", "difficulty"),
            ("mixHash", "mixHash"),
            ("coinbase", "miner"),
        ] {
            assert_eq!(file[in_file], block[in_block]);
        }
        assert_eq!(file["config"]["chainId"], 648_629);
        assert_eq!(block["baseFeePerGas"].is_null(), fork < Fork::London);
        assert_eq!(file["config"]["londonBlock"].is_null(), fork < Fork::London);
    }
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let render = |options: &ChainOptions| {
        let chain = ServedChain::render(&Chain::generate(options).unwrap());
        (0..=chain.head())
            .flat_map(|n| {
                [
                    chain.block_json(n).unwrap().to_vec(),
                    chain.receipts_json(n).unwrap().to_vec(),
                ]
            })
            .collect::<Vec<_>>()
    };
    let options = ChainOptions::mixed(40, Fork::Prague);
    assert_eq!(render(&options), render(&options));
    assert_ne!(
        render(&options),
        render(&ChainOptions {
            seed: 2,
            ..options.clone()
        })
    );
}

#[test]
fn recorded_signatures_give_the_same_chain() {
    let folder = tempfile::tempdir().unwrap();
    for options in [
        ChainOptions::small(600),
        ChainOptions::mixed(30, Fork::Prague),
    ] {
        let make = || ServedChain::make(&options, Some(folder.path()), &|_| {}).unwrap();
        let (first, second) = (make(), make());
        let direct = ServedChain::render(&Chain::generate(&options).unwrap());
        for number in 0..=options.n_blocks {
            assert_eq!(first.block_json(number), second.block_json(number));
            assert_eq!(first.receipts_json(number), second.receipts_json(number));
            assert_eq!(first.block_json(number), direct.block_json(number));
        }
        assert_eq!(first.genesis_json(), direct.genesis_json());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        std::fs::write(file.unwrap().path(), b"damaged").unwrap();
    }
    let error =
        ServedChain::make(&ChainOptions::small(600), Some(folder.path()), &|_| {}).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[test]
fn a_block_with_a_hundred_thousand_logs() {
    let huge_block = Some(HugeBlock {
        number: 2,
        n_logs: 100_000,
    });
    let pairs = check(&ChainOptions {
        huge_block,
        ..ChainOptions::small(3)
    });
    let logs = |n: usize| -> usize {
        pairs[n]
            .receipts
            .as_array()
            .unwrap()
            .iter()
            .map(|receipt| receipt["logs"].as_array().unwrap().len())
            .sum()
    };
    assert_eq!((logs(1), logs(2), logs(3)), (3, 100_000, 3));
}

/// A second book-keeping, from the logs of plain ERC-20 tokens as they are served.
#[test]
fn facts_agree_with_the_logs() {
    for options in [
        ChainOptions::mixed(300, Fork::Cancun),
        ChainOptions::small(300),
    ] {
        let chain = Chain::generate(&options).unwrap();
        let facts = &chain.facts;
        for token in facts
            .tokens()
            .iter()
            .filter(|token| token.kind == TokenKind::Erc20)
        {
            let mut balances: BTreeMap<(Address, U256), U256> = BTreeMap::new();
            let mut n_transfers = 0;
            for block in &chain.blocks {
                let logs = block.receipts.iter().flat_map(|receipt| &receipt.logs);
                for log in
                    logs.filter(|log| log.address == token.address && log.topics().len() == 3)
                {
                    // Approvals have two indexed addresses as well.
                    if log.topics()[0]
                        != alloy_primitives::keccak256("Transfer(address,address,uint256)")
                    {
                        continue;
                    }
                    n_transfers += 1;
                    let party = |topic: B256| Address::from_word(topic);
                    let amount = U256::from_be_slice(&log.data.data);
                    let [from, to] = [party(log.topics()[1]), party(log.topics()[2])];
                    if !to.is_zero() {
                        *balances.entry((to, U256::ZERO)).or_default() += amount;
                    }
                    if !from.is_zero() {
                        *balances.get_mut(&(from, U256::ZERO)).unwrap() -= amount;
                    }
                }
            }
            balances.retain(|_, balance| !balance.is_zero());
            assert_eq!(facts.holders(token.address, chain.head()), balances);
            let of_token = facts
                .transfers()
                .iter()
                .filter(|transfer| facts.token_of(transfer) == token);
            assert_eq!(of_token.count(), n_transfers);
            let supply = facts
                .total_supply(token.address, U256::ZERO, chain.head())
                .unwrap();
            assert_eq!(supply, balances.values().sum::<U256>());
            for ((account, id), balance) in balances {
                assert_eq!(
                    facts.balance(token.address, id, account, chain.head()),
                    Some(balance)
                );
            }
        }
        assert_eq!(
            facts.odd_logs().is_empty(),
            options.traffic == Traffic::Erc20Transfers
        );
    }
}

#[test]
fn every_transfer_names_the_log_that_made_it() {
    let chain = Chain::generate(&ChainOptions::mixed(200, Fork::Cancun)).unwrap();
    let mut kinds = BTreeSet::new();
    for transfer in chain.facts.transfers() {
        let block = &chain.blocks[usize::try_from(transfer.block_number).unwrap()];
        let mut logs = block.receipts.iter().flat_map(|receipt| &receipt.logs);
        let log = logs
            .nth(usize::try_from(transfer.log_index).unwrap())
            .unwrap();
        let token = chain.facts.token_of(transfer);
        assert_eq!(log.address, token.address);
        kinds.insert(format!("{:?}", token.kind));
        let text = format!("{:?}{:?}", log.topics(), log.data.data);
        for party in [transfer.from, transfer.to] {
            assert!(
                text.contains(&alloy_primitives::hex::encode(party)),
                "{text}"
            );
        }
    }
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}

#[test]
fn a_hot_account_takes_part_in_its_share_of_transfers() {
    let options = ChainOptions {
        hot_account_per_mille: 500,
        ..ChainOptions::small(400)
    };
    let chain = Chain::generate(&options).unwrap();
    let (token, account) = (chain.facts.tokens()[0].address, chain.facts.accounts()[0]);
    let n = chain
        .facts
        .n_transfers_of(token, U256::ZERO, account, chain.head());
    assert!((500..800).contains(&n), "{n}");
}

#[test]
fn rendered_blocks_have_the_fields_of_a_real_node() {
    let recorded: Vec<Value> = include_str!("../recorded/besu-26.8.0.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    let chain =
        ServedChain::render(&Chain::generate(&ChainOptions::mixed(60, Fork::Cancun)).unwrap());
    let made = pairs(&chain);
    for (real, made) in [
        (&recorded[0]["block"], &made[0].block),
        (&recorded[2]["block"], &made[1].block),
    ] {
        assert_eq!(keys(real), keys(made));
    }
    let by_shape = |blocks: &mut dyn Iterator<Item = (&Value, &Value)>| {
        let mut shapes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (block, receipts) in blocks {
            for transaction in block["transactions"].as_array().unwrap() {
                let shape = format!(
                    "{} {}",
                    transaction["type"],
                    transaction["chainId"].is_null()
                );
                shapes.insert(shape, keys(transaction));
            }
            for receipt in receipts.as_array().unwrap() {
                // Reasons of reverts are an option of the node that is off by default.
                let mut fields = keys(receipt);
                fields.remove("revertReason");
                shapes.insert(format!("receipt {}", receipt["type"]), fields);
                for log in receipt["logs"].as_array().unwrap() {
                    shapes.insert("log".to_owned(), keys(log));
                }
            }
        }
        shapes
    };
    let real = by_shape(
        &mut recorded
            .iter()
            .map(|line| (&line["block"], &line["receipts"])),
    );
    let made = by_shape(&mut made.iter().map(|pair| (&pair.block, &pair.receipts)));
    assert!(real.len() >= 7, "{real:?}");
    for (shape, fields) in real {
        assert_eq!(made.get(&shape), Some(&fields), "{shape}");
    }
}
