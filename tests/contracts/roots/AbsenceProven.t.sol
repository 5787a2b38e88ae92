// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {TreeNode} from "../../../contracts/types/TreeNode.sol";
import {TreeBase} from "./TreeBase.sol";

contract AbsenceProvenTest is TreeBase {
    function test_AnyAccountBetweenTwoLeavesIsProvenAbsent(address account) external {
        makeFinal(TreeNode.wrap(root()));
        for (uint256 i = 0; i < COUNT; ++i) {
            address low = accountAt(i);
            address next = accountAt(i + 1);
            bool between = account > low && (account < next || next == address(0));
            require(absent(account, i) == between, "between");
        }
    }

    function test_AnAccountBelowTheFirstAndBeyondTheLastIsProvenAbsent() external {
        makeFinal(TreeNode.wrap(root()));
        require(absent(address(1), 0), "below the first");
        require(absent(address(type(uint160).max), COUNT - 1), "beyond the last");
    }

    function test_NoAccountInTheTreeIsProvenAbsentByAnyLeaf() external {
        makeFinal(TreeNode.wrap(root()));
        for (uint256 account = 1; account < COUNT; ++account) {
            for (uint256 leaf = 0; leaf < COUNT; ++leaf) {
                require(!absent(accountAt(account), leaf), "present");
            }
        }
    }

    function test_ALeafThatIsNotInTheTreeProvesNothing(address next) external {
        vm.assume(next != accountAt(3));
        makeFinal(TreeNode.wrap(root()));
        bytes memory proof = proofOf(2);
        address account = address(2_001);
        require(
            !roots.absenceProven(EPOCH, account, accountAt(2), scoreAt(2), next, proof), "made up"
        );
    }

    function test_RevertWhen_TheEpochIsNotFinal() external {
        bytes memory proof = proofOf(0);
        wrongState(IReputationRoots.State.Final, IReputationRoots.State.Open);
        roots.absenceProven(EPOCH, address(1), address(0), 0, accountAt(1), proof);
    }

    function absent(address account, uint256 i) private view returns (bool) {
        address next = accountAt(i + 1);
        return roots.absenceProven(EPOCH, account, accountAt(i), scoreAt(i), next, proofOf(i));
    }
}
