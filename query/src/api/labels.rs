//! Enumerations whose values are labels of columns.

use async_graphql::Enum;

use crate::error::QueryError;

/// Defines an enumeration: the name of each value in GraphQL, and its label in the tables.
macro_rules! labels {
    ($(#[doc = $doc:literal])+ $name:ident { $( $(#[doc = $value_doc:literal])+ $value:ident $graphql:literal = $label:literal, )+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
        pub enum $name { $( $(#[doc = $value_doc])+ #[graphql(name = $graphql)] $value, )+ }

        impl $name {
            pub(crate) fn from_label(label: &str) -> Result<Self, QueryError> {
                match label {
                    $( $label => Ok(Self::$value), )+
                    _ => Err(QueryError::Inconsistent(format!(
                        concat!("{:?} is no label of ", stringify!($name)), label,
                    ))),
                }
            }
        }
    };
}

labels! {
    /// How a block was proven when it was stored.
    Proof {
        /// Its own commit seals are a quorum of the validator set in force.
        Sealed "SEALED" = "sealed",
        /// It is an ancestor, under an unchanged validator set, of a sealed block.
        Linked "LINKED" = "linked",
        /// Block 0, where trust begins: it is what the anchor says.
        Anchor "ANCHOR" = "anchor",
        /// The chain has no BFT consensus: roots and hashes were recomputed, but nobody signed.
        NoSignatures "NO_SIGNATURES" = "no_signatures",
    }
}

labels! {
    /// What the proofs rest on.
    Anchor {
        /// A genesis file given by the operator, its validator settings included.
        GenesisFile "GENESIS_FILE" = "genesis_file",
        /// A block hash pinned by the operator.
        PinnedHash "PINNED_HASH" = "pinned_hash",
        /// Trust on first use: nobody vouched for the first block that the node gave.
        FirstUse "FIRST_USE" = "first_use",
    }
}

labels! {
    /// Consensus rules of the chain.
    Consensus {
        /// QBFT.
        Qbft "QBFT" = "qbft",
        /// IBFT 2.0.
        Ibft2 "IBFT2" = "ibft2",
        /// A development chain whose blocks nobody signs, and which may reorganise.
        None "NONE" = "none",
    }
}

labels! {
    /// Shape of a token's transfer events.
    TokenStandard {
        /// Fungible amounts.
        Erc20 "ERC20" = "erc20",
        /// Unique ids, amount 1 each.
        Erc721 "ERC721" = "erc721",
        /// Amounts per id.
        Erc1155 "ERC1155" = "erc1155",
    }
}

impl TokenStandard {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Erc20 => "erc20",
            Self::Erc721 => "erc721",
            Self::Erc1155 => "erc1155",
        }
    }
}

labels! {
    /// What put a validator set in force.
    ValidatorSetReason {
        /// The set of the genesis block.
        Genesis "GENESIS" = "genesis",
        /// Votes of validators.
        Vote "VOTE" = "vote",
        /// An override of the genesis file.
        Transition "TRANSITION" = "transition",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_values_agree() {
        for standard in [
            TokenStandard::Erc20,
            TokenStandard::Erc721,
            TokenStandard::Erc1155,
        ] {
            assert_eq!(
                TokenStandard::from_label(standard.label()).unwrap(),
                standard
            );
        }
        assert!(matches!(
            Proof::from_label("guessed"),
            Err(QueryError::Inconsistent(_))
        ));
    }
}
