//! A slow, obvious verifier of what a node serves. It reads nothing but JSON and shares no code with the generator: RLP
//! lists are put together item by item here.

mod body;
mod header;
mod rlp;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use serde_json::Value;

use header::Extra;

/// What is wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finding {
    /// The node has no such block, or not under this number.
    Absent,
    TransactionHash,
    Sender,
    TransactionsRoot,
    ReceiptsRoot,
    /// A receipt's or the header's logs bloom.
    Bloom,
    WithdrawalsRoot,
    /// Gas used, of a receipt or of the header.
    Gas,
    /// Places and hashes that transactions, receipts and logs repeat, and computed fields.
    Labels,
    Hash,
    Parent,
    Genesis,
    /// The header's list is not the set in force.
    ValidatorSet,
    /// Fewer than a quorum of the set in force sealed.
    Seals,
}

/// A block and its receipts as served; `Null` where the node has none.
pub(crate) struct Pair {
    pub(crate) block: Value,
    pub(crate) receipts: Value,
}

/// All findings by block number; blocks without any are left out. The set in force is replayed from `genesis_hash` on,
/// with votes forgotten at every multiple of `epoch_length`.
pub(crate) fn check_chain(
    pairs: &[Pair],
    genesis_hash: B256,
    epoch_length: u64,
) -> BTreeMap<u64, BTreeSet<Finding>> {
    let mut findings = BTreeMap::new();
    let mut set = Set::default();
    let mut parent_hash = None;
    for (number, pair) in (0_u64..).zip(pairs) {
        let mut of_block = check_block(pair, number);
        if of_block.contains(&Finding::Absent) {
            parent_hash = None;
        } else {
            if number == 0 && header::hash(&pair.block) != genesis_hash {
                of_block.insert(Finding::Genesis);
            }
            let stated_parent = header::b256(&pair.block["parentHash"]);
            if parent_hash.is_some_and(|parent| stated_parent != parent) {
                of_block.insert(Finding::Parent);
            }
            parent_hash = Some(header::hash(&pair.block));
            set.check(&pair.block, number, epoch_length, &mut of_block);
        }
        if !of_block.is_empty() {
            findings.insert(number, of_block);
        }
    }
    findings
}

/// What can be said of a block alone.
pub(crate) fn check_block(pair: &Pair, number: u64) -> BTreeSet<Finding> {
    let mut findings = BTreeSet::new();
    if pair.block.is_null()
        || pair.receipts.is_null()
        || header::quantity(&pair.block["number"]) != number
    {
        findings.insert(Finding::Absent);
        return findings;
    }
    body::check(&pair.block, &pair.receipts, &mut findings);
    if header::hash(&pair.block) != header::b256(&pair.block["hash"]) {
        findings.insert(Finding::Hash);
    }
    findings
}

/// Validators in force, and pending votes: subject and direction to voters.
#[derive(Default)]
struct Set {
    validators: BTreeSet<Address>,
    votes: BTreeMap<(Address, bool), BTreeSet<Address>>,
}

impl Set {
    fn check(
        &mut self,
        block: &Value,
        number: u64,
        epoch_length: u64,
        findings: &mut BTreeSet<Finding>,
    ) {
        let extra = Extra::decode(&header::bytes(&block["extraData"]));
        let listed: BTreeSet<Address> = extra.validators.iter().copied().collect();
        if number == 0 {
            self.validators = listed;
            return;
        }
        if listed != self.validators || extra.validators.len() != listed.len() {
            findings.insert(Finding::ValidatorSet);
        }
        let signers: BTreeSet<Address> = header::signers(block, &extra)
            .into_iter()
            .filter(|signer| self.validators.contains(signer))
            .collect();
        if signers.len() < (2 * self.validators.len()).div_ceil(3) {
            findings.insert(Finding::Seals);
        }
        self.count_vote(block, &extra, number, epoch_length);
    }

    fn count_vote(&mut self, block: &Value, extra: &Extra, number: u64, epoch_length: u64) {
        if number.is_multiple_of(epoch_length) {
            self.votes.clear();
            return;
        }
        let Some((subject, add)) = extra.vote else {
            return;
        };
        let proposer = header::address(&block["miner"]);
        if let Some(opposite) = self.votes.get_mut(&(subject, !add)) {
            opposite.remove(&proposer);
        }
        let voters = self.votes.entry((subject, add)).or_default();
        voters.insert(proposer);
        if 2 * voters.len() > self.validators.len() {
            if add {
                self.validators.insert(subject);
            } else {
                self.validators.remove(&subject);
                self.votes.values_mut().for_each(|voters| {
                    voters.remove(&subject);
                });
            }
            self.votes.remove(&(subject, true));
            self.votes.remove(&(subject, false));
        }
    }
}
