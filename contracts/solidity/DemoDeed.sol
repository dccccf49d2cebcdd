// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IssuerRoles} from "./IssuerRoles.sol";

/// @title Deeds of the demonstration network
/// @notice An ERC-721: one token per registered property, each owned by exactly one account.
contract DemoDeed is ERC721, IssuerRoles {
    /// @param admin Receives every role of the contract.
    constructor(address admin) ERC721("Demo Deed", "DEEDX") IssuerRoles(admin) {}

    /// @notice Registers the property `tokenId` to `to`; a contract must answer `onERC721Received`.
    function safeMint(address to, uint256 tokenId) external onlyRole(MINTER_ROLE) {
        _safeMint(to, tokenId);
    }

    /// @notice Strikes the property `tokenId` off; the caller owns it or is approved for it.
    function burn(uint256 tokenId) external onlyRole(BURNER_ROLE) {
        _update(address(0), tokenId, _msgSender());
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, AccessControl) returns (bool) {
        return super.supportsInterface(interfaceId);
    }

    function _baseURI() internal pure override returns (string memory) {
        return "urn:lastro:demo-deed:";
    }
}
