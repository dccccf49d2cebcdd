//! What follows from proven logs and transactions: token transfers, balance changes, contracts.

pub(crate) mod transfers;

use alloy_primitives::Address;

/// The shape of a token's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    Erc20,
    Erc721,
    Erc1155,
}

impl Standard {
    pub fn name(self) -> &'static str {
        match self {
            Self::Erc20 => "erc20",
            Self::Erc721 => "erc721",
            Self::Erc1155 => "erc1155",
        }
    }
}

/// A token contract that emitted a transfer event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenToken {
    pub token: Address,
    pub standard: Standard,
}
