//! Calls, events and errors of our contracts, generated from the committed artefacts and never typed by hand.
//!
//! Overloaded functions are numbered in the order of the ABI, e.g. `safeTransferFrom_0Call`.

// The code is the macro's; its ABI has functions of more arguments than we would write.
#![allow(clippy::too_many_arguments, missing_docs)]

use alloy_sol_types::sol;

sol!(
    #[derive(Debug, PartialEq, Eq)]
    DemoCurrency,
    "artifacts/DemoCurrency.json"
);

sol!(
    #[derive(Debug, PartialEq, Eq)]
    DemoBond,
    "artifacts/DemoBond.json"
);

sol!(
    #[derive(Debug, PartialEq, Eq)]
    DemoDeed,
    "artifacts/DemoDeed.json"
);

#[cfg(test)]
mod tests {
    use alloy_primitives::{b256, hex};
    use alloy_sol_types::{SolCall, SolEvent};

    use super::*;

    #[test]
    fn selectors_are_those_of_the_standards() {
        // ERC-20
        assert_eq!(DemoCurrency::transferCall::SELECTOR, hex!("a9059cbb"));
        assert_eq!(DemoCurrency::transferFromCall::SELECTOR, hex!("23b872dd"));
        assert_eq!(DemoCurrency::approveCall::SELECTOR, hex!("095ea7b3"));
        assert_eq!(DemoCurrency::balanceOfCall::SELECTOR, hex!("70a08231"));
        assert_eq!(DemoCurrency::totalSupplyCall::SELECTOR, hex!("18160ddd"));
        assert_eq!(DemoCurrency::decimalsCall::SELECTOR, hex!("313ce567"));
        // ERC-1155
        assert_eq!(DemoBond::safeTransferFromCall::SELECTOR, hex!("f242432a"));
        assert_eq!(
            DemoBond::safeBatchTransferFromCall::SELECTOR,
            hex!("2eb2c2d6")
        );
        assert_eq!(DemoBond::balanceOfCall::SELECTOR, hex!("00fdd58e"));
        // ERC-721
        assert_eq!(DemoDeed::safeTransferFrom_0Call::SELECTOR, hex!("42842e0e"));
        assert_eq!(DemoDeed::safeTransferFrom_1Call::SELECTOR, hex!("b88d4fde"));
        assert_eq!(DemoDeed::ownerOfCall::SELECTOR, hex!("6352211e"));
        assert_eq!(DemoDeed::setApprovalForAllCall::SELECTOR, hex!("a22cb465"));
        // The overload that traffic starts from.
        assert_eq!(DemoBond::totalSupply_0Call::SELECTOR, hex!("18160ddd"));
    }

    #[test]
    fn events_are_those_of_the_standards() {
        let transfer = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
        assert_eq!(DemoCurrency::Transfer::SIGNATURE_HASH, transfer);
        assert_eq!(DemoDeed::Transfer::SIGNATURE_HASH, transfer);
        assert_eq!(
            DemoBond::TransferSingle::SIGNATURE_HASH,
            b256!("0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62")
        );
        assert_eq!(
            DemoBond::TransferBatch::SIGNATURE_HASH,
            b256!("0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb")
        );
        assert_eq!(
            DemoCurrency::RoleGranted::SIGNATURE_HASH,
            b256!("0x2f8788117e7eff1d82e926ec794901d17c78024a50270940304540a733656f0d")
        );
    }
}
