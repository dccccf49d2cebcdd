//! Settings: what a file, the environment and flags may say ([`RawConfig`]), and what follows from it ([`Config`]).

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::{Address, B256};
use clap::ValueEnum;
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use lastro_besu_rpc::Endpoint;
use lastro_ingest::{
    Proofs,
    consensus::{Anchor, GenesisError, GenesisFile, RulesError, VoteDialect, VotingRules},
};
use lastro_schema::BlockNumber;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cli::UpArgs;

/// Every setting, documented; `lastro config` prints it, and a test holds it against [`RawConfig`].
pub const REFERENCE: &str = include_str!("config/reference.toml");

/// Prefix of environment variables: `LASTRO_NODE__HTTP='["http://…"]'` is `http` of section `[node]`.
const ENVIRONMENT_PREFIX: &str = "LASTRO_";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    pub node: RawNode,
    pub chain: RawChain,
    pub index: RawIndex,
    pub store: RawStore,
    pub api: RawApi,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawNode {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ws: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawChain {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genesis_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genesis_hash: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch_length: Option<NonZeroU64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vote_rules: Option<VoteRules>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub transitions: BTreeMap<String, Vec<Address>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoteRules {
    Besu,
    Goquorum,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawIndex {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proofs: Option<ProofsSetting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ProofsSetting {
    Full,
    Ranges,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawStore {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader_password_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawApi {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
}

/// What is wrong with the settings.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("the settings cannot be read: {0}")]
    Syntax(#[from] Box<figment::Error>),
    #[error("configuration file {path} cannot be read: {source}")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "no node is given: use --rpc URL, or `http` in section [node] of the configuration file"
    )]
    NoNode,
    #[error(
        "{n_ws} WebSocket addresses are given for {n_http} HTTP addresses; give at most one for each, in the same order"
    )]
    WebSockets { n_http: usize, n_ws: usize },
    #[error("`genesis_file` and `genesis_hash` are both given; one anchor is enough")]
    TwoAnchors,
    #[error("genesis file {path} is not usable: {source}")]
    Genesis { path: PathBuf, source: GenesisError },
    #[error(
        "the epoch length, the vote rules and the transitions are in the genesis file; do not give them again"
    )]
    RulesTwice,
    #[error("{block:?} in section [chain.transitions] is no block number")]
    TransitionBlock { block: String },
    #[error("the validators' rules are not usable: {0}")]
    Rules(#[from] RulesError),
    #[error(
        "`url` of section [store] needs `user` and `password_file`: there is no default password"
    )]
    NoPassword,
    #[error("database name {0:?} is not usable: letters, digits and _ only")]
    DatabaseName(String),
}

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Config {
    pub endpoints: Vec<Endpoint>,
    pub anchor: Anchor,
    pub proofs: Proofs,
    pub database: String,
    pub store: StorePlace,
    pub listen: SocketAddr,
}

/// The settings of commands that work on the database alone.
#[derive(Clone, Debug)]
pub struct OfflineConfig {
    pub anchor: Option<Anchor>,
    pub database: String,
    pub store: StorePlace,
}

/// Where ClickHouse is.
#[derive(Clone)]
pub enum StorePlace {
    Embedded {
        data_dir: PathBuf,
    },
    Server {
        url: String,
        writer: Credentials,
        reader: Credentials,
    },
}

impl std::fmt::Debug for StorePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Embedded { data_dir } => write!(f, "embedded in {}", data_dir.display()),
            Self::Server { .. } => write!(f, "by URL"),
        }
    }
}

/// A user of ClickHouse. Not printable: it holds a password.
#[derive(Clone)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

impl RawConfig {
    /// File, environment, flags, in that order of weight.
    pub fn load(args: &UpArgs) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(path) = &args.config {
            let text = read(path)?;
            figment = figment.merge(Toml::string(&text));
        }
        figment = figment.merge(
            Env::prefixed(ENVIRONMENT_PREFIX)
                .split("__")
                .filter(|key| key.as_str().contains("__")),
        );
        figment = figment.merge(Serialized::defaults(Self::from_flags(args)));
        figment
            .extract()
            .map_err(|error| ConfigError::Syntax(Box::new(error)))
    }

    fn from_flags(args: &UpArgs) -> Self {
        let list = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        Self {
            node: RawNode {
                http: list(&args.rpc),
                ws: list(&args.ws),
            },
            chain: RawChain {
                genesis_file: args.genesis.clone(),
                genesis_hash: args.genesis_hash,
                ..RawChain::default()
            },
            index: RawIndex {
                proofs: args.proofs,
            },
            store: RawStore {
                url: args.store_url.clone(),
                database: args.database.clone(),
                data_dir: args.data_dir.clone(),
                ..RawStore::default()
            },
            api: RawApi {
                listen: args.listen,
            },
        }
    }

    /// Checks the settings that need no node, and fills in the defaults. No anchor unless a genesis file or hash is given.
    pub fn validate_offline(self) -> Result<OfflineConfig, ConfigError> {
        let has_anchor = self.chain.genesis_file.is_some() || self.chain.genesis_hash.is_some();
        Ok(OfflineConfig {
            anchor: has_anchor.then(|| anchor(self.chain)).transpose()?,
            database: database(self.store.database.as_deref())?,
            store: store(self.store)?,
        })
    }

    /// Checks the settings and fills in the defaults.
    pub fn validate(self) -> Result<Config, ConfigError> {
        Ok(Config {
            endpoints: endpoints(self.node)?,
            anchor: anchor(self.chain)?,
            proofs: match self.index.proofs.unwrap_or(ProofsSetting::Full) {
                ProofsSetting::Full => Proofs::Full,
                ProofsSetting::Ranges => Proofs::Ranges,
            },
            database: database(self.store.database.as_deref())?,
            store: store(self.store)?,
            listen: self.api.listen.unwrap_or(lastro_query::DEFAULT_LISTEN),
        })
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::File {
        path: path.to_owned(),
        source,
    })
}

fn endpoints(node: RawNode) -> Result<Vec<Endpoint>, ConfigError> {
    let (http, ws) = (node.http.unwrap_or_default(), node.ws.unwrap_or_default());
    if http.is_empty() {
        return Err(ConfigError::NoNode);
    }
    if ws.len() > http.len() {
        return Err(ConfigError::WebSockets {
            n_http: http.len(),
            n_ws: ws.len(),
        });
    }
    let mut ws = ws.into_iter();
    Ok(http
        .into_iter()
        .map(|http| Endpoint {
            http,
            ws: ws.next(),
        })
        .collect())
}

fn anchor(chain: RawChain) -> Result<Anchor, ConfigError> {
    let has_rules =
        chain.epoch_length.is_some() || chain.vote_rules.is_some() || !chain.transitions.is_empty();
    match (&chain.genesis_file, chain.genesis_hash) {
        (Some(_), Some(_)) => Err(ConfigError::TwoAnchors),
        (Some(_), None) if has_rules => Err(ConfigError::RulesTwice),
        (Some(path), None) => {
            let file = GenesisFile::parse(read(path)?.as_bytes());
            let file = file.map_err(|source| ConfigError::Genesis {
                path: path.clone(),
                source,
            })?;
            Ok(Anchor::GenesisFile(Box::new(file)))
        }
        (None, Some(hash)) => Ok(Anchor::PinnedHash {
            hash,
            rules: rules(chain)?,
        }),
        (None, None) => Ok(Anchor::FirstUse {
            rules: rules(chain)?,
        }),
    }
}

fn rules(chain: RawChain) -> Result<Arc<VotingRules>, ConfigError> {
    let standard = VotingRules::default();
    let dialect = match chain.vote_rules {
        Some(VoteRules::Goquorum) => VoteDialect::Goquorum,
        Some(VoteRules::Besu) | None => VoteDialect::Besu,
    };
    let mut overrides = BTreeMap::new();
    for (block, members) in chain.transitions {
        let number = block
            .parse()
            .map_err(|_| ConfigError::TransitionBlock { block })?;
        overrides.insert(BlockNumber(number), members);
    }
    let epoch_length = chain.epoch_length.unwrap_or(standard.epoch_length());
    Ok(Arc::new(VotingRules::new(
        epoch_length,
        overrides,
        dialect,
    )?))
}

fn database(name: Option<&str>) -> Result<String, ConfigError> {
    let name = name.unwrap_or("lastro");
    let allowed = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(ConfigError::DatabaseName(name.to_owned()));
    }
    Ok(name.to_owned())
}

fn store(store: RawStore) -> Result<StorePlace, ConfigError> {
    let Some(url) = store.url else {
        return Ok(StorePlace::Embedded {
            data_dir: store.data_dir.unwrap_or_else(default_data_dir),
        });
    };
    let credentials =
        |user: Option<String>, file: Option<PathBuf>| -> Result<Credentials, ConfigError> {
            let (Some(user), Some(file)) = (user, file) else {
                return Err(ConfigError::NoPassword);
            };
            Ok(Credentials {
                user,
                password: read(&file)?.trim_end_matches(['\r', '\n']).to_owned(),
            })
        };
    let writer = credentials(store.user, store.password_file)?;
    let reader = match (store.reader_user, store.reader_password_file) {
        (None, None) => writer.clone(),
        (user, file) => credentials(user, file)?,
    };
    Ok(StorePlace::Server {
        url,
        writer,
        reader,
    })
}

fn default_data_dir() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let base = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(home);
    base.unwrap_or_else(|| PathBuf::from(".")).join("lastro")
}

#[cfg(test)]
mod tests;
