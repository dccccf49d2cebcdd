//! How an indexing process starts, recovers from whatever the last one left, and stops.

use std::{collections::HashMap, sync::Arc};

use alloy_primitives::Address;
use lastro_besu_rpc::BesuClient;
use lastro_schema::{BlockNumber, BlockRange, BlockRef, Header};
use serde::Deserialize;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use crate::{
    consensus::{Anchor, AnchorProof, Consensus, ValidatorSet, verify_genesis},
    decode::{DecodeRules, decode_header},
    error::IngestError,
    link::ChainState,
    pipeline::Pipeline,
    progress::Progress,
    store::{ChainIdentity, Checkpoint, Lease, Store, StoreConfig, plan::Plan},
};

/// Committed ranges whose rows are counted and digested again at start.
const VERIFIED_AT_START: u32 = 8;
/// Checkpoints looked at per step when a common ancestor is searched.
const ANCESTOR_STEP: u32 = 64;

/// How much is recovered from signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proofs {
    /// Every seal and every sender.
    Full,
    /// The seals that prove each range; senders are stated by the node.
    Ranges,
}

/// What an indexer needs to know besides its node.
#[derive(Clone, Debug)]
pub struct IndexerConfig {
    pub store: StoreConfig,
    pub anchor: Anchor,
    pub proofs: Proofs,
}

/// A process that has the right to write into a database that fits its chain.
pub struct Indexer {
    client: BesuClient,
    store: Store,
    lease: Lease,
    anchor: Anchor,
    proof: AnchorProof,
    rules: DecodeRules,
    progress: Progress,
}

impl Indexer {
    /// Proves the node's genesis block against the anchor, opens the database, refuses another chain's, and takes the lease.
    pub async fn start(
        client: BesuClient,
        config: IndexerConfig,
        progress: Progress,
    ) -> Result<Self, IngestError> {
        let proof = verify_genesis(&config.anchor, &fetch_genesis(&client).await?)?;
        let store = Store::open(config.store).await?;
        store
            .claim_chain(&identity(&client, &config.anchor, &proof))
            .await?;
        let lease = store.take_lease().await?;
        let rules = DecodeRules {
            consensus: proof.consensus,
            recover_all: config.proofs == Proofs::Full,
        };
        Ok(Self {
            client,
            store,
            lease,
            anchor: config.anchor,
            proof,
            rules,
            progress,
        })
    }

    /// Indexes until cancelled. A reorganisation of a development chain is unwound and indexing goes on.
    pub async fn run(self, cancellation: CancellationToken) -> Result<(), IngestError> {
        // The lease is given back only when nothing is written any more, also where this future is dropped.
        let keeper_cancellation = CancellationToken::new();
        let _release = keeper_cancellation.clone().drop_guard();
        let mut keeper = {
            let (store, lease, cancellation) = (
                self.store.clone(),
                self.lease.clone(),
                keeper_cancellation.clone(),
            );
            tokio::spawn(async move { store.keep_lease(lease, cancellation).await })
        };
        let stage_gone = |error: JoinError| IngestError::Stage {
            detail: error.to_string(),
        };
        let indexed = tokio::select! {
            indexed = self.index(cancellation) => indexed,
            // The keeper ends by itself only when the lease is gone: nothing may be written any more.
            kept = &mut keeper => return Ok(kept.map_err(stage_gone)??),
        };
        keeper_cancellation.cancel();
        let kept = keeper.await.map_err(stage_gone)?;
        indexed?;
        Ok(kept?)
    }

    async fn index(&self, cancellation: CancellationToken) -> Result<(), IngestError> {
        self.recover().await?;
        loop {
            let pipeline = self.resume().await?;
            match pipeline.run(cancellation.clone()).await {
                Err(IngestError::Reorganised { from }) => self.unwind_reorganised(from).await?,
                Err(IngestError::Store(error)) if error.is_about_rows() => {
                    tracing::error!(%error, "rows above the checkpoint are missing or changed; fetching them again");
                    let last = self.store.last_checkpoint().await?;
                    self.unwind_to(last.map(|checkpoint| checkpoint.last.number))
                        .await?;
                }
                ended => return ended,
            }
        }
    }

    /// Drops what the last process left above the last range whose rows are all there and unchanged.
    async fn recover(&self) -> Result<(), IngestError> {
        let recent = self.store.recent_checkpoints(VERIFIED_AT_START).await?;
        let mut damaged_from = None;
        for checkpoint in &recent {
            match self.store.verify_checkpoint(checkpoint).await {
                Ok(()) => {}
                Err(error) if error.is_about_rows() => {
                    tracing::error!(%error, "rows are missing or changed; fetching them again");
                    damaged_from = Some(checkpoint.range.first());
                }
                Err(error) => return Err(error.into()),
            }
        }
        // The newest comes first, so this is the lowest.
        if let Some(first) = damaged_from {
            return self.unwind_to(first.previous()).await;
        }
        // Rows above the checkpoint may be of blocks that a development chain has dropped since; a final chain's are the
        // same when they come again, and their tokens say so. A newer generation than the checkpoint's means that a deletion
        // was begun and may not have been finished.
        let last = recent.first();
        let generation = last.map_or(0, |checkpoint| checkpoint.generation);
        let deletion_begun = self.store.plans().await?.generation() != generation;
        if self.proof.consensus == Consensus::Plain || deletion_begun {
            self.unwind_to(last.map(|checkpoint| checkpoint.last.number))
                .await?;
        }
        Ok(())
    }

    /// What the pipeline starts from: the last checkpoint.
    async fn resume(&self) -> Result<Pipeline, IngestError> {
        let checkpoint = self.store.last_checkpoint().await?;
        let head = checkpoint.as_ref().map(|checkpoint| checkpoint.last);
        self.progress.set_committed(head);
        let plans = self.store.plans().await?;
        let next = BlockNumber(head.map_or(0, |head| head.number.0 + 1));
        let is_plain = self.proof.consensus == Consensus::Plain;
        let state = ChainState {
            consensus: self.proof.consensus,
            genesis: self.proof.genesis,
            head,
            validators: self.validators(checkpoint.as_ref())?,
            tokens: Arc::new(self.known_tokens(head).await?),
        };
        Ok(Pipeline {
            client: self.client.clone(),
            store: self.store.clone(),
            lease: self.lease.clone(),
            rules: self.rules,
            state,
            replay_end: if is_plain {
                None
            } else {
                plans.replay_end(next)
            },
            stored_end: self.store.last_stored_block(next).await?,
            plans,
            may_reorganise: is_plain,
            progress: self.progress.clone(),
        })
    }

    fn validators(
        &self,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Option<ValidatorSet>, IngestError> {
        match (checkpoint, &self.proof.validators) {
            (Some(checkpoint), Some(_)) => {
                let rules = Arc::clone(self.anchor.rules());
                Ok(Some(ValidatorSet::from_bytes(
                    rules,
                    checkpoint.validator_state.as_bytes(),
                )?))
            }
            (_, from_genesis) => Ok(from_genesis.clone()),
        }
    }

    async fn known_tokens(
        &self,
        head: Option<BlockRef>,
    ) -> Result<HashMap<Address, BlockNumber>, IngestError> {
        #[derive(Deserialize)]
        struct Row {
            token: Address,
            first_block: u64,
        }
        let Some(head) = head else {
            return Ok(HashMap::new());
        };
        let sql = format!(
            "SELECT concat('0x', lower(hex(token))) AS token, first_block FROM tokens WHERE first_block <= {}",
            head.number
        );
        let rows: Vec<Row> = self.store.rows(&sql).await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.token, BlockNumber(row.first_block)))
            .collect())
    }

    /// Goes back to the newest checkpoint that is on the node's branch.
    async fn unwind_reorganised(&self, from: BlockNumber) -> Result<(), IngestError> {
        let mut below = None;
        loop {
            let checkpoints = self.store.checkpoints_below(below, ANCESTOR_STEP).await?;
            let Some(oldest) = checkpoints
                .last()
                .map(|checkpoint| checkpoint.range.first())
            else {
                return self.unwind_to(None).await;
            };
            for checkpoint in checkpoints {
                if self.canonical_hash(checkpoint.last.number).await? == Some(checkpoint.last.hash)
                {
                    tracing::warn!(%from, ancestor = %checkpoint.last, "the chain was reorganised; unwinding");
                    return self.unwind_to(Some(checkpoint.last.number)).await;
                }
            }
            below = oldest.previous();
            if below.is_none() {
                return self.unwind_to(None).await;
            }
        }
    }

    async fn canonical_hash(
        &self,
        number: BlockNumber,
    ) -> Result<Option<alloy_primitives::B256>, IngestError> {
        #[derive(Deserialize)]
        struct Block {
            hash: alloy_primitives::B256,
        }
        let parameters = (format!("{:#x}", number.0), false);
        let block: Option<Block> = self
            .client
            .request("eth_getBlockByNumber", parameters)
            .await?;
        Ok(block.map(|block| block.hash))
    }

    /// Deletes all rows above `last`. A new generation comes first, so that rows of the same blocks are not taken for
    /// repetitions when they are inserted again.
    async fn unwind_to(&self, last: Option<BlockNumber>) -> Result<(), IngestError> {
        let plans = self.store.plans().await?;
        let generation = plans.generation() + 1;
        let first_block = last.map_or(0, |last| last.0 + 1);
        self.lease.hold().await?;
        self.store
            .add_plan(&Plan {
                generation,
                first_block,
                blocks_per_range: 0,
                window_blocks: 0,
            })
            .await?;
        self.store.end_inserts().await?;
        self.store.delete_above(last).await?;
        Ok(())
    }
}

fn identity(client: &BesuClient, anchor: &Anchor, proof: &AnchorProof) -> ChainIdentity {
    ChainIdentity {
        chain_id: client.chain_id(),
        genesis_hash: proof.genesis.hash,
        consensus: proof.consensus.name().to_owned(),
        anchor: anchor.kind().name().to_owned(),
        // The rules are numbers, names and addresses, which always have a JSON form.
        anchor_terms: serde_json::to_string(anchor.rules().as_ref()).unwrap_or_default(),
    }
}

async fn fetch_genesis(client: &BesuClient) -> Result<Header, IngestError> {
    let answer = client
        .fetch_range(BlockRange::single(BlockNumber(0)))
        .await?;
    let unreadable = |detail: String| IngestError::Genesis { detail };
    let blocks = answer
        .decode()
        .map_err(|error| unreadable(error.to_string()))?;
    let block = blocks
        .first()
        .ok_or_else(|| unreadable("the node gave none".to_owned()))?;
    decode_header(&block.block).map_err(|error| unreadable(error.to_string()))
}
