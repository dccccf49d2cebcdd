//! Which chain a database holds.

use alloy_primitives::B256;
use lastro_schema::{ChainId, tables};
use serde::Deserialize;

use super::{Store, StoreError};

/// What must never change under a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainIdentity {
    pub chain_id: ChainId,
    pub genesis_hash: B256,
    /// `qbft`, `ibft2` or `none`.
    pub consensus: String,
    /// `genesis_file`, `pinned_hash` or `first_use`.
    pub anchor: String,
    /// The anchor's terms as JSON.
    pub anchor_terms: String,
}

#[derive(Deserialize)]
struct Row {
    chain_id: u64,
    genesis_hash: B256,
    consensus: String,
    anchor: String,
    anchor_terms: String,
}

impl Store {
    /// The chain that the database holds; `None` when it is new.
    pub async fn chain(&self) -> Result<Option<ChainIdentity>, StoreError> {
        let rows: Vec<Row> = self
            .rows(
                "SELECT chain_id, concat('0x', lower(hex(genesis_hash))) AS genesis_hash, consensus, anchor, anchor_terms \
                 FROM chain LIMIT 1",
            )
            .await?;
        Ok(rows.into_iter().next().map(|row| ChainIdentity {
            chain_id: ChainId(row.chain_id),
            genesis_hash: row.genesis_hash,
            consensus: row.consensus,
            anchor: row.anchor,
            anchor_terms: row.anchor_terms,
        }))
    }

    /// Writes the chain's identity into a new database, or refuses a database that holds another chain or rests on another
    /// anchor.
    pub async fn claim_chain(&self, identity: &ChainIdentity) -> Result<(), StoreError> {
        if self.chain().await?.is_none() {
            let mut rows = tables::Chain::default();
            rows.chain_id.push(identity.chain_id.0);
            rows.genesis_hash.push_hash(&identity.genesis_hash);
            rows.consensus.push(&identity.consensus);
            rows.anchor.push(&identity.anchor);
            rows.anchor_terms.push(&identity.anchor_terms);
            // One token for every chain: of two processes that start at once on two chains, one wins.
            self.insert_rows(rows, "chain").await?;
        }
        let Some(found) = self.chain().await? else {
            return Err(StoreError::Answer {
                detail: "the row just written to table chain is not there".to_owned(),
            });
        };
        let differences = differences(&found, identity);
        if differences.is_empty() {
            return Ok(());
        }
        Err(StoreError::OtherChain {
            database: self.config.database.clone(),
            differences: differences.join("; "),
        })
    }
}

fn differences(found: &ChainIdentity, expected: &ChainIdentity) -> Vec<String> {
    let mut differences = Vec::new();
    if found.chain_id != expected.chain_id {
        differences.push(format!(
            "chain id {} there, {} at the node",
            found.chain_id, expected.chain_id
        ));
    }
    if found.genesis_hash != expected.genesis_hash {
        differences.push(format!(
            "genesis {} there, {} at the node",
            found.genesis_hash, expected.genesis_hash
        ));
    }
    if found.consensus != expected.consensus {
        differences.push(format!(
            "consensus {} there, {} now",
            found.consensus, expected.consensus
        ));
    }
    if (&found.anchor, &found.anchor_terms) != (&expected.anchor, &expected.anchor_terms) {
        differences.push(format!(
            "its proofs rest on the anchor {} {}, now {} {} is given",
            found.anchor, found.anchor_terms, expected.anchor, expected.anchor_terms
        ));
    }
    differences
}
