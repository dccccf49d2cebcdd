// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Pausable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Pausable.sol";
import {IssuerRoles} from "./IssuerRoles.sol";

/// @title Currency of the demonstration network
/// @notice An ERC-20 in centavos: two decimals, as the currencies of Brazil's pilot network have.
/// @dev While it is paused every movement of balances is refused, mint and burn included; approvals are not.
contract DemoCurrency is ERC20Pausable, IssuerRoles {
    /// @notice May stop and resume every movement of balances.
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    /// @param admin Receives every role of the contract.
    constructor(address admin) ERC20("Demo Real", "BRLX") IssuerRoles(admin) {
        _grantRole(PAUSER_ROLE, admin);
    }

    /// @notice Amounts are in hundredths of a real.
    function decimals() public pure override returns (uint8) {
        return 2;
    }

    /// @notice Creates `amount` centavos in the account `to`.
    function mint(address to, uint256 amount) external onlyRole(MINTER_ROLE) {
        _mint(to, amount);
    }

    /// @notice Destroys `amount` centavos of the caller.
    function burn(uint256 amount) external onlyRole(BURNER_ROLE) {
        _burn(_msgSender(), amount);
    }

    /// @notice Destroys `amount` centavos of `account`, out of the allowance that it gave the caller.
    function burnFrom(address account, uint256 amount) external onlyRole(BURNER_ROLE) {
        _spendAllowance(account, _msgSender(), amount);
        _burn(account, amount);
    }

    /// @notice Stops every movement of balances.
    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    /// @notice Resumes what `pause` stopped.
    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }
}
