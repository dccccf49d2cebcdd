#![allow(clippy::unwrap_used)]

use std::io::Write as _;

use super::*;

fn load(toml: &str, args: UpArgs) -> Result<RawConfig, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(toml.as_bytes()).unwrap();
    RawConfig::load(&UpArgs {
        config: Some(file.path().to_owned()),
        ..args
    })
}

#[test]
fn the_reference_shows_the_defaults() {
    let reference = load(REFERENCE, UpArgs::default()).unwrap();
    let mut with_node = reference.clone();
    with_node.node.http = Some(vec!["http://127.0.0.1:8545".to_owned()]);
    let shown = with_node.validate().unwrap();
    assert_eq!(
        (shown.proofs, shown.listen),
        (Proofs::Full, lastro_query::DEFAULT_LISTEN)
    );
    assert_eq!(shown.database, "lastro");
}

#[test]
fn the_reference_knows_every_setting() {
    let uncommented: String = REFERENCE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let address = "0x0000000000000000000000000000000000000001";
    let uncommented = uncommented.replace("\"0x…\", \"0x…\"", &format!("\"{address}\""));
    let uncommented = uncommented.replace("0x…", &B256::ZERO.to_string());
    let all = load(&uncommented, UpArgs::default()).unwrap();
    let shown = toml::Value::try_from(all).unwrap();
    let n_settings: usize = shown
        .as_table()
        .unwrap()
        .values()
        .map(|section| section.as_table().unwrap().len())
        .sum();
    assert_eq!(
        n_settings,
        2 + 5 + 1 + 7 + 1,
        "a setting is missing in the reference: {shown}"
    );
}

#[test]
fn flags_weigh_more_than_the_file() {
    let args = UpArgs {
        rpc: vec!["http://b".to_owned()],
        ..UpArgs::default()
    };
    let raw = load("[node]\nhttp = [\"http://a\"]\nws = [\"ws://a\"]", args).unwrap();
    assert_eq!(raw.node.http.unwrap(), ["http://b"]);
    assert_eq!(raw.node.ws.unwrap(), ["ws://a"]);
}

#[test]
fn unknown_settings_are_refused() {
    let error = load("[node]\nhtp = []", UpArgs::default()).unwrap_err();
    assert!(error.to_string().contains("htp"), "{error}");
    assert!(load("[nodes]", UpArgs::default()).is_err());
}

#[test]
fn what_contradicts_itself_is_refused() {
    let node = RawNode {
        http: Some(vec!["http://a".to_owned()]),
        ws: None,
    };
    let refused = |change: fn(&mut RawConfig)| {
        let mut raw = RawConfig {
            node: node.clone(),
            ..RawConfig::default()
        };
        change(&mut raw);
        raw.validate().unwrap_err().to_string()
    };
    assert!(refused(|raw| raw.node.http = None).contains("--rpc"));
    assert!(
        refused(|raw| raw.node.ws = Some(vec![String::new(), String::new()])).contains("WebSocket")
    );
    assert!(
        refused(|raw| raw.store.url = Some("http://c".to_owned())).contains("no default password")
    );
    assert!(refused(|raw| raw.store.database = Some("a;b".to_owned())).contains("letters"));
    assert!(
        refused(|raw| raw.chain.genesis_file = Some("/nonexistent".into()))
            .contains("/nonexistent")
    );
    assert!(
        refused(|raw| {
            raw.chain.genesis_hash = Some(B256::ZERO);
            raw.chain.transitions.insert("x".to_owned(), Vec::new());
        })
        .contains("no block number")
    );
}
