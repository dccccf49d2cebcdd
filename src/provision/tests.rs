//! Registries that fail or lie, by way of a stand-in for the `npm` program, and the real tools out of the user's cache
//! (fetched on the first run).
#![allow(clippy::unwrap_used)]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use super::{
    path_programs::{NodeJs, Npm},
    *,
};

/// An npm that runs this shell script; `$5` is the folder that it is to pack into.
fn npm_script(folder: &Path, script: &str) -> NodeJs {
    let npm = folder.join("npm");
    fs::write(&npm, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&npm, fs::Permissions::from_mode(0o755)).unwrap();
    NodeJs {
        node: "node".into(),
        npm: Npm::Program(npm),
    }
}

async fn fetch_with(script: &str) -> ProvisionError {
    let folder = tempfile::tempdir().unwrap();
    let staging = tempfile::tempdir().unwrap();
    let node_js = npm_script(folder.path(), script);
    fetch::npm_package(&node_js, ANVIL, "a test package", staging.path())
        .await
        .unwrap_err()
}

#[tokio::test]
async fn another_content_under_the_pinned_version_is_refused() {
    let error = fetch_with("echo tampered > \"$5/package.tgz\"").await;
    assert!(
        matches!(error, ProvisionError::DigestMismatch { .. }),
        "{error}"
    );
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_registry_that_cannot_be_reached_is_quoted() {
    let error = fetch_with("echo 'ENOTFOUND, no such host' >&2; exit 1").await;
    assert!(
        error.to_string().contains("ENOTFOUND, no such host"),
        "{error}"
    );
    assert!(error.is_retryable());
    let told = error.in_the_way_of("anvil", "do this instead").to_string();
    assert!(
        told.contains("ENOTFOUND") && told.ends_with("do this instead"),
        "{told}"
    );
}

#[tokio::test]
async fn a_registry_client_that_brings_nothing_is_noticed() {
    let error = fetch_with("exit 0").await;
    assert!(
        matches!(error, ProvisionError::FileMissing { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_lock_file_must_pin_every_package() {
    let folder = tempfile::tempdir().unwrap();
    let provisioner = Provisioner::with_cache_dir(folder.path());
    let project = |package_lock| NpmProject {
        name: "test",
        package_json: "{}",
        package_lock,
    };
    let unpinned = project(r#"{"packages": {"": {}, "node_modules/x": {"version": "1.0.0"}}}"#);
    let error = provisioner.npm_packages(&unpinned).await.unwrap_err();
    assert!(
        error.to_string().contains("does not pin node_modules/x"),
        "{error}"
    );
    let error = provisioner.npm_packages(&project("{")).await.unwrap_err();
    assert!(error.to_string().contains("not valid"), "{error}");
}

#[test]
fn go_module_pins_what_the_version_says() {
    assert!(
        include_str!("qbft_node/go.mod")
            .contains("github.com/ConsenSys/quorum v0.0.0-20221208112643-d318a5aa973a")
    );
    assert_eq!(QUORUM_VERSION, "22.7.4");
}

#[tokio::test]
async fn the_pinned_tools_are_what_they_are_called() {
    let provisioner = Provisioner::new().unwrap();
    let (clickhouse, qbft_node, anvil, node) = tokio::join!(
        provisioner.clickhouse(),
        provisioner.qbft_node(),
        provisioner.anvil(),
        provisioner.node_js()
    );
    let answer = |program: &Path, argument: &str| {
        let output = Command::new(program).arg(argument).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let geth = answer(&qbft_node.unwrap(), "version");
    assert!(
        geth.contains(&format!("Quorum Version: {QUORUM_VERSION}")),
        "{geth}"
    );
    let anvil = answer(&anvil.unwrap(), "--version");
    assert!(anvil.contains(ANVIL.version), "{anvil}");
    let node = answer(&node.unwrap(), "--version");
    assert!(node.starts_with('v'), "{node}");
    match clickhouse.unwrap() {
        ClickHouseProgram::Binary(path) | ClickHouseProgram::Library(path) => {
            assert!(path.is_file())
        }
        ClickHouseProgram::PythonModule { packages, .. } => assert!(packages.join("chdb").is_dir()),
    }
}
