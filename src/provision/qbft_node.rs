//! Builds the QBFT test node from its Go module.
//!
//! GoQuorum is at its end of life: a tool for tests and demonstrations, run as a program of its own, never linked and
//! never shipped. `go.sum` pins the content of every module it is built from.

use std::{fs, path::Path};

use tokio::process::Command;

use super::{ProvisionError, fetch, progress::Progress};

const SOURCES: [(&str, &str); 3] = [
    ("go.mod", include_str!("qbft_node/go.mod")),
    ("go.sum", include_str!("qbft_node/go.sum")),
    ("tools.go", include_str!("qbft_node/tools.go")),
];

const GETH: &str = "github.com/ethereum/go-ethereum/cmd/geth";

/// Builds `geth` into `staging`.
pub(super) async fn build(go: &Path, staging: &Path) -> Result<(), ProvisionError> {
    let module = staging.join("module");
    fs::create_dir_all(&module).map_err(ProvisionError::file("create", &module))?;
    for (name, text) in SOURCES {
        let path = module.join(name);
        fs::write(&path, text).map_err(ProvisionError::file("write", &path))?;
    }
    let step = "fetching and building the QBFT test node, about three minutes on two cores, once";
    let _progress = Progress::start(step.to_owned());
    // The linker's check refuses what the old standard library hooks of this code reach for since Go 1.23.
    let mut build = Command::new(go);
    build.args([
        "build",
        "-mod=readonly",
        "-trimpath",
        "-ldflags=-checklinkname=0 -s -w",
        "-o",
        "../geth",
        GETH,
    ]);
    // A workspace file in some parent folder must not change what is built.
    build
        .current_dir(&module)
        .env("GOWORK", "off")
        .env("GO111MODULE", "on");
    fetch::run(build, go, "build the QBFT node".to_owned()).await?;
    fs::remove_dir_all(&module).map_err(ProvisionError::file("remove", &module))
}

/// Changes whenever the node has to be built again.
pub(super) fn source_digest() -> String {
    fetch::sha256_hex(&SOURCES.map(|(_, text)| text.as_bytes()))
}
