// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev Everything the ledger keeps of one source, from high to low: spare (24 bits) |
/// time of the last update (40) | supported (48) | contradicted (48) | used (48) | asked (48).
/// Counters are in 1/100 of a unit of evidence. Zero means that no batch has touched it.
type ScoreRecord is uint256;

using {isUntouched, add, supported, contradicted, used, asked, updatedAt} for ScoreRecord global;

uint256 constant COUNTERS = (1 << 192) - 1;
uint256 constant COUNTER = (1 << 48) - 1;
uint256 constant TOP_BITS = 0x800000000000800000000000800000000000800000000000;

/// @dev Whether no batch has touched the source yet.
function isUntouched(ScoreRecord record) pure returns (bool) {
    return ScoreRecord.unwrap(record) == 0;
}

/// @dev The record after all four deltas are added at once, and whether a counter overflowed.
/// `lanes` holds deltas below 2^47, so a lane overflows exactly when its top bit falls from 1 to
/// 0; a carry into the next lane then does no harm, because the caller reverts.
function add(ScoreRecord record, uint256 lanes, uint256 time)
    pure
    returns (ScoreRecord, bool overflow)
{
    unchecked {
        uint256 old = ScoreRecord.unwrap(record) & COUNTERS;
        uint256 sum = old + lanes;
        return (ScoreRecord.wrap((time << 192) | sum), old & ~sum & TOP_BITS != 0);
    }
}

function supported(ScoreRecord record) pure returns (uint48) {
    return uint48(ScoreRecord.unwrap(record) >> 144);
}

function contradicted(ScoreRecord record) pure returns (uint48) {
    return uint48(ScoreRecord.unwrap(record) >> 96);
}

function used(ScoreRecord record) pure returns (uint48) {
    return uint48(ScoreRecord.unwrap(record) >> 48);
}

function asked(ScoreRecord record) pure returns (uint48) {
    return uint48(ScoreRecord.unwrap(record));
}

function updatedAt(ScoreRecord record) pure returns (uint40) {
    return uint40(ScoreRecord.unwrap(record) >> 192);
}
