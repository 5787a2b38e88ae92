// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBeacon} from "../../../contracts/interfaces/IBeacon.sol";
import {IVerificationJobs} from "../../../contracts/interfaces/IVerificationJobs.sol";
import {JobsBase} from "./JobsBase.sol";

/// Who sits and which leaf is opened.
contract DrawTest is JobsBase {
    function test_ThreeSeatsOfThreeOwnersAndOneLeafAreDrawn() external {
        requestToDraw();
        phaseIs(IVerificationJobs.Phase.Drawn);
        address[3] memory found = owners();
        require(found[0] != found[1] && found[1] != found[2] && found[0] != found[2], "owners");
        require(trail.turn.leaf() < LEAVES && trail.turn.round() == 0, "leaf");
        require(trail.turn.end() == block.timestamp + HOUR, "end");
    }

    function test_RevertWhen_TheBeaconsValueIsNotKnown() external {
        request();
        commit();
        require(trail.turn.beaconRound() == block.number + DELAY, "round");
        vm.roll(block.number + DELAY - 1);
        reverts(IBeacon.RoundNotReached.selector, block.number + 1, block.number);
        jobs.draw(jobId, deal, trail);
    }

    function test_RevertWhen_ItIsDrawnTooLate() external {
        request();
        commit();
        reachBeacon();
        vm.warp(trail.turn.end());
        reverts(IVerificationJobs.TooLate.selector, trail.turn.end());
        jobs.draw(jobId, deal, trail);
    }

    function test_RevertWhen_ItIsDrawnTwice() external {
        requestToDraw();
        notIn(IVerificationJobs.Phase.Committed, IVerificationJobs.Phase.Drawn);
        jobs.draw(jobId, deal, trail);
    }

    function test_RevertWhen_TheDealIsNotTheJobs() external {
        request();
        commit();
        reachBeacon();
        deal.claim.root = keccak256("another receipt");
        reverts(IVerificationJobs.JobMismatch.selector, jobId);
        jobs.draw(jobId, deal, trail);
    }

    function test_RevertWhen_NobodyMaySit() external {
        jobs = deployJobs(rules());
        request();
        commit();
        reachBeacon();
        reverts(IVerificationJobs.NobodyToSit.selector, jobId);
        jobs.draw(jobId, deal, trail);
        takeSeat(1);
        reverts(IVerificationJobs.NobodyToSit.selector, jobId);
        jobs.draw(jobId, deal, trail);
        vm.warp(trail.turn.end());
        timeOut();
        finalize();
        verdictIs(IVerificationJobs.Verdict.Inconclusive, 0, 0);
        owes(PROVIDER, BOND);
        owes(REQUESTER, FULL_COST);
    }

    function test_WhereFewerOwnersAreFoundFewerSit() external {
        jobs = deployJobs(rules());
        takeSeat(1);
        takeSeat(1);
        request();
        commit();
        draw();
        require(trail.turn.fullPanel() == 1, "panel");
        takeSeat(2);
        vote("y");
        draw();
        require(trail.turn.fullPanel() == 3, "panel");
        vote("yy");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Accepted, 3, 0);
    }

    function test_TheLeavesOfAJobAreNeverDrawnTwice() external {
        deal.conditions = conditionsOf(address(0), THRESHOLD, 3, 5, 15, 2);
        vm.prank(REQUESTER);
        jobId = jobs.request{value: PRICE + 15 * uint256(FEE)}(terms());
        commit();
        uint256 seen;
        for (uint256 i = 0; i < LEAVES; ++i) {
            draw();
            require((seen >> trail.turn.leaf()) & 1 == 0, "seen");
            seen |= 1 << trail.turn.leaf();
            vote("yyy");
        }
        phaseIs(IVerificationJobs.Phase.Judged);
        finalize();
        verdictIs(IVerificationJobs.Verdict.Accepted, 15, 0);
    }

    function test_TheChainsOwnRandomnessNeedsNoBeacon() external {
        IVerificationJobs.JobRules memory given = rules();
        given.beacon = IBeacon(address(0));
        jobs = deployJobs(given);
        for (uint256 i = 1; i <= VERIFIERS; ++i) {
            takeSeat(i);
        }
        request();
        commit();
        require(trail.turn.beaconRound() == block.number + 2, "round");
        vm.roll(block.number + 1);
        reverts(IBeacon.RoundNotReached.selector, block.number + 1, block.number);
        jobs.draw(jobId, deal, trail);
        draw();
        bytes32 value = keccak256(abi.encode(block.number, jobId));
        require(seed == keccak256(abi.encode(value, jobId, uint256(0))), "seed");
        vote("yyy");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Accepted, 3, 0);
    }

    /// Seat 4 stands at position 1, and position 4 is empty: both are drawn from as before.
    function test_WhereASeatMovedToItIsDrawnThere() external {
        jobs = deployJobs(rules());
        for (uint256 i = 1; i < 5; ++i) {
            takeSeat(i);
        }
        request();
        commit();
        vm.prank(vm.addr(1));
        jobs.leaveSeat(1, 1);
        draw();
        address[3] memory found = owners();
        uint256 moved;
        for (uint256 place = 0; place < 3; ++place) {
            require(found[place] != vm.addr(1), "it left");
            if (found[place] == vm.addr(4)) ++moved;
        }
        require(moved == 1 && trail.turn.fullPanel() == 7, "the three that stayed");
    }
}
