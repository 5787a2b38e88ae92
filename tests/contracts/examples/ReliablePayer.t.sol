// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ReliablePayer} from "../../../contracts/examples/ReliablePayer.sol";
import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {TreeNode} from "../../../contracts/types/TreeNode.sol";
import {TreeBase} from "../roots/TreeBase.sol";

contract ReliablePayerTest is TreeBase {
    address private constant PUBLISHER = address(0xFEED);
    ReliablePayer private payer;
    SourceId private id;

    function setUp() public override {
        super.setUp();
        // At least 80 %, ten judgements, a reputation of 30, three days old, one wei a day.
        payer =
            new ReliablePayer(ledger, roots, ReliablePayer.Terms(80, 1_000, 30, 3 days, 1 days, 1));
        vm.deal(address(payer), 1 ether);
        vm.prank(PUBLISHER);
        id = registry.register("https://publisher.example");
    }

    function test_TheOwnerOfAReliableSourceIsPaidOncePerPeriod() external {
        judge(2_000, 100, 1);
        vm.expectEmit();
        emit ReliablePayer.SourcePaid(id, PUBLISHER, block.timestamp / 1 days);
        payer.paySource(id);
        require(PUBLISHER.balance == 1, "paid");
        reverts(ReliablePayer.AlreadyPaid.selector, block.timestamp / 1 days);
        payer.paySource(id);
        vm.warp(block.timestamp + 1 days);
        payer.paySource(id);
        require(PUBLISHER.balance == 2, "next period");
    }

    function test_AnybodyMayFillThePot() external {
        vm.deal(STRANGER, 5);
        vm.prank(STRANGER);
        (bool accepted,) = address(payer).call{value: 5}("");
        require(accepted && address(payer).balance == 1 ether + 5, "filled");
    }

    function test_RevertWhen_TheSourceIsNotReliable() external {
        judge(1_000, 1_000, 1);
        reverts(ReliablePayer.NotReliable.selector, 50);
        payer.paySource(id);
    }

    function test_RevertWhen_TheScoreRestsOnLittleEvidence() external {
        judge(900, 0, 1);
        reverts(ReliablePayer.EvidenceInsufficient.selector, 900, block.timestamp);
        payer.paySource(id);
    }

    function test_RevertWhen_TheScoreIsOld() external {
        judge(2_000, 100, 1);
        vm.warp(START + 1 hours + 3 days + 1);
        reverts(ReliablePayer.EvidenceInsufficient.selector, 2_100, START + 1 hours);
        payer.paySource(id);
    }

    function test_RevertWhen_TheSourceIsRetiredOrUnknown() external {
        judge(2_000, 100, 1);
        vm.prank(PUBLISHER);
        registry.retire(id);
        reverts(ReliablePayer.NotActive.selector, 4);
        payer.paySource(id);
        reverts(ISourceRegistry.UnknownSource.selector, 9);
        payer.paySource(SourceId.wrap(9));
    }

    function test_AnAccountOfProvenReputationIsPaidOncePerPeriod() external {
        makeFinal(TreeNode.wrap(root()));
        payAccount(3, scoreAt(3));
        require(accountAt(3).balance == 1, "paid");
        bytes memory proof = proofOf(3);
        reverts(ReliablePayer.AlreadyPaid.selector, block.timestamp / 1 days);
        payer.payAccount(EPOCH, accountAt(3), scoreAt(3), accountAt(4), proof);
    }

    function test_RevertWhen_TheReputationIsTooLowOrNotProven() external {
        makeFinal(TreeNode.wrap(root()));
        notReputable(2, scoreAt(2));
        notReputable(2, 30);
    }

    function test_RevertWhen_TheEpochEndedTooLongAgo() external {
        makeFinal(TreeNode.wrap(root()));
        vm.warp((uint256(EPOCH) + 1) * LENGTH + 3 days + 1);
        bytes memory proof = proofOf(3);
        reverts(ReliablePayer.EpochTooOld.selector, EPOCH);
        payer.payAccount(EPOCH, accountAt(3), scoreAt(3), accountAt(4), proof);
    }

    function test_RevertWhen_TheEpochIsNotFinal() external {
        bytes memory proof = proofOf(3);
        wrongState(IReputationRoots.State.Final, IReputationRoots.State.Open);
        payer.payAccount(EPOCH, accountAt(3), scoreAt(3), accountAt(4), proof);
    }

    function test_RevertWhen_ThePotIsEmpty() external {
        judge(2_000, 100, 1);
        vm.deal(address(payer), 0);
        reverts(ReliablePayer.PaymentFailed.selector, PUBLISHER);
        payer.paySource(id);
    }

    function judge(uint16 supported, uint16 contradicted, uint64 nonce) private {
        applyUpdates(update(4, supported, contradicted, 0, supported + contradicted), nonce);
    }

    function payAccount(uint256 i, uint64 score) private {
        payer.payAccount(EPOCH, accountAt(i), score, accountAt(i + 1), proofOf(i));
    }

    function notReputable(uint256 i, uint64 score) private {
        bytes memory proof = proofOf(i);
        vm.expectRevert(
            abi.encodeWithSelector(ReliablePayer.NotReputable.selector, accountAt(i), score)
        );
        payer.payAccount(EPOCH, accountAt(i), score, accountAt(i + 1), proof);
    }
}
