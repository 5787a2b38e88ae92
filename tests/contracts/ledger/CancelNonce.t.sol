// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {Base} from "../Base.sol";

contract CancelNonceTest is Base {
    bytes private one = update(1, 100, 0, 100, 100);

    function test_ACancelledReportCanNoLongerBeApplied() external {
        bytes memory signed = signatures(ledger.reportDigest(one, ROOT, 1, DEADLINE), 3);
        cancel(1);
        vm.expectRevert(abi.encodeWithSelector(IReporterCommittee.NonceNotNext.selector, 2, 1));
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
        scoreIs(1, 0, 0, 0, 0);
    }

    function test_TheNextReportTakesTheNextNonce() external {
        cancel(1);
        cancel(2);
        applyUpdates(one, 3);
        scoreIs(1, 100, 0, 100, 100);
    }

    function test_TheCancellationIsEmitted() external {
        vm.expectEmit();
        emit IReporterCommittee.NonceCancelled(1, uint40(START));
        cancel(1);
    }

    function test_TheHistoryNotesIt() external {
        cancel(1);
        bytes32 entry = keccak256(abi.encode(uint256(1), START));
        require(
            ledger.history() == uint160(uint256(keccak256(abi.encode(uint256(0), entry)))),
            "history"
        );
    }

    function test_ItDoesNotMatterWhoCarriesIt() external {
        bytes memory signed = signatures(ledger.cancellationDigest(1, DEADLINE), 5);
        vm.prank(STRANGER);
        ledger.cancelNonce(1, DEADLINE, 5, signed);
    }

    function test_RevertWhen_TheNonceIsNotTheNext() external {
        bytes memory signed = signatures(ledger.cancellationDigest(2, DEADLINE), 3);
        reverts(IReporterCommittee.NonceNotNext.selector, 1, 2);
        ledger.cancelNonce(2, DEADLINE, 3, signed);
    }

    function test_RevertWhen_ItIsReplayed() external {
        bytes memory signed = signatures(ledger.cancellationDigest(1, DEADLINE), 3);
        ledger.cancelNonce(1, DEADLINE, 3, signed);
        reverts(IReporterCommittee.NonceNotNext.selector, 2, 1);
        ledger.cancelNonce(1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_TheDeadlineHasPassed() external {
        bytes memory signed = signatures(ledger.cancellationDigest(1, DEADLINE), 3);
        vm.warp(uint256(DEADLINE) + 1);
        reverts(IReporterCommittee.DeadlinePassed.selector, DEADLINE, uint256(DEADLINE) + 1);
        ledger.cancelNonce(1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_FewerMembersSignThanMust() external {
        bytes memory signed = signatures(ledger.cancellationDigest(1, DEADLINE), 1);
        reverts(IReporterCommittee.QuorumNotMet.selector, 1, 2);
        ledger.cancelNonce(1, DEADLINE, 1, signed);
    }

    function test_RevertWhen_TheSignaturesAreThoseOfAReport() external {
        bytes memory signed = signatures(ledger.reportDigest(one, ROOT, 1, DEADLINE), 3);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        ledger.cancelNonce(1, DEADLINE, 3, signed);
    }

    function cancel(uint64 nonce) private {
        bytes32 digest = ledger.cancellationDigest(nonce, DEADLINE);
        ledger.cancelNonce(nonce, DEADLINE, 3, signatures(digest, 3));
    }
}
