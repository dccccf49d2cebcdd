//! Why a call or a transaction reverted, with the names of our contracts' own errors.

use std::fmt;

use alloy_sol_types::SolInterface;
use lastro_besu_rpc::RevertReason;

use crate::bindings::{
    DemoBond::DemoBondErrors, DemoCurrency::DemoCurrencyErrors, DemoDeed::DemoDeedErrors,
};

/// A reason that prints an error of our contracts as its declaration has it, arguments included. It is *stated* by a node,
/// not proven by a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRevert(pub RevertReason);

impl fmt::Display for NamedRevert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // Several tokens share errors, by name and arguments, so the first that knows one will do.
            RevertReason::Custom(returned) => {
                let name = declared::<DemoCurrencyErrors>(returned)
                    .or_else(|| declared::<DemoBondErrors>(returned))
                    .or_else(|| declared::<DemoDeedErrors>(returned));
                match name {
                    Some(name) => write!(f, "reverted with {name}"),
                    None => self.0.fmt(f),
                }
            }
            other => other.fmt(f),
        }
    }
}

/// The generated enum has one variant per error, which holds a struct of the error's name.
fn declared<E: SolInterface + fmt::Debug>(returned: &[u8]) -> Option<String> {
    let text = format!("{:?}", E::abi_decode_validate(returned).ok()?);
    let inner = text
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    Some(inner.unwrap_or(&text).to_owned())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, U256};
    use alloy_sol_types::{Revert, SolError};

    use super::*;
    use crate::bindings::DemoBond::ERC1155MissingApprovalForAll;
    use crate::bindings::DemoCurrency::{ERC20InsufficientBalance, EnforcedPause};

    fn check(returned: &[u8], text: &str) {
        assert_eq!(
            NamedRevert(RevertReason::from_bytes(returned)).to_string(),
            text
        );
    }

    #[test]
    fn errors_of_our_contracts_are_named_with_their_arguments() {
        check(
            &EnforcedPause {}.abi_encode(),
            "reverted with EnforcedPause",
        );
        let (sender, one, two) = (Address::ZERO, U256::from(1), U256::from(2));
        check(
            &ERC20InsufficientBalance {
                sender,
                balance: one,
                needed: two,
            }
            .abi_encode(),
            "reverted with ERC20InsufficientBalance { sender: 0x0000000000000000000000000000000000000000, balance: 1, needed: 2 }",
        );
        check(
            &ERC1155MissingApprovalForAll {
                operator: sender,
                owner: sender,
            }
            .abi_encode(),
            "reverted with ERC1155MissingApprovalForAll { operator: 0x0000000000000000000000000000000000000000, \
             owner: 0x0000000000000000000000000000000000000000 }",
        );
    }

    #[test]
    fn other_reasons_read_as_the_client_has_them() {
        check(
            &Revert::from("not today").abi_encode(),
            "reverted: not today",
        );
        check(&[], "reverted without a reason");
        check(&[1, 2, 3, 4], "reverted with 0x01020304");
    }
}
