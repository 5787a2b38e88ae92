// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev A rolling hash over everything that a contract accepted, in order: whoever holds the logs
/// can recompute it, and whoever left one out cannot. It has 160 bits so that it shares a slot;
/// to find two histories under one value takes about 2^80 hashes, as for two accounts under one
/// address.
type History is uint160;

using {extend} for History global;

/// @dev The hash after one more entry.
function extend(History history, bytes32 entry) pure returns (History) {
    return History.wrap(uint160(uint256(keccak256(abi.encode(History.unwrap(history), entry)))));
}
