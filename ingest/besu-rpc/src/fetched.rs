//! A range of blocks as it came from one endpoint: the bodies untouched, decoded where and when the caller likes.

use std::fmt;

use bytes::Bytes;
use lastro_schema::BlockRange;

use crate::{
    endpoint::EndpointId,
    wire::{BlockWithReceipts, ReceiptBodies, WireError, decode_part},
};

/// Raw answers for consecutive blocks, all from one endpoint. Cheap to clone.
#[derive(Clone)]
pub struct FetchedRange {
    pub endpoint: EndpointId,
    pub range: BlockRange,
    /// In ascending order, without gaps.
    pub(crate) parts: Vec<FetchedPart>,
}

/// What was asked at once.
#[derive(Clone)]
pub(crate) struct FetchedPart {
    pub(crate) range: BlockRange,
    pub(crate) blocks: Bytes,
    pub(crate) receipts: ReceiptBodies,
}

impl FetchedRange {
    /// From recorded answers: a batch of `eth_getBlockByNumber` and one of `eth_getBlockReceipts`, the ids being the
    /// block numbers.
    pub fn from_bodies(
        endpoint: EndpointId,
        range: BlockRange,
        blocks: Bytes,
        receipts: Bytes,
    ) -> Self {
        let receipts = ReceiptBodies::ByBlock(receipts);
        Self {
            endpoint,
            range,
            parts: vec![FetchedPart {
                range,
                blocks,
                receipts,
            }],
        }
    }

    /// The blocks in ascending order, each with its receipts in the order of its transactions. All of them or none.
    pub fn decode(&self) -> Result<Vec<BlockWithReceipts<'_>>, WireError> {
        let mut decoded = Vec::new();
        for part in &self.parts {
            let mut blocks = decode_part(part.range, &part.blocks, &part.receipts)?;
            if decoded.is_empty() {
                decoded = blocks;
            } else {
                decoded.append(&mut blocks);
            }
        }
        Ok(decoded)
    }

    /// Size of all answers.
    pub fn n_bytes(&self) -> usize {
        self.bodies().map(Bytes::len).sum()
    }

    /// The answers as they came, for quarantine.
    pub fn bodies(&self) -> impl Iterator<Item = &Bytes> {
        self.parts
            .iter()
            .flat_map(|part| std::iter::once(&part.blocks).chain(part.receipts.bodies()))
    }
}

/// Without the bodies, which may be large.
impl fmt::Debug for FetchedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            endpoint,
            range,
            parts,
        } = self;
        write!(
            f,
            "FetchedRange(blocks {range} of endpoint {endpoint}, {} bytes in {} parts)",
            self.n_bytes(),
            parts.len()
        )
    }
}
