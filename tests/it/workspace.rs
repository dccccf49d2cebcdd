//! The workspace keeps its shape: who may depend on whom.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// Each package with the packages of this workspace that it may depend on, tests and benches aside.
const ALLOWED: &[(&str, &[&str])] = &[
    ("lastro-schema", &[]),
    ("lastro-besu-rpc", &["lastro-schema"]),
    ("lastro-libchdb", &[]),
    ("lastro-ingest", &["lastro-schema", "lastro-besu-rpc"]),
    ("lastro-contracts", &["lastro-schema", "lastro-besu-rpc"]),
    ("lastro-query", &["lastro-schema", "lastro-contracts"]),
    ("lastro-bench-chain", &["lastro-schema"]),
    (
        "lastro",
        &[
            "lastro-schema",
            "lastro-besu-rpc",
            "lastro-libchdb",
            "lastro-ingest",
            "lastro-contracts",
            "lastro-query",
        ],
    ),
];

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let edges = workspace_edges();
    assert!(!edges.is_empty());
    for (package, dependencies) in edges {
        let allowed = allowed.get(package.as_str()).unwrap_or_else(|| {
            panic!("{package} is not in the list above: say what it may depend on")
        });
        for dependency in dependencies {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{package} must not depend on {dependency}"
            );
        }
    }
}

/// Normal dependencies between packages of the workspace, as cargo knows them.
fn workspace_edges() -> Vec<(String, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let members: Vec<String> = packages.iter().map(name).collect();
    let dependencies = |package: &Value| {
        let all = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter();
        let normal = all.filter(|dependency| dependency["kind"].is_null());
        normal
            .map(name)
            .filter(|name| members.contains(name))
            .collect()
    };
    packages
        .iter()
        .map(|package| (name(package), dependencies(package)))
        .collect()
}
