// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IVerificationJobs} from "./interfaces/IVerificationJobs.sol";
import {Hamming} from "./libraries/Hamming.sol";
import {ReceiptTree} from "./libraries/ReceiptTree.sol";
import {WordHash} from "./libraries/WordHash.sol";
import {JobState, roll} from "./types/JobState.sol";
import {ABSTAINED, LAPSED, MATCH, MISMATCH} from "./types/Round.sol";
import {Turn} from "./types/Turn.sol";

/// @title What seats seal and open, and what the provider opens; IVerificationJobs is the manual.
abstract contract JobBallots is IVerificationJobs, EIP712 {
    bytes32 private constant REFUTED = bytes32(type(uint256).max);

    bytes32 private constant BALLOT_TYPEHASH =
        keccak256("Ballot(uint256 jobId,uint256 turn,uint24 seat,bytes32 commitment)");

    /* READING */

    /// @inheritdoc IVerificationJobs
    function commitmentOf(uint256 jobId, uint8 round, uint24 seat, bytes32 code, bytes32 salt)
        public
        pure
        returns (bytes32)
    {
        return _commitment(code, salt, seat, jobId, round);
    }

    /// @inheritdoc IVerificationJobs
    function ballotDigest(uint256 jobId, Turn turn, uint24 seat, bytes32 commitment)
        public
        view
        returns (bytes32)
    {
        bytes32 content = WordHash.hash(
            BALLOT_TYPEHASH,
            bytes32(jobId),
            bytes32(Turn.unwrap(turn)),
            bytes32(uint256(seat)),
            commitment
        );
        return _hashTypedDataV4(content);
    }

    /* INTERNALS */

    /// @dev The state once these ballots are sealed.
    function _seal(
        JobState state,
        uint256 jobId,
        Turn turn,
        address[3] calldata owners,
        SealedBallot[] calldata ballots
    ) internal returns (JobState) {
        if (ballots.length == 0) revert NothingSealed(jobId);
        bytes32[] memory commitments = new bytes32[](ballots.length);
        uint256 places = 0;
        for (uint256 i = 0; i < ballots.length; ++i) {
            SealedBallot calldata ballot = ballots[i];
            uint256 place = ballot.place;
            if (place > 2 || state.isSealed(place)) revert PlaceInvalid(place);
            _requireSigned(jobId, turn, place, owners[place], ballot);
            commitments[i] = ballot.commitment;
            places |= place << (8 * i);
            state = state.withSealed(place, ballot.commitment);
        }
        emit BallotsSealed(jobId, places, commitments);
        return state;
    }

    /// @dev Requires that the owner of the seat at this place brings its ballot or signed it.
    function _requireSigned(
        uint256 jobId,
        Turn turn,
        uint256 place,
        address owner,
        SealedBallot calldata ballot
    ) private view {
        if (owner == address(0)) revert PlaceInvalid(place);
        if (msg.sender == owner) return;
        bytes32 digest =
            ballotDigest(jobId, turn, uint24(turn.seatAt(place)), ballot.commitment);
        (address signer,,) = ECDSA.tryRecover(digest, ballot.r, ballot.vs);
        if (signer != owner) revert BallotNotSigned(place, owner);
    }

    function _requireProven(Claim calldata claim, uint256 leaf, Opening calldata opening)
        internal
        pure
    {
        require(
            ReceiptTree.isProven(
                claim.root,
                claim.leafCount,
                claim.header,
                leaf,
                opening.content,
                opening.code,
                opening.proof
            ),
            LeafNotProven(leaf)
        );
    }

    /// @dev The state once these ballots are counted, which must be all that were sealed.
    function _count(
        uint256 jobId,
        Turn turn,
        uint256 threshold,
        bytes32 code,
        JobState state,
        Ballot[] calldata ballots
    ) internal pure returns (JobState) {
        uint128 rolled = 0;
        for (uint256 i = 0; i < ballots.length; ++i) {
            Ballot calldata ballot = ballots[i];
            uint256 place = ballot.place;
            if (place > 2) revert PlaceInvalid(place);
            bytes32 commitment = ballot.code;
            if (ballot.salt != 0) {
                if (state.voteAt(place) == LAPSED) {
                    state = state.withVote(place, _vote(threshold, code, commitment));
                }
                commitment = _sealing(jobId, turn, place, ballot);
            }
            rolled = roll(rolled, place, commitment);
        }
        require(rolled == state.rolled(), BallotsMismatch(jobId));
        return state;
    }

    /// @dev What the seat at this place sealed, if it sealed this.
    function _sealing(uint256 jobId, Turn turn, uint256 place, Ballot calldata ballot)
        private
        pure
        returns (bytes32)
    {
        return _commitment(ballot.code, ballot.salt, turn.seatAt(place), jobId, turn.round());
    }

    function _vote(uint256 threshold, bytes32 code, bytes32 own) private pure returns (uint256) {
        if (own == 0) return ABSTAINED;
        if (own == REFUTED) return MISMATCH;
        return Hamming.distance(code, own) > threshold ? MISMATCH : MATCH;
    }

    function _commitment(bytes32 code, bytes32 salt, uint256 seat, uint256 jobId, uint256 round)
        private
        pure
        returns (bytes32)
    {
        return WordHash.hash(code, salt, bytes32(seat), bytes32(jobId), bytes32(round));
    }
}
