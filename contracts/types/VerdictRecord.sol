// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev Everything the ledger keeps of one receipt, from high to low: spare (160 bits) |
/// nonce of the report (40) | time (40) | verdict (2) | distance (14).
/// Zero means that no report has named it. The low 16 bits are the finding, as it is on the wire.
type VerdictRecord is uint256;

using {verdict, distance, notedAt, reportNonce, isOpen} for VerdictRecord global;

/// @dev The verdict that may be followed by another one; see interfaces/IVerdictLedger.sol.
uint256 constant INCONCLUSIVE = 3;

/// @dev What all records of one report have in common.
function verdictStamp(uint256 time, uint256 nonce) pure returns (uint256) {
    return (nonce << 56) | (time << 16);
}

/// @dev Whether the low 16 bits, a finding, hold a verdict: 1, 2 or 3 in the upper two.
function isVerdict(uint256 finding) pure returns (bool) {
    return finding & 0xc000 != 0;
}

function verdict(VerdictRecord record) pure returns (uint256) {
    return (VerdictRecord.unwrap(record) >> 14) & 3;
}

function distance(VerdictRecord record) pure returns (uint16) {
    return uint16(VerdictRecord.unwrap(record)) & 0x3fff;
}

function notedAt(VerdictRecord record) pure returns (uint40) {
    return uint40(VerdictRecord.unwrap(record) >> 16);
}

function reportNonce(VerdictRecord record) pure returns (uint40) {
    return uint40(VerdictRecord.unwrap(record) >> 56);
}

/// @dev Whether the receipt may still get a verdict: it has none yet, or an inconclusive one.
function isOpen(VerdictRecord record) pure returns (bool) {
    return VerdictRecord.unwrap(record) == 0 || record.verdict() == INCONCLUSIVE;
}
