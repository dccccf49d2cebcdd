//! Balances, supply and holders, with tokens whose events do not add up.

use alloy_primitives::{Address, U256};
use serde_json::{Value, json};

use super::{
    api::Api,
    chain::{A, B, BOND, BRL, C, DEED, HUGE, OLD, known_chain},
};

async fn known_api() -> Api {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    api
}

async fn balance(api: &Api, token: Address, account: Address, id: u64, at: u64) -> Value {
    let query = "query ($token: Address!, $account: Address!, $id: BigInt!, $at: BlockSelector) { \
                 balance(token: $token, account: $account, id: $id, at: $at) { \
                 amount formatted entered left notSummable problem readAt { number } } }";
    let variables = json!({ "token": token, "account": account, "id": id, "at": { "number": at } });
    let mut answer = api.read_with(query, variables).await;
    assert_eq!(answer["balance"]["readAt"]["number"], at);
    answer["balance"].take()
}

async fn amount(api: &Api, token: Address, account: Address, id: u64, at: u64) -> Value {
    balance(api, token, account, id, at).await["amount"].take()
}

#[tokio::test]
async fn balances_are_exact_at_every_block() {
    let api = known_api().await;
    for (account, at_block) in [
        (A, ["0", "1000", "700", "700", "700", "700", "600"]),
        (B, ["0", "0", "250", "250", "250", "250", "250"]),
        (C, ["0", "0", "50", "50", "50", "50", "50"]),
    ] {
        for (at, expected) in (0..).zip(at_block) {
            assert_eq!(
                amount(&api, BRL, account, 0, at).await,
                expected,
                "{account} at {at}"
            );
        }
    }
    assert_eq!(amount(&api, BOND, A, 2, 2).await, "0");
    assert_eq!(amount(&api, BOND, A, 2, 3).await, "5");
    assert_eq!(amount(&api, DEED, C, 7, 6).await, "1");
    assert_eq!(balance(&api, BRL, A, 0, 6).await["formatted"], "6");
    // A contract that never emitted a transfer: no event names the account, and the token is null.
    let query = format!(
        "{{ balance(token: \"{A}\", account: \"{B}\") {{ amount tokenDetails {{ token }} }} }}"
    );
    assert_eq!(
        api.read(&query).await["balance"],
        json!({ "amount": "0", "tokenDetails": null })
    );
    api.stop().await;
}

#[tokio::test]
async fn what_does_not_add_up_is_flagged_and_never_a_number() {
    let api = known_api().await;
    let huge = balance(&api, HUGE, A, 0, 6).await;
    assert_eq!(
        (&huge["amount"], &huge["entered"], &huge["left"]),
        (&Value::Null, &Value::Null, &json!("0"))
    );
    assert_eq!(huge["notSummable"], true);
    assert!(huge["problem"].as_str().unwrap().contains("2^256 - 1"));

    let old = balance(&api, OLD, B, 0, 6).await;
    assert_eq!(
        (&old["amount"], &old["entered"], &old["left"]),
        (&Value::Null, &json!("0"), &json!("10"))
    );
    assert!(
        old["problem"]
            .as_str()
            .unwrap()
            .starts_with("transfers leave more than entered")
    );

    let supply = format!(
        "{{ supply(token: \"{HUGE}\") {{ amount minted burned notSummable problem formatted }} }}"
    );
    let supply = api.read(&supply).await;
    assert_eq!(supply["supply"]["minted"], Value::Null);
    assert_eq!(supply["supply"]["burned"], "0");
    assert_eq!(supply["supply"]["notSummable"], true);
    api.stop().await;
}

#[tokio::test]
async fn the_largest_amount_is_still_a_number() {
    use super::{chain, rows::Moved};
    let (database, _) = known_chain().await;
    let api = Api::start(database.config()).await;
    let moved = Moved {
        amount: U256::MAX,
        ..chain::moved(BRL, Address::ZERO, HUGE, 0)
    };
    let back = Moved {
        from: HUGE,
        to: Address::ZERO,
        ..moved
    };
    api.show(chain::commit(&database, &chain::block(7, vec![chain::done(moved)])).await)
        .await;
    assert_eq!(amount(&api, BRL, HUGE, 0, 7).await, U256::MAX.to_string());
    api.show(chain::commit(&database, &chain::block(8, vec![chain::done(back)])).await)
        .await;
    assert_eq!(amount(&api, BRL, HUGE, 0, 8).await, "0");
    assert_eq!(amount(&api, BRL, HUGE, 0, 7).await, U256::MAX.to_string());
    api.stop().await;
}

#[tokio::test]
async fn supply_is_minted_less_burned() {
    let api = known_api().await;
    let answer = api
        .read(&format!(
            "{{ now: supply(token: \"{BRL}\", id: \"0\") {{ minted burned amount formatted }} \
             old: supply(token: \"{BRL}\", at: {{ number: 2 }}) {{ amount readAt {{ number }} }} \
             none: supply(token: \"{BRL}\", at: {{ number: 0 }}) {{ amount }} \
             all: supply(token: \"{BOND}\") {{ id amount }} \
             one: supply(token: \"{BOND}\", id: 2) {{ id amount formatted }} \
             old_token: supply(token: \"{OLD}\") {{ amount }} }}"
        ))
        .await;
    assert_eq!(
        answer["now"],
        json!({ "minted": "1000", "burned": "100", "amount": "900", "formatted": "9" })
    );
    assert_eq!(
        answer["old"],
        json!({ "amount": "1000", "readAt": { "number": 2 } })
    );
    assert_eq!(answer["none"], json!({ "amount": "0" }));
    assert_eq!(answer["all"], json!({ "id": null, "amount": "105" }));
    assert_eq!(
        answer["one"],
        json!({ "id": "2", "amount": "5", "formatted": null })
    );
    assert_eq!(answer["old_token"], json!({ "amount": "0" }));
    api.stop().await;
}

#[tokio::test]
async fn all_balances_of_an_account_are_listed() {
    let api = known_api().await;
    let answer = api
        .read(&format!(
            "{{ balances(account: \"{A}\") {{ nodes {{ token tokenId amount notSummable }} readAt {{ number }} }} \
             first: balances(account: \"{A}\", first: 2) {{ nodes {{ tokenId }} pageInfo {{ hasNextPage endCursor }} }} \
             old: balances(account: \"{A}\", at: {{ number: 1 }}) {{ nodes {{ token amount }} }} \
             bonds: balances(account: \"{A}\", token: \"{BOND}\", orderBy: DESC) {{ nodes {{ tokenId amount }} }} }}"
        ))
        .await;
    assert_eq!(
        answer["balances"]["nodes"],
        json!([
            { "token": BRL, "tokenId": "0", "amount": "600", "notSummable": false },
            { "token": BOND, "tokenId": "1", "amount": "100", "notSummable": false },
            { "token": BOND, "tokenId": "2", "amount": "5", "notSummable": false },
            { "token": HUGE, "tokenId": "0", "amount": null, "notSummable": true },
        ])
    );
    assert_eq!(
        answer["old"]["nodes"],
        json!([{ "token": BRL, "amount": "1000" }])
    );
    assert_eq!(
        answer["bonds"]["nodes"],
        json!([{ "tokenId": "2", "amount": "5" }, { "tokenId": "1", "amount": "100" }])
    );
    let page = &answer["first"];
    assert_eq!(
        (
            &page["nodes"][1]["tokenId"],
            &page["pageInfo"]["hasNextPage"]
        ),
        (&json!("1"), &json!(true))
    );
    let query = format!(
        "query ($after: Cursor) {{ balances(account: \"{A}\", after: $after) {{ nodes {{ token tokenId }} }} }}"
    );
    let next = api
        .read_with(&query, json!({ "after": page["pageInfo"]["endCursor"] }))
        .await;
    assert_eq!(
        next["balances"]["nodes"],
        json!([{ "token": BOND, "tokenId": "2" }, { "token": HUGE, "tokenId": "0" }])
    );
    api.stop().await;
}

#[tokio::test]
async fn zero_balances_are_listed_on_demand() {
    use super::chain;
    let (database, _) = known_chain().await;
    let api = Api::start(database.config()).await;
    let all_away = chain::block(7, vec![chain::done(chain::moved(BRL, B, A, 250))]);
    api.show(chain::commit(&database, &all_away).await).await;
    let query = |more: &str| {
        format!("{{ balances(account: \"{B}\", token: \"{BRL}\"{more}) {{ nodes {{ amount }} }} }}")
    };
    assert_eq!(api.read(&query("")).await["balances"]["nodes"], json!([]));
    assert_eq!(
        api.read(&query(", includeZero: true")).await["balances"]["nodes"],
        json!([{ "amount": "0" }])
    );
    assert_eq!(
        api.read(&query(", at: { number: 6 }")).await["balances"]["nodes"],
        json!([{ "amount": "250" }])
    );
    api.stop().await;
}

#[tokio::test]
async fn holders_are_sorted_by_balance_and_what_has_no_number_comes_first() {
    let api = known_api().await;
    let answer = api
        .read(&format!(
            "{{ holders(token: \"{BRL}\") {{ nodes {{ account balance {{ amount formatted }} }} readAt {{ number }} }} \
             ascending: holders(token: \"{BRL}\", orderBy: ASC) {{ nodes {{ account }} }} \
             old: holders(token: \"{BRL}\", at: {{ number: 1 }}) {{ nodes {{ account }} }} \
             bond: holders(token: \"{BOND}\", id: 1) {{ nodes {{ account balance {{ amount tokenId }} }} }} \
             token_old: holders(token: \"{OLD}\") {{ nodes {{ account balance {{ amount problem }} }} }} \
             page: holders(token: \"{BRL}\", first: 1) {{ nodes {{ account }} pageInfo {{ endCursor hasNextPage }} }} }}"
        ))
        .await;
    let of = |account: Address, amount: &str, formatted: &str| json!({ "account": account, "balance": { "amount": amount, "formatted": formatted } });
    assert_eq!(
        answer["holders"]["nodes"],
        json!([of(A, "600", "6"), of(B, "250", "2.5"), of(C, "50", "0.5")])
    );
    assert_eq!(
        answer["ascending"]["nodes"],
        json!([{ "account": C }, { "account": B }, { "account": A }])
    );
    assert_eq!(answer["old"]["nodes"], json!([{ "account": A }]));
    assert_eq!(
        answer["bond"]["nodes"],
        json!([{ "account": A, "balance": { "amount": "100", "tokenId": "1" } }])
    );
    let flagged = &answer["token_old"]["nodes"];
    assert_eq!(
        (&flagged[0]["account"], &flagged[0]["balance"]["amount"]),
        (&json!(B), &Value::Null)
    );
    assert_eq!(
        (&flagged[1]["account"], &flagged[1]["balance"]["amount"]),
        (&json!(C), &json!("10"))
    );

    let after = &answer["page"]["pageInfo"]["endCursor"];
    let query = format!(
        "query ($after: Cursor) {{ holders(token: \"{BRL}\", after: $after) {{ nodes {{ account }} }} }}"
    );
    let next = api.read_with(&query, json!({ "after": after })).await;
    assert_eq!(
        next["holders"]["nodes"],
        json!([{ "account": B }, { "account": C }])
    );
    api.stop().await;
}
