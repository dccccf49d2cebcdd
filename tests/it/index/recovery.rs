//! The database is killed, or holds what no orderly run leaves behind.

use std::time::Duration;

use lastro_schema::tables::chain_tables;

use super::{N_BLOCKS, SERVED, serve, undisturbed};
use crate::support::{
    Database, Setup, index_to_head, new_database, start_clickhouse, store_config,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start_clickhouse(folder.path(), None).await;
    let port: u16 = server.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let database = Database::new(store_config(&server, "killed"));
    let node = serve(Some(0));
    let running = Setup::new(&database, SERVED.genesis_json())
        .start(&[&node])
        .await;
    node.advance_every(Duration::from_millis(30));
    for kill_at in [10, 45, 46, 90] {
        running.wait_committed(kill_at).await;
        server.kill().await;
        server = start_clickhouse(folder.path(), Some(port)).await;
    }
    running.wait_committed(N_BLOCKS).await;
    running.stop().await;
    assert_eq!(database.contents(&[]).await, *undisturbed().await);
    server.stop().await;
}

async fn indexed() -> Database {
    let (database, node) = (new_database(), serve(None));
    index_to_head(Setup::new(&database, SERVED.genesis_json()), &node).await;
    database
}

/// Takes the checkpoints above block 115 away; `then` does the rest of the damage.
async fn damage(database: &Database, then: &[String]) {
    let delete =
        "ALTER TABLE checkpoints DELETE WHERE last_block > 115 SETTINGS mutations_sync = 2";
    database.execute(delete).await;
    for sql in then {
        database.execute(sql).await;
    }
}

async fn expect_healed(database: &Database) {
    let node = serve(None);
    index_to_head(Setup::new(database, SERVED.genesis_json()), &node).await;
    assert_eq!(database.contents(&[]).await, *undisturbed().await);
    let twice = "SELECT count() FROM (SELECT last_block FROM checkpoints GROUP BY last_block HAVING count() > 1)";
    assert_eq!(database.number(twice).await, 0);
}

/// With all rows there, and as after a crash of the server between noting an insert's token and keeping its rows.
#[tokio::test(flavor = "multi_thread")]
async fn rows_above_the_checkpoint_come_once_whether_they_are_there_or_not() {
    let database = indexed().await;
    damage(&database, &[]).await;
    expect_healed(&database).await;
    for table in chain_tables() {
        let (table, block) = (table.name, table.block_column.unwrap());
        let n_rows = database
            .number(&format!("SELECT count() FROM {table} WHERE {block} = 117"))
            .await;
        if n_rows > 0 {
            let delete = format!(
                "ALTER TABLE {table} DELETE WHERE {block} = 117 SETTINGS mutations_sync = 2"
            );
            damage(&database, &[delete]).await;
            expect_healed(&database).await;
        }
    }
}

/// As after a crash in the middle of a deletion: the generation has risen, checkpoints and some rows are gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_was_cut_short_is_finished() {
    let plan = |generation: u32| {
        format!(
            "INSERT INTO plans (generation, first_block, blocks_per_range, window_blocks) \
             VALUES ({generation}, 116, 0, 0)"
        )
    };
    let delete = "ALTER TABLE blocks DELETE WHERE number > 115 SETTINGS mutations_sync = 2";
    let database = indexed().await;
    damage(&database, &[plan(1)]).await;
    expect_healed(&database).await;
    damage(&database, &[plan(50), delete.to_owned()]).await;
    expect_healed(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_rows_that_are_gone_are_fetched_again() {
    let database = indexed().await;
    database
        .execute("ALTER TABLE logs DELETE WHERE block_number = 127 SETTINGS mutations_sync = 2")
        .await;
    database.execute("ALTER TABLE transactions UPDATE gas_used = 1 WHERE block_number = 129 SETTINGS mutations_sync = 2").await;
    expect_healed(&database).await;
}
