// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A contract that may continue an earlier one
/// @notice No contract here can be upgraded. A new version is a new deployment, which says once
/// and for good which one it takes over from; the two share no storage.
interface ISuccessor {
    /// @notice This deployment continues an earlier one; zero if it is the first.
    event Succeeds(address indexed predecessor);

    /// @notice Thrown when the predecessor is an address without code.
    error PredecessorNotContract(address predecessor);

    /// @notice The deployment that this one continues, or zero.
    function predecessor() external view returns (address);
}
