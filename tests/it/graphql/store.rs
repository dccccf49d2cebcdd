//! A ClickHouse for the tests of this module, and a database of its own for each.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
};

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use lastro::{
    clickhouse_server::{ClickHouseOptions, EmbeddedClickHouse},
    provision::Provisioner,
};
use lastro_query::StoreConfig;
use lastro_schema::MIGRATIONS;

use super::api::{Answer, http};

/// How to reach a server.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) url: String,
    pub(crate) writer: (String, String),
    pub(crate) reader: (String, String),
}

/// One server for all tests but those that stop it. It lives on a thread of its own, because each test has its own runtime.
static SHARED: LazyLock<Access> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = start(&shared_folder()).await;
            sender.send(access(&server)).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().expect("the embedded ClickHouse starts")
});

/// Named by the process, so that the next run can remove what this one leaves.
fn shared_folder() -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("graphql-clickhouse");
    for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
        if !Path::new("/proc").join(entry.file_name()).exists() {
            // Another run may be removing it as well.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let folder = parent.join(std::process::id().to_string());
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) async fn start(folder: &Path) -> EmbeddedClickHouse {
    let program = Provisioner::new().unwrap().clickhouse().await.unwrap();
    let mut options = ClickHouseOptions::new(folder).unwrap();
    options.launcher = PathBuf::from(env!("CARGO_BIN_EXE_lastro"));
    EmbeddedClickHouse::start(&program, &options).await.unwrap()
}

pub(crate) fn access(server: &EmbeddedClickHouse) -> Access {
    Access {
        url: server.url().to_owned(),
        writer: (server.user().to_owned(), server.password().to_owned()),
        reader: (
            server.reader_user().to_owned(),
            server.reader_password().to_owned(),
        ),
    }
}

/// A migrated database.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    access: Access,
    name: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        Self::create_in(
            tokio::task::spawn_blocking(|| SHARED.clone())
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn create_in(access: Access) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "graphql_{}_{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let database = Self { access, name };
        database
            .write(
                "default",
                &format!("CREATE DATABASE {}", database.name),
                b"",
            )
            .await;
        for statement in MIGRATIONS
            .iter()
            .flat_map(|migration| migration.statements())
        {
            database.write(&database.name, statement, b"").await;
        }
        database
    }

    /// What the API is given.
    pub(crate) fn config(&self) -> StoreConfig {
        StoreConfig {
            url: self.access.url.clone(),
            database: self.name.clone(),
            user: self.access.reader.0.clone(),
            password: self.access.reader.1.clone(),
        }
    }

    pub(crate) async fn insert(&self, table: &str, batch: &RecordBatch) {
        if batch.num_rows() == 0 {
            return;
        }
        let mut body = Vec::new();
        let mut writer = StreamWriter::try_new(&mut body, &batch.schema()).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        self.write(
            &self.name,
            &format!("INSERT INTO {table} FORMAT ArrowStream"),
            &body,
        )
        .await;
    }

    /// Runs a statement as the writer.
    pub(crate) async fn execute(&self, statement: &str) -> String {
        self.write(&self.name, statement, b"").await
    }

    async fn write(&self, database: &str, statement: &str, body: &[u8]) -> String {
        let path = format!(
            "/?database={database}&async_insert=0&mutations_sync=2&query={}",
            percent_encoded(statement)
        );
        let (user, password) = &self.access.writer;
        let headers = [
            ("X-ClickHouse-User", user.as_str()),
            ("X-ClickHouse-Key", password.as_str()),
        ];
        let Answer { status, body, .. } =
            http(&self.access.url, "POST", &path, &headers, body).await;
        assert_eq!(status, 200, "{statement}: {body}");
        body
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
