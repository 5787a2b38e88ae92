// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {ReputationRoots} from "../../../contracts/ReputationRoots.sol";
import {TreeNode} from "../../../contracts/types/TreeNode.sol";
import {RootsBase} from "./RootsBase.sol";

contract WithdrawTest is RootsBase {
    address payable private constant PURSE = payable(address(0xCAFE));

    function test_TheOwedIsPaidOnceAndToAnyAddress() external {
        makeFinal(TREE);
        vm.expectEmit();
        emit IReputationRoots.Withdrawn(PROPOSER, PURSE, BOND);
        vm.prank(PROPOSER);
        roots.withdraw(PURSE);
        require(PURSE.balance == BOND && address(roots).balance == 0, "paid");
        reverts(IReputationRoots.NothingOwed.selector, PROPOSER);
        vm.prank(PROPOSER);
        roots.withdraw(PURSE);
    }

    function test_WhatSeveralEpochsOweIsPaidTogether() external {
        makeFinal(TREE);
        vm.prank(PROPOSER);
        roots.propose{value: BOND}(EPOCH + 1, TREE, SNAPSHOT, "");
        vm.warp(block.timestamp + WINDOW);
        roots.finalize(EPOCH + 1);
        vm.prank(PROPOSER);
        roots.withdraw(PURSE);
        require(PURSE.balance == 2 * BOND, "paid");
    }

    function test_RevertWhen_NothingIsOwed() external {
        propose();
        reverts(IReputationRoots.NothingOwed.selector, PROPOSER);
        vm.prank(PROPOSER);
        roots.withdraw(PURSE);
    }

    function test_RevertWhen_TheReceiverDoesNotAccept() external {
        makeFinal(TREE);
        reverts(IReputationRoots.TransferFailed.selector, address(registry));
        vm.prank(PROPOSER);
        roots.withdraw(payable(address(registry)));
        owes(PROPOSER, BOND);
    }

    function test_RevertWhen_TheReceiverIsNobody() external {
        makeFinal(TREE);
        reverts(IReputationRoots.TransferFailed.selector, address(0));
        vm.prank(PROPOSER);
        roots.withdraw(payable(address(0)));
        owes(PROPOSER, BOND);
    }

    function test_RevertWhen_TheReceiverAsksAgainWhileItIsPaid() external {
        GreedyProposer greedy = new GreedyProposer(roots);
        vm.deal(address(greedy), BOND);
        greedy.propose(EPOCH);
        vm.warp(block.timestamp + LENGTH);
        vm.prank(PROPOSER);
        roots.propose{value: BOND}(EPOCH + 1, TREE, SNAPSHOT, "");
        vm.warp(block.timestamp + WINDOW);
        roots.finalize(EPOCH);
        reverts(IReputationRoots.TransferFailed.selector, address(greedy));
        greedy.withdraw();
        owes(address(greedy), BOND);
        require(address(roots).balance == 2 * BOND, "nothing left");
    }
}

/// Asks for what it is owed again while it is being paid.
contract GreedyProposer {
    ReputationRoots private immutable roots;

    constructor(ReputationRoots roots_) {
        roots = roots_;
    }

    receive() external payable {
        roots.withdraw(payable(address(this)));
    }

    function propose(uint40 epoch) external {
        roots.propose{value: address(this).balance}(
            epoch, TreeNode.wrap(bytes20(uint160(1))), keccak256("data"), ""
        );
    }

    function withdraw() external {
        roots.withdraw(payable(address(this)));
    }
}
