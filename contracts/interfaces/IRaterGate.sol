// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Who may rate, and how much it counts
/// @notice Asked at every entry into a feedback log. Anyone can write a gate: a stake, a list, a
/// proof of personhood.
interface IRaterGate {
    /// @notice How much an account's ratings count now, in hundredths: 100 is a full voice, 0 is
    /// none, and the entry is refused.
    function weightOf(address account) external view returns (uint32);
}
