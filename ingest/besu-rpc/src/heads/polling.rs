//! Heads over HTTP: the fallback where no subscription works, and the check on one that is silent.

use tokio::time::{MissedTickBehavior, interval};

use super::{EndpointWatch, HeadSource};
use crate::options::ClientOptions;

pub(super) async fn follow(watch: EndpointWatch, options: ClientOptions) {
    let mut ticks = interval(options.poll_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = watch.cancel.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if watch
            .board
            .is_fresh(watch.node.id, options.poll_interval * 2)
            || watch.node.health().is_cooling()
        {
            continue;
        }
        tokio::select! {
            biased;
            () = watch.cancel.cancelled() => return,
            () = poll(&watch, &options) => {}
        }
    }
}

async fn poll(watch: &EndpointWatch, options: &ClientOptions) {
    let EndpointWatch { node, board, .. } = watch;
    let before = board.frame_count(node.id);
    match watch.pool.head_of(node).await {
        // A frame that came in the meantime is newer than this answer.
        Ok(_) if board.frame_count(node.id) != before => {}
        Ok(head) => {
            watch.report(head, HeadSource::Polling);
            board.check_silence(node.id, head.number, options.silent_after);
        }
        Err(error) => board.poll_failed(node.id, error.to_string()),
    }
}
