// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerificationJobs} from "./interfaces/IVerificationJobs.sol";
import {JobState, bound} from "./types/JobState.sol";
import {WordHash} from "./libraries/WordHash.sol";
import {Party} from "./types/Party.sol";
import {Round} from "./types/Round.sol";
import {Turn} from "./types/Turn.sol";
import {VoteTerms} from "./types/VoteTerms.sol";

/// @title One word per job, and what callers must bring to move it; IVerificationJobs is the manual.
abstract contract JobStates is IVerificationJobs {
    /// @dev Where the terms end in a call that begins with terms, and the deal in one that begins
    /// with a job's id and a deal.
    uint256 private constant TERMS_END = 4 + 7 * 32;
    uint256 private constant DEAL_END = 4 + 32 + 6 * 32;

    /// @dev How long the head of abi.encode(jobId, deal, appellant, past) is.
    uint256 private constant FRAME_HEAD = 9 * 32;

    /* STORAGE */

    mapping(uint256 jobId => JobState) internal _states;

    /* READING */

    /// @inheritdoc IVerificationJobs
    function jobIdOf(Terms calldata) public view returns (uint256) {
        bytes32 place = bytes32(uint256(uint160(address(this))));
        return uint256(keccak256(abi.encodePacked(block.chainid, place, msg.data[4:TERMS_END])));
    }

    /// @inheritdoc IVerificationJobs
    function phaseOf(uint256 jobId) public view returns (Phase) {
        return Phase(_states[jobId].phase());
    }

    /// @inheritdoc IVerificationJobs
    function verdictOf(uint256 jobId)
        external
        view
        returns (Verdict verdict, address provider, uint256 matches, uint256 mismatches)
    {
        JobState state = _states[jobId];
        if (phaseOf(jobId) != Phase.Closed) return (Verdict.None, address(0), 0, 0);
        return (Verdict(state.verdict()), state.provider(), state.matches(), state.mismatches());
    }

    /// @inheritdoc IVerificationJobs
    function progressOf(uint256 jobId)
        external
        view
        returns (uint256 sealedPlaces, uint256 votes, bool opened)
    {
        JobState state = _requireIn(jobId, Phase.Drawn);
        return (state.sealedPlaces(), state.votes(), state.isOpened());
    }

    /// @inheritdoc IVerificationJobs
    function frameOf(uint256, Deal calldata, address appellant, Round[] calldata past)
        external
        pure
        returns (bytes32)
    {
        return _frame(appellant, past);
    }

    /* INTERNALS */

    /// @dev The frame of a job that is in this phase and bound to what the caller brought, which is
    /// what stands first in the call: the job's id and its deal.
    function _requireBound(uint256 jobId, Phase needed, Trail calldata trail)
        internal
        view
        returns (bytes32 frame)
    {
        frame = _frame(trail.appellant, trail.past);
        _requireBoundTo(jobId, needed, frame, trail.turn);
    }

    function _requireBoundTo(uint256 jobId, Phase needed, bytes32 frame, Turn turn)
        internal
        view
        returns (JobState state)
    {
        state = _requireIn(jobId, needed);
        if (!state.isBoundTo(_hashOf(frame, turn))) revert JobMismatch(jobId);
    }

    function _requireIn(uint256 jobId, Phase needed) internal view returns (JobState state) {
        state = _states[jobId];
        if (state.phase() != uint256(needed)) revert JobNotIn(needed, Phase(state.phase()));
    }

    function _bind(uint256 jobId, Phase phase, bytes32 frame, Turn turn) internal {
        _states[jobId] = bound(uint256(phase), _hashOf(frame, turn));
    }

    /// @dev The frame of the job and the deal that stand first in the call. They are hashed as they
    /// came, which takes 10,000 gas less per job than to decode and encode them: words that are not
    /// as the ABI has them lead to another hash than the clean ones that a job was bound to.
    function _frame(address appellant, Round[] calldata past) internal pure returns (bytes32) {
        bytes32 who = bytes32(uint256(uint160(appellant)));
        bytes calldata head = msg.data[4:DEAL_END];
        return keccak256(abi.encodePacked(head, who, FRAME_HEAD, past.length, past));
    }

    /// @dev The same with one more round.
    function _frameAfter(address appellant, Round[] calldata past, Round round)
        internal
        pure
        returns (bytes32)
    {
        bytes32 who = bytes32(uint256(uint160(appellant)));
        bytes calldata head = msg.data[4:DEAL_END];
        return keccak256(abi.encodePacked(head, who, FRAME_HEAD, past.length + 1, past, round));
    }

    /// @dev The first frame of a job, which this provider committed to.
    function _firstFrame(
        uint256 jobId,
        Conditions calldata conditions,
        Party provider,
        Claim calldata claim
    ) internal pure returns (bytes32) {
        Party requester = conditions.requester;
        VoteTerms votes = conditions.votes;
        uint256 zero = 0;
        return
            keccak256(abi.encode(jobId, requester, provider, votes, claim, zero, FRAME_HEAD, zero));
    }

    function _hashOf(bytes32 frame, Turn turn) private pure returns (bytes32) {
        return WordHash.hash(frame, bytes32(Turn.unwrap(turn)));
    }

    function _requireFrom(uint256 start) internal view {
        require(block.timestamp >= start, TooEarly(start));
    }

    function _requireBefore(uint256 end) internal view {
        require(block.timestamp < end, TooLate(end));
    }
}
