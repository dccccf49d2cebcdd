//! Pages: every one at the block of the first, whatever is committed between them.

use serde_json::{Value, json};

use super::{
    api::Api,
    chain::{A, B, BRL, CHAIN_ID, block, commit, commit_all, done, known_chain, moved},
    rows::{BlockRows, Tables, block_hash, chain_row},
    store::Database,
};

fn keys(page: &Value, list: &str) -> Vec<(u64, u64)> {
    let nodes = page[list]["nodes"].as_array().unwrap().iter();
    nodes
        .map(|node| {
            (
                node["blockNumber"].as_u64().unwrap(),
                node["logIndex"].as_u64().unwrap(),
            )
        })
        .collect()
}

async fn add_block(database: &Database, api: &Api, number: u64) {
    let transfers = vec![done(moved(BRL, A, B, 1)), done(moved(BRL, B, A, 1))];
    api.show(commit(database, &block(number, transfers)).await)
        .await;
}

/// Walks a whole list with new blocks between its pages, in one direction.
async fn walk(
    database: &Database,
    api: &Api,
    next_block: &mut u64,
    order: &str,
    size: &str,
) -> Vec<(u64, u64)> {
    let backwards = size.starts_with("last");
    let (bound, cursor, more) = if backwards {
        ("before", "startCursor", "hasPreviousPage")
    } else {
        ("after", "endCursor", "hasNextPage")
    };
    let query = format!(
        "query ($cursor: Cursor) {{ transfers({size}, {bound}: $cursor, orderBy: {order}) {{ nodes {{ blockNumber logIndex }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} readAt {{ number hash }} }} }}"
    );
    let mut seen: Vec<(u64, u64)> = Vec::new();
    let (mut at, mut after) = (Value::Null, Value::Null);
    loop {
        let page = api.read_with(&query, json!({ "cursor": after })).await;
        let rows = keys(&page, "transfers");
        seen = if backwards {
            [rows, seen].concat()
        } else {
            [seen, rows].concat()
        };
        let list = &page["transfers"];
        if at.is_null() {
            at = list["readAt"].clone();
        }
        assert_eq!(list["readAt"], at, "another page, another block");
        // A few blocks are enough to tell, and keep the list below a page of 500.
        if seen.len() < 12 {
            add_block(database, api, *next_block).await;
            *next_block += 1;
        }
        if list["pageInfo"][more] == false {
            return seen;
        }
        after = list["pageInfo"][cursor].clone();
    }
}

#[tokio::test]
async fn all_pages_are_read_at_one_block_while_blocks_are_committed() {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    let mut next_block = 7;
    for order in ["ASC", "DESC"] {
        for size in ["first: 3", "first: 7", "last: 4", "first: 500"] {
            let whole = format!(
                "{{ transfers(orderBy: {order}, first: 500) {{ nodes {{ blockNumber logIndex }} }} }}"
            );
            let expected = keys(&api.read(&whole).await, "transfers");
            let seen = walk(&database, &api, &mut next_block, order, size).await;
            assert_eq!(seen, expected, "{order} {size}");
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn pages_between_two_cursors_hold_what_lies_between() {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    let all = api
        .read("{ blocks(orderBy: ASC) { edges { cursor node { number } } } }")
        .await;
    let cursor = |index: usize| all["blocks"]["edges"][index]["cursor"].clone();
    let query = "query ($after: Cursor, $before: Cursor) { blocks(after: $after, before: $before, orderBy: ASC) { \
                 nodes { number } pageInfo { hasNextPage hasPreviousPage } } }";
    let between = api
        .read_with(query, json!({ "after": cursor(1), "before": cursor(4) }))
        .await;
    assert_eq!(
        between["blocks"]["nodes"],
        json!([{ "number": 2 }, { "number": 3 }])
    );
    let empty = api.read_with(query, json!({ "after": cursor(6) })).await;
    assert_eq!(empty["blocks"]["nodes"], json!([]));
    assert_eq!(empty["blocks"]["pageInfo"]["hasNextPage"], false);
    api.stop().await;
}

#[tokio::test]
async fn a_cursor_that_does_not_fit_is_refused() {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    let page = api
        .read("{ blocks(first: 1) { pageInfo { endCursor } } }")
        .await;
    let cursor = &page["blocks"]["pageInfo"]["endCursor"];
    let blocks = "query ($after: Cursor, $at: BlockSelector) { blocks(after: $after, at: $at) { nodes { number } } }";
    let transfers = "query ($after: Cursor) { transfers(after: $after) { nodes { amount } } }";

    let (code, message) = api
        .error_with(blocks, json!({ "after": "no cursor" }))
        .await;
    assert_eq!(
        (code.as_str(), message.contains("`after`")),
        ("BAD_USER_INPUT", true),
        "{message}"
    );
    let (code, message) = api.error_with(transfers, json!({ "after": cursor })).await;
    assert_eq!(
        (code.as_str(), message.contains("another list")),
        ("BAD_USER_INPUT", true),
        "{message}"
    );
    let (code, message) = api
        .error_with(blocks, json!({ "after": cursor, "at": { "number": 2 } }))
        .await;
    assert_eq!(
        (code.as_str(), message.contains("leave `at` out")),
        ("BAD_USER_INPUT", true),
        "{message}"
    );
    api.stop().await;

    // The same chain id with another block in the cursor's place, as after a reorganisation.
    let other = Database::create().await;
    other.insert("chain", &chain_row(CHAIN_ID, "none")).await;
    let branch: Vec<_> = (0..=6)
        .map(|number| BlockRows {
            branch: 1,
            ..block(number, vec![])
        })
        .collect();
    commit_all(&other, &branch).await;
    let api = Api::start(other.config()).await;
    api.wait_for(6).await;
    let (code, message) = api.error_with(blocks, json!({ "after": cursor })).await;
    assert_eq!(code, "STALE_CURSOR", "{message}");
    api.stop().await;

    let foreign = Database::create().await;
    foreign.insert("chain", &chain_row(99, "qbft")).await;
    commit(&foreign, &block(0, vec![])).await;
    let api = Api::start(foreign.config()).await;
    api.wait_for(0).await;
    let (code, message) = api.error_with(blocks, json!({ "after": cursor })).await;
    assert_eq!(
        (code.as_str(), message.contains("chain 1337")),
        ("BAD_USER_INPUT", true),
        "{message}"
    );
    api.stop().await;
}

/// Blocks above the last checkpoint are stored but not shown.
#[tokio::test]
async fn nothing_above_the_checkpoint_is_shown() {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    let seven = block(7, vec![done(moved(BRL, A, B, 1))]);
    for (table, batch) in Tables::of(&[seven]).finish() {
        if table != "checkpoints" {
            database.insert(table, &batch).await;
        }
    }
    let all = api
        .read(&format!(
            "{{ blocks(first: 1) {{ nodes {{ number }} }} transfers(first: 1) {{ nodes {{ blockNumber }} }} \
             balance(token: \"{BRL}\", account: \"{A}\") {{ amount }} hidden: block(number: 7) {{ number }} \
             by_hash: block(hash: \"{}\") {{ number }} }}",
            block_hash(7, 0),
        ))
        .await;
    assert_eq!(
        all,
        json!({
            "blocks": { "nodes": [{ "number": 6 }] }, "transfers": { "nodes": [{ "blockNumber": 6 }] },
            "balance": { "amount": "600" }, "hidden": null, "by_hash": null,
        })
    );
    let (code, message) = api
        .error(&format!(
            "{{ balance(token: \"{BRL}\", account: \"{A}\", at: {{ number: 7 }}) {{ amount }} }}"
        ))
        .await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "NOT_FOUND",
            "block 7 is not indexed: the index holds blocks 0 to 6"
        )
    );
    api.stop().await;
}

/// Without announcements in this process the checkpoints are followed.
#[tokio::test]
async fn checkpoints_of_another_process_are_followed() {
    let (database, head) = known_chain().await;
    let api = Api::start_polling(database.config(), std::time::Duration::from_millis(20)).await;
    api.wait_for(head.number.0).await;
    commit(&database, &block(7, vec![])).await;
    api.wait_for(7).await;
    api.stop().await;
}
