//! Measurements: correct answers on an account with very many changes, and how long they take (printed, not judged, because
//! the machine may be busy with other tests).

use std::time::{Duration, Instant};

use alloy_primitives::U256;
use lastro_schema::{TableRows as _, tables::BalanceChanges};
use serde_json::json;

use super::{
    api::Api,
    chain::{A, B, BRL, block, commit, done, known_chain, moved},
};

const N_CHANGES: u64 = 100_000;

#[allow(clippy::print_stdout)]
fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at =
        |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!(
        "{what}: p50 {:.2} ms, p99 {:.2} ms, n {}",
        at(50),
        at(99),
        times.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_over_many_changes() {
    let (database, _) = known_chain().await;
    let mut changes = BalanceChanges::default();
    for number in 0..N_CHANGES {
        changes.account.push_address(&B);
        changes.token.push_address(&B);
        changes.token_id.push(&U256::ZERO);
        changes.block_number.push(number / 100);
        changes.log_index.push(u32::try_from(number % 100).unwrap());
        changes.batch_index.push(0);
        changes.direction.push(u8::from(number % 2 == 0));
        changes
            .amount
            .push(&U256::from(if number % 2 == 0 { 3 } else { 1 }));
    }
    database.insert("balance_changes", &changes.finish()).await;
    let api = Api::start(database.config()).await;
    for number in 7..=1_000 {
        if number % 500 == 0 {
            api.show(commit(&database, &block(number, vec![])).await)
                .await;
        }
    }
    let query = "query ($token: Address!, $account: Address!, $at: BlockSelector) { \
                 balance(token: $token, account: $account, at: $at) { amount } }";
    for (what, at, expected) in [("head", 1_000, N_CHANGES), ("old block", 500, 501 * 100)] {
        let variables = json!({ "token": B, "account": B, "at": { "number": at } });
        let mut times = Vec::new();
        for _ in 0..200 {
            let started = Instant::now();
            let answer = api.read_with(query, variables.clone()).await;
            times.push(started.elapsed());
            assert_eq!(answer["balance"]["amount"], expected.to_string());
        }
        show(
            &format!("balance at the {what}, {N_CHANGES} changes of the account"),
            times,
        );
    }
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_announcement_to_an_answer_that_shows_the_block() {
    let (database, _) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(6).await;
    let mut times = Vec::new();
    for number in 7..107 {
        let head = commit(&database, &block(number, vec![done(moved(BRL, A, B, 1))])).await;
        let started = Instant::now();
        api.announce(head);
        api.wait_for(number).await;
        let answer = api
            .read("{ transfers(first: 1) { nodes { blockNumber } } }")
            .await;
        assert_eq!(answer["transfers"]["nodes"][0]["blockNumber"], number);
        times.push(started.elapsed());
    }
    show("announcement to an answer that shows the block", times);
    api.stop().await;
}
