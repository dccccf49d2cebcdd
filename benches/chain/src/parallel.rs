//! One function applied to many items on all cores, results in the order of the items.

use std::thread;

pub(crate) fn map<T: Send, U: Send>(items: Vec<T>, apply: impl Fn(T) -> U + Sync) -> Vec<U> {
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let per_thread = items.len().div_ceil(n_threads).max(1);
    let mut shares: Vec<Vec<T>> = Vec::with_capacity(n_threads);
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        shares.push(items.by_ref().take(per_thread).collect());
    }
    if shares.len() <= 1 {
        return shares.into_iter().flatten().map(apply).collect();
    }
    let apply = &apply;
    thread::scope(|scope| {
        let threads: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || share.into_iter().map(apply).collect::<Vec<U>>()))
            .collect();
        let mut results = Vec::new();
        for thread in threads {
            match thread.join() {
                Ok(share) => results.extend(share),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}
