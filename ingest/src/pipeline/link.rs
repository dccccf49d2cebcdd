//! Link stage: proven chunks, in order, to ranges that belong to the chain.

use futures::{Stream, StreamExt};
use lastro_besu_rpc::EndpointId;
use lastro_schema::BlockNumber;
use tokio::{sync::mpsc, task::spawn_blocking, time::sleep};

use super::{
    plan::CommitRange,
    prove::{ProvenChunk, Prover, STOPPED_WAIT},
};
use crate::{
    consensus::Consensus,
    error::IngestError,
    link::{ChainState, LinkError, LinkedRange, link_range},
    metadata,
};

/// A range ready to be stored.
pub(crate) struct ProvenRange {
    pub commit: CommitRange,
    pub linked: LinkedRange,
}

pub(crate) struct Linking {
    pub prover: Prover,
    pub state: ChainState,
}

impl Linking {
    /// Takes the chunks of each range until it is whole, links it and hands it on.
    pub(crate) async fn run(
        mut self,
        chunks: impl Stream<Item = Result<(CommitRange, ProvenChunk), IngestError>>,
        linked: mpsc::Sender<ProvenRange>,
    ) -> Result<(), IngestError> {
        let mut chunks = std::pin::pin!(chunks);
        let mut whole = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let (commit, chunk) = chunk?;
            let is_last = chunk.answer.range.last() == commit.range.last();
            whole.push(chunk);
            if is_last {
                let mut range = self.link(commit, std::mem::take(&mut whole)).await?;
                metadata::describe_tokens(&self.prover.client, &mut range).await;
                self.state = range.state.clone();
                if linked
                    .send(ProvenRange {
                        commit,
                        linked: range,
                    })
                    .await
                    .is_err()
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Links a range. When a block does not belong there, the answer that held it is refused and the whole range is fetched
    /// anew, each time from another node first: which of two blocks that do not link is the wrong one cannot be told before
    /// the seals are checked.
    async fn link(
        &self,
        commit: CommitRange,
        mut chunks: Vec<ProvenChunk>,
    ) -> Result<LinkedRange, IngestError> {
        let mut endpoints = self.prover.endpoints();
        for attempt in 0.. {
            let (answers, checked): (Vec<_>, Vec<_>) = chunks
                .into_iter()
                .map(|chunk| (chunk.answer, chunk.checked))
                .unzip();
            let state = self.state.clone();
            let linking = spawn_blocking(move || link_range(&state, checked));
            let linked = linking.await.map_err(|error| IngestError::Stage {
                detail: error.to_string(),
            })?;
            let (number, error) = match linked {
                Ok(range) => return Ok(range),
                Err(refused) => refused,
            };
            let reason = self.reason(number, &error)?;
            if let Some(answer) = answers.iter().find(|answer| answer.range.contains(number)) {
                self.prover
                    .refuse(answer, number, reason, describe(&error))
                    .await?;
                if attempt == 0 {
                    // The node whose answer was refused is asked last.
                    endpoints.sort_by_key(|endpoint| *endpoint == answer.endpoint);
                }
            }
            chunks = self.fetch_again(commit, &endpoints, attempt).await?;
        }
        Err(IngestError::Stage {
            detail: "linking was given up".to_owned(),
        })
    }

    /// Asks one node for the whole range, the next one at each attempt; the others only if that one does not answer. Before
    /// the last node of a round, the one that was refused first, it waits.
    async fn fetch_again(
        &self,
        commit: CommitRange,
        endpoints: &[EndpointId],
        attempt: usize,
    ) -> Result<Vec<ProvenChunk>, IngestError> {
        let turn = attempt % endpoints.len().max(1);
        if turn + 1 == endpoints.len() {
            sleep(STOPPED_WAIT).await;
        }
        let others: Vec<EndpointId> = endpoints
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != turn)
            .map(|(_, endpoint)| *endpoint)
            .collect();
        let mut chunks = Vec::new();
        for range in commit.range.chunks(self.prover.client.preferred_blocks()) {
            chunks.push(self.prover.prove(range, others.clone()).await?);
        }
        Ok(chunks)
    }

    /// The reason under which a refusal is kept. A block that does not follow the committed head is more than a bad answer: a
    /// development chain was reorganised, and where blocks are final it is a safety incident, kept with its evidence while
    /// the other nodes are asked.
    fn reason(&self, number: BlockNumber, error: &LinkError) -> Result<&'static str, IngestError> {
        let follows_committed = self
            .state
            .head
            .is_some_and(|head| head.number.next() == Some(number));
        match error {
            LinkError::Parent { .. }
                if follows_committed && self.state.consensus == Consensus::Plain =>
            {
                Err(IngestError::Reorganised { from: number })
            }
            LinkError::Parent { .. } if follows_committed => Ok("safety_incident"),
            _ => Ok(error.reason()),
        }
    }
}

fn describe(error: &LinkError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
