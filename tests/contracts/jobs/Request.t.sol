// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerificationJobs} from "../../../contracts/interfaces/IVerificationJobs.sol";
import {IVerifierSeats} from "../../../contracts/interfaces/IVerifierSeats.sol";
import {partyOf} from "../../../contracts/types/Party.sol";
import {VoteTerms} from "../../../contracts/types/VoteTerms.sol";
import {JobsBase} from "./JobsBase.sol";

/// From the request to the provider's commitment, or back.
contract RequestTest is JobsBase {
    function test_ARequestIsPaidInFullAndNamedByItsTerms() external {
        uint256 expected = uint256(keccak256(abi.encode(block.chainid, address(jobs), terms())));
        require(jobs.jobIdOf(terms()) == expected, "id");
        require(jobs.costOf(conditions()) == FULL_COST, "cost");
        vm.expectEmit();
        emit IVerificationJobs.JobRequested(expected, REQUESTER, terms());
        request();
        require(jobId == expected, "returned");
        phaseIs(IVerificationJobs.Phase.Requested);
        require(REQUESTER.balance == 1_000 ether - FULL_COST, "paid");
    }

    function test_RevertWhen_TheValueIsNotTheCost() external {
        reverts(IVerifierSeats.ValueInvalid.selector, FULL_COST - 1, FULL_COST);
        vm.prank(REQUESTER);
        jobs.request{value: FULL_COST - 1}(terms());
    }

    function test_RevertWhen_TheSameTermsWereRequestedBefore() external {
        request();
        reverts(IVerificationJobs.JobExists.selector, jobId);
        vm.prank(REQUESTER);
        jobs.request{value: FULL_COST}(terms());
    }

    function test_RevertWhen_NobodyCouldCommitAnyMore() external {
        vm.warp(START + HOUR);
        reverts(IVerificationJobs.TooLate.selector, START + HOUR);
        vm.prank(REQUESTER);
        jobs.request{value: FULL_COST}(terms());
    }

    function test_RevertWhen_AConditionIsOutsideItsLimits() external {
        refused(conditionsOf(REQUESTER, THRESHOLD, 3, 2, 3, 2));
        refused(conditionsOf(address(0), 256, 3, 2, 3, 2));
        refused(conditionsOf(address(0), THRESHOLD, 0, 2, 3, 2));
        refused(conditionsOf(address(0), THRESHOLD, 4, 2, 3, 2));
        refused(conditionsOf(address(0), THRESHOLD, 3, 0, 3, 2));
        refused(conditionsOf(address(0), THRESHOLD, 3, 8, 3, 2));
        refused(conditionsOf(address(0), THRESHOLD, 3, 2, 0, 2));
        refused(conditionsOf(address(0), THRESHOLD, 3, 2, 7, 2));
        refused(conditionsOf(address(0), THRESHOLD, 3, 2, 3, 1));
        IVerificationJobs.Conditions memory given = conditions();
        given.provider = partyOf(address(0), PRICE - 1);
        refused(given);
        given = conditions();
        given.requester = partyOf(STRANGER, PRICE);
        refused(given);
        given = conditions();
        given.votes = VoteTerms.wrap(VoteTerms.unwrap(given.votes) | (1 << 144));
        refused(given);
        given = conditions();
        uint256 votes = VoteTerms.unwrap(given.votes) & ~(uint256(type(uint96).max) << 48);
        given.votes = VoteTerms.wrap(votes | (uint256(FEE / 2 - 1) << 48));
        refused(given);
    }

    function test_ARequestNobodyCommittedToGoesBack() external {
        request();
        vm.warp(START + HOUR);
        vm.expectEmit();
        emit IVerificationJobs.JobReclaimed(jobId);
        jobs.reclaim(terms());
        owes(REQUESTER, FULL_COST);
        phaseIs(IVerificationJobs.Phase.Closed);
        (IVerificationJobs.Verdict verdict, address provider,,) = jobs.verdictOf(jobId);
        require(verdict == IVerificationJobs.Verdict.None && provider == address(0), "verdict");
    }

    function test_RevertWhen_ARequestIsReclaimedTwice() external {
        request();
        vm.warp(START + HOUR);
        jobs.reclaim(terms());
        notIn(IVerificationJobs.Phase.Requested, IVerificationJobs.Phase.Closed);
        jobs.reclaim(terms());
    }

    function test_RevertWhen_ARequestIsReclaimedBeforeItsTime() external {
        request();
        reverts(IVerificationJobs.TooEarly.selector, START + HOUR);
        jobs.reclaim(terms());
    }

    function test_AProviderCommitsWithItsBond() external {
        request();
        vm.prank(PROVIDER);
        jobs.commit{value: BOND}(terms(), deal.claim);
        phaseIs(IVerificationJobs.Phase.Committed);
        require(address(jobs).balance == FULL_COST + BOND + VERIFIERS * SEAT_BOND, "held");
    }

    function test_RevertWhen_TheValueIsNotTheBond() external {
        request();
        reverts(IVerifierSeats.ValueInvalid.selector, BOND + 1, BOND);
        vm.prank(PROVIDER);
        jobs.commit{value: BOND + 1}(terms(), deal.claim);
    }

    function test_RevertWhen_AnotherThanTheNamedProviderCommits() external {
        deal.conditions = conditionsOf(PROVIDER, THRESHOLD, 3, 2, 3, 2);
        request();
        reverts(IVerificationJobs.NotProvider.selector, uint160(STRANGER));
        vm.prank(STRANGER);
        jobs.commit{value: BOND}(terms(), deal.claim);
        commit();
        phaseIs(IVerificationJobs.Phase.Committed);
    }

    function test_RevertWhen_TheRequesterCommits() external {
        request();
        reverts(IVerificationJobs.NotProvider.selector, uint160(REQUESTER));
        vm.prank(REQUESTER);
        jobs.commit{value: BOND}(terms(), deal.claim);
    }

    function test_RevertWhen_TheClaimIsOfNoReceipt() external {
        request();
        IVerificationJobs.Claim memory claim = deal.claim;
        notClaimed(IVerificationJobs.Claim(0, claim.header, claim.leafCount));
        notClaimed(IVerificationJobs.Claim(claim.root, 0, claim.leafCount));
        notClaimed(IVerificationJobs.Claim(claim.root, claim.header, 0));
        notClaimed(IVerificationJobs.Claim(claim.root, claim.header, 32_769));
    }

    function test_RevertWhen_ItCommitsTooLate() external {
        request();
        vm.warp(START + HOUR);
        reverts(IVerificationJobs.TooLate.selector, START + HOUR);
        vm.prank(PROVIDER);
        jobs.commit{value: BOND}(terms(), deal.claim);
    }

    function test_RevertWhen_TheTermsAreNotThoseRequested() external {
        request();
        IVerificationJobs.Terms memory other = terms();
        other.spec = keccak256("a cheaper model");
        notIn(IVerificationJobs.Phase.Requested, IVerificationJobs.Phase.None);
        vm.prank(PROVIDER);
        jobs.commit{value: BOND}(other, deal.claim);
    }

    function refused(IVerificationJobs.Conditions memory given) private {
        deal.conditions = given;
        IVerificationJobs.Terms memory asked = terms();
        reverts(IVerificationJobs.ConditionsInvalid.selector);
        vm.prank(REQUESTER);
        jobs.request{value: FULL_COST}(asked);
    }

    function notClaimed(IVerificationJobs.Claim memory claim) private {
        IVerificationJobs.Terms memory asked = terms();
        reverts(IVerificationJobs.ClaimInvalid.selector);
        vm.prank(PROVIDER);
        jobs.commit{value: BOND}(asked, claim);
    }
}
