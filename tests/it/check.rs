//! `lastro check`: what was indexed passes, and a row that was altered, removed or added afterwards is found.
#![allow(clippy::unwrap_used)]

use clickhouse::Client;
use lastro_bench_chain::{
    Chain, ChainOptions, Fork, ReplayNode, ReplayOptions, ServedChain, ValidatorChange,
    ValidatorVote,
};
use lastro_ingest::{
    Proofs,
    check::{CheckOptions, CheckReport, CheckStart, check},
    store::Store,
};
use lastro_schema::{
    BlockNumber, ColumnDef, Mark, TableDef, TableRows,
    tables::{self, all_tables},
};

use crate::support::{self, Database, Setup, index_to_head, new_database};

/// The first 100 blocks are one commit range, the others are one each.
const N_BLOCKS: u64 = 108;
/// A block in the middle of the large range.
const IN_RANGE: u64 = 50;

fn chain(fork: Fork) -> Chain {
    let change = |first_block, vote| ValidatorChange { first_block, vote };
    let options = ChainOptions {
        transactions_per_block: 4,
        validator_changes: vec![
            change(10, ValidatorVote::Add(4)),
            change(40, ValidatorVote::Remove(1)),
        ],
        ..ChainOptions::mixed(N_BLOCKS, fork)
    };
    Chain::generate(&options).unwrap()
}

async fn index(chain: &Chain, proofs: Proofs) -> Database {
    let node = ReplayNode::start(ServedChain::render(chain), ReplayOptions::default()).unwrap();
    let database = new_database();
    let setup = Setup {
        proofs,
        ..Setup::new(&database, &chain.genesis_json)
    };
    index_to_head(setup, &node).await;
    database
}

async fn check_all(store: &Store) -> CheckReport {
    check(store, &CheckOptions::default()).await.unwrap()
}

#[tokio::test]
async fn indexed_chains_pass() {
    for (fork, proofs) in [
        (Fork::SpuriousDragon, Proofs::Full),
        (Fork::Berlin, Proofs::Ranges),
        (Fork::Prague, Proofs::Full),
        (Fork::Cancun, Proofs::Ranges),
    ] {
        let chain = chain(fork);
        let database = index(&chain, proofs).await;
        let store = Store::open(database.store.clone()).await.unwrap();
        let report = check_all(&store).await;
        assert!(report.is_clean(), "{fork:?}: {report}");
        assert_eq!((report.n_blocks, report.n_uncommitted), (N_BLOCKS + 1, 0));
        assert_eq!(report.n_unrecovered_seals > 0, proofs == Proofs::Ranges);
        for table in [
            "transactions",
            "logs",
            "balance_changes",
            "contracts",
            "validator_votes",
        ] {
            let n_rows = database
                .number(&format!("SELECT count() FROM {table}"))
                .await;
            assert_eq!(report.n_rows[table], n_rows, "{fork:?}, {table}");
            assert!(n_rows > 0, "{fork:?}, {table}");
        }

        let options = CheckOptions {
            from: Some(BlockNumber(102)),
            to: Some(BlockNumber(105)),
            anchor: Some(support::anchor(&chain.genesis_json)),
        };
        let part = check(&store, &options).await.unwrap();
        assert!(part.is_clean(), "{fork:?}: {part}");
        assert_eq!(part.n_blocks, 4);
        assert!(matches!(part.start, CheckStart::Checkpoint(block) if block.number.0 == 101));
    }
}

#[tokio::test]
async fn another_chains_genesis_file_is_not_the_anchor() {
    let database = index(&chain(Fork::Cancun), Proofs::Full).await;
    let store = Store::open(database.store.clone()).await.unwrap();
    let options = CheckOptions {
        anchor: Some(support::anchor(&chain(Fork::Berlin).genesis_json)),
        ..CheckOptions::default()
    };
    let report = check(&store, &options).await.unwrap();
    assert!(report.n_differences.contains_key("chain"), "{report}");
    assert!(report.n_differences.contains_key("blocks"), "{report}");
}

/// A copy of an index in which single tables are spoiled and made whole again.
struct Copy {
    original: String,
    client: Client,
    store: Store,
}

impl Copy {
    async fn of(original: &Database) -> Self {
        let config = new_database().store;
        let server = Client::default()
            .with_url(&config.url)
            .with_user(&config.user)
            .with_password(&config.password);
        let create = format!("CREATE DATABASE {}", config.database);
        server.query(&create).execute().await.unwrap();
        let client = server.with_database(&config.database);
        let original = original.store.database.clone();
        for table in all_tables() {
            let name = table.name;
            let create = format!("CREATE TABLE {name} AS {original}.{name}");
            client.query(&create).execute().await.unwrap();
            let fill = format!("INSERT INTO {name} SELECT * FROM {original}.{name}");
            client.query(&fill).execute().await.unwrap();
        }
        let store = Store::open(config).await.unwrap();
        Self {
            original,
            client,
            store,
        }
    }

    /// Fills a table with the results of `selects`, where `{from}` stands for the original table.
    async fn fill(&self, table: &TableDef, selects: &[String]) {
        let from = format!("{}.{}", self.original, table.name);
        self.client
            .query(&format!("TRUNCATE TABLE {}", table.name))
            .execute()
            .await
            .unwrap();
        for select in selects {
            let select = select.replace("{from}", &from);
            let insert = format!(
                "INSERT INTO {} {select} SETTINGS insert_deduplicate = 0",
                table.name
            );
            let inserted = self.client.query(&insert).execute().await;
            inserted.unwrap_or_else(|error| panic!("{insert}: {error}"));
        }
    }

    async fn restore(&self, table: &TableDef) {
        self.fill(table, &["SELECT * FROM {from}".to_owned()]).await;
    }

    /// What a check finds while the table holds the results of `selects`.
    async fn spoiled(&self, table: &TableDef, selects: &[String]) -> CheckReport {
        self.fill(table, selects).await;
        let report = check_all(&self.store).await;
        self.restore(table).await;
        report
    }
}

/// Picks one row, in a subquery, since a condition beside a replaced column sees the new value: one in the middle of the large commit range, or the only one there is.
fn picked(table: &TableDef) -> String {
    let key = format!("tuple({})", table.sorting_key.join(", "));
    let block = table.block_column.unwrap_or("0");
    let at_least = match table.name {
        // The large range ends at block 99; after it each block has a checkpoint.
        "checkpoints" => 103,
        "tokens" | "contracts" | "validators" | "validator_votes" => 1,
        "chain" => 0,
        _ => IN_RANGE,
    };
    let order = table.row_order.join(", ");
    format!(
        "{key} = (SELECT {key} FROM {{from}} WHERE {block} >= {at_least} ORDER BY {order} LIMIT 1)"
    )
}

/// An expression for another value of the column.
fn another(column: &ColumnDef) -> String {
    let name = column.name;
    let inner = |name: &str, kind: &str| match kind {
        "String" => format!("concat({name}, 'x')"),
        "LowCardinality(String)" => format!("concat({name}, 'x')"),
        kind if kind.starts_with("UInt") => format!("to{kind}({name} + 1)"),
        kind => {
            let width: usize = kind
                .strip_prefix("FixedString(")
                .and_then(|rest| rest.strip_suffix(')'))
                .unwrap_or_else(|| panic!("{kind}"))
                .parse()
                .unwrap();
            // The last byte: of a seal it is the parity.
            format!(
                "toFixedString(concat(substring({name}, 1, {width} - 1), \
                 char(bitXor(ascii(substring({name}, {width}, 1)), 1))), {width})"
            )
        }
    };
    let kind = column.clickhouse_type.as_str();
    if kind.starts_with("Array(") {
        return format!("if(empty({name}), arrayResize({name}, 1), arrayPopBack({name}))");
    }
    match kind
        .strip_prefix("Nullable(")
        .and_then(|rest| rest.strip_suffix(')'))
    {
        Some(kind) => {
            let value = inner(&format!("assumeNotNull({name})"), kind);
            format!("CAST({value} AS Nullable({kind}))")
        }
        None => inner(name, kind),
    }
}

/// Columns that hold the index's own word, or an operator's.
const UNCHECKED: [(&str, &str); 3] = [
    ("checkpoints", "generation"),
    ("checkpoints", "committed_at"),
    ("chain", "anchor"),
];

fn is_checked(table: &TableDef, column: &ColumnDef) -> bool {
    let is_seal = (table.name, column.name) == ("block_seals", "seal");
    (is_seal || column.mark != Mark::Stated) && !UNCHECKED.contains(&(table.name, column.name))
}

fn spoilable_tables() -> Vec<&'static TableDef> {
    let mut checked = tables::chain_tables().to_vec();
    checked.retain(|table| table.name != "events");
    checked.extend([tables::Checkpoints::def(), tables::Chain::def()]);
    checked
}

#[tokio::test]
async fn every_altered_column_is_found() {
    let copy = Copy::of(&index(&chain(Fork::Cancun), Proofs::Full).await).await;
    let mut n_altered = 0;
    for table in spoilable_tables() {
        let picked = picked(table);
        for column in table
            .columns
            .iter()
            .filter(|column| is_checked(table, column))
        {
            let (name, value) = (column.name, another(column));
            let others = format!("SELECT * FROM {{from}} WHERE NOT ({picked})");
            let altered = format!(
                "SELECT * REPLACE ({value} AS {name}) FROM (SELECT * FROM {{from}} WHERE {picked})"
            );
            let report = copy.spoiled(table, &[others, altered]).await;
            let what = format!("{}.{name}", table.name);
            assert!(!report.is_clean(), "{what} = {value} was not found");
            // What is computed from other columns is told where it stands; how a block was proven shows in what that gave.
            if column.mark == Mark::Computed && name != "senders_recovered" {
                assert!(
                    report.n_differences.contains_key(table.name),
                    "{what}: {report}"
                );
            }
            n_altered += 1;
        }
    }
    assert!(n_altered > 100, "only {n_altered} columns were altered");
    let report = check_all(&copy.store).await;
    assert!(report.is_clean(), "not restored: {report}");
}

#[tokio::test]
async fn every_row_removed_or_added_is_found() {
    let copy = Copy::of(&index(&chain(Fork::Cancun), Proofs::Full).await).await;
    let all = "SELECT * FROM {from}".to_owned();
    for table in spoilable_tables() {
        let picked = picked(table);
        if table.name != "chain" {
            let others = format!("SELECT * FROM {{from}} WHERE NOT ({picked})");
            let report = copy.spoiled(table, &[others]).await;
            assert!(!report.is_clean(), "a row of {} was removed", table.name);
        }
        let again = format!("SELECT * FROM {{from}} WHERE {picked}");
        let report = copy.spoiled(table, &[all.clone(), again]).await;
        // A seal that counts twice spoils the proof of its block.
        let told_by = if table.name == "block_seals" {
            "blocks"
        } else {
            table.name
        };
        assert!(
            report.n_differences.contains_key(told_by),
            "a row of {} came twice: {report}",
            table.name
        );

        let key = table.column(table.row_order.last().unwrap()).unwrap();
        let (name, value) = (key.name, another(key));
        let other = format!(
            "SELECT * REPLACE ({value} AS {name}) FROM (SELECT * FROM {{from}} WHERE {picked})"
        );
        let report = copy.spoiled(table, &[all.clone(), other]).await;
        assert!(!report.is_clean(), "a row was added to {}", table.name);

        if let Some(block) = table.block_column {
            let beyond = format!(
                "SELECT * REPLACE (toUInt64(1000000000) AS {block}) FROM (SELECT * FROM {{from}} WHERE {picked})"
            );
            let report = copy.spoiled(table, &[all.clone(), beyond]).await;
            assert!(
                report.n_differences.contains_key(table.name),
                "far above, {}: {report}",
                table.name
            );
        }
    }
    let events = tables::Events::def();
    copy.client
        .query("INSERT INTO events (block_number, event) VALUES (50, 'Transfer')")
        .execute()
        .await
        .unwrap();
    let report = check_all(&copy.store).await;
    assert!(report.n_differences.contains_key(events.name), "{report}");
}

#[tokio::test]
async fn what_cannot_be_proven_is_listed() {
    let copy = Copy::of(&index(&chain(Fork::Cancun), Proofs::Full).await).await;
    let report = check_all(&copy.store).await;
    let listed = report.not_checkable().join("\n");
    for table in tables::chain_tables() {
        for column in table
            .columns
            .iter()
            .filter(|column| !is_checked(table, column))
        {
            assert!(
                listed.contains(column.name),
                "{}.{}: {listed}",
                table.name,
                column.name
            );
        }
    }
}
