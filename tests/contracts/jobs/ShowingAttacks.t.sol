// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBeacon} from "../../../contracts/interfaces/IBeacon.sol";
import {IVerificationJobs} from "../../../contracts/interfaces/IVerificationJobs.sol";
import {Round} from "../../../contracts/types/Round.sol";
import {Log} from "../Vm.sol";
import {JobsBase} from "./JobsBase.sol";

/// A beacon that fails for good.
contract DeadBeacon is IBeacon {
    error Dead();

    function next() external pure returns (uint64) {
        revert Dead();
    }

    function value(uint64) external pure returns (bytes32) {
        revert Dead();
    }
}

/// Attacks that this project's own reviews found, on what is shown, when, and to whom.
contract ShowingAttacksTest is JobsBase {
    /// A beacon that fails ends jobs as ones that nobody drew: no money stays locked.
    function test_Attack_BeaconThatFails() external {
        IVerificationJobs.JobRules memory given = rules();
        given.beacon = new DeadBeacon();
        jobs = deployJobs(given);
        takeSeat(1);
        request();
        commit();
        reverts(DeadBeacon.Dead.selector);
        jobs.draw(jobId, deal, trail);
        vm.warp(trail.turn.end());
        timeOut();
        finalize();
        verdictIs(IVerificationJobs.Verdict.Inconclusive, 0, 0);
        owes(PROVIDER, BOND);
        owes(REQUESTER, FULL_COST);
    }

    /// Who appeals does not sit on the panel that hears it, however many seats it has.
    function test_Attack_AppellantOnItsOwnPanel(bytes32 value) external {
        for (uint256 i = 0; i < 20; ++i) {
            vm.prank(STRANGER);
            jobs.takeSeat{value: SEAT_BOND}();
        }
        deal.conditions = conditionsOf(address(0), THRESHOLD, 1, 1, 1, 2);
        vm.prank(REQUESTER);
        jobId = jobs.request{value: PRICE + FEE}(terms());
        commit();
        draw();
        vote("y");
        vm.recordLogs();
        vm.prank(STRANGER);
        jobs.appeal{value: BOND + FEE}(jobId, deal, trail);
        follow();
        vm.roll(trail.turn.beaconRound());
        vm.prevrandao(value);
        vm.recordLogs();
        try jobs.draw(jobId, deal, trail) {
            follow();
            require(ownerAt(0) != STRANGER, "the appellant sits");
        } catch (bytes memory reason) {
            bytes memory nobody =
                abi.encodeWithSelector(IVerificationJobs.NobodyToSit.selector, jobId);
            require(keccak256(reason) == keccak256(nobody), "another reason");
        }
    }

    /// A provider shows its words to a friend on each panel only: whatever the lead, votes that are
    /// not more than those that had nothing to say do not pay it.
    function test_Attack_WordsShownToFriendsOnly() external {
        deal.conditions = conditionsOf(address(0), THRESHOLD, 3, 2, 2, 2);
        vm.prank(REQUESTER);
        jobId = jobs.request{value: PRICE + 6 * uint256(FEE)}(terms());
        commit();
        draw();
        vote("yaa");
        draw();
        vote("ayy");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Inconclusive, 3, 0);
        owes(PROVIDER, BOND);
    }

    /// Whoever opens through another contract still shows the proof that seats must bring.
    function test_Attack_ProofKeptFromTheSeats() external {
        requestToDraw();
        bytes32[] memory given = new bytes32[](3);
        for (uint256 place = 0; place < 3; ++place) {
            given[place] = codeFor("y");
        }
        seal(given);
        vm.recordLogs();
        jobs.open(jobId, deal, trail, opening(), ballots(0));
        Log[] memory logs = vm.getRecordedLogs();
        (IVerificationJobs.Opening memory shown,) =
            abi.decode(logs[0].data, (IVerificationJobs.Opening, IVerificationJobs.Ballot[]));
        require(logs[0].topics[0] == IVerificationJobs.LeafOpened.selector, "event");
        require(
            keccak256(abi.encode(shown)) == keccak256(abi.encode(opening())), "what seats need"
        );
    }

    /// A provider shows its leaf at the last moment, so that no seat can open any more: ballots have
    /// a time of their own, which begins with the leaf.
    function test_Attack_LeafShownAtTheLastMoment() external {
        requestToDraw();
        bytes32[] memory given = new bytes32[](3);
        for (uint256 place = 0; place < 3; ++place) {
            given[place] = codeFor("n");
        }
        seal(given);
        uint256 end = trail.turn.end();
        vm.warp(end + HOUR - 1);
        openAs(ballots(0));
        vm.warp(end + HOUR);
        reverts(IVerificationJobs.TooEarly.selector, end + 2 * HOUR);
        jobs.timeOut(jobId, deal, trail);
        vm.warp(end + 2 * HOUR - 1);
        openAs(ballots(7));
        require(trail.past.length == 1 && trail.past[0].voteOf(2) == 2, "votes");
    }

    /// Calls that seal nothing would log without end, and nobody could read the job any more.
    function test_Attack_SealsThatSealNothing() external {
        requestToDraw();
        IVerificationJobs.SealedBallot[] memory none;
        address[3] memory sitting = owners();
        bytes32 frame = jobs.frameOf(jobId, deal, trail.appellant, trail.past);
        reverts(IVerificationJobs.NothingSealed.selector, jobId);
        jobs.seal(jobId, frame, trail.turn, seed, sitting, none);
    }

    /// Who found a bad leaf bad is not fined because the other leaves were good.
    function test_Attack_FineForTheTruthAboutALeaf() external {
        deal.conditions = conditionsOf(address(0), THRESHOLD, 3, 3, 3, 2);
        vm.prank(REQUESTER);
        jobId = jobs.request{value: PRICE + 9 * uint256(FEE)}(terms());
        commit();
        draw();
        vote("nnn");
        Round first = trail.past[0];
        draw();
        vote("yyy");
        draw();
        vote("yyy");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Accepted, 6, 3);
        for (uint256 place = 0; place < 3; ++place) {
            uint256 balance = jobs.seatOf(uint24(first.seatOf(place))).balance;
            require(balance >= SEAT_BOND, "not fined");
        }
    }
}
