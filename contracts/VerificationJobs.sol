// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IBeacon} from "./interfaces/IBeacon.sol";
import {IVerificationJobs} from "./interfaces/IVerificationJobs.sol";
import {JobBallots} from "./JobBallots.sol";
import {JobStates} from "./JobStates.sol";
import {JobVerdicts} from "./JobVerdicts.sol";
import {ReceiptTree} from "./libraries/ReceiptTree.sol";
import {WordHash} from "./libraries/WordHash.sol";
import {JobState, closed, requested} from "./types/JobState.sol";
import {Party, partyOf} from "./types/Party.sol";
import {Round, recorded} from "./types/Round.sol";
import {BALANCE_LIMIT} from "./types/SeatRecord.sol";
import {PLACES, Turn, awaiting, drawn, saltOf} from "./types/Turn.sol";
import {ROUND_LIMIT} from "./types/VoteTerms.sol";
import {VerifierSeats} from "./VerifierSeats.sol";

/// @title Inference that is paid for once verifiers found that it was done as promised; the
/// interface is the manual.
contract VerificationJobs is JobStates, JobBallots, JobVerdicts {
    uint40 private constant TIME_LIMIT = 365 days;

    /// @dev No proposer of a single block knows the value of a round when it fixes the round.
    uint64 private constant BLOCKS_AHEAD = 2;

    /* STORAGE */

    IBeacon private immutable _beacon;
    uint96 private immutable _leastFee;
    uint40 private immutable _drawTime;
    uint40 private immutable _sealTime;
    uint40 private immutable _openTime;
    uint40 private immutable _appealTime;

    /* SETTING UP */

    /// @param rules_ What the deployment is bound to for good.
    constructor(JobRules memory rules_)
        VerifierSeats(rules_.seatBond, rules_.fine, rules_.sink, rules_.notice)
        EIP712("chainrep VerificationJobs", "1")
    {
        require(
            rules_.sink != address(0) && rules_.seatBond <= BALANCE_LIMIT
                && rules_.fine <= rules_.seatBond / 2 && _isLivable(rules_.drawTime)
                && _isLivable(rules_.sealTime) && _isLivable(rules_.openTime)
                && _isLivable(rules_.appealTime) && rules_.notice >= _longest(rules_)
                && rules_.notice <= 10 * TIME_LIMIT,
            RulesInvalid()
        );
        _beacon = rules_.beacon;
        _leastFee = rules_.leastFee;
        _drawTime = rules_.drawTime;
        _sealTime = rules_.sealTime;
        _openTime = rules_.openTime;
        _appealTime = rules_.appealTime;
        emit JobsOpened(rules_);
    }

    /* FROM REQUEST TO DRAW */

    /// @inheritdoc IVerificationJobs
    function request(Terms calldata terms) external payable returns (uint256 jobId) {
        Conditions calldata conditions = terms.conditions;
        require(
            conditions.requester.account() == msg.sender
                && conditions.provider.account() != msg.sender
                && conditions.provider.amount() >= conditions.requester.amount()
                && conditions.votes.isValid() && conditions.votes.fee() >= _leastFee,
            ConditionsInvalid()
        );
        _requireValue(_costOf(conditions));
        _requireBefore(terms.commitBy);
        jobId = jobIdOf(terms);
        require(phaseOf(jobId) == Phase.None, JobExists(jobId));
        _states[jobId] = requested();
        emit JobRequested(jobId, msg.sender, terms);
    }

    /// @inheritdoc IVerificationJobs
    function reclaim(Terms calldata terms) external {
        uint256 jobId = jobIdOf(terms);
        _requireIn(jobId, Phase.Requested);
        _requireFrom(terms.commitBy);
        _states[jobId] = closed(address(0), uint256(Verdict.None), 0, 0);
        _credit(terms.conditions.requester.account(), _costOf(terms.conditions));
        emit JobReclaimed(jobId);
    }

    /// @inheritdoc IVerificationJobs
    function commit(Terms calldata terms, Claim calldata claim) external payable {
        uint256 jobId = jobIdOf(terms);
        _requireIn(jobId, Phase.Requested);
        _requireBefore(terms.commitBy);
        Conditions calldata conditions = terms.conditions;
        address wanted = conditions.provider.account();
        require(
            msg.sender != conditions.requester.account()
                && (wanted == address(0) || wanted == msg.sender),
            NotProvider(msg.sender)
        );
        require(
            claim.root != 0 && claim.header != 0 && claim.leafCount > 0
                && claim.leafCount <= ReceiptTree.LEAF_LIMIT,
            ClaimInvalid()
        );
        _requireValue(conditions.provider.amount());
        Party provider = partyOf(msg.sender, msg.value);
        Turn turn = _awaitDraw(jobId, _firstFrame(jobId, conditions, provider, claim));
        emit JobCommitted(jobId, msg.sender, claim, turn);
    }

    /// @inheritdoc IVerificationJobs
    function draw(uint256 jobId, Deal calldata deal, Trail calldata trail) external {
        bytes32 frame = _requireBound(jobId, Phase.Committed, trail);
        _requireBefore(trail.turn.end());
        bytes32 value = _valueOf(trail.turn.beaconRound());
        Round[] calldata past = trail.past;
        bytes32 seed = WordHash.hash(value, bytes32(jobId), bytes32(past.length));
        (uint256 panel, address[3] memory owners) = _drawPanel(
            trail.turn,
            seed,
            deal.conditions.votes.panel(),
            deal.conditions.requester.account(),
            deal.conditions.provider.account(),
            trail.appellant,
            trail.appellant == address(0) ? past[:0] : past
        );
        require(panel != 0, NobodyToSit(jobId));
        Turn turn = drawn(
            block.timestamp + _sealTime,
            _freshLeaf(uint256(seed), deal.claim.leafCount, past),
            panel,
            past.length,
            saltOf(seed, owners[0], owners[1], owners[2])
        );
        _bind(jobId, Phase.Drawn, frame, turn);
        emit PanelDrawn(jobId, turn, seed);
    }

    /* VOTING */

    /// @inheritdoc IVerificationJobs
    function seal(
        uint256 jobId,
        bytes32 frame,
        Turn turn,
        bytes32 seed,
        address[3] calldata owners,
        SealedBallot[] calldata ballots
    ) external {
        JobState state = _requireBoundTo(jobId, Phase.Drawn, frame, turn);
        require(saltOf(seed, owners[0], owners[1], owners[2]) == turn.salt(), JobMismatch(jobId));
        _requireBefore(turn.end());
        _states[jobId] = _seal(state, jobId, turn, owners, ballots);
    }

    /// @inheritdoc IVerificationJobs
    function open(
        uint256 jobId,
        Deal calldata deal,
        Trail calldata trail,
        Opening calldata opening,
        Ballot[] calldata ballots
    ) external {
        _requireBound(jobId, Phase.Drawn, trail);
        Turn turn = trail.turn;
        JobState state = _states[jobId];
        if (state.sealedPlaces() != turn.fullPanel()) _requireFrom(turn.end());
        _requireBefore(_openEnd(turn, state));
        _requireProven(deal.claim, turn.leaf(), opening);
        emit LeafOpened(jobId, opening, ballots);
        JobState before = state;
        state = _count(
            jobId,
            turn,
            deal.conditions.votes.threshold(),
            opening.code,
            state.withOpened(),
            ballots
        );
        require(JobState.unwrap(state) != JobState.unwrap(before), NothingOpened(jobId));
        if (state.sealedPlaces() != 0 && state.isComplete()) {
            _endRound(jobId, deal, trail, recorded(turn, state.votes(), false));
        } else {
            _states[jobId] = state;
        }
    }

    /// @inheritdoc IVerificationJobs
    function timeOut(uint256 jobId, Deal calldata deal, Trail calldata trail) external {
        if (phaseOf(jobId) == Phase.Committed) {
            _requireBound(jobId, Phase.Committed, trail);
            _requireFrom(trail.turn.end());
            _endRound(jobId, deal, trail, Round.wrap(0));
            return;
        }
        _requireBound(jobId, Phase.Drawn, trail);
        JobState state = _states[jobId];
        _requireFrom(_openEnd(trail.turn, state));
        bool withheld = state.sealedPlaces() != 0 && !state.isOpened();
        uint256 votes = withheld ? state.mismatchOfAllSealed() : state.votes();
        _endRound(jobId, deal, trail, recorded(trail.turn, votes, withheld));
    }

    /* FROM VERDICT TO END */

    /// @inheritdoc IVerificationJobs
    function appeal(uint256 jobId, Deal calldata deal, Trail calldata trail) external payable {
        _requireBound(jobId, Phase.Judged, trail);
        require(trail.appellant == address(0), NotAppealable(jobId));
        _requireBefore(trail.turn.end());
        _requireValue(_appealCostOf(deal.conditions));
        Turn turn = _awaitDraw(jobId, _frame(msg.sender, trail.past));
        emit JobAppealed(jobId, msg.sender, turn);
    }

    /// @inheritdoc IVerificationJobs
    function finalize(uint256 jobId, Deal calldata deal, Trail calldata trail) external {
        _requireBound(jobId, Phase.Judged, trail);
        _requireFrom(trail.turn.end());
        Conditions calldata conditions = deal.conditions;
        Round[] calldata past = trail.past;
        uint256 last = past.length - 1;
        (Verdict verdict, uint256 matches, uint256 mismatches) =
            _judge(conditions.votes, past[:last], past[last]);
        address provider = conditions.provider.account();
        _states[jobId] = closed(provider, uint256(verdict), matches, mismatches);
        Shares memory shares = _settle(conditions, trail.appellant, past, verdict);
        emit JobClosed(
            jobId, provider, verdict, shares.provider, shares.requester, shares.appellant
        );
    }

    /* READING */

    /// @inheritdoc IVerificationJobs
    function costOf(Conditions calldata conditions) external pure returns (uint256) {
        return _costOf(conditions);
    }

    /// @inheritdoc IVerificationJobs
    function rules() external view returns (JobRules memory) {
        return JobRules(
            _beacon,
            _sink,
            uint96(_seatBond),
            uint96(_fine),
            _leastFee,
            _drawTime,
            _sealTime,
            _openTime,
            _appealTime,
            _notice
        );
    }

    /* INTERNALS */

    function _isLivable(uint40 time) private pure returns (bool) {
        return time > 0 && time <= TIME_LIMIT;
    }

    /// @dev How long after its first draw a job can be open: seats must stay bound so long.
    function _longest(JobRules memory rules_) private pure returns (uint256) {
        uint256 round = uint256(rules_.drawTime) + rules_.sealTime + 2 * rules_.openTime;
        return (ROUND_LIMIT + 1) * round + rules_.appealTime;
    }

    /// @dev The leaf has one opening time from the end of the sealing, ballots have another: however
    /// late the leaf is shown, seats have time left to bring theirs.
    function _openEnd(Turn turn, JobState state) private view returns (uint256) {
        return turn.end() + (state.isOpened() ? 2 * _openTime : _openTime);
    }

    /// @dev Of a beacon that fails: a round that never comes, so that the job ends as one that nobody
    /// drew, and its money is not locked.
    function _nextRound() private view returns (uint64) {
        if (address(_beacon) == address(0)) return uint64(block.number) + BLOCKS_AHEAD;
        try _beacon.next() returns (uint64 round) {
            return round;
        } catch {
            return type(uint64).max;
        }
    }

    function _valueOf(uint64 round) private view returns (bytes32) {
        if (address(_beacon) != address(0)) return _beacon.value(round);
        uint64 present = uint64(block.number);
        require(present >= round, IBeacon.RoundNotReached(round, present));
        return bytes32(block.prevrandao);
    }

    function _awaitDraw(uint256 jobId, bytes32 frame) private returns (Turn turn) {
        (uint24 sitting, uint24 taken) = seatCount();
        turn = awaiting(block.timestamp + _drawTime, _nextRound(), sitting, taken);
        _bind(jobId, Phase.Committed, frame, turn);
    }

    /// @dev A random leaf, or the next after it that no round drew; if each was drawn, that one.
    function _freshLeaf(uint256 seed, uint256 leafCount, Round[] calldata past)
        private
        pure
        returns (uint256 leaf)
    {
        leaf = seed % leafCount;
        if (past.length >= leafCount) return leaf;
        while (_wasDrawn(leaf, past)) leaf = (leaf + 1) % leafCount;
    }

    function _wasDrawn(uint256 leaf, Round[] calldata past) private pure returns (bool) {
        for (uint256 i = 0; i < past.length; ++i) {
            if (past[i].leafOf() == leaf) return true;
        }
        return false;
    }

    function _endRound(uint256 jobId, Deal calldata deal, Trail calldata trail, Round round)
        private
    {
        bytes32 frame = _frameAfter(trail.appellant, trail.past, round);
        (Verdict verdict,,) = _judge(deal.conditions.votes, trail.past, round);
        uint256 most = deal.conditions.votes.rounds();
        if (most > deal.claim.leafCount) most = deal.claim.leafCount;
        bool isLast = trail.appellant != address(0) || round.isWithheld() || round.isEmpty();
        Turn turn;
        Phase phase = Phase.Judged;
        if (isLast) {
            turn = Turn.wrap(block.timestamp);
            _bind(jobId, phase, frame, turn);
        } else if (verdict != Verdict.Inconclusive || trail.past.length + 1 >= most) {
            turn = Turn.wrap(block.timestamp + _appealTime);
            _bind(jobId, phase, frame, turn);
        } else {
            phase = Phase.Committed;
            turn = _awaitDraw(jobId, frame);
        }
        emit RoundEnded(jobId, round, phase, turn);
    }
}
