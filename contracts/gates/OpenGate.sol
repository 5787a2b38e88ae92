// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IRaterGate} from "../interfaces/IRaterGate.sol";

/// @title Everyone may rate, with a full voice
/// @custom:warning It keeps nobody out: the ratings are only as good as the reputation through
/// which they are read.
contract OpenGate is IRaterGate {
    /// @inheritdoc IRaterGate
    function weightOf(address) external pure returns (uint32) {
        return 100;
    }
}
