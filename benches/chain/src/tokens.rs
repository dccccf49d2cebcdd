//! The token contracts of the synthetic network: plain ones, and the odd ones that indexers stumble over.

use alloy_primitives::{Address, U256};

use crate::keys::derive_address;
use crate::options::{ChainOptions, Traffic};

/// How a contract writes its transfers into logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// `Transfer` with two indexed addresses.
    Erc20,
    /// `Transfer` with nothing indexed: one topic, 96 bytes of data.
    Erc20Unindexed,
    /// `Transfer` with only `from` indexed: two topics, 64 bytes of data. No standard covers it.
    Erc20PartlyIndexed,
    /// Emits transfers of 2^256-1: its totals do not fit 256 bits.
    Erc20Overflowing,
    /// Every account has [`GENESIS_BALANCE`] from genesis storage, which no event announces.
    Erc20GenesisFunded,
    Erc721,
    Erc1155,
    /// Emits logs that look like transfers and are none; see [`OddLog`](crate::OddLog).
    Malformed,
}

/// What `name()` and `symbol()` answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metadata {
    /// ABI strings.
    Strings,
    /// `bytes32`, as some early tokens do.
    Bytes32,
    /// The contract has no such functions: empty answers.
    Missing,
}

/// The balance every account of an [`TokenKind::Erc20GenesisFunded`] token starts with.
pub const GENESIS_BALANCE: U256 = U256::from_limbs([1_000_000_000_000, 0, 0, 0]);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub address: Address,
    pub kind: TokenKind,
    pub metadata: Metadata,
    pub name: String,
    pub symbol: String,
    pub decimals: u8,
}

impl TokenKind {
    pub fn is_erc20(self) -> bool {
        match self {
            Self::Erc20
            | Self::Erc20Unindexed
            | Self::Erc20PartlyIndexed
            | Self::Erc20Overflowing
            | Self::Erc20GenesisFunded => true,
            Self::Erc721 | Self::Erc1155 | Self::Malformed => false,
        }
    }
}

/// The plain tokens first, then, for mixed traffic, one odd token of each kind and metadata.
pub(crate) fn all_tokens(options: &ChainOptions) -> Vec<Token> {
    let mut kinds: Vec<(TokenKind, Metadata)> = (0..options.n_tokens)
        .map(|_| (TokenKind::Erc20, Metadata::Strings))
        .collect();
    if options.traffic == Traffic::Mixed {
        kinds.extend([
            (TokenKind::Erc20, Metadata::Bytes32),
            (TokenKind::Erc20, Metadata::Missing),
            (TokenKind::Erc20Unindexed, Metadata::Strings),
            (TokenKind::Erc20PartlyIndexed, Metadata::Strings),
            (TokenKind::Erc20Overflowing, Metadata::Strings),
            (TokenKind::Erc20GenesisFunded, Metadata::Strings),
            (TokenKind::Erc721, Metadata::Strings),
            (TokenKind::Erc1155, Metadata::Missing),
            (TokenKind::Malformed, Metadata::Missing),
        ]);
    }
    kinds
        .into_iter()
        .zip(0_u64..)
        .map(|((kind, metadata), index)| Token {
            address: derive_address(options.seed, "token", index),
            kind,
            metadata,
            name: format!("Synthetic token {index}"),
            symbol: format!("SYN{index}"),
            decimals: if kind.is_erc20() {
                u8::try_from(index % 19).unwrap_or(18)
            } else {
                0
            },
        })
        .collect()
}
