// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev An account (160 bits) and what it puts up, in wei (96): a requester and the price, or a
/// provider and its bond.
type Party is uint256;

using {account, amount} for Party global;

function account(Party party) pure returns (address) {
    return address(uint160(Party.unwrap(party) >> 96));
}

function amount(Party party) pure returns (uint256) {
    return uint96(Party.unwrap(party));
}

function partyOf(address account_, uint256 amount_) pure returns (Party) {
    return Party.wrap((uint256(uint160(account_)) << 96) | amount_);
}
