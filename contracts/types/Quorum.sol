// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {History} from "./History.sol";

/// @dev Everything that every signed message reads or writes, in one word, from high to low:
/// history (160 bits) | next nonce (40) | version (24) | size (8) | threshold (8) | limit (16).
/// The limit is the inheriting contract's: in a slot of its own it would cost 2,100 gas a message.
type Quorum is uint256;

using {
    history,
    nextNonce,
    version,
    size,
    threshold,
    limit,
    afterEntry,
    withCommittee,
    withLimit
} for Quorum global;

/// @dev Thrown when the 2^40 nonces or the 2^24 versions of a committee are used up.
error QuorumExhausted();

function history(Quorum quorum) pure returns (History) {
    return History.wrap(uint160(Quorum.unwrap(quorum) >> 96));
}

function nextNonce(Quorum quorum) pure returns (uint40) {
    return uint40(Quorum.unwrap(quorum) >> 56);
}

function version(Quorum quorum) pure returns (uint24) {
    return uint24(Quorum.unwrap(quorum) >> 32);
}

function size(Quorum quorum) pure returns (uint8) {
    return uint8(Quorum.unwrap(quorum) >> 24);
}

function threshold(Quorum quorum) pure returns (uint8) {
    return uint8(Quorum.unwrap(quorum) >> 16);
}

function limit(Quorum quorum) pure returns (uint16) {
    return uint16(Quorum.unwrap(quorum));
}

/// @dev The word once the next nonce is used up by what `entry` stands for.
function afterEntry(Quorum quorum, bytes32 entry) pure returns (Quorum) {
    require(quorum.nextNonce() < type(uint40).max, QuorumExhausted());
    uint256 low = uint96(Quorum.unwrap(quorum)) + (uint256(1) << 56);
    return Quorum.wrap((uint256(History.unwrap(quorum.history().extend(entry))) << 96) | low);
}

/// @dev The word for a new committee, under the next version.
function withCommittee(Quorum quorum, uint8 size_, uint8 threshold_) pure returns (Quorum) {
    require(quorum.version() < type(uint24).max, QuorumExhausted());
    uint256 kept = Quorum.unwrap(quorum) & ~uint256(0xffff0000);
    return
        Quorum.wrap(
            (kept + (uint256(1) << 32)) | (uint256(size_) << 24) | (uint256(threshold_) << 16)
        );
}

function withLimit(Quorum quorum, uint16 limit_) pure returns (Quorum) {
    return Quorum.wrap((Quorum.unwrap(quorum) & ~uint256(0xffff)) | limit_);
}
