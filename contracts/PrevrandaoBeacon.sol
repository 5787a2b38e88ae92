// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBeacon} from "./interfaces/IBeacon.sol";

/// @title Rounds are blocks, values the chain's own randomness (EIP-4399)
/// @notice The value of a round is that of the block which asks for it, the round's or any later
/// one: what a draw makes of it is known once it is in a block, and stays.
/// @custom:warning Who proposes the block of a draw knows its value beforehand, and can leave the
/// draw out: one bit of choice per proposer, paid with a missed draw or a missed block. Each later
/// block is another throw, so that drawing in the first one is left to nobody: requester, provider
/// and verifiers can all draw. Where the stakes exceed what a block is worth, use a beacon whose
/// values are signed by many, such as drand. On a chain whose blocks have no randomness of their
/// own, values can be foretold.
contract PrevrandaoBeacon is IBeacon {
    /// @notice The beacon was deployed.
    event BeaconOpened(uint64 delay);

    /// @notice Thrown for a delay of zero or above `limit` blocks.
    error DelayInvalid(uint64 delay, uint64 limit);

    uint64 private constant DELAY_LIMIT = 7200;

    /// @notice How many blocks ahead the next round is. From 2 on, no proposer of a single block
    /// knows the value of the next round when it includes what fixes the round.
    uint64 public immutable delay;

    /// @param delay_ How many blocks ahead the next round is, 1 to 7,200.
    constructor(uint64 delay_) {
        require(delay_ > 0 && delay_ <= DELAY_LIMIT, DelayInvalid(delay_, DELAY_LIMIT));
        delay = delay_;
        emit BeaconOpened(delay_);
    }

    /// @inheritdoc IBeacon
    function next() external view returns (uint64) {
        return uint64(block.number) + delay;
    }

    /// @inheritdoc IBeacon
    function value(uint64 round) external view returns (bytes32) {
        require(block.number >= round, RoundNotReached(round, uint64(block.number)));
        return bytes32(block.prevrandao);
    }
}
