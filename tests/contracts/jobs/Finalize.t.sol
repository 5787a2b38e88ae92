// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerificationJobs} from "../../../contracts/interfaces/IVerificationJobs.sol";
import {JobsBase} from "./JobsBase.sol";

/// Who is paid what, for every verdict.
contract FinalizeTest is JobsBase {
    function test_ThreeMatchesPayTheProviderAndTheSeats() external {
        requestToDraw();
        vote("yyy");
        phaseIs(IVerificationJobs.Phase.Judged);
        finalize();
        phaseIs(IVerificationJobs.Phase.Closed);
        verdictIs(IVerificationJobs.Verdict.Accepted, 3, 0);
        owes(PROVIDER, PRICE + BOND);
        owes(REQUESTER, FEES - 3 * uint256(FEE));
        owes(SINK, 0);
        for (uint256 place = 0; place < 3; ++place) {
            gained(0, place, int256(uint256(FEE)));
        }
    }

    function test_MismatchesOnTwoLeavesCostTheProviderItsBond() external {
        requestToDraw();
        uint256 leaf = trail.turn.leaf();
        vote("nnn");
        phaseIs(IVerificationJobs.Phase.Committed);
        draw();
        require(trail.turn.leaf() != leaf, "another leaf");
        vote("nnn");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Rejected, 0, 6);
        owes(PROVIDER, 0);
        owes(REQUESTER, FULL_COST + BOND - 6 * uint256(FEE));
        owes(SINK, 0);
    }

    function test_ASplitVoteIsInconclusiveAndNobodyIsFined() external {
        requestToDraw();
        vote("ynn");
        draw();
        vote("yyn");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Inconclusive, 3, 3);
        owes(PROVIDER, BOND);
        owes(REQUESTER, FULL_COST - 6 * uint256(FEE));
        owes(SINK, 0);
    }

    function test_AVoteAgainstTheVerdictIsFinedAndNotPaid() external {
        requestToDraw();
        vote("yyn");
        draw();
        vote("yyy");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Accepted, 5, 1);
        owes(PROVIDER, PRICE + BOND);
        owes(REQUESTER, FEE);
        owes(SINK, FINE);
    }

    function test_MatchesAgainstARejectionAreFined() external {
        requestToDraw();
        vote("ynn");
        draw();
        vote("nnn");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Rejected, 1, 5);
        owes(SINK, FINE);
        owes(REQUESTER, FULL_COST + BOND - 5 * uint256(FEE));
    }

    function test_WhoAbstainsIsNeitherPaidNorFined() external {
        requestToDraw();
        vote("yya");
        draw();
        vote("yay");
        finalize();
        verdictIs(IVerificationJobs.Verdict.Accepted, 4, 0);
        owes(SINK, 0);
        owes(REQUESTER, 2 * uint256(FEE));
    }

    function test_RevertWhen_TheVerdictCanStillBeAppealed() external {
        requestToDraw();
        vote("yyy");
        uint256 end = trail.turn.end();
        vm.warp(end - 1);
        reverts(IVerificationJobs.TooEarly.selector, end);
        jobs.finalize(jobId, deal, trail);
    }

    function test_RevertWhen_ItIsClosedAlready() external {
        requestToDraw();
        vote("yyy");
        finalize();
        notIn(IVerificationJobs.Phase.Judged, IVerificationJobs.Phase.Closed);
        jobs.finalize(jobId, deal, trail);
    }

    function test_RevertWhen_TheTrailIsNotTheJobs() external {
        requestToDraw();
        vote("yyy");
        vm.warp(trail.turn.end());
        deal.claim.leafCount += 1;
        reverts(IVerificationJobs.JobMismatch.selector, jobId);
        jobs.finalize(jobId, deal, trail);
    }

    function test_BeforeThereIsAVerdictNoneIsTold() external {
        requestToDraw();
        vote("yyy");
        (IVerificationJobs.Verdict verdict, address provider,,) = jobs.verdictOf(jobId);
        require(verdict == IVerificationJobs.Verdict.None && provider == address(0), "early");
    }
}
