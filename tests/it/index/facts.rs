//! The tables against what the generator knows from the making.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, I256, U256, hex};
use lastro_bench_chain::{Chain, GENESIS_BALANCE, Metadata, Outcome, Token, TokenKind};

use crate::support::Database;

/// Everything of a chain that is indexed up to its head.
pub(super) async fn expect(database: &Database, chain: &Chain) {
    expect_blocks(database, chain).await;
    expect_transactions(database, chain).await;
    expect_logs(database, chain).await;
    expect_transfers(database, chain).await;
    expect_validators(database, chain).await;
    expect_tokens(database, chain).await;
    for at in [0, chain.head() / 3, chain.head() / 2, chain.head()] {
        expect_balances(database, chain, at).await;
        expect_supplies(database, chain, at).await;
    }
}

async fn expect_blocks(database: &Database, chain: &Chain) {
    let sql = "SELECT number, lower(hex(hash)), lower(hex(state_root)), timestamp, gas_used, round, n_transactions, n_logs \
               FROM blocks ORDER BY number";
    let expected = chain.blocks.iter().map(|block| {
        let n_logs: usize = block
            .receipts
            .iter()
            .map(|receipt| receipt.logs.len())
            .sum();
        let header = &block.header;
        let (hash, state_root) = (hex::encode(block.hash), hex::encode(header.state_root));
        let (number, time, gas, round) = (
            header.number,
            header.timestamp,
            header.gas_used,
            block.extra.round,
        );
        let n_transactions = block.transactions.len();
        format!(
            "{number}\t{hash}\t{state_root}\t{time}\t{gas}\t{round}\t{n_transactions}\t{n_logs}"
        )
    });
    assert_eq!(database.lines(sql).await, expected.collect::<Vec<_>>());
}

async fn expect_transactions(database: &Database, chain: &Chain) {
    let sql = "SELECT block_number, transaction_index, lower(hex(hash)), lower(hex(from_address)), \
               lower(hex(ifNull(to_address, ''))), toString(value), ifNull(toString(status), 'none'), gas_used, \
               toString(effective_gas_price), lower(hex(ifNull(contract_address, ''))), lower(hex(input)) \
               FROM transactions ORDER BY block_number, transaction_index";
    let mut expected = Vec::new();
    for block in &chain.blocks {
        for (index, (transaction, receipt)) in
            block.transactions.iter().zip(&block.receipts).enumerate()
        {
            let status = match receipt.outcome {
                Outcome::Succeeded => "1",
                Outcome::Failed => "0",
                Outcome::PostState(_) => "none",
            };
            let text = |address: Option<Address>| address.map(hex::encode).unwrap_or_default();
            expected.push(format!(
                "{}\t{index}\t{}\t{}\t{}\t{}\t{status}\t{}\t{}\t{}\t{}",
                block.number(),
                hex::encode(transaction.hash),
                hex::encode(transaction.from),
                text(transaction.to),
                transaction.value,
                receipt.gas_used,
                receipt.effective_gas_price,
                text(receipt.contract_address),
                hex::encode(&transaction.input),
            ));
        }
    }
    assert_eq!(database.lines(sql).await, expected);
}

async fn expect_logs(database: &Database, chain: &Chain) {
    let sql = "SELECT block_number, log_index, transaction_index, lower(hex(address)), \
               lower(concat(hex(ifNull(topic0, '')), hex(ifNull(topic1, '')), hex(ifNull(topic2, '')), hex(ifNull(topic3, '')))), \
               lower(hex(data)) FROM logs ORDER BY block_number, log_index";
    let mut expected = Vec::new();
    for block in &chain.blocks {
        let receipts = block.receipts.iter().enumerate();
        let logs =
            receipts.flat_map(|(index, receipt)| receipt.logs.iter().map(move |log| (index, log)));
        for (log_index, (index, log)) in logs.enumerate() {
            let topics: String = log.topics().iter().map(hex::encode).collect();
            let (address, payload) = (hex::encode(log.address), hex::encode(&log.data.data));
            let number = block.number();
            expected.push(format!(
                "{number}\t{log_index}\t{index}\t{address}\t{topics}\t{payload}"
            ));
        }
    }
    assert_eq!(database.lines(sql).await, expected);
}

async fn expect_transfers(database: &Database, chain: &Chain) {
    let sql = "SELECT lower(hex(token)), block_number, log_index, batch_index, lower(hex(from_address)), \
               lower(hex(to_address)), toString(token_id), toString(amount), lower(hex(ifNull(operator, ''))) \
               FROM token_transfers ORDER BY block_number, log_index, batch_index";
    let expected = chain.facts.transfers().iter().map(|transfer| {
        format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            hex::encode(chain.facts.token_of(transfer).address),
            transfer.block_number,
            transfer.log_index,
            transfer.batch_index,
            hex::encode(transfer.from),
            hex::encode(transfer.to),
            transfer.id,
            transfer.amount,
            transfer.operator.map(hex::encode).unwrap_or_default(),
        )
    });
    assert_eq!(database.lines(sql).await, expected.collect::<Vec<_>>());
}

/// The set that the table has in force at each block is the one in the block's header.
async fn expect_validators(database: &Database, chain: &Chain) {
    let sql = "SELECT first_block, arrayStringConcat(arrayMap(m -> lower(hex(m)), members), ' ') FROM validators ORDER BY first_block";
    let mut sets = BTreeMap::new();
    for line in database.lines(sql).await {
        let (first_block, members) = line.split_once('\t').unwrap();
        let members: BTreeSet<_> = members.split(' ').map(str::to_owned).collect();
        assert!(
            sets.insert(first_block.parse::<u64>().unwrap(), members)
                .is_none()
        );
    }
    for block in &chain.blocks {
        let (_, in_force) = sets.range(..=block.number()).next_back().unwrap();
        let listed: BTreeSet<_> = block.extra.validators.iter().map(hex::encode).collect();
        assert_eq!(*in_force, listed, "block {}", block.number());
    }
    let n_votes = chain
        .blocks
        .iter()
        .filter(|block| block.extra.vote.is_some())
        .count();
    let n_seals: usize = chain
        .blocks
        .iter()
        .map(|block| block.extra.seals.len())
        .sum();
    let counts = "SELECT (SELECT count() FROM validator_votes), (SELECT count() FROM block_seals)";
    assert_eq!(
        database.lines(counts).await,
        [format!("{n_votes}\t{n_seals}")]
    );
    assert_eq!(sets.len(), 1 + chain.options.validator_changes.len());
}

async fn expect_tokens(database: &Database, chain: &Chain) {
    let mut expected = BTreeMap::new();
    for transfer in chain.facts.transfers() {
        let token = chain.facts.token_of(transfer);
        expected
            .entry(hex::encode(token.address))
            .or_insert_with(|| {
                let (name, symbol) = match token.metadata {
                    Metadata::Missing => (String::new(), String::new()),
                    Metadata::Strings | Metadata::Bytes32 => {
                        (token.name.clone(), token.symbol.clone())
                    }
                };
                format!("{}\t{name}\t{symbol}", transfer.block_number)
            });
    }
    let sql = "SELECT lower(hex(token)), first_block, ifNull(name, ''), ifNull(symbol, '') FROM tokens ORDER BY token";
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(token, rest)| format!("{token}\t{rest}"))
        .collect();
    assert_eq!(database.lines(sql).await, expected);
}

/// What accounts have from genesis on no event tells.
fn from_genesis(token: &Token) -> U256 {
    match token.kind {
        TokenKind::Erc20GenesisFunded => GENESIS_BALANCE,
        _ => U256::ZERO,
    }
}

/// All balances of all holders after a block, and those of everybody else, which are zero.
async fn expect_balances(database: &Database, chain: &Chain, at: u64) {
    let sql = format!(
        "SELECT lower(hex(token)), toString(token_id), lower(hex(account)), \
         toString(sum(if(direction = 1, toInt256(amount), -toInt256(amount))) AS balance) FROM balance_changes \
         WHERE block_number <= {at} GROUP BY token, token_id, account HAVING balance != 0"
    );
    let tokens = chain.facts.tokens().iter();
    let (summable, overflowing): (Vec<&Token>, Vec<&Token>) =
        tokens.partition(|token| chain.facts.is_summable(token.address));
    let overflowing: BTreeSet<_> = overflowing
        .iter()
        .map(|token| hex::encode(token.address))
        .collect();
    let found: BTreeSet<_> = database
        .lines(&sql)
        .await
        .into_iter()
        .filter(|line| !overflowing.contains(line.split('\t').next().unwrap()))
        .collect();
    let mut expected = BTreeSet::new();
    for token in summable {
        let mut balances = chain.facts.holders(token.address, at);
        for account in chain.facts.accounts() {
            balances.entry((*account, U256::ZERO)).or_default();
        }
        for ((account, id), balance) in balances {
            let is_account = chain.facts.accounts().contains(&account);
            let given = if is_account {
                from_genesis(token)
            } else {
                U256::ZERO
            };
            let moved = I256::from_raw(balance) - I256::from_raw(given);
            if !moved.is_zero() {
                expected.insert(format!(
                    "{}\t{id}\t{}\t{moved}",
                    hex::encode(token.address),
                    hex::encode(account)
                ));
            }
        }
    }
    assert_eq!(found, expected, "after block {at}");
}

async fn expect_supplies(database: &Database, chain: &Chain, at: u64) {
    let sql = format!(
        "SELECT lower(hex(token)), toString(token_id), toString(sum(multiIf(from_address = to_address, toInt256(0), \
         from_address = toFixedString('', 20), toInt256(amount), to_address = toFixedString('', 20), -toInt256(amount), \
         toInt256(0)))) FROM token_transfers WHERE block_number <= {at} GROUP BY token, token_id"
    );
    let tokens = chain.facts.tokens();
    let by_name: BTreeMap<_, _> = tokens
        .iter()
        .map(|token| (hex::encode(token.address), token))
        .collect();
    for line in database.lines(&sql).await {
        let [token, id, supply] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let token = by_name[token];
        let Some(expected) = chain
            .facts
            .total_supply(token.address, id.parse().unwrap(), at)
        else {
            assert_eq!(token.kind, TokenKind::Erc20Overflowing);
            continue;
        };
        let given = from_genesis(token) * U256::from(chain.facts.accounts().len());
        let minted = I256::from_raw(expected) - I256::from_raw(given);
        assert_eq!(
            supply,
            minted.to_string(),
            "{token:?} {id} after block {at}"
        );
    }
}
