// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerificationJobs} from "../../../contracts/interfaces/IVerificationJobs.sol";
import {JobsBase} from "./JobsBase.sol";
import {Receipt} from "./Receipt.sol";

/// Sealing, opening, and what happens where one of them does not come.
contract VotingTest is JobsBase {
    /* SEALING */

    function test_BallotsCanBeSealedOneByOneInAnyOrder() external {
        requestToDraw();
        sealOne(2, codeFor("y"));
        sealOne(0, codeFor("y"));
        (uint256 places,, bool opened) = jobs.progressOf(jobId);
        require(places == 5 && !opened, "progress");
        sealOne(1, codeFor("n"));
        open();
        require(trail.past[0].voteOf(0) == 1 && trail.past[0].voteOf(1) == 2, "votes");
    }

    function test_ASeatsOwnerNeedsNoSignature() external {
        requestToDraw();
        IVerificationJobs.SealedBallot[] memory list = new IVerificationJobs.SealedBallot[](1);
        list[0] = IVerificationJobs.SealedBallot(0, commitment(0, codeFor("y")), 0, 0);
        bytes32 frame = jobs.frameOf(jobId, deal, trail.appellant, trail.past);
        address[3] memory found = owners();
        vm.prank(found[0]);
        jobs.seal(jobId, frame, trail.turn, seed, found, list);
        (uint256 places,,) = jobs.progressOf(jobId);
        require(places == 1, "sealed");
    }

    function test_RevertWhen_ABallotIsSealedTwice() external {
        requestToDraw();
        sealOne(0, codeFor("y"));
        refusesSeal(sealedBallot(0, codeFor("n")), IVerificationJobs.PlaceInvalid.selector, 0);
    }

    function test_RevertWhen_ThereIsNoSuchPlace() external {
        requestToDraw();
        IVerificationJobs.SealedBallot memory ballot = sealedBallot(0, codeFor("y"));
        ballot.place = 3;
        refusesSeal(ballot, IVerificationJobs.PlaceInvalid.selector, 3);
    }

    function test_RevertWhen_NobodySitsAtThePlace() external {
        jobs = deployJobs(rules());
        takeSeat(1);
        request();
        commit();
        draw();
        IVerificationJobs.SealedBallot memory ballot = sealedBallot(0, codeFor("y"));
        ballot.place = 1;
        refusesSeal(ballot, IVerificationJobs.PlaceInvalid.selector, 1);
    }

    function test_RevertWhen_TheOwnersAreNotThePanels() external {
        requestToDraw();
        address[3] memory found = owners();
        found[1] = STRANGER;
        refusesPanel(seed, found);
        refusesPanel(keccak256("another seed"), owners());
    }

    function test_RevertWhen_ItIsSealedTooLate() external {
        requestToDraw();
        IVerificationJobs.SealedBallot memory ballot = sealedBallot(0, codeFor("y"));
        vm.warp(trail.turn.end());
        refusesSeal(ballot, IVerificationJobs.TooLate.selector, trail.turn.end());
    }

    function test_RevertWhen_TheTurnIsNotTheJobs() external {
        requestToDraw();
        bytes32 frame = jobs.frameOf(jobId, deal, STRANGER, trail.past);
        IVerificationJobs.SealedBallot[] memory none;
        address[3] memory found = owners();
        reverts(IVerificationJobs.JobMismatch.selector, jobId);
        jobs.seal(jobId, frame, trail.turn, seed, found, none);
    }

    function test_RevertWhen_NothingIsDrawn() external {
        request();
        notIn(IVerificationJobs.Phase.Drawn, IVerificationJobs.Phase.Requested);
        jobs.progressOf(jobId);
    }

    /* OPENING */

    function test_BallotsCanBeOpenedOneByOne() external {
        requestToDraw();
        sealAll("yny");
        openAs(ballots(0));
        (, uint256 votes, bool opened) = jobs.progressOf(jobId);
        require(votes == 0 && opened, "the provider has shown the leaf");
        openAs(ballots(4));
        nothingNew(ballots(4));
        nothingNew(ballots(0));
        openAs(ballots(5));
        (, votes,) = jobs.progressOf(jobId);
        require(votes == 0x11, "votes");
        openAs(ballots(2));
        require(trail.past.length == 1 && trail.past[0].voteOf(1) == 2, "round");
    }

    function nothingNew(IVerificationJobs.Ballot[] memory list) private {
        IVerificationJobs.Opening memory leaf = opening();
        reverts(IVerificationJobs.NothingOpened.selector, jobId);
        jobs.open(jobId, deal, trail, leaf, list);
    }

    function test_ADistanceUpToTheThresholdIsAMatch() external {
        requestToDraw();
        bytes32 right = Receipt.codeOf(trail.turn.leaf());
        bytes32[] memory given = new bytes32[](3);
        given[0] = right ^ bytes32((uint256(1) << THRESHOLD) - 1);
        given[1] = right ^ bytes32((uint256(1) << (THRESHOLD + 1)) - 1);
        given[2] = bytes32(type(uint256).max);
        seal(given);
        open();
        require(trail.past[0].voteOf(0) == 1, "38 bits");
        require(trail.past[0].voteOf(1) == 2, "39 bits");
        require(trail.past[0].voteOf(2) == 2, "refuted");
    }

    function test_ARefutationIsAMismatchWhateverTheCode() external {
        deal.conditions = conditionsOf(address(0), 255, 3, 2, 3, 2);
        requestToDraw();
        bytes32[] memory given = new bytes32[](3);
        given[0] = bytes32(type(uint256).max);
        given[1] = codeFor("y");
        given[2] = bytes32(uint256(1));
        seal(given);
        open();
        require(trail.past[0].voteOf(0) == 2 && trail.past[0].voteOf(2) == 1, "votes");
    }

    function test_RevertWhen_SomeSeatMayStillSeal() external {
        requestToDraw();
        sealOne(0, codeFor("y"));
        IVerificationJobs.Ballot[] memory list = ballots(1);
        reverts(IVerificationJobs.TooEarly.selector, trail.turn.end());
        jobs.open(jobId, deal, trail, opening(), list);
        vm.warp(trail.turn.end());
        openAs(list);
        require(trail.past.length == 1, "the rest lapsed");
    }

    function test_RevertWhen_ItIsOpenedTooLate() external {
        requestToDraw();
        sealAll("yyy");
        IVerificationJobs.Ballot[] memory list = ballots(7);
        vm.warp(trail.turn.end() + HOUR);
        reverts(IVerificationJobs.TooLate.selector, trail.turn.end() + HOUR);
        jobs.open(jobId, deal, trail, opening(), list);
    }

    function test_RevertWhen_TheLeafIsNotProven() external {
        requestToDraw();
        sealAll("yyy");
        IVerificationJobs.Ballot[] memory list = ballots(7);
        IVerificationJobs.Opening memory shown = opening();
        shown.code ^= bytes32(uint256(1));
        notProven(shown, list);
        notProven(Receipt.opening(LEAVES, (trail.turn.leaf() + 1) % LEAVES), list);
    }

    function test_RevertWhen_TheBallotsAreNotAllThatWereSealed() external {
        requestToDraw();
        sealAll("yyn");
        IVerificationJobs.Ballot[] memory all = ballots(7);
        IVerificationJobs.Ballot[] memory list = new IVerificationJobs.Ballot[](2);
        (list[0], list[1]) = (all[0], all[1]);
        notAll(list);
        list = ballots(7);
        (list[0], list[1]) = (all[1], all[0]);
        notAll(list);
        list = ballots(7);
        list[2].code = codeFor("y");
        notAll(list);
        list = ballots(7);
        list[2].place = 200;
        IVerificationJobs.Opening memory leaf = opening();
        reverts(IVerificationJobs.PlaceInvalid.selector, 200);
        jobs.open(jobId, deal, trail, leaf, list);
    }

    /* TIMING OUT */

    function test_AJobThatNobodyDrawsCostsNobody() external {
        request();
        commit();
        reverts(IVerificationJobs.TooEarly.selector, trail.turn.end());
        jobs.timeOut(jobId, deal, trail);
        vm.warp(trail.turn.end());
        timeOut();
        finalize();
        verdictIs(IVerificationJobs.Verdict.Inconclusive, 0, 0);
        owes(PROVIDER, BOND);
        owes(REQUESTER, FULL_COST);
    }

    function test_WhoDoesNotSealOrOpenIsFined() external {
        requestToDraw();
        sealOne(0, codeFor("y"));
        sealOne(1, codeFor("y"));
        vm.warp(trail.turn.end());
        openAs(ballots(1));
        vm.warp(trail.turn.end() + 2 * HOUR);
        timeOut();
        phaseIs(IVerificationJobs.Phase.Committed);
        draw();
        vote("yyy");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Accepted, 4, 0);
        owes(SINK, 2 * uint256(FINE));
    }

    function test_ARoundInWhichNobodySealsIsVoid() external {
        requestToDraw();
        vm.warp(trail.turn.end());
        IVerificationJobs.Ballot[] memory none;
        openAs(none);
        phaseIs(IVerificationJobs.Phase.Drawn);
        vm.warp(trail.turn.end() + 2 * HOUR);
        timeOut();
        phaseIs(IVerificationJobs.Phase.Committed);
        draw();
        vm.warp(trail.turn.end() + 2 * HOUR);
        timeOut();
        phaseIs(IVerificationJobs.Phase.Judged);
        finalize();
        verdictIs(IVerificationJobs.Verdict.Inconclusive, 0, 0);
        owes(PROVIDER, BOND);
        owes(REQUESTER, FULL_COST);
        owes(SINK, 6 * uint256(FINE));
    }

    function test_RevertWhen_ARoundCanStillBeOpened() external {
        requestToDraw();
        vm.warp(trail.turn.end() + HOUR - 1);
        reverts(IVerificationJobs.TooEarly.selector, trail.turn.end() + HOUR);
        jobs.timeOut(jobId, deal, trail);
    }

    function test_RevertWhen_ThereIsNothingToTimeOut() external {
        requestToDraw();
        vote("yyy");
        notIn(IVerificationJobs.Phase.Drawn, IVerificationJobs.Phase.Judged);
        jobs.timeOut(jobId, deal, trail);
    }

    /* INTERNALS */

    function sealAll(bytes memory letters) private {
        bytes32[] memory given = new bytes32[](letters.length);
        for (uint256 place = 0; place < letters.length; ++place) {
            given[place] = codeFor(letters[place]);
        }
        seal(given);
    }

    function refusesSeal(
        IVerificationJobs.SealedBallot memory ballot,
        bytes4 selector,
        uint256 argument
    ) private {
        IVerificationJobs.SealedBallot[] memory list = new IVerificationJobs.SealedBallot[](1);
        list[0] = ballot;
        bytes32 frame = jobs.frameOf(jobId, deal, trail.appellant, trail.past);
        address[3] memory found = owners();
        reverts(selector, argument);
        jobs.seal(jobId, frame, trail.turn, seed, found, list);
    }

    function refusesPanel(bytes32 given, address[3] memory found) private {
        IVerificationJobs.SealedBallot[] memory none;
        bytes32 frame = jobs.frameOf(jobId, deal, trail.appellant, trail.past);
        reverts(IVerificationJobs.JobMismatch.selector, jobId);
        jobs.seal(jobId, frame, trail.turn, given, found, none);
    }

    function notProven(
        IVerificationJobs.Opening memory shown,
        IVerificationJobs.Ballot[] memory list
    ) private {
        reverts(IVerificationJobs.LeafNotProven.selector, trail.turn.leaf());
        jobs.open(jobId, deal, trail, shown, list);
    }

    function notAll(IVerificationJobs.Ballot[] memory list) private {
        reverts(IVerificationJobs.BallotsMismatch.selector, jobId);
        jobs.open(jobId, deal, trail, opening(), list);
    }
}
