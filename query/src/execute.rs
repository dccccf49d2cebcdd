//! The way of every request: limits, its turn, the block it is read at, its time, its answer. HTTP and WebSocket share it.

mod answer;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_graphql::{
    Data, Executor, Request, Response, Schema,
    futures_util::stream::BoxStream,
    parser::types::{ExecutableDocument, OperationType},
};
use futures::{FutureExt, StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use answer::{RequestIds, describe, refused, with_read_at};

use crate::{
    EmptyMutation, Query, Subscription,
    api::scope::RequestHead,
    error::QueryError,
    head::{Head, HeadReceiver},
    limits::Limits,
    metrics::{Counted, Metrics},
    read::head,
    store::Store,
};

/// Runs requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct Requests {
    inner: Arc<Inner>,
}

struct Inner {
    schema: Schema<Query, EmptyMutation, Subscription>,
    store: Store,
    heads: HeadReceiver,
    limits: Limits,
    metrics: Metrics,
    turns: Arc<Semaphore>,
    subscriptions: Arc<Semaphore>,
    ids: RequestIds,
}

/// Subscriptions that one connection may still start.
pub(crate) struct ConnectionBudget(pub Arc<Semaphore>);

/// What [`Requests`] is made of.
pub(crate) struct RequestParts {
    pub schema: Schema<Query, EmptyMutation, Subscription>,
    pub store: Store,
    pub heads: HeadReceiver,
    pub limits: Limits,
    pub metrics: Metrics,
}

impl Requests {
    pub(crate) fn new(parts: RequestParts) -> Self {
        let turns = Arc::new(Semaphore::new(parts.limits.max_concurrent_requests));
        let subscriptions = Arc::new(Semaphore::new(parts.limits.max_subscriptions));
        let RequestParts {
            schema,
            store,
            heads,
            limits,
            metrics,
        } = parts;
        let ids = RequestIds::new();
        Self {
            inner: Arc::new(Inner {
                schema,
                store,
                heads,
                limits,
                metrics,
                turns,
                subscriptions,
                ids,
            }),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Runs a query or mutation.
    async fn answer(&self, request: Request) -> Response {
        let (started, id) = (Instant::now(), self.inner.ids.next());
        let limit = self.inner.limits.request_timeout;
        let response = match tokio::time::timeout(limit, self.run(request, started)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => refused(error),
            Err(_) => refused(QueryError::Timeout { limit }),
        };
        let (response, outcome) = self.finish(response, &id);
        self.inner
            .metrics
            .observe_request("query", outcome, started.elapsed());
        response
    }

    async fn run(&self, mut request: Request, started: Instant) -> Result<Response, QueryError> {
        let inner = &self.inner;
        inner.limits.check_document(&mut request)?;
        let _turn = self.turn(started).await?;
        let head = inner.heads.borrow().clone();
        let response = inner
            .schema
            .execute(request.data(RequestHead(head.clone())))
            .await;
        let Some(head) = head else {
            return Ok(response);
        };
        if head.chain.consensus == "none" {
            self.check_still_there(&head).await?;
        }
        with_read_at(response, &head)
    }

    /// Waits for a turn, at most half of the request's time: the other half is for the answer.
    async fn turn(&self, started: Instant) -> Result<OwnedSemaphorePermit, QueryError> {
        let (limits, turns) = (&self.inner.limits, self.inner.turns.clone());
        let turn = tokio::time::timeout(limits.request_timeout / 2, turns.acquire_owned()).await;
        self.inner
            .metrics
            .queue_duration
            .observe(started.elapsed().as_secs_f64());
        let limit = limits.max_concurrent_requests;
        turn.ok().and_then(Result::ok).ok_or(QueryError::Busy {
            what: "all places for requests",
            limit,
        })
    }

    /// Blocks of a development chain can be replaced while they are read. The checkpoint of a replaced block is removed before
    /// its rows are, and a block in its place has another hash: when both still stand, the answer shows one chain.
    async fn check_still_there(&self, head: &Head) -> Result<(), QueryError> {
        let (store, pinned) = (&self.inner.store, head.pinned.block_ref());
        let numbers = [pinned.number];
        let (committed, pins) =
            futures::try_join!(head::committed(store), head::pins(store, &numbers))?;
        let covered = committed.is_some_and(|committed| committed.head.number >= pinned.number);
        let stands = covered && pins.iter().any(|pin| pin.hash == pinned.hash);
        if stands {
            Ok(())
        } else {
            Err(QueryError::Reorganised { pinned })
        }
    }

    fn follow(
        &self,
        mut request: Request,
        session: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        let inner = self.inner.clone();
        let id = inner.ids.next();
        let places = inner
            .limits
            .check_document(&mut request)
            .and_then(|()| self.places(session.as_deref()));
        let places = match places {
            Ok(places) => places,
            Err(error) => {
                let (response, outcome) = self.finish(refused(error), &id);
                inner
                    .metrics
                    .observe_request("subscription", outcome, Duration::ZERO);
                return stream::iter([response]).boxed();
            }
        };
        let request = request.data(RequestHead(inner.heads.borrow().clone()));
        let running = Counted::new(&inner.metrics.subscriptions);
        let requests = self.clone();
        let responses = match session {
            Some(session) => inner
                .schema
                .execute_stream_with_session_data(request, session)
                .boxed(),
            None => inner.schema.execute_stream(request).boxed(),
        };
        responses
            .map(move |response| {
                let _held_while_running = (&places, &running);
                let (response, outcome) = requests.finish(response, &id);
                if outcome != "ok" {
                    requests
                        .inner
                        .metrics
                        .requests
                        .with_label_values(&["subscription", outcome])
                        .inc();
                }
                response
            })
            .boxed()
    }

    /// Places for one more subscription, in its connection and in total.
    fn places(&self, session: Option<&Data>) -> Result<Vec<OwnedSemaphorePermit>, QueryError> {
        let limits = &self.inner.limits;
        let mut places = Vec::with_capacity(2);
        let budget = session.and_then(|data| data.get(&std::any::TypeId::of::<ConnectionBudget>()));
        if let Some(ConnectionBudget(budget)) = budget.and_then(|budget| budget.downcast_ref()) {
            let limit = limits.max_subscriptions_per_connection;
            let busy = |_| QueryError::Busy {
                what: "all subscriptions of this connection",
                limit,
            };
            places.push(budget.clone().try_acquire_owned().map_err(busy)?);
        }
        let busy = |_| QueryError::Busy {
            what: "all places for subscriptions",
            limit: limits.max_subscriptions,
        };
        places.push(
            self.inner
                .subscriptions
                .clone()
                .try_acquire_owned()
                .map_err(busy)?,
        );
        Ok(places)
    }

    /// Gives every error its code, keeps internal causes out of the answer, and names the outcome.
    fn finish(&self, mut response: Response, id: &str) -> (Response, &'static str) {
        let mut outcome = "ok";
        for error in &mut response.errors {
            let code = describe(error, id, &self.inner.limits);
            if outcome == "ok" {
                outcome = code.name();
            }
        }
        (response, outcome)
    }
}

impl Executor for Requests {
    fn execute(&self, request: Request) -> impl Future<Output = Response> + Send {
        self.answer(request)
    }

    fn execute_stream(
        &self,
        mut request: Request,
        session: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        if is_subscription(&mut request) {
            return self.follow(request, session);
        }
        let requests = self.clone();
        async move { requests.answer(request).await }
            .into_stream()
            .boxed()
    }
}

fn is_subscription(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    request.parsed_query().is_ok_and(|document| {
        operation_type(document, name.as_deref()) == Some(OperationType::Subscription)
    })
}

fn operation_type(document: &ExecutableDocument, name: Option<&str>) -> Option<OperationType> {
    let mut operations = document.operations.iter();
    let chosen = match name {
        Some(name) => {
            operations.find(|(operation, _)| operation.is_some_and(|it| it.as_str() == name))
        }
        None => operations.next(),
    };
    chosen.map(|(_, operation)| operation.node.ty)
}
