// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerificationJobs} from "./interfaces/IVerificationJobs.sol";
import {ABSTAINED, LAPSED, MATCH, MISMATCH, Round} from "./types/Round.sol";
import {PLACES} from "./types/Turn.sol";
import {VoteTerms} from "./types/VoteTerms.sol";
import {VerifierSeats} from "./VerifierSeats.sol";

/// @title What votes come to, and who is paid what for it; IVerificationJobs is the manual.
abstract contract JobVerdicts is IVerificationJobs, VerifierSeats {
    /// @dev Where the money of a job goes.
    struct Shares {
        uint256 provider;
        uint256 requester;
        uint256 appellant;
    }

    /// @dev The verdict over these rounds and one more; Inconclusive while there is none.
    function _judge(VoteTerms terms, Round[] calldata past, Round last)
        internal
        pure
        returns (Verdict verdict, uint256 matches, uint256 mismatches)
    {
        uint256 leaves = 0;
        uint256 abstentions = 0;
        for (uint256 i = 0; i <= past.length; ++i) {
            Round round = i < past.length ? past[i] : last;
            if (round.isWithheld()) return (Verdict.Withheld, matches, mismatches);
            (uint256 yes, uint256 no) = round.tally();
            unchecked {
                matches += yes; // at most 3 a round
                mismatches += no;
                abstentions += round.abstentions();
            }
            if (no > yes && !_hadMismatch(past[:i], round.leafOf())) ++leaves;
        }
        verdict = Verdict.Inconclusive;
        if (matches >= mismatches + terms.acceptLead() && matches > abstentions) {
            verdict = Verdict.Accepted;
        } else if (leaves > 1 && mismatches >= matches + terms.rejectLead()) {
            verdict = Verdict.Rejected;
        }
    }

    /// @dev Pay and fine every seat that sat, and credit the rest.
    function _settle(
        Conditions calldata conditions,
        address appellant,
        Round[] calldata past,
        Verdict verdict
    ) internal returns (Shares memory shares) {
        uint256 fee = conditions.votes.fee();
        uint256 bond = conditions.provider.amount();
        uint256 rest = _costOf(conditions) + bond;
        uint256 regular = past.length;
        if (verdict == Verdict.Accepted) {
            shares.provider = conditions.requester.amount() + bond;
        } else if (verdict == Verdict.Inconclusive) {
            shares.provider = bond;
        }
        if (appellant != address(0)) {
            --regular;
            shares.appellant =
                fee * conditions.votes.panel() - _settleRound(past[regular], verdict, fee);
            if (_appealHeld(conditions.votes, past, verdict)) {
                shares.appellant += bond;
            } else if (verdict == Verdict.Accepted) {
                shares.provider += bond;
                rest += bond;
            } else {
                rest += bond;
            }
            _credit(appellant, shares.appellant);
        }
        for (uint256 i = 0; i < regular; ++i) {
            rest -= _settleRound(past[i], verdict, fee);
        }
        shares.requester = rest - shares.provider;
        _credit(conditions.provider.account(), shares.provider);
        _credit(conditions.requester.account(), shares.requester);
    }

    function _costOf(Conditions calldata conditions) internal pure returns (uint256) {
        VoteTerms votes = conditions.votes;
        return conditions.requester.amount() + votes.fee() * votes.panel() * votes.rounds();
    }

    function _appealCostOf(Conditions calldata conditions) internal pure returns (uint256) {
        return conditions.provider.amount() + conditions.votes.fee() * conditions.votes.panel();
    }

    /// @dev The fees paid for a round. Fines go to the sink.
    function _settleRound(Round round, Verdict verdict, uint256 fee)
        private
        returns (uint256 fees)
    {
        uint256 fined = 0;
        for (uint256 place = 0; place < PLACES; ++place) {
            uint256 seat = round.seatOf(place);
            if (seat == 0) break;
            uint256 vote = round.voteOf(place);
            if (vote == ABSTAINED) continue;
            if (vote == LAPSED) {
                fined += _charge(seat);
            } else if (_isAgainst(vote, verdict)) {
                // Who said what most said of the same leaf may have been right about that leaf.
                (uint256 yes, uint256 no) = round.tally();
                if (vote == MATCH ? yes <= no : no <= yes) fined += _charge(seat);
            } else {
                _pay(seat, fee);
                fees += fee;
            }
        }
        _credit(_sink, fined);
    }

    function _isAgainst(uint256 vote, Verdict verdict) private pure returns (bool) {
        if (verdict == Verdict.Accepted) return vote == MISMATCH;
        return verdict == Verdict.Rejected && vote == MATCH;
    }

    /// @dev Whether the appeal changed the verdict, or nobody voted on it: its round is the last.
    function _appealHeld(VoteTerms terms, Round[] calldata past, Verdict verdict)
        private
        pure
        returns (bool)
    {
        uint256 last = past.length - 1;
        (Verdict former,,) = _judge(terms, past[:last - 1], past[last - 1]);
        (uint256 matches, uint256 mismatches) = past[last].tally();
        return former != verdict || matches + mismatches == 0;
    }

    /// @dev Whether one of these rounds found a mismatch in the leaf.
    function _hadMismatch(Round[] calldata past, uint256 leaf) private pure returns (bool) {
        for (uint256 i = 0; i < past.length; ++i) {
            (uint256 yes, uint256 no) = past[i].tally();
            if (no > yes && past[i].leafOf() == leaf) return true;
        }
        return false;
    }
}
