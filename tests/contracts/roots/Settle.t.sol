// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {ReputationRoots} from "../../../contracts/ReputationRoots.sol";
import {TreeNode} from "../../../contracts/types/TreeNode.sol";
import {RootsBase} from "./RootsBase.sol";

contract SettleTest is RootsBase {
    function test_AnUpheldRootIsFinalAndItsProposerGetsBothBonds() external {
        propose();
        challenge();
        vm.expectEmit();
        emit IReputationRoots.EpochSettled(1, EPOCH, uint40(block.timestamp), TREE, SNAPSHOT);
        vm.expectEmit();
        emit IReputationRoots.RootFinal(EPOCH, PROPOSER, TREE, SNAPSHOT, 2 * BOND);
        settle(TREE, SNAPSHOT, 1);
        stateIs(IReputationRoots.State.Final);
        owes(PROPOSER, 2 * BOND);
        owes(CHALLENGER, 0);
    }

    function test_AWrongRootIsReplacedAndItsChallengerGetsBothBonds() external {
        propose();
        challenge();
        vm.expectEmit();
        emit IReputationRoots.RootFinal(EPOCH, CHALLENGER, OTHER, SNAPSHOT, 2 * BOND);
        settle(OTHER, SNAPSHOT, 1);
        require(roots.epochOf(EPOCH).root == OTHER, "root");
        owes(CHALLENGER, 2 * BOND);
        owes(PROPOSER, 0);
    }

    function test_ARightRootOverTheWrongDataIsNotUpheld() external {
        propose();
        challenge();
        settle(TREE, keccak256("other data"), 1);
        require(roots.epochOf(EPOCH).snapshotHash == keccak256("other data"), "snapshot");
        owes(CHALLENGER, 2 * BOND);
    }

    function test_TheCommitteeHasTheWholeSettlingTimeAfterTheWindow() external {
        propose();
        uint256 end = START + 1 hours + WINDOW + SETTLE;
        vm.warp(block.timestamp + WINDOW - 1);
        challenge();
        vm.warp(end - 1);
        settle(TREE, SNAPSHOT, 1);
    }

    function test_TheHistoryNotesIt() external {
        propose();
        challenge();
        settle(OTHER, SNAPSHOT, 1);
        bytes32 entry =
            keccak256(abi.encode(uint256(1), block.timestamp, uint256(EPOCH), OTHER, SNAPSHOT));
        uint160 expected = uint160(uint256(keccak256(abi.encode(uint256(0), entry))));
        require(roots.history() == expected, "history");
    }

    function test_RevertWhen_TheSettlingTimeIsOver() external {
        propose();
        challenge();
        uint256 end = START + 1 hours + WINDOW + SETTLE;
        vm.warp(end);
        bytes memory signed = settlement(roots, 1);
        reverts(IReputationRoots.TooLate.selector, end);
        roots.settle(EPOCH, TREE, SNAPSHOT, 1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_NothingIsChallenged() external {
        bytes memory signed = settlement(roots, 1);
        wrongState(IReputationRoots.State.Challenged, IReputationRoots.State.Open);
        roots.settle(EPOCH, TREE, SNAPSHOT, 1, DEADLINE, 3, signed);
        propose();
        wrongState(IReputationRoots.State.Challenged, IReputationRoots.State.Pending);
        roots.settle(EPOCH, TREE, SNAPSHOT, 1, DEADLINE, 3, signed);
        challenge();
        settle(TREE, SNAPSHOT, 1);
        wrongState(IReputationRoots.State.Challenged, IReputationRoots.State.Final);
        roots.settle(EPOCH, TREE, SNAPSHOT, 2, DEADLINE, 3, signed);
    }

    function test_RevertWhen_NoQuorumSigned() external {
        propose();
        challenge();
        bytes32 digest = roots.settlementDigest(EPOCH, OTHER, SNAPSHOT, 1, DEADLINE);
        bytes memory signed = signatures(digest, 4);
        reverts(IReporterCommittee.QuorumNotMet.selector, 1, 2);
        roots.settle(EPOCH, OTHER, SNAPSHOT, 1, DEADLINE, 4, signed);
    }

    function test_RevertWhen_AnythingThatWasSignedIsChanged() external {
        propose();
        challenge();
        bytes memory signed = settlement(roots, 1);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        roots.settle(EPOCH, OTHER, SNAPSHOT, 1, DEADLINE, 3, signed);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        roots.settle(EPOCH, TREE, keccak256("x"), 1, DEADLINE, 3, signed);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        roots.settle(EPOCH, TREE, SNAPSHOT, 1, DEADLINE - 1, 3, signed);
    }

    function test_RevertWhen_ItWasSignedForAnotherDeploymentOrChain() external {
        propose();
        challenge();
        bytes memory signed = settlement(newRoots(rules()), 1);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        roots.settle(EPOCH, TREE, SNAPSHOT, 1, DEADLINE, 3, signed);
        signed = settlement(roots, 1);
        vm.chainId(5);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        roots.settle(EPOCH, TREE, SNAPSHOT, 1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_ItWasSignedForAnEarlierAttempt() external {
        propose();
        challenge();
        bytes memory signed = settlement(roots, 1);
        vm.warp(block.timestamp + WINDOW + SETTLE);
        roots.reopen(EPOCH);
        propose();
        challenge();
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        roots.settle(EPOCH, TREE, SNAPSHOT, 1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_TheSettledRootOrSnapshotIsEmpty() external {
        propose();
        challenge();
        reverts(IReputationRoots.RootEmpty.selector);
        roots.settle(EPOCH, TreeNode.wrap(0), SNAPSHOT, 1, DEADLINE, 3, "");
        reverts(IReputationRoots.RootEmpty.selector);
        roots.settle(EPOCH, TREE, 0, 1, DEADLINE, 3, "");
    }

    function test_RevertWhen_TheNonceWasCancelled() external {
        propose();
        challenge();
        bytes memory signed = settlement(roots, 1);
        bytes32 digest = roots.cancellationDigest(1, DEADLINE);
        roots.cancelNonce(1, DEADLINE, 3, signatures(digest, 3));
        reverts(IReporterCommittee.NonceNotNext.selector, 2, 1);
        roots.settle(EPOCH, TREE, SNAPSHOT, 1, DEADLINE, 3, signed);
    }

    function settlement(ReputationRoots where, uint64 nonce) private view returns (bytes memory) {
        return signatures(where.settlementDigest(EPOCH, TREE, SNAPSHOT, nonce, DEADLINE), 3);
    }
}
