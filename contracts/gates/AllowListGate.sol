// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IRaterGate} from "../interfaces/IRaterGate.sol";

/// @title Those whom the owner lists may rate, each with the weight that the owner gives
/// @notice For a closed group, and for weights computed elsewhere, such as by a service that
/// proves personhood.
contract AllowListGate is IRaterGate, Ownable2Step {
    /// @notice An account's weight was set, in hundredths; 0 takes it off the list.
    event WeightSet(address indexed account, uint32 weight);

    /// @notice Thrown for a weight above 100, a full voice.
    error WeightInvalid(uint32 weight);

    /// @inheritdoc IRaterGate
    mapping(address account => uint32) public weightOf;

    constructor(address initialOwner) Ownable(initialOwner) {}

    /// @notice Set an account's weight, 0 to 100 hundredths. Only for the owner.
    function setWeight(address account, uint32 weight) external onlyOwner {
        require(weight <= 100, WeightInvalid(weight));
        weightOf[account] = weight;
        emit WeightSet(account, weight);
    }
}
