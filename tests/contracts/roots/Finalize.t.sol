// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {RootsBase} from "./RootsBase.sol";

contract FinalizeTest is RootsBase {
    function test_AnUnchallengedRootIsFinalAfterTheWindow() external {
        propose();
        vm.warp(block.timestamp + WINDOW);
        vm.expectEmit();
        emit IReputationRoots.RootFinal(EPOCH, PROPOSER, TREE, SNAPSHOT, BOND);
        vm.prank(STRANGER);
        roots.finalize(EPOCH);
        stateIs(IReputationRoots.State.Final);
        owes(PROPOSER, BOND);
    }

    function test_RevertWhen_TheWindowIsNotOver() external {
        propose();
        uint256 end = START + 1 hours + WINDOW;
        vm.warp(end - 1);
        reverts(IReputationRoots.TooEarly.selector, end);
        roots.finalize(EPOCH);
    }

    function test_RevertWhen_NothingIsPending() external {
        wrongState(IReputationRoots.State.Pending, IReputationRoots.State.Open);
        roots.finalize(EPOCH);
        propose();
        challenge();
        vm.warp(block.timestamp + WINDOW + SETTLE);
        wrongState(IReputationRoots.State.Pending, IReputationRoots.State.Challenged);
        roots.finalize(EPOCH);
    }

    function test_RevertWhen_ItIsFinalAlready() external {
        makeFinal(TREE);
        wrongState(IReputationRoots.State.Pending, IReputationRoots.State.Final);
        roots.finalize(EPOCH);
        owes(PROPOSER, BOND);
    }
}
