// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";

/// @title Roles of an issuer
/// @notice Who may mint and burn, and who may say so. Every token of this folder stands on it.
/// @dev The role names are those of OpenZeppelin's presets, keccak256 of the constant's own name, so that an index reads
/// `RoleGranted` of these contracts like that of any other.
abstract contract IssuerRoles is AccessControl {
    /// @notice May create tokens.
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");
    /// @notice May destroy tokens that it holds, or that the holder has approved it for.
    bytes32 public constant BURNER_ROLE = keccak256("BURNER_ROLE");

    /// @notice The admin given to the constructor can never act: nobody could ever grant a role.
    error InvalidAdmin(address admin);

    /// @param admin Receives `DEFAULT_ADMIN_ROLE`, `MINTER_ROLE` and `BURNER_ROLE`; it may grant them on and renounce its own.
    constructor(address admin) {
        if (admin == address(0)) revert InvalidAdmin(admin);
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(MINTER_ROLE, admin);
        _grantRole(BURNER_ROLE, admin);
    }
}
