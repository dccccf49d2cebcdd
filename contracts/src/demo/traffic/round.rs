//! One round of the traffic, from a look at the chain to the transactions that it leads to.

use std::time::Duration;

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{B256, TxKind};
use futures::future::{join_all, try_join_all};
use lastro_besu_rpc::RpcError;
use lastro_schema::{BlockNumber, BlockRef};

use super::operation::Operation;
use super::senders::Pending;
use super::{DemoTraffic, TrafficCounts, TrafficError, lock};
use crate::demo::deploy::gas_price;
use crate::node::{Block, Broadcast, is_refusal};
use crate::signing::{SignedTransaction, UnsignedTransaction};

/// A node may lose what it had in its pool, e.g. by a restart; after this long a transaction is broadcast again.
const REBROADCAST_AFTER: Duration = Duration::from_secs(5);
/// Blocks whose share of transactions is made up for when the traffic falls behind.
const MAX_BLOCKS_BEHIND: usize = 8;

/// Why a round ended early.
pub(super) enum RoundError {
    /// Goes away by itself, or with the operator's help.
    Node {
        step: &'static str,
        source: RpcError,
    },
    /// The block is there, a receipt in it not yet.
    ReceiptMissing {
        transaction: B256,
        block: BlockRef,
    },
    Fatal(TrafficError),
}

impl DemoTraffic {
    pub(super) async fn round(&mut self) -> Result<(), RoundError> {
        while self.settle_next_block().await? {}
        self.broadcast_stale().await?;
        self.send_new().await
    }

    /// `false` at the head.
    async fn settle_next_block(&mut self) -> Result<bool, RoundError> {
        let head = lock(&self.shared).ledger.head();
        let number = BlockNumber(head.number.0.saturating_add(1));
        let Some(block) = self
            .node
            .fetch_block(number)
            .await
            .map_err(node_error("read a block"))?
        else {
            return Ok(false);
        };
        if block.parent_hash != head.hash {
            self.unwind(head)?;
            return Ok(true);
        }
        let outcomes = self.fetch_outcomes(&block).await?;
        self.settle(&block, &outcomes)?;
        let per_block = self.options.transactions_per_block;
        self.quota = (self.quota + per_block).min(per_block.saturating_mul(MAX_BLOCKS_BEHIND));
        self.base_fee = block.base_fee;
        Ok(true)
    }

    /// Our transactions in `block`, in its order, each with whether it succeeded.
    async fn fetch_outcomes(&self, block: &Block) -> Result<Vec<(B256, bool)>, RoundError> {
        let ours = block
            .transactions
            .iter()
            .copied()
            .filter(|hash| self.senders.contains(*hash));
        // The client bounds how many requests are under way.
        try_join_all(ours.map(|transaction| self.fetch_outcome(transaction, block.block))).await
    }

    async fn fetch_outcome(
        &self,
        transaction: B256,
        block: BlockRef,
    ) -> Result<(B256, bool), RoundError> {
        match self
            .node
            .fetch_receipt(transaction)
            .await
            .map_err(node_error("read a receipt"))?
        {
            Some(receipt) if receipt.block == block => Ok((transaction, receipt.succeeded)),
            _ => Err(RoundError::ReceiptMissing { transaction, block }),
        }
    }

    fn settle(&mut self, block: &Block, outcomes: &[(B256, bool)]) -> Result<(), RoundError> {
        let take = |(hash, succeeded): &(B256, bool)| {
            self.senders
                .take(*hash)
                .map(|pending| (pending, *succeeded))
        };
        let settled: Vec<_> = outcomes.iter().filter_map(take).collect();
        let mut shared = lock(&self.shared);
        shared
            .ledger
            .settle(block.block, settled)
            .map_err(|diverged| {
                RoundError::Fatal(TrafficError::Diverged {
                    transaction: diverged.transaction,
                    block: block.block,
                })
            })?;
        for (_, succeeded) in outcomes {
            *count_of(&mut shared.counts, *succeeded) += 1;
        }
        Ok(())
    }

    fn unwind(&mut self, head: BlockRef) -> Result<(), RoundError> {
        tracing::warn!(
            block_number = head.number.0,
            "block was replaced, taking its transactions back"
        );
        let mut shared = lock(&self.shared);
        let Some(outcomes) = shared.ledger.unwind() else {
            return Err(RoundError::Fatal(TrafficError::ReorganisedTooDeep { head }));
        };
        shared.counts.unwound_blocks += 1;
        for (pending, succeeded) in outcomes {
            *count_of(&mut shared.counts, succeeded) -= 1;
            self.senders.put_back(pending);
        }
        Ok(())
    }

    /// Asks the chain for the nonces of senders that wait too long, and broadcasts their transactions again.
    async fn broadcast_stale(&mut self) -> Result<(), RoundError> {
        let head = lock(&self.shared).ledger.head();
        for sender in self.senders.stale(REBROADCAST_AFTER) {
            let address = self.senders.account(sender).address();
            let nonce = self
                .node
                .fetch_transaction_count(address, head)
                .await
                .map_err(node_error("read a nonce"))?;
            for pending in self.senders.rebase(sender, nonce) {
                let transaction = pending.transaction.hash;
                tracing::warn!(%address, %transaction, "another transaction took the nonce of a demo transaction");
                self.count(|counts| counts.superseded += 1);
            }
            let transactions = self.senders.pending_of(sender);
            let n_transactions = u64::try_from(transactions.len()).unwrap_or(u64::MAX);
            self.count(|counts| counts.rebroadcast += n_transactions);
            self.broadcast(&transactions).await?;
        }
        Ok(())
    }

    async fn send_new(&mut self) -> Result<(), RoundError> {
        let mut transactions = Vec::new();
        while self.quota > 0 {
            let Some(transaction) = self.make_next() else {
                break;
            };
            self.quota -= 1;
            transactions.push(transaction);
        }
        self.broadcast(&transactions).await
    }

    /// Plans and signs; `None` where nothing can be sent now.
    fn make_next(&mut self) -> Option<SignedTransaction> {
        let operation = self
            .planner
            .plan(&lock(&self.shared).ledger, &self.senders)?;
        let transaction = self.sign(&operation);
        let pending = Pending {
            transaction: transaction.clone(),
            effects: operation.effects,
            broadcast_at: None,
        };
        // Noted before it leaves: whatever the answer, it may be in a block.
        self.senders.insert(operation.sender, pending);
        self.count(|counts| counts.submitted += 1);
        Some(transaction)
    }

    fn sign(&mut self, operation: &Operation) -> SignedTransaction {
        let is_typed = self.planner.wants_access_list() && self.tokens.access_lists;
        let item = AccessListItem {
            address: operation.token,
            storage_keys: vec![B256::ZERO],
        };
        self.senders
            .account(operation.sender)
            .sign(UnsignedTransaction {
                chain_id: self.node.chain_id(),
                nonce: self.senders.next_nonce(operation.sender),
                gas_price: gas_price(self.base_fee),
                gas_limit: operation.gas_limit,
                to: TxKind::Call(operation.token),
                input: operation.input.clone(),
                access_list: is_typed.then(|| AccessList(vec![item])),
            })
    }

    async fn broadcast(&mut self, transactions: &[SignedTransaction]) -> Result<(), RoundError> {
        let answers = join_all(
            transactions
                .iter()
                .map(|transaction| self.node.broadcast(transaction)),
        )
        .await;
        let mut failed = None;
        for (transaction, answer) in transactions.iter().zip(answers) {
            match answer {
                // A used nonce is this transaction's own block, not settled yet, or shows when the nonce is read again.
                Ok(Broadcast::Known | Broadcast::NonceUsed) => {
                    self.senders.mark_broadcast(transaction.hash)
                }
                Err(error) if is_refusal(&error) => {
                    tracing::warn!(%error, transaction = %transaction.hash, "node refused a demo transaction");
                    self.count(|counts| counts.refused += 1);
                    self.senders.mark_broadcast(transaction.hash);
                }
                Err(source) => {
                    failed = Some(RoundError::Node {
                        step: "broadcast",
                        source,
                    })
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn count(&self, add: impl FnOnce(&mut TrafficCounts)) {
        add(&mut lock(&self.shared).counts);
    }
}

impl RoundError {
    pub(super) fn log(&self, pause: Duration) {
        let pause_ms = pause.as_millis();
        match self {
            Self::Node { step, source } => {
                tracing::warn!(step, error = %source, pause_ms, "demo traffic waits for the node");
            }
            Self::ReceiptMissing { transaction, block } => {
                tracing::debug!(%transaction, %block, pause_ms, "receipt is not there yet");
            }
            Self::Fatal(error) => tracing::error!(%error, "demo traffic ends"),
        }
    }
}

fn node_error(step: &'static str) -> impl FnOnce(RpcError) -> RoundError {
    move |source| RoundError::Node { step, source }
}

fn count_of(counts: &mut TrafficCounts, succeeded: bool) -> &mut u64 {
    if succeeded {
        &mut counts.succeeded
    } else {
        &mut counts.reverted
    }
}
