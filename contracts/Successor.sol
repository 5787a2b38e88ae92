// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISuccessor} from "./interfaces/ISuccessor.sol";

/// @title Which earlier deployment this one continues; the interface is the manual.
abstract contract Successor is ISuccessor {
    /// @inheritdoc ISuccessor
    address public immutable predecessor;

    constructor(address predecessor_) {
        require(
            predecessor_ == address(0) || predecessor_.code.length > 0,
            PredecessorNotContract(predecessor_)
        );
        predecessor = predecessor_;
        emit Succeeds(predecessor_);
    }
}
