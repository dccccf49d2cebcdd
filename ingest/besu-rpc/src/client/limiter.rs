//! How many requests may be under way to one endpoint: additive increase, multiplicative decrease.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const FIRST_LIMIT: usize = 16;

pub(crate) struct Limiter {
    permits: Arc<Semaphore>,
    in_flight: Arc<AtomicUsize>,
    state: Mutex<State>,
    max: usize,
}

struct State {
    limit: usize,
    /// Permits to take away as soon as they come back.
    owed: usize,
    /// Good answers since the limit last changed.
    successes: usize,
}

/// One request under way; ends with a verdict by [`Limiter::finish`], or without one when dropped.
pub(crate) struct InFlight {
    permit: Option<OwnedSemaphorePermit>,
    in_flight: Arc<AtomicUsize>,
}

/// How a request went, as far as load is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    /// Too slow, timed out, refused for load, or the connection broke.
    Overloaded,
}

impl Limiter {
    pub(crate) fn new(max: usize) -> Self {
        let max = max.max(1);
        let limit = FIRST_LIMIT.min(max);
        Self {
            permits: Arc::new(Semaphore::new(limit)),
            in_flight: Arc::new(AtomicUsize::new(0)),
            state: Mutex::new(State {
                limit,
                owed: 0,
                successes: 0,
            }),
            max,
        }
    }

    /// Waits for a free place.
    pub(crate) async fn start(&self) -> InFlight {
        // Counted from here: who waits is load as well.
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let mut started = InFlight {
            permit: None,
            in_flight: Arc::clone(&self.in_flight),
        };
        // Nobody closes the semaphore; if somebody did, requests would run unlimited.
        started.permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        started
    }

    pub(crate) fn finish(&self, mut request: InFlight, verdict: Verdict) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match verdict {
            Verdict::Good => {
                state.successes += 1;
                if state.successes >= state.limit && state.limit < self.max {
                    state.limit += 1;
                    state.successes = 0;
                    if state.owed > 0 {
                        state.owed -= 1;
                    } else {
                        self.permits.add_permits(1);
                    }
                }
            }
            Verdict::Overloaded => {
                let lower = (state.limit / 2).max(1);
                let surplus = state.limit - lower;
                state.owed += surplus - self.permits.forget_permits(surplus);
                state.limit = lower;
                state.successes = 0;
            }
        }
        if state.owed > 0
            && let Some(permit) = request.permit.take()
        {
            permit.forget();
            state.owed -= 1;
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .limit
    }

    /// Requests under way or waiting, in thousandths of the limit.
    pub(crate) fn load_per_mille(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed) * 1000 / self.limit()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_limit_halves_and_recovers() {
        let limiter = Limiter::new(20);
        let mut running = Vec::new();
        for _ in 0..16 {
            running.push(limiter.start().await);
        }
        limiter.finish(running.pop().unwrap(), Verdict::Overloaded);
        assert_eq!(limiter.limit(), 8);
        // Seven more must end before a place is free again: 15 running, 8 allowed.
        for _ in 0..7 {
            limiter.finish(running.pop().unwrap(), Verdict::Good);
            assert_eq!(limiter.permits.available_permits(), 0);
        }
        limiter.finish(running.pop().unwrap(), Verdict::Good);
        assert!(limiter.permits.available_permits() >= 1);
        drop(running);
        for _ in 0..1000 {
            let request = limiter.start().await;
            limiter.finish(request, Verdict::Good);
        }
        assert_eq!(
            (limiter.limit(), limiter.permits.available_permits()),
            (20, 20)
        );
        for _ in 0..10 {
            let request = limiter.start().await;
            limiter.finish(request, Verdict::Overloaded);
        }
        assert_eq!(
            (limiter.limit(), limiter.permits.available_permits()),
            (1, 1)
        );
        assert_eq!(limiter.load_per_mille(), 0);
    }
}
