// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {TreeNode, ProofLengthInvalid} from "../../../contracts/types/TreeNode.sol";
import {TreeBase} from "./TreeBase.sol";

contract ScoreProvenTest is TreeBase {
    function test_EveryScoreInTheTreeIsProven() external {
        makeFinal(TreeNode.wrap(root()));
        for (uint256 i = 1; i < COUNT; ++i) {
            require(proven(i, scoreAt(i)), "proven");
        }
    }

    function test_NoOtherScoreIs(uint64 score, uint8 i) external {
        uint256 index = 1 + (i % (COUNT - 1));
        vm.assume(score != scoreAt(index));
        makeFinal(TreeNode.wrap(root()));
        require(!proven(index, score), "not proven");
    }

    function test_AProofIsGoodForItsOwnAccountOnly() external {
        makeFinal(TreeNode.wrap(root()));
        require(
            !roots.scoreProven(EPOCH, accountAt(1), scoreAt(2), accountAt(3), proofOf(2)), "other"
        );
        require(
            !roots.scoreProven(EPOCH, accountAt(2), scoreAt(2), accountAt(4), proofOf(2)), "next"
        );
    }

    function test_TheLeafBelowTheFirstAccountProvesNoScore() external {
        makeFinal(TreeNode.wrap(root()));
        require(!roots.scoreProven(EPOCH, address(0), 0, accountAt(1), proofOf(0)), "nobody");
    }

    function test_AnInnerNodePassesForNoLeaf(uint64 score, address next) external {
        // The root's children are 40 bytes, which no leaf is made of.
        makeFinal(TreeNode.wrap(root()));
        require(!roots.scoreProven(EPOCH, accountAt(1), score, next, ""), "no leaf");
    }

    function test_ALeafOfAnotherEpochChainDeploymentOrFormulaProvesNothing() external {
        provesNothing(rootFor(block.chainid, address(roots), EPOCH + 1, FORMULA));
        provesNothing(rootFor(block.chainid + 1, address(roots), EPOCH, FORMULA));
        provesNothing(rootFor(block.chainid, address(ledger), EPOCH, FORMULA));
        provesNothing(rootFor(block.chainid, address(roots), EPOCH, keccak256("other")));
    }

    function test_RevertWhen_TheEpochIsNotFinal() external {
        bytes memory proof = proofOf(1);
        wrongState(IReputationRoots.State.Final, IReputationRoots.State.Open);
        roots.scoreProven(EPOCH, accountAt(1), scoreAt(1), accountAt(2), proof);
        propose();
        wrongState(IReputationRoots.State.Final, IReputationRoots.State.Pending);
        roots.scoreProven(EPOCH, accountAt(1), scoreAt(1), accountAt(2), proof);
    }

    function test_RevertWhen_TheProofIsNoWholeNumberOfNodesOrTooLong() external {
        makeFinal(TreeNode.wrap(root()));
        reverts(ProofLengthInvalid.selector, 21);
        roots.scoreProven(EPOCH, accountAt(1), 1, accountAt(2), new bytes(21));
        reverts(ProofLengthInvalid.selector, 1_300);
        roots.scoreProven(EPOCH, accountAt(1), 1, accountAt(2), new bytes(1_300));
        require(!roots.scoreProven(EPOCH, accountAt(1), 1, accountAt(2), new bytes(1_280)), "64");
    }

    function proven(uint256 i, uint64 score) private view returns (bool) {
        return roots.scoreProven(EPOCH, accountAt(i), score, accountAt(i + 1), proofOf(i));
    }

    /// Even where a strange root became final, with every sibling that could be given.
    function provesNothing(bytes20 strange) private {
        roots = newRoots(rules());
        vm.warp(block.timestamp + LENGTH);
        uint40 epoch = roots.firstEpoch();
        vm.prank(PROPOSER);
        roots.propose{value: BOND}(epoch, TreeNode.wrap(strange), SNAPSHOT, "");
        vm.warp(block.timestamp + WINDOW);
        roots.finalize(epoch);
        for (uint256 i = 1; i < COUNT; ++i) {
            require(
                !roots.scoreProven(epoch, accountAt(i), scoreAt(i), accountAt(i + 1), proofOf(i)),
                "strange"
            );
        }
    }
}
