// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {RootsBase} from "./RootsBase.sol";

contract ReopenTest is RootsBase {
    function test_ASilentCommitteeStrandsNoBond() external {
        propose();
        challenge();
        vm.warp(block.timestamp + WINDOW + SETTLE);
        vm.expectEmit();
        emit IReputationRoots.EpochReopened(EPOCH, 1);
        vm.prank(STRANGER);
        roots.reopen(EPOCH);
        owes(PROPOSER, BOND);
        owes(CHALLENGER, BOND);
    }

    function test_TheEpochIsOpenAgainOneAttemptLater() external {
        propose();
        challenge();
        vm.warp(block.timestamp + WINDOW + SETTLE);
        roots.reopen(EPOCH);
        IReputationRoots.Epoch memory found = roots.epochOf(EPOCH);
        require(found.state == IReputationRoots.State.Open && found.attempt == 1, "open");
        require(found.challenger == address(0) && found.snapshotHash == 0, "nothing is left");
        propose();
        stateIs(IReputationRoots.State.Pending);
        require(roots.epochOf(EPOCH).attempt == 1, "attempt");
    }

    function test_RevertWhen_TheSettlingTimeIsNotOver() external {
        propose();
        challenge();
        uint256 end = START + 1 hours + WINDOW + SETTLE;
        vm.warp(end - 1);
        reverts(IReputationRoots.TooEarly.selector, end);
        roots.reopen(EPOCH);
    }

    function test_RevertWhen_NothingIsChallenged() external {
        wrongState(IReputationRoots.State.Challenged, IReputationRoots.State.Open);
        roots.reopen(EPOCH);
        propose();
        vm.warp(block.timestamp + WINDOW + SETTLE);
        wrongState(IReputationRoots.State.Challenged, IReputationRoots.State.Pending);
        roots.reopen(EPOCH);
        roots.finalize(EPOCH);
        wrongState(IReputationRoots.State.Challenged, IReputationRoots.State.Final);
        roots.reopen(EPOCH);
    }
}
