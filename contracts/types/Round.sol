// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Turn} from "./Turn.sol";

/// @dev A finished round, in one word, from high to low:
/// spare (112) | panel (3 x 24) | leaf (32) | spare (33) | withheld (1) | votes (3 x 2).
/// Panel and leaf stand where they stand in a drawn turn. Votes: 0 lapsed, 1 match, 2 mismatch,
/// 3 abstained; places where nobody sits are 0. Withheld: verifiers had sealed, and nobody opened
/// the leaf; each that had sealed stands as a mismatch. A round for which no panel was drawn in time
/// is zero.
type Round is uint256;

using {leafOf, seatOf, voteOf, isWithheld, isEmpty, tally, abstentions} for Round global;

uint256 constant LAPSED = 0;
uint256 constant MATCH = 1;
uint256 constant MISMATCH = 2;
uint256 constant ABSTAINED = 3;

uint256 constant PANEL_AND_LEAF = ((uint256(1) << 104) - 1) << 40;
uint256 constant WITHHELD = 1 << 6;

/// @dev The record of a round that ends. `votes` is laid out as in the word.
function recorded(Turn turn, uint256 votes, bool withheld) pure returns (Round) {
    return Round.wrap((Turn.unwrap(turn) & PANEL_AND_LEAF) | (withheld ? WITHHELD : 0) | votes);
}

function leafOf(Round round) pure returns (uint256) {
    return uint32(Round.unwrap(round) >> 40);
}

/// @dev The seat at a place of the panel, 0 to 2; zero where nobody sat.
function seatOf(Round round, uint256 place) pure returns (uint256) {
    unchecked {
        return uint24(Round.unwrap(round) >> (72 + 24 * place));
    }
}

function voteOf(Round round, uint256 place) pure returns (uint256) {
    unchecked {
        return (Round.unwrap(round) >> (2 * place)) & 3;
    }
}

function isWithheld(Round round) pure returns (bool) {
    return Round.unwrap(round) & WITHHELD != 0;
}

/// @dev Whether no panel was drawn for it.
function isEmpty(Round round) pure returns (bool) {
    return Round.unwrap(round) == 0;
}

/// @dev How many abstained.
function abstentions(Round round) pure returns (uint256) {
    uint256 votes = Round.unwrap(round) & 63;
    uint256 both = votes & (votes >> 1) & 21;
    unchecked {
        return (both * 21 >> 4) & 3;
    }
}

/// @dev How many voted match, and how many mismatch.
function tally(Round round) pure returns (uint256 matches, uint256 mismatches) {
    uint256 votes = Round.unwrap(round) & 63;
    uint256 low = votes & ~(votes >> 1) & 21;
    uint256 high = (votes >> 1) & ~votes & 21;
    unchecked {
        return ((low * 21 >> 4) & 3, (high * 21 >> 4) & 3);
    }
}
