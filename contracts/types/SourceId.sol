// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev A registered source: 1, 2, 3, … in order of registration; 0 is no source.
type SourceId is uint32;

using {gt as >} for SourceId global;

function gt(SourceId a, SourceId b) pure returns (bool) {
    return SourceId.unwrap(a) > SourceId.unwrap(b);
}
