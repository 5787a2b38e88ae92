// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {TreeNode} from "../../../contracts/types/TreeNode.sol";
import {RootsBase} from "./RootsBase.sol";

contract ProposeTest is RootsBase {
    function test_ADeploymentIsBoundToItsRules() external {
        IReputationRoots.Rules memory found = roots.rules();
        require(keccak256(abi.encode(found)) == keccak256(abi.encode(rules())), "rules");
        require(roots.firstEpoch() == EPOCH, "first epoch");
        vm.expectEmit();
        emit IReputationRoots.RootsOpened(rules(), EPOCH + 1);
        newRoots(rules());
    }

    function test_AProposalIsPendingAndEmitted() external {
        vm.expectEmit();
        emit IReputationRoots.RootProposed(
            EPOCH, PROPOSER, 0, uint40(START + 1 hours), TREE, SNAPSHOT, "ipfs://snapshot"
        );
        propose();
        IReputationRoots.Epoch memory found = roots.epochOf(EPOCH);
        require(found.state == IReputationRoots.State.Pending, "state");
        require(found.root == TREE && found.snapshotHash == SNAPSHOT, "root");
        require(found.proposer == PROPOSER && found.proposedAt == START + 1 hours, "who and when");
        require(address(roots).balance == BOND, "bond");
    }

    function test_EpochsAreKeptApart() external {
        propose();
        vm.warp(START + 5 hours);
        vm.deal(STRANGER, BOND);
        vm.prank(STRANGER);
        roots.propose{value: BOND}(EPOCH + 3, OTHER, SNAPSHOT, "");
        require(roots.epochOf(EPOCH).root == TREE, "first");
        require(roots.epochOf(EPOCH + 3).root == OTHER, "second");
        require(roots.epochOf(EPOCH + 1).state == IReputationRoots.State.Open, "between");
    }

    function test_RevertWhen_TheEpochHasNotEnded() external {
        notEnded(EPOCH + 1);
        notEnded(type(uint40).max);
    }

    function test_RevertWhen_TheEpochEndedBeforeTheDeployment() external {
        notEnded(EPOCH - 1);
        notEnded(0);
    }

    function test_RevertWhen_AProposalWouldDisplaceAnother() external {
        propose();
        wrongState(IReputationRoots.State.Open, IReputationRoots.State.Pending);
        propose();
        challenge();
        wrongState(IReputationRoots.State.Open, IReputationRoots.State.Challenged);
        propose();
        settle(OTHER, SNAPSHOT, 1);
        wrongState(IReputationRoots.State.Open, IReputationRoots.State.Final);
        propose();
    }

    function test_RevertWhen_TheRootOrTheSnapshotIsEmpty() external {
        vm.deal(address(this), BOND);
        reverts(IReputationRoots.RootEmpty.selector);
        roots.propose{value: BOND}(EPOCH, TreeNode.wrap(0), SNAPSHOT, "");
        reverts(IReputationRoots.RootEmpty.selector);
        roots.propose{value: BOND}(EPOCH, TREE, 0, "");
    }

    function test_RevertWhen_TheUriIsTooLong() external {
        vm.deal(address(this), BOND);
        reverts(IReputationRoots.UriTooLong.selector, 257, 256);
        roots.propose{value: BOND}(EPOCH, TREE, SNAPSHOT, string(new bytes(257)));
        roots.propose{value: BOND}(EPOCH, TREE, SNAPSHOT, string(new bytes(256)));
    }

    function test_RevertWhen_TheValueIsNotTheBond(uint64 value) external {
        vm.assume(value != BOND);
        vm.deal(address(this), value);
        reverts(IReputationRoots.BondInvalid.selector, value, BOND);
        roots.propose{value: value}(EPOCH, TREE, SNAPSHOT, "");
    }

    function test_RevertWhen_NoEpochCouldLiveByTheRules() external {
        for (uint256 i = 0; i < 6; ++i) {
            IReputationRoots.Rules memory bad = rules();
            uint40 time = i % 2 == 0 ? 0 : 3650 days + 1;
            if (i / 2 == 0) bad.epochSeconds = time;
            else if (i / 2 == 1) bad.window = time;
            else bad.settleTime = time;
            reverts(IReputationRoots.RulesInvalid.selector);
            newRoots(bad);
        }
    }

    function notEnded(uint40 epoch) private {
        vm.expectRevert(
            abi.encodeWithSelector(IReputationRoots.EpochNotEnded.selector, epoch, EPOCH, EPOCH + 1)
        );
        vm.prank(PROPOSER);
        roots.propose{value: BOND}(epoch, TREE, SNAPSHOT, "");
    }
}
