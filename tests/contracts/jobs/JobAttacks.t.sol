// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerificationJobs} from "../../../contracts/interfaces/IVerificationJobs.sol";
import {IVerifierSeats} from "../../../contracts/interfaces/IVerifierSeats.sol";
import {partyOf} from "../../../contracts/types/Party.sol";
import {Round} from "../../../contracts/types/Round.sol";
import {Log} from "../Vm.sol";
import {JobsBase} from "./JobsBase.sol";
import {Receipt} from "./Receipt.sol";

/// The attacks on networks for verified inference that are known, each by its name, and how it
/// fails here.
contract JobAttacksTest is JobsBase {
    /// A lazy seat sends what another sealed. The commitment names the seat: it never opens.
    function test_Attack_CopiedCommitment() external {
        requestToDraw();
        bytes32 copied = commitment(0, codeFor("y"));
        IVerificationJobs.SealedBallot[] memory list = new IVerificationJobs.SealedBallot[](3);
        list[0] = sealedBallot(0, codeFor("y"));
        list[1] = signedBallot(1, copied, keyOf[ownerAt(1)]);
        list[2] = sealedBallot(2, codeFor("y"));
        sealList(list);
        IVerificationJobs.Ballot[] memory shown = new IVerificationJobs.Ballot[](3);
        shown[0] = IVerificationJobs.Ballot(0, codes[0], SALT);
        shown[1] = IVerificationJobs.Ballot(1, codes[0], SALT);
        shown[2] = IVerificationJobs.Ballot(2, codes[2], SALT);
        reverts(IVerificationJobs.BallotsMismatch.selector, jobId);
        jobs.open(jobId, deal, trail, opening(), shown);
        shown[1] = IVerificationJobs.Ballot(1, copied, 0);
        openAs(shown);
        vm.warp(trail.turn.end() + 2 * HOUR);
        timeOut();
        require(trail.past[0].voteOf(1) == 0, "the copier lapsed");
    }

    /// A lazy seat waits for the provider's code and seals that. Nothing is shown before all sealed
    /// or the time for it is over, and then nothing can be sealed.
    function test_Attack_CopiedProvidersCode() external {
        requestToDraw();
        sealOne(0, codeFor("y"));
        sealOne(1, codeFor("y"));
        IVerificationJobs.Ballot[] memory list = ballots(3);
        reverts(IVerificationJobs.TooEarly.selector, trail.turn.end());
        jobs.open(jobId, deal, trail, opening(), list);
        vm.warp(trail.turn.end());
        openAs(list);
        phaseIs(IVerificationJobs.Phase.Committed);
        IVerificationJobs.SealedBallot[] memory late = new IVerificationJobs.SealedBallot[](1);
        notIn(IVerificationJobs.Phase.Drawn, IVerificationJobs.Phase.Committed);
        jobs.seal(jobId, 0, trail.turn, seed, [address(0), address(0), address(0)], late);
    }

    /// A second validator that disagrees makes the executor pay twice. Here money moves once, after
    /// the last vote, by one verdict.
    function test_Attack_DoubleChargeByADisagreeingSecond() external {
        requestToDraw();
        vote("nnn");
        draw();
        vote("nnn");
        finalize();
        owes(PROVIDER, 0);
        uint256 paid = jobs.owedTo(REQUESTER);
        notIn(IVerificationJobs.Phase.Judged, IVerificationJobs.Phase.Closed);
        jobs.finalize(jobId, deal, trail);
        notIn(IVerificationJobs.Phase.Drawn, IVerificationJobs.Phase.Closed);
        jobs.timeOut(jobId, deal, trail);
        notIn(IVerificationJobs.Phase.Judged, IVerificationJobs.Phase.Closed);
        jobs.appeal(jobId, deal, trail);
        owes(REQUESTER, paid);
    }

    /// Validators keep their shares after the work was found invalid. Here they have none before
    /// the last verdict, and by that one only who agrees with it is paid.
    function test_Attack_SharesKeptAfterInvalidation() external {
        deal.conditions = conditionsOf(address(0), THRESHOLD, 3, 2, 3, 3);
        requestToDraw();
        vote("yyy");
        owes(ownerOf(0, 0), 0);
        gained(0, 0, 0);
        appeal(REQUESTER);
        draw();
        vote("nnn");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Inconclusive, 3, 3);
        owes(PROVIDER, BOND);
        require(jobs.owedTo(PROVIDER) < BOND + PRICE, "the price went back");
    }

    function test_Attack_MinorityIsPaidAllTheSame() external {
        requestToDraw();
        vote("ynn");
        draw();
        vote("nnn");
        finalize();
        gained(0, 0, -int256(uint256(FINE)) + soldTwice(0));
    }

    /// The parties vote on their own job. Seats of theirs are not drawn, however many they hold.
    function test_Attack_SelfVote(bytes32 value) external {
        for (uint256 i = 0; i < 20; ++i) {
            vm.prank(i % 2 == 0 ? REQUESTER : PROVIDER);
            jobs.takeSeat{value: SEAT_BOND}();
        }
        request();
        commit();
        vm.roll(block.number + DELAY);
        vm.prevrandao(value);
        vm.recordLogs();
        try jobs.draw(jobId, deal, trail) {}
        catch (bytes memory reason) {
            // Every position that was looked at is a party's.
            bytes memory nobody = abi.encodeWithSelector(IVerificationJobs.NobodyToSit.selector, jobId);
            require(keccak256(reason) == keccak256(nobody), "another reason");
            return;
        }
        follow();
        for (uint256 place = 0; place < 3; ++place) {
            require(trail.turn.seatAt(place) <= VERIFIERS, "a party sits");
        }
    }

    /// One owner with many seats fills a panel. No two seats of a panel are of one owner.
    function test_Attack_OneOwnerOnEveryPlace() external {
        jobs = deployJobs(rules());
        for (uint256 i = 0; i < 10; ++i) {
            takeSeat(1);
        }
        takeSeat(2);
        takeSeat(3);
        requestToDraw();
        address[3] memory found = owners();
        require(found[0] != found[1] || found[1] == address(0), "twice");
        require(found[1] != found[2] || found[2] == address(0), "twice");
        require(found[0] != found[2], "twice");
    }

    /// Votes of others are made up by whoever carries them.
    function test_Attack_ForgedVote() external {
        requestToDraw();
        IVerificationJobs.SealedBallot[] memory list = new IVerificationJobs.SealedBallot[](1);
        list[0] = signedBallot(0, commitment(0, codeFor("n")), uint256(keccak256("a forger")));
        bytes32 frame = jobs.frameOf(jobId, deal, trail.appellant, trail.past);
        address[3] memory found = owners();
        vm.expectRevert(
            abi.encodeWithSelector(IVerificationJobs.BallotNotSigned.selector, 0, found[0])
        );
        jobs.seal(jobId, frame, trail.turn, seed, found, list);
        list[0].r = 0;
        vm.expectRevert(
            abi.encodeWithSelector(IVerificationJobs.BallotNotSigned.selector, 0, found[0])
        );
        jobs.seal(jobId, frame, trail.turn, seed, found, list);
    }

    /// A vote for one round, job or seat is shown in another.
    function test_Attack_ReplayedVote() external {
        requestToDraw();
        IVerificationJobs.SealedBallot memory old = sealedBallot(0, codeFor("n"));
        vote("yyn");
        draw();
        IVerificationJobs.SealedBallot[] memory list = new IVerificationJobs.SealedBallot[](1);
        list[0] = old;
        bytes32 frame = jobs.frameOf(jobId, deal, trail.appellant, trail.past);
        address[3] memory found = owners();
        vm.expectRevert(
            abi.encodeWithSelector(IVerificationJobs.BallotNotSigned.selector, 0, found[0])
        );
        jobs.seal(jobId, frame, trail.turn, seed, found, list);
    }

    /// A provider that fears the leaf lets the time run out.
    function test_Attack_TimeoutAsAnEscapeOfTheProvider() external {
        requestToDraw();
        sealOne(0, codeFor("y"));
        sealOne(1, codeFor("n"));
        vm.warp(trail.turn.end() + 2 * HOUR);
        timeOut();
        finalize();
        verdictIs(IVerificationJobs.Verdict.Withheld, 0, 0);
        owes(PROVIDER, 0);
        owes(REQUESTER, FULL_COST + BOND - 2 * uint256(FEE));
        gained(0, 0, int256(uint256(FEE)));
        gained(0, 1, int256(uint256(FEE)));
        gained(0, 2, -int256(uint256(FINE)));
    }

    /// It cannot be appealed away either.
    function test_Attack_AppealAgainstAWithheldLeaf() external {
        requestToDraw();
        sealOne(0, codeFor("y"));
        vm.warp(trail.turn.end() + 2 * HOUR);
        timeOut();
        reverts(IVerificationJobs.TooLate.selector, trail.turn.end());
        vm.prank(PROVIDER);
        jobs.appeal{value: APPEAL_COST}(jobId, deal, trail);
    }

    /// A seat that sees itself in the minority does not open, or leaves before it is fined.
    function test_Attack_TimeoutAsAnEscapeOfASeat() external {
        requestToDraw();
        bytes32[] memory given = new bytes32[](3);
        (given[0], given[1], given[2]) = (codeFor("y"), codeFor("y"), codeFor("n"));
        seal(given);
        openAs(ballots(3));
        uint24 seat = uint24(trail.turn.seatAt(2));
        address owner = ownerAt(2);
        uint24 position = seat;
        vm.prank(owner);
        jobs.leaveSeat(seat, position);
        reverts(IVerifierSeats.NothingToCollect.selector, seat);
        vm.prank(owner);
        jobs.collect(seat);
        vm.warp(trail.turn.end() + 2 * HOUR);
        timeOut();
        draw();
        vote("yyy");
        finalize();
        require(jobs.seatOf(seat).balance == SEAT_BOND - FINE, "fined");
        require(block.timestamp < jobs.seatOf(seat).freeAt, "before it was free");
    }

    /// Who knows the beacon's value takes seats, or gives some up, until the draw suits it.
    function test_Attack_GrindingTheDrawBySeats() external {
        request();
        commit();
        reachBeacon();
        uint256 expected = panelNow();
        for (uint256 i = 100; i < 120; ++i) {
            takeSeat(i);
            require(panelNow() == expected, "a late seat counts");
        }
        // One of the panel leaves: a late seat moves to its place in the list, and still cannot sit.
        uint24 drawnSeat = uint24(expected >> 48);
        uint24 last = jobs.seatAt(uint24(VERIFIERS) + 20);
        vm.prank(vm.addr(drawnSeat));
        jobs.leaveSeat(drawnSeat, drawnSeat);
        require(jobs.seatAt(drawnSeat) == last, "a late seat moved up");
        uint256 next = panelNow();
        require(next != expected && next >> 48 <= VERIFIERS, "and sits");
        require(uint24(next >> 24) <= VERIFIERS && uint24(next) <= VERIFIERS, "and sits");
    }

    /// Who knows the value commits to a receipt that suits it. The round is fixed when it commits,
    /// and lies ahead.
    function test_Attack_GrindingTheCommit() external {
        request();
        commit();
        require(trail.turn.beaconRound() > block.number, "ahead");
        deal.claim = Receipt.claim(LEAVES - 1);
        reachBeacon();
        reverts(IVerificationJobs.JobMismatch.selector, jobId);
        jobs.draw(jobId, deal, trail);
    }

    /// The provider shows another leaf, which it did compute, in place of the drawn one.
    function test_Attack_AnotherLeafAtItsPlace() external {
        requestToDraw();
        bytes32[] memory given = new bytes32[](3);
        seal(given);
        uint256 drawnLeaf = trail.turn.leaf();
        IVerificationJobs.Ballot[] memory list = ballots(7);
        for (uint256 other = 0; other < LEAVES; ++other) {
            if (other == drawnLeaf) continue;
            reverts(IVerificationJobs.LeafNotProven.selector, drawnLeaf);
            jobs.open(jobId, deal, trail, Receipt.opening(LEAVES, other), list);
        }
        IVerificationJobs.Opening memory cut = opening();
        cut.proof = new bytes32[](cut.proof.length - 1);
        reverts(IVerificationJobs.LeafNotProven.selector, drawnLeaf);
        jobs.open(jobId, deal, trail, cut, list);
    }

    /// A stranger takes a provider's root from the pool of transactions and commits to it first: it
    /// cannot open a leaf, and loses the bond.
    function test_Attack_StolenReceipt() external {
        request();
        vm.recordLogs();
        vm.prank(STRANGER);
        jobs.commit{value: BOND}(terms(), deal.claim);
        follow();
        deal.conditions.provider = partyOf(STRANGER, BOND);
        draw();
        sealOne(0, codeFor("y"));
        vm.warp(trail.turn.end() + 2 * HOUR);
        timeOut();
        finalize();
        owes(STRANGER, 0);
        owes(REQUESTER, FULL_COST + BOND - FEE);
    }

    /// A test that is switched off by its parameters: leads that decide nothing, or at once.
    function test_Attack_DisabledSequentialTest(uint8 accept, uint8 reject, uint8 rounds) external {
        deal.conditions = conditionsOf(address(0), THRESHOLD, 1, rounds, accept, reject);
        bool sound = rounds > 0 && rounds <= 7 && accept > 0 && accept <= rounds && reject > 1
            && reject <= rounds + 1;
        IVerificationJobs.Terms memory asked = terms();
        uint256 cost = jobs.costOf(deal.conditions);
        vm.prank(REQUESTER);
        try jobs.request{value: cost}(asked) {
            require(sound, "accepted");
        } catch {
            require(!sound, "refused");
        }
    }

    /// One vote, or one leaf, never costs a provider its bond.
    function test_Attack_SlashingOnOneLeaf() external {
        deal.conditions = conditionsOf(address(0), THRESHOLD, 3, 1, 1, 2);
        vm.prank(REQUESTER);
        jobId = jobs.request{value: PRICE + 3 * uint256(FEE)}(terms());
        commit();
        draw();
        vote("nnn");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Inconclusive, 0, 3);
        owes(PROVIDER, BOND);
    }

    function panelNow() private returns (uint256 panel) {
        (bool done, bytes memory reason) = address(this).call(abi.encodeCall(this.tryDraw, ()));
        require(!done, "undone");
        assembly ("memory-safe") {
            panel := mload(add(reason, 32))
        }
    }

    /// Draws, and reverts with the panel and the leaf.
    function tryDraw() external {
        vm.recordLogs();
        jobs.draw(jobId, deal, trail);
        follow();
        uint256 panel =
            (trail.turn.seatAt(0) << 48) | (trail.turn.seatAt(1) << 24) | trail.turn.seatAt(2);
        assembly ("memory-safe") {
            mstore(0, panel)
            revert(0, 32)
        }
    }

    function ownerOf(uint256 round, uint256 place) private view returns (address) {
        return jobs.seatOf(uint24(trail.past[round].seatOf(place))).owner;
    }

    /// What a seat of the first round earned by sitting in the second one too.
    function soldTwice(uint256 place) private view returns (int256) {
        for (uint256 i = 0; i < 3; ++i) {
            if (trail.past[1].seatOf(i) == trail.past[0].seatOf(place)) {
                return int256(uint256(FEE));
            }
        }
        return 0;
    }
}
