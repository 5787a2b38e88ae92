// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Random values that nobody knows in advance
/// @notice A round is named before its value is known. An adapter for drand maps rounds one to one
/// and keeps the values that it verified.
interface IBeacon {
    /// @notice Thrown while the value of the round is not known; `present` is the latest known.
    error RoundNotReached(uint64 round, uint64 present);

    /// @notice A round whose value nobody can know now.
    function next() external view returns (uint64 round);

    /// @notice The value of the round; reverts while it is not known.
    function value(uint64 round) external view returns (bytes32);
}
