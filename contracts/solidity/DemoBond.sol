// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {ERC1155Supply} from "@openzeppelin/contracts/token/ERC1155/extensions/ERC1155Supply.sol";
import {IssuerRoles} from "./IssuerRoles.sol";

/// @title Bonds of the demonstration network
/// @notice An ERC-1155 with one id per issue; units of one id are interchangeable.
contract DemoBond is ERC1155Supply, IssuerRoles {
    /// @notice Name of the whole series; ERC-1155 asks for none, wallets and indexes read it.
    string public constant name = "Demo Bond";
    /// @notice Symbol of the whole series.
    string public constant symbol = "BONDX";

    /// @param admin Receives every role of the contract.
    constructor(address admin) ERC1155("urn:lastro:demo-bond:{id}") IssuerRoles(admin) {}

    /// @notice Creates `amount` units of issue `id` in the account `to`.
    function mint(address to, uint256 id, uint256 amount, bytes calldata data) external onlyRole(MINTER_ROLE) {
        _mint(to, id, amount, data);
    }

    /// @notice Creates units of several issues at once; `ids` and `amounts` have the same length.
    function mintBatch(address to, uint256[] calldata ids, uint256[] calldata amounts, bytes calldata data)
        external
        onlyRole(MINTER_ROLE)
    {
        _mintBatch(to, ids, amounts, data);
    }

    /// @notice Destroys `amount` units of issue `id` of `from`, which is the caller or has approved the caller.
    function burn(address from, uint256 id, uint256 amount) external onlyRole(BURNER_ROLE) {
        _requireOperator(from);
        _burn(from, id, amount);
    }

    /// @notice Destroys units of several issues of `from` at once.
    function burnBatch(address from, uint256[] calldata ids, uint256[] calldata amounts)
        external
        onlyRole(BURNER_ROLE)
    {
        _requireOperator(from);
        _burnBatch(from, ids, amounts);
    }

    /// @inheritdoc ERC1155
    function supportsInterface(bytes4 interfaceId) public view override(ERC1155, AccessControl) returns (bool) {
        return super.supportsInterface(interfaceId);
    }

    function _requireOperator(address from) private view {
        address caller = _msgSender();
        if (from != caller && !isApprovedForAll(from, caller)) {
            revert ERC1155MissingApprovalForAll(caller, from);
        }
    }
}
