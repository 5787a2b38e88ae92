// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {RootsBase} from "./RootsBase.sol";

contract ChallengeTest is RootsBase {
    function test_AnyoneMayChallengeWithinTheWindow() external {
        propose();
        vm.warp(block.timestamp + WINDOW - 1);
        vm.expectEmit();
        emit IReputationRoots.RootChallenged(EPOCH, CHALLENGER);
        challenge();
        stateIs(IReputationRoots.State.Challenged);
        require(roots.epochOf(EPOCH).challenger == CHALLENGER, "who");
        require(address(roots).balance == 2 * BOND, "bonds");
    }

    function test_RevertWhen_TheWindowIsOver() external {
        propose();
        uint256 end = START + 1 hours + WINDOW;
        vm.warp(end);
        reverts(IReputationRoots.TooLate.selector, end);
        challenge();
    }

    function test_RevertWhen_ItNamesAnotherRoot() external {
        propose();
        notPending();
        vm.prank(CHALLENGER);
        roots.challenge{value: BOND}(EPOCH, OTHER, SNAPSHOT);
    }

    function test_RevertWhen_ItNamesAnotherSnapshot(bytes32 snapshotHash) external {
        vm.assume(snapshotHash != SNAPSHOT);
        propose();
        notPending();
        vm.prank(CHALLENGER);
        roots.challenge{value: BOND}(EPOCH, TREE, snapshotHash);
        stateIs(IReputationRoots.State.Pending);
        require(CHALLENGER.balance == 100 ether, "its bond stays with it");
    }

    function test_RevertWhen_TheValueIsNotTheBond(uint64 value) external {
        vm.assume(value != BOND);
        propose();
        vm.deal(CHALLENGER, value);
        reverts(IReputationRoots.BondInvalid.selector, value, BOND);
        vm.prank(CHALLENGER);
        roots.challenge{value: value}(EPOCH, TREE, SNAPSHOT);
    }

    function test_RevertWhen_NothingIsPending() external {
        wrongState(IReputationRoots.State.Pending, IReputationRoots.State.Open);
        challenge();
        propose();
        challenge();
        wrongState(IReputationRoots.State.Pending, IReputationRoots.State.Challenged);
        challenge();
        settle(TREE, SNAPSHOT, 1);
        wrongState(IReputationRoots.State.Pending, IReputationRoots.State.Final);
        challenge();
    }
}
