//! The embedded ClickHouse, started by the real program.
#![allow(clippy::unwrap_used)]

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lastro::{
    clickhouse_server::{ClickHouseOptions, ClickHouseServerError, EmbeddedClickHouse},
    provision::{ClickHouseProgram, Provisioner},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const PATIENCE: Duration = Duration::from_secs(30);

async fn program() -> ClickHouseProgram {
    Provisioner::new().unwrap().clickhouse().await.unwrap()
}

fn options(folder: &Path) -> ClickHouseOptions {
    let launcher = PathBuf::from(env!("CARGO_BIN_EXE_lastro"));
    ClickHouseOptions {
        data_dir: folder.to_owned(),
        http_port: None,
        memory_limit_bytes: None,
        launcher,
    }
}

async fn start(folder: &Path) -> EmbeddedClickHouse {
    EmbeddedClickHouse::start(&program().await, &options(folder))
        .await
        .unwrap()
}

/// Status and body of the answer to a query sent with these header lines.
async fn ask(url: &str, headers: &str, query: &str) -> (u16, String) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = query.len();
    let request = format!(
        "POST / HTTP/1.0\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\n\r\n{query}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.trim().to_owned(),
    )
}

fn login(user: &str, password: &str) -> String {
    format!("X-ClickHouse-User: {user}\r\nX-ClickHouse-Key: {password}\r\n")
}

async fn write(server: &EmbeddedClickHouse, query: &str) -> (u16, String) {
    ask(
        server.url(),
        &login(server.user(), server.password()),
        query,
    )
    .await
}

async fn write_ok(server: &EmbeddedClickHouse, query: &str) -> String {
    let (status, body) = write(server, query).await;
    assert_eq!(status, 200, "{query}: {body}");
    body
}

fn is_running(process_id: u32) -> bool {
    // A process that nobody has waited for yet is listed as a zombie, in state Z.
    let stat = std::fs::read_to_string(format!("/proc/{process_id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

async fn wait_until_gone(process_id: u32) {
    let started = Instant::now();
    while is_running(process_id) {
        assert!(
            started.elapsed() < PATIENCE,
            "process {process_id} is still there"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn rows_survive_a_killed_server_and_passwords_stay() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    write_ok(&server, "CREATE DATABASE index").await;
    write_ok(
        &server,
        "CREATE TABLE index.t (n UInt64) ENGINE = MergeTree ORDER BY n",
    )
    .await;
    write_ok(
        &server,
        "INSERT INTO index.t SELECT number FROM numbers(1000)",
    )
    .await;
    let (process_id, password) = (server.process_id(), server.password().to_owned());
    server.kill().await;
    assert!(!is_running(process_id));

    let server = start(folder.path()).await;
    assert_eq!(server.password(), password);
    assert_eq!(
        write_ok(&server, "SELECT count(), sum(n) FROM index.t").await,
        "1000\t499500"
    );
    let process_id = server.process_id();
    let stopped = Instant::now();
    server.stop().await;
    assert!(!is_running(process_id));
    assert!(
        stopped.elapsed() < Duration::from_secs(15),
        "it had to be killed"
    );

    let server = start(folder.path()).await;
    assert_eq!(
        write_ok(&server, "SELECT count() FROM index.t").await,
        "1000"
    );
}

#[tokio::test]
async fn each_user_may_do_what_it_needs_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    for query in [
        "CREATE DATABASE index",
        "CREATE TABLE index.t (n UInt64) ENGINE = ReplacingMergeTree ORDER BY n",
        "INSERT INTO index.t VALUES (1)",
        "ALTER TABLE index.t ADD COLUMN m String",
        "ALTER TABLE index.t DELETE WHERE n = 2",
        "CREATE VIEW index.v AS SELECT n FROM index.t",
        "KILL QUERY WHERE query_id = 'none'",
        "SYSTEM FLUSH LOGS",
        "SYSTEM STOP MERGES index.t",
        "SYSTEM START MERGES index.t",
        "OPTIMIZE TABLE index.t",
        "BACKUP DATABASE index TO File('backup')",
        "DROP VIEW index.v",
    ] {
        write_ok(&server, query).await;
    }
    for query in [
        "CREATE USER other",
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SYSTEM SHUTDOWN",
    ] {
        let (status, body) = write(&server, query).await;
        assert!(
            status != 200 && body.contains("ACCESS_DENIED"),
            "{query}: {status} {body}"
        );
    }
    let reader = login(server.reader_user(), server.reader_password());
    let (status, body) = ask(
        server.url(),
        &reader,
        "SELECT n FROM index.t SETTINGS max_threads = 1",
    )
    .await;
    assert_eq!((status, body.as_str()), (200, "1"));
    for query in [
        "INSERT INTO index.t VALUES (2, '')",
        "CREATE TABLE index.u (n UInt8) ENGINE = Memory",
        "DROP TABLE index.t",
        "ALTER TABLE index.t DROP COLUMN m",
    ] {
        let (status, body) = ask(server.url(), &reader, query).await;
        assert!(status != 200, "{query}: {body}");
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let basic_default = "Authorization: Basic ZGVmYXVsdDo=\r\n";
    let both = "X-ClickHouse-User: lastro\r\nAuthorization: Basic ZGVmYXVsdDo=\r\n";
    let two_users = "X-ClickHouse-User: lastro\r\nX-ClickHouse-User: default\r\n";
    for headers in [
        "",
        "X-ClickHouse-User: default\r\n",
        &login("lastro", ""),
        basic_default,
        both,
        two_users,
    ] {
        let (status, body) = ask(server.url(), headers, "SELECT currentUser()").await;
        assert!(
            status == 403 || status == 404 || status == 401 || status == 500,
            "{headers}: {status} {body}"
        );
        assert!(!body.starts_with("default"), "{headers}: {body}");
    }
}

/// Run as a test, it starts itself again as the parent that is to be killed, told so by this variable.
const PARENT_FOLDER: &str = "LASTRO_TEST_PARENT_FOLDER";

#[tokio::test]
async fn server_dies_with_a_killed_parent_and_its_data_are_free_at_once() {
    if let Some(folder) = std::env::var_os(PARENT_FOLDER) {
        let server = start(Path::new(&folder)).await;
        std::fs::write(
            Path::new(&folder).join("started"),
            server.process_id().to_string(),
        )
        .unwrap();
        server.exited().await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "servers::server_dies_with_a_killed_parent_and_its_data_are_free_at_once",
        ])
        .env(PARENT_FOLDER, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let process_id: u32 = loop {
        assert!(started.elapsed() < PATIENCE && parent.try_wait().unwrap().is_none());
        match std::fs::read_to_string(folder.path().join("started"))
            .unwrap_or_default()
            .parse()
        {
            Ok(process_id) => break process_id,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    assert!(is_running(process_id));
    parent.kill().unwrap();
    parent.wait().unwrap();
    let server = start(folder.path()).await;
    assert_eq!(write_ok(&server, "SELECT 1").await, "1");
    wait_until_gone(process_id).await;
}

#[tokio::test]
async fn second_server_on_the_same_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let error = EmbeddedClickHouse::start(&program().await, &options(folder.path()))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, ClickHouseServerError::DataInUse { .. }),
        "{error}"
    );
    assert_eq!(write_ok(&server, "SELECT 1").await, "1");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = ClickHouseOptions {
        http_port: Some(port),
        ..options(folder.path())
    };
    let error = EmbeddedClickHouse::start(&program().await, &options)
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, ClickHouseServerError::PortTaken { port: named } if named == port),
        "{error}"
    );
    drop(listener);
    let server = EmbeddedClickHouse::start(&program().await, &options)
        .await
        .unwrap();
    assert_eq!(server.url(), format!("http://127.0.0.1:{port}"));
}

/// A `clickhouse` program as on PATH: here one that hands its arguments to the library.
fn as_program(program: ClickHouseProgram, folder: &Path) -> ClickHouseProgram {
    let ClickHouseProgram::Library(library) = program else {
        return program;
    };
    let path = folder.join("clickhouse");
    let launcher = env!("CARGO_BIN_EXE_lastro");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = local ] && shift && exec {launcher} embedded-clickhouse {} \"$@\"\n",
        library.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    ClickHouseProgram::Binary(path)
}

#[tokio::test]
async fn a_clickhouse_program_serves_like_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let program = as_program(program().await, folder.path());
    let server = EmbeddedClickHouse::start(&program, &options(folder.path()))
        .await
        .unwrap();
    assert_eq!(write_ok(&server, "SELECT currentUser()").await, "lastro");
    server.stop().await;
}

#[tokio::test]
async fn a_program_that_is_no_clickhouse_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let no_library = ClickHouseProgram::Library(folder.path().join("absent.so"));
    let error = EmbeddedClickHouse::start(&no_library, &options(folder.path()))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(&error, ClickHouseServerError::Ended { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("absent.so"), "{error}");
    let no_program = ClickHouseProgram::Binary("/nonexistent/clickhouse".into());
    let error = EmbeddedClickHouse::start(&no_program, &options(folder.path()))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, ClickHouseServerError::NotStarted { .. }),
        "{error}"
    );
}
