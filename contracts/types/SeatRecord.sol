// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev Two things that share a word, from high to low: the owner (160 bits) and the balance (72)
/// of seat i | the seat that stands at position i of the list (24). Until somebody leaves, seat i
/// stands at position i, and a draw reads one word where a list of its own would take two.
type SeatRecord is uint256;

using {owner, balance, listed, withSeat, withBalance, withListed} for SeatRecord global;

/// @dev The most that a seat can hold, in wei.
uint256 constant BALANCE_LIMIT = type(uint72).max;

function owner(SeatRecord record) pure returns (address) {
    return address(uint160(SeatRecord.unwrap(record) >> 96));
}

function balance(SeatRecord record) pure returns (uint256) {
    return uint72(SeatRecord.unwrap(record) >> 24);
}

/// @dev The seat at this record's position; zero beyond the list's end.
function listed(SeatRecord record) pure returns (uint24) {
    return uint24(SeatRecord.unwrap(record));
}

function withSeat(SeatRecord record, address owner_, uint256 balance_) pure returns (SeatRecord) {
    return SeatRecord.wrap((uint256(uint160(owner_)) << 96) | (balance_ << 24) | record.listed());
}

function withBalance(SeatRecord record, uint256 balance_) pure returns (SeatRecord) {
    return record.withSeat(record.owner(), balance_);
}

function withListed(SeatRecord record, uint24 seat) pure returns (SeatRecord) {
    return SeatRecord.wrap((SeatRecord.unwrap(record) & ~uint256(type(uint24).max)) | seat);
}
