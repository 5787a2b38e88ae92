// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Hamming} from "../../../contracts/libraries/Hamming.sol";
import {JobState, bound, closed} from "../../../contracts/types/JobState.sol";
import {Party, partyOf} from "../../../contracts/types/Party.sol";
import {Round, recorded} from "../../../contracts/types/Round.sol";
import {SeatRecord} from "../../../contracts/types/SeatRecord.sol";
import {Turn, awaiting, drawn} from "../../../contracts/types/Turn.sol";
import {VoteTerms} from "../../../contracts/types/VoteTerms.sol";

/// Proofs, by halmos, for every value that the packed words of jobs can have.
contract JobWordProofs {
    /// Of any sixteen bits, at each place where such a lane stands, as many are counted as are set.
    function check_EveryLaneIsCounted(uint16 bits) external pure {
        uint256 count;
        for (uint256 i = 0; i < 16; ++i) {
            count += (bits >> i) & 1;
        }
        for (uint256 lane = 0; lane < 16; ++lane) {
            assert(Hamming.distance(bytes32(uint256(bits) << (16 * lane)), 0) == count);
        }
    }

    function check_AnAwaitingTurnIsUnpackedAsItWasPacked(
        uint40 end,
        uint64 round,
        uint24 sitting,
        uint24 taken
    ) external pure {
        Turn turn = awaiting(end, round, sitting, taken);
        assert(turn.end() == end && turn.beaconRound() == round);
        assert(turn.sitting() == sitting && turn.taken() == taken);
    }

    function check_ADrawnTurnIsUnpackedAsItWasPacked(
        uint40 end,
        uint32 leaf,
        uint72 panel,
        uint8 round,
        uint104 salt
    ) external pure {
        Turn turn = drawn(end, leaf, panel, round, salt);
        assert(turn.end() == end && turn.leaf() == leaf && turn.round() == round);
        assert(turn.seatAt(0) == uint24(panel) && turn.seatAt(1) == uint24(panel >> 24));
        assert(turn.seatAt(2) == uint24(panel >> 48) && turn.salt() == salt);
    }

    function check_ARoundKeepsPanelLeafAndVotes(uint256 word, uint8 votes, bool withheld)
        external
        pure
    {
        Turn turn = Turn.wrap(word);
        Round round = recorded(turn, votes & 63, withheld);
        assert(round.leafOf() == turn.leaf() && round.isWithheld() == withheld);
        uint256 matches;
        uint256 mismatches;
        for (uint256 place = 0; place < 3; ++place) {
            assert(round.seatOf(place) == turn.seatAt(place));
            assert(round.voteOf(place) == (votes >> (2 * place)) & 3);
            if (round.voteOf(place) == 1) ++matches;
            if (round.voteOf(place) == 2) ++mismatches;
        }
        (uint256 yes, uint256 no) = round.tally();
        assert(yes == matches && no == mismatches);
    }

    function check_ASeatKeepsItsOwnerBalanceAndPosition(
        uint256 word,
        address owner,
        uint72 balance,
        uint24 listed
    ) external pure {
        SeatRecord record = SeatRecord.wrap(word);
        SeatRecord taken = record.withSeat(owner, balance);
        assert(taken.owner() == owner && taken.balance() == balance);
        assert(taken.listed() == record.listed());
        SeatRecord moved = taken.withListed(listed);
        assert(moved.owner() == owner && moved.balance() == balance && moved.listed() == listed);
        SeatRecord paid = record.withBalance(balance);
        assert(paid.owner() == record.owner() && paid.balance() == balance);
    }

    function check_AClosedJobTellsItsVerdict(address provider, uint8 verdict, uint16 yes, uint16 no)
        external
        pure
    {
        JobState state = closed(provider, verdict & 15, yes, no);
        assert(state.phase() == 5 && state.verdict() == verdict & 15);
        assert(state.provider() == provider && state.matches() == yes && state.mismatches() == no);
    }

    /// What two transactions of one block change in a drawn job is not what it is bound to.
    function check_SealingAndVotingMoveNothingElse(
        bytes32 hash,
        uint8 place,
        bytes32 commitment,
        uint8 vote
    ) external pure {
        if (place > 2 || vote > 3) return;
        JobState before = bound(3, hash);
        assert(before.phase() == 3 && before.sealedPlaces() == 0 && before.votes() == 0);
        assert(before.isBoundTo(hash) && before.isComplete() && !before.isOpened());
        JobState next = before.withSealed(place, commitment).withOpened().withVote(place, vote);
        assert(next.isBoundTo(hash) && next.phase() == 3 && next.isOpened());
        assert(next.sealedPlaces() == uint256(1) << place && next.isSealed(place));
        assert(next.voteAt(place) == vote && next.votes() == uint256(vote) << (2 * place));
        assert(next.isComplete() == (vote != 0));
        assert(next.mismatchOfAllSealed() == uint256(2) << (2 * place));
    }

    function check_AHashIsBoundInEveryPhase(uint8 phase, bytes32 hash, bytes32 other)
        external
        pure
    {
        if (phase > 7) return;
        JobState state = bound(phase, hash);
        assert(state.phase() == phase && state.isBoundTo(hash));
        uint256 kept = phase == 3 ? 144 : 16;
        assert(state.isBoundTo(other) == (uint256(hash) >> kept == uint256(other) >> kept));
    }

    function check_APartyIsUnpackedAsItWasPacked(address account, uint96 amount) external pure {
        Party party = partyOf(account, amount);
        assert(party.account() == account && party.amount() == amount);
    }

    function check_VoteTermsAreUnpackedAsTheyWerePacked(
        uint96 fee,
        uint16 threshold,
        uint8 panel,
        uint8 rounds,
        uint8 acceptLead,
        uint8 rejectLead
    ) external pure {
        bytes memory packed = abi.encodePacked(
            uint112(0), fee, threshold, panel, rounds, acceptLead, rejectLead
        );
        VoteTerms terms = VoteTerms.wrap(uint256(bytes32(packed)));
        assert(terms.fee() == fee && terms.threshold() == threshold && terms.panel() == panel);
        assert(terms.rounds() == rounds && terms.acceptLead() == acceptLead);
        assert(terms.rejectLead() == rejectLead);
    }
}
