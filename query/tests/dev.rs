#![allow(clippy::unwrap_used)]
extern crate self as lastro;
#[path = "../../tests/it/graphql"]
mod graphql { mod api; mod balances; mod chain; mod failures; mod pages; mod reads; mod rows; mod speed; mod store; mod subscriptions; }
pub mod provision {
    pub struct Provisioner;
    impl Provisioner { pub fn new() -> Result<Self, String> { Ok(Self) } pub async fn clickhouse(&self) -> Result<(), String> { Ok(()) } }
}
pub mod clickhouse_server {
    use std::path::*;
    pub struct ClickHouseOptions { pub launcher: PathBuf, pub dir: PathBuf }
    impl ClickHouseOptions { pub fn new(p: impl Into<PathBuf>) -> Result<Self, String> { Ok(Self { launcher: PathBuf::new(), dir: p.into() }) } }
    pub struct EmbeddedClickHouse { url: String, pid: String }
    impl EmbeddedClickHouse {
        pub async fn start(_: &(), o: &ClickHouseOptions) -> Result<Self, String> {
            let out = std::process::Command::new("/root/.cache/lastro/scratch/qch/start.sh").arg(&o.dir).output().unwrap();
            let s = String::from_utf8(out.stdout).unwrap();
            let mut w = s.split_whitespace();
            let (pid, port) = (w.next().unwrap().to_owned(), w.next().unwrap().to_owned());
            std::fs::OpenOptions::new().append(true).create(true).open("/tmp/qch.pids").map(|mut f| { use std::io::Write; writeln!(f, "{pid}").unwrap() }).unwrap();
            Ok(Self { url: format!("http://127.0.0.1:{port}"), pid })
        }
        pub fn url(&self) -> &str { &self.url }
        pub fn user(&self) -> &'static str { "lastro" }
        pub fn password(&self) -> &str { "pw" }
        pub fn reader_user(&self) -> &'static str { "lastro_reader" }
        pub fn reader_password(&self) -> &str { "rd" }
        pub async fn kill(self) { std::process::Command::new("kill").arg("-9").arg(&self.pid).status().unwrap(); tokio::time::sleep(std::time::Duration::from_millis(300)).await; }
    }
}
