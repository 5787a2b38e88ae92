// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {WordHash} from "../libraries/WordHash.sol";

/// @dev A job, in one word; the low 3 bits are its phase. From high to low:
/// requested:         zero
/// committed, judged: first 240 bits of the hash of frame and turn | zero
/// drawn:             first 112 bits of that hash | rolling hash of what was sealed (128) |
///                    spare (2) | opened (1) | sealed places (3) | votes (3 x 2) | spare (1)
/// closed:            provider (160) | spare (56) | mismatches (16) | matches (16) | spare (1) |
///                    verdict (4)
/// While a job is drawn, two seats may seal or open in one block: what they change stands in the
/// clear, so that neither has to know of the other. That leaves 112 bits for what is fixed. They
/// suffice against a second content with the hash of the first, which takes 2^112 trials; two
/// contents with the same hash (2^56 trials) are of no use, because the turn holds bits that nobody
/// knew while it could choose. For the 128 bits of what was sealed it is the same, but for one
/// thing: who tries 2^64 times can seal a ballot that opens in two ways, both of which it must know
/// before the provider's code is shown.
type JobState is uint256;

using {
    phase,
    isBoundTo,
    rolled,
    sealedPlaces,
    isSealed,
    votes,
    voteAt,
    isOpened,
    isComplete,
    withSealed,
    withOpened,
    withVote,
    mismatchOfAllSealed,
    verdict,
    provider,
    matches,
    mismatches
} for JobState global;

/// @dev The phases of IVerificationJobs that the layout depends on.
uint256 constant REQUESTED = 1;
uint256 constant DRAWN = 3;
uint256 constant CLOSED = 5;

uint256 constant OPENED = 1 << 13;
uint256 constant LONG_HASH = ~uint256(0xffff);
uint256 constant SHORT_HASH = ~uint256(0) << 144;

function requested() pure returns (JobState) {
    return JobState.wrap(REQUESTED);
}

/// @dev The word of a job that is bound to this hash of frame and turn.
function bound(uint256 phase_, bytes32 hash) pure returns (JobState) {
    return JobState.wrap((uint256(hash) & _kept(phase_)) | phase_);
}

/// @dev The word of a job that is over.
function closed(address provider_, uint256 verdict_, uint256 matches_, uint256 mismatches_)
    pure
    returns (JobState)
{
    return JobState.wrap(
        (uint256(uint160(provider_)) << 96) | (mismatches_ << 24) | (matches_ << 8)
            | (verdict_ << 3) | CLOSED
    );
}

function phase(JobState state) pure returns (uint256) {
    return JobState.unwrap(state) & 7;
}

/// @dev Whether the job, which is in a phase with a hash, is bound to this one.
function isBoundTo(JobState state, bytes32 hash) pure returns (bool) {
    return (JobState.unwrap(state) ^ uint256(hash)) & _kept(state.phase()) == 0;
}

function rolled(JobState state) pure returns (uint128) {
    return uint128(JobState.unwrap(state) >> 16);
}

/// @dev Bit i set: place i sealed.
function sealedPlaces(JobState state) pure returns (uint256) {
    return (JobState.unwrap(state) >> 10) & 7;
}

function isSealed(JobState state, uint256 place) pure returns (bool) {
    return (state.sealedPlaces() >> place) & 1 == 1;
}

/// @dev Two bits a place, as in a Round.
function votes(JobState state) pure returns (uint256) {
    return (JobState.unwrap(state) >> 4) & 63;
}

function voteAt(JobState state, uint256 place) pure returns (uint256) {
    unchecked {
        return (state.votes() >> (2 * place)) & 3;
    }
}

function isOpened(JobState state) pure returns (bool) {
    return JobState.unwrap(state) & OPENED != 0;
}

/// @dev Whether every place that sealed has opened.
function isComplete(JobState state) pure returns (bool) {
    uint256 cast = state.votes();
    cast |= cast >> 1;
    return ((cast & 1) | ((cast >> 1) & 2) | ((cast >> 2) & 4)) == state.sealedPlaces();
}

/// @dev The word once this place sealed this commitment, which it did not before.
function withSealed(JobState state, uint256 place, bytes32 commitment) pure returns (JobState) {
    uint256 rest = JobState.unwrap(state) & ~(uint256(type(uint128).max) << 16);
    uint256 next = uint256(roll(state.rolled(), place, commitment)) << 16;
    unchecked {
        return JobState.wrap(rest | next | (uint256(1) << (10 + place)));
    }
}

function withOpened(JobState state) pure returns (JobState) {
    return JobState.wrap(JobState.unwrap(state) | OPENED);
}

/// @dev The word once this place voted so, which it did not before.
function withVote(JobState state, uint256 place, uint256 vote) pure returns (JobState) {
    unchecked {
        return JobState.wrap(JobState.unwrap(state) | (vote << (4 + 2 * place)));
    }
}

/// @dev Votes that say mismatch for every place that sealed.
function mismatchOfAllSealed(JobState state) pure returns (uint256) {
    uint256 places = state.sealedPlaces();
    return ((places & 1) << 1) | ((places & 2) << 2) | ((places & 4) << 3);
}

function verdict(JobState state) pure returns (uint256) {
    return (JobState.unwrap(state) >> 3) & 15;
}

function provider(JobState state) pure returns (address) {
    return address(uint160(JobState.unwrap(state) >> 96));
}

function matches(JobState state) pure returns (uint256) {
    return uint16(JobState.unwrap(state) >> 8);
}

function mismatches(JobState state) pure returns (uint256) {
    return uint16(JobState.unwrap(state) >> 24);
}

/// @dev The rolling hash of what was sealed, in the order it came.
function roll(uint128 before, uint256 place, bytes32 commitment) pure returns (uint128) {
    bytes32 hash = WordHash.hash(bytes32(uint256(before)), bytes32(place), commitment);
    return uint128(uint256(hash));
}

function _kept(uint256 phase_) pure returns (uint256) {
    return phase_ == DRAWN ? SHORT_HASH : LONG_HASH;
}
