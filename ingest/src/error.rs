use lastro_besu_rpc::RpcError;
use lastro_schema::BlockNumber;
use thiserror::Error;

use crate::{
    consensus::{AnchorError, ConsensusError},
    store::StoreError,
};

/// Why indexing cannot go on. What may pass by itself (a node or the database away for a while) is waited for and never
/// becomes one of these.
#[derive(Debug, Error)]
pub enum IngestError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error("the node's genesis block does not fit the anchor: {0}")]
    Anchor(#[from] AnchorError),
    #[error("the validator set stored with the checkpoint cannot be used: {0}")]
    ValidatorState(#[from] ConsensusError),
    #[error("the node's genesis block cannot be read: {detail}")]
    Genesis { detail: String },
    #[error("the chain was reorganised at or below block {from}")]
    Reorganised { from: BlockNumber },
    #[error("a part of the pipeline ended unexpectedly: {detail}")]
    Stage { detail: String },
}
