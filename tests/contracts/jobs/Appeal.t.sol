// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerificationJobs} from "../../../contracts/interfaces/IVerificationJobs.sol";
import {IVerifierSeats} from "../../../contracts/interfaces/IVerifierSeats.sol";
import {JobsBase} from "./JobsBase.sol";
import {Receipt} from "./Receipt.sol";

contract AppealTest is JobsBase {
    function test_AnAppealForcesARoundOnAnotherLeafByOthers() external {
        requestToDraw();
        uint256 leaf = trail.turn.leaf();
        address[3] memory first = owners();
        vote("yyy");
        appeal(STRANGER);
        phaseIs(IVerificationJobs.Phase.Committed);
        draw();
        require(trail.turn.leaf() != leaf, "leaf");
        address[3] memory second = owners();
        for (uint256 i = 0; i < 9; ++i) {
            require(first[i / 3] != second[i % 3], "sat before");
        }
        vote("nnn");
        phaseIs(IVerificationJobs.Phase.Judged);
        finalize();
        verdictIs(IVerificationJobs.Verdict.Inconclusive, 3, 3);
        owes(STRANGER, BOND);
        owes(PROVIDER, BOND);
        owes(REQUESTER, FULL_COST - 3 * uint256(FEE));
    }

    function test_ALostAppealPaysTheProviderThatWasRight() external {
        requestToDraw();
        vote("yyy");
        appeal(STRANGER);
        draw();
        vote("yyn");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Accepted, 5, 1);
        owes(STRANGER, FEE);
        owes(PROVIDER, PRICE + 2 * uint256(BOND));
        owes(REQUESTER, 3 * uint256(FEE));
        owes(SINK, FINE);
    }

    function test_ALostAppealAgainstARejectionPaysTheRequester() external {
        requestToDraw();
        vote("nna");
        draw();
        vote("nna");
        appeal(PROVIDER);
        draw();
        vote("nnn");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Rejected, 0, 7);
        owes(PROVIDER, 0);
        owes(REQUESTER, FULL_COST + 2 * uint256(BOND) - 4 * uint256(FEE));
    }

    function test_AnAppealThatNobodyDrawsChangesNothingAndCostsNothing() external {
        requestToDraw();
        vote("yyy");
        appeal(STRANGER);
        vm.warp(trail.turn.end());
        timeOut();
        finalize();
        verdictIs(IVerificationJobs.Verdict.Accepted, 3, 0);
        owes(STRANGER, APPEAL_COST);
        owes(PROVIDER, PRICE + BOND);
    }

    function test_OneLeafTwiceIsStillOneLeaf() external {
        deal.claim = Receipt.claim(1);
        requestToDraw();
        vote("nnn");
        phaseIs(IVerificationJobs.Phase.Judged);
        appeal(REQUESTER);
        draw();
        vote("nnn");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Inconclusive, 0, 6);
        owes(PROVIDER, BOND);
        owes(REQUESTER, FULL_COST + BOND - 3 * uint256(FEE));
    }

    function test_RevertWhen_ItWasAppealedBefore() external {
        requestToDraw();
        vote("yyy");
        appeal(STRANGER);
        draw();
        vote("yyy");
        reverts(IVerificationJobs.NotAppealable.selector, jobId);
        vm.prank(STRANGER);
        jobs.appeal{value: APPEAL_COST}(jobId, deal, trail);
    }

    function test_RevertWhen_TheTimeForItIsOver() external {
        requestToDraw();
        vote("yyy");
        vm.warp(trail.turn.end());
        reverts(IVerificationJobs.TooLate.selector, trail.turn.end());
        vm.prank(STRANGER);
        jobs.appeal{value: APPEAL_COST}(jobId, deal, trail);
    }

    function test_RevertWhen_TheValueIsNotBondAndFees() external {
        requestToDraw();
        vote("yyy");
        reverts(IVerifierSeats.ValueInvalid.selector, BOND, APPEAL_COST);
        vm.prank(STRANGER);
        jobs.appeal{value: BOND}(jobId, deal, trail);
    }
}
