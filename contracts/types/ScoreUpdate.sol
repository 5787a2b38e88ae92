// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SourceId} from "./SourceId.sol";

/// @dev What one batch adds to one source, as its 12 bytes on the wire, from high to low:
/// source id (32 bits) | supported (16) | contradicted (16) | used (16) | asked (16).
/// The four deltas are in 1/100 of a unit of evidence.
type ScoreUpdate is uint96;

using {sourceOf, spread} for ScoreUpdate global;

/// @dev Bytes of one update.
uint256 constant UPDATE_BYTES = 12;

/// @dev The source whose score the update changes.
function sourceOf(ScoreUpdate update) pure returns (SourceId) {
    return SourceId.wrap(uint32(ScoreUpdate.unwrap(update) >> 64));
}

/// @dev The four 16-bit deltas, each in the 48-bit lane of its counter in a ScoreRecord: first
/// the two pairs are moved 64 bits apart, then the halves of each pair 32 bits.
function spread(ScoreUpdate update) pure returns (uint256 lanes) {
    lanes = uint64(ScoreUpdate.unwrap(update));
    lanes = (lanes | (lanes << 64)) & 0xffffffff0000000000000000ffffffff;
    lanes = (lanes | (lanes << 32)) & 0x00ffff00000000ffff00000000ffff00000000ffff;
}
