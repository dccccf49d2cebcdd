//! What the compiler made of `solidity/`: ABI, code, and all that is needed to make it again.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use alloy_json_abi::JsonAbi;
use alloy_primitives::{B256, Bytes, keccak256};
use serde::Deserialize;

/// The ERC-20 currency.
pub static DEMO_CURRENCY: LazyLock<Artifact> =
    LazyLock::new(|| parse(include_str!("../artifacts/DemoCurrency.json")));
/// The ERC-1155 bond.
pub static DEMO_BOND: LazyLock<Artifact> =
    LazyLock::new(|| parse(include_str!("../artifacts/DemoBond.json")));
/// The ERC-721 deed.
pub static DEMO_DEED: LazyLock<Artifact> =
    LazyLock::new(|| parse(include_str!("../artifacts/DemoDeed.json")));

/// Every artefact of the crate, by contract name.
pub fn all() -> [&'static Artifact; 3] {
    [&DEMO_BOND, &DEMO_CURRENCY, &DEMO_DEED]
}

/// One compiled contract, as `build/compile.mjs` writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Artifact {
    /// Name in the source, e.g. `DemoCurrency`.
    pub contract_name: String,
    /// Source unit that declares it, relative to `solidity/`.
    pub source_name: String,
    pub abi: JsonAbi,
    /// Creation code without constructor arguments.
    pub bytecode: Bytes,
    /// Code that stands on the chain after creation, but for the places in `immutable_references`.
    pub deployed_bytecode: Bytes,
    /// By AST id of the immutable: the places in `deployed_bytecode` that the constructor fills.
    pub immutable_references: BTreeMap<String, Vec<CodeRange>>,
    pub compiler: Compiler,
    /// Settings of the compiler's standard JSON input.
    pub settings: serde_json::Value,
    /// keccak-256 of every source unit that the contract is made of, by unit name.
    pub sources: BTreeMap<String, B256>,
}

/// The compiler, with its commit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compiler {
    pub name: String,
    /// E.g. `0.8.30+commit.73712a01`.
    pub version: String,
}

/// A piece of code, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeRange {
    pub start: usize,
    pub length: usize,
}

impl Artifact {
    /// keccak-256 of the deployed code, as `extcodehash` gives it; `None` where the constructor fills immutables, because
    /// the code then differs from one deployment to the next.
    pub fn deployed_code_hash(&self) -> Option<B256> {
        self.immutable_references
            .is_empty()
            .then(|| keccak256(&self.deployed_bytecode))
    }
}

fn parse(json: &str) -> Artifact {
    // The text is committed and compiled in, and every one of them is parsed by a test.
    serde_json::from_str(json).expect("committed artefact")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::bindings::{DemoBond, DemoCurrency, DemoDeed};

    #[test]
    fn artefacts_are_those_of_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let named: Vec<String> = all()
            .iter()
            .map(|a| format!("{}.json", a.contract_name))
            .collect();
        assert_eq!(named, files);
    }

    #[test]
    fn artefacts_were_made_from_the_present_sources() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("solidity");
        for artifact in all() {
            let own = artifact
                .sources
                .iter()
                .filter(|(unit, _)| !unit.starts_with('@'));
            assert!(own.clone().any(|(unit, _)| *unit == artifact.source_name));
            for (unit, hash) in own {
                let source = std::fs::read(folder.join(unit)).unwrap();
                assert_eq!(
                    keccak256(source),
                    *hash,
                    "{unit} changed: run `npm run compile` in contracts/"
                );
            }
        }
    }

    #[test]
    fn artefacts_are_for_berlin_and_below_the_code_size_limit() {
        for artifact in all() {
            assert_eq!(artifact.settings["evmVersion"], "berlin");
            assert_eq!(artifact.compiler.version, "0.8.30+commit.73712a01");
            // EIP-170.
            assert!(
                artifact.deployed_bytecode.len() <= 24_576,
                "{}",
                artifact.contract_name
            );
            assert!(artifact.deployed_code_hash().is_some());
        }
    }

    #[test]
    fn bindings_carry_the_code_of_the_artefacts() {
        assert_eq!(DemoCurrency::BYTECODE, DEMO_CURRENCY.bytecode);
        assert_eq!(DemoBond::BYTECODE, DEMO_BOND.bytecode);
        assert_eq!(DemoDeed::BYTECODE, DEMO_DEED.bytecode);
        assert_eq!(DemoDeed::DEPLOYED_BYTECODE, DEMO_DEED.deployed_bytecode);
    }
}
