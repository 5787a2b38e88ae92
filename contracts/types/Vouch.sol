// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev What one account says of another, as its 22 bytes on the wire, from high to low:
/// account (160 bits) | weight (16, signed, in hundredths; below zero is a warning).
type Vouch is uint176;

using {accountOf, weightOf} for Vouch global;

/// @dev Bytes of one vouch.
uint256 constant VOUCH_BYTES = 22;

function accountOf(Vouch vouch) pure returns (address) {
    return address(uint160(Vouch.unwrap(vouch) >> 16));
}

function weightOf(Vouch vouch) pure returns (int16) {
    return int16(uint16(Vouch.unwrap(vouch)));
}
