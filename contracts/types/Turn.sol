// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {WordHash} from "../libraries/WordHash.sol";

/// @dev What is fixed while a job waits for its next step, in one word; the low 40 bits are always
/// the time at which the step ends. From high to low:
/// awaiting a draw:  spare (96) | seats ever taken (24) | seats sitting (24) | spare (8) |
///                   beacon round (64) | end (40)
/// drawn:            salt (104) | round (8) | panel (3 x 24, empty places zero) | leaf (32) |
///                   end of the commits (40)
/// judged:           spare (216) | end of the appeals (40)
/// The salt is of a hash of the beacon's value and the owners of the panel's seats, so that ballots
/// are checked without a read of each seat. Nobody knew it before the deal was bound, so that two
/// contents with one short hash (types/JobState.sol) cannot be prepared.
type Turn is uint256;

using {end, beaconRound, sitting, taken, leaf, seatAt, fullPanel, round, salt} for Turn global;

/// @dev Places on a panel.
uint256 constant PLACES = 3;

/// @dev The turn of a job that awaits a draw.
function awaiting(uint256 end_, uint64 beacon, uint24 sitting_, uint24 taken_) pure returns (Turn) {
    return Turn.wrap(
        (uint256(taken_) << 136) | (uint256(sitting_) << 112) | (uint256(beacon) << 40) | end_
    );
}

/// @dev The turn of a job whose panel is drawn. `panel` is laid out as in the word, shifted to 0.
function drawn(uint256 end_, uint256 leaf_, uint256 panel, uint256 round_, uint256 salt_)
    pure
    returns (Turn)
{
    return Turn.wrap((salt_ << 152) | (round_ << 144) | (panel << 72) | (leaf_ << 40) | end_);
}

function end(Turn turn) pure returns (uint256) {
    return uint40(Turn.unwrap(turn));
}

function beaconRound(Turn turn) pure returns (uint64) {
    return uint64(Turn.unwrap(turn) >> 40);
}

function sitting(Turn turn) pure returns (uint256) {
    return uint24(Turn.unwrap(turn) >> 112);
}

function taken(Turn turn) pure returns (uint256) {
    return uint24(Turn.unwrap(turn) >> 136);
}

function leaf(Turn turn) pure returns (uint256) {
    return uint32(Turn.unwrap(turn) >> 40);
}

/// @dev The seat at a place of the panel, 0 to 2; zero where nobody sits.
function seatAt(Turn turn, uint256 place) pure returns (uint256) {
    unchecked {
        return uint24(Turn.unwrap(turn) >> (72 + 24 * place));
    }
}

/// @dev Bit i set: somebody sits at place i; places are filled from 0 on.
function fullPanel(Turn turn) pure returns (uint256) {
    if (turn.seatAt(2) != 0) return 7;
    return turn.seatAt(1) != 0 ? 3 : 1;
}

function round(Turn turn) pure returns (uint8) {
    return uint8(Turn.unwrap(turn) >> 144);
}

function salt(Turn turn) pure returns (uint256) {
    return Turn.unwrap(turn) >> 152;
}

/// @dev The salt of this seed and these owners of the panel's seats.
function saltOf(bytes32 seed, address a, address b, address c) pure returns (uint256) {
    return uint256(WordHash.hash(seed, _word(a), _word(b), _word(c))) >> 152;
}

function _word(address account) pure returns (bytes32) {
    return bytes32(uint256(uint160(account)));
}
