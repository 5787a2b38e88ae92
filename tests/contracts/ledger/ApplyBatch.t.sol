// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {IScoreLedger} from "../../../contracts/interfaces/IScoreLedger.sol";
import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {ScoreLedger} from "../../../contracts/ScoreLedger.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Base} from "../Base.sol";

contract ApplyBatchTest is Base {
    bytes private one = update(1, 100, 0, 100, 100);

    function test_DeltasAreAddedAndTheTimeIsNoted() external {
        applyUpdates(bytes.concat(update(1, 1, 2, 3, 4), update(3, 5, 6, 7, 8)), 1);
        vm.warp(START + 60);
        applyUpdates(update(1, 65_535, 10, 20, 30), 2);
        scoreIs(1, 65_536, 12, 23, 34);
        scoreIs(2, 0, 0, 0, 0);
        scoreIs(3, 5, 6, 7, 8);
        require(ledger.scoreOf(SourceId.wrap(1)).updatedAt == START + 60, "touched later");
        require(ledger.scoreOf(SourceId.wrap(2)).updatedAt == 0, "never touched");
        require(ledger.scoreOf(SourceId.wrap(3)).updatedAt == START, "touched first");
    }

    function test_TheBatchIsEmittedWhole() external {
        vm.expectEmit();
        emit IScoreLedger.BatchApplied(1, uint40(START), ROOT, one);
        applyUpdates(one, 1);
    }

    function test_ItDoesNotMatterWhoCarriesIt() external {
        bytes memory signed = signatures(digestOf(one, 1), 6);
        vm.prank(STRANGER);
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 6, signed);
        scoreIs(1, 100, 0, 100, 100);
    }

    function test_MoreSignaturesThanNeededAreFine() external {
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 7, signatures(digestOf(one, 1), 7));
    }

    function test_RevertWhen_AReportIsReplayed() external {
        bytes memory signed = signatures(digestOf(one, 1), 3);
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
        vm.expectRevert(abi.encodeWithSelector(IReporterCommittee.NonceNotNext.selector, 2, 1));
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
        vm.expectRevert(abi.encodeWithSelector(IReporterCommittee.SignerMismatch.selector, 0));
        ledger.applyBatch(one, ROOT, 2, DEADLINE, 3, signed);
    }

    function test_RevertWhen_TheNonceIsNotTheNext(uint64 nonce) external {
        vm.assume(nonce != 1);
        expectRefusal(abi.encodeWithSelector(IReporterCommittee.NonceNotNext.selector, 1, nonce));
        ledger.applyBatch(one, ROOT, nonce, DEADLINE, 3, "");
    }

    function test_RevertWhen_TheDeadlineHasPassed() external {
        bytes memory signed = signatures(digestOf(one, 1), 3);
        vm.warp(uint256(DEADLINE) + 1);
        expectRefusal(
            abi.encodeWithSelector(
                IReporterCommittee.DeadlinePassed.selector, DEADLINE, uint256(DEADLINE) + 1
            )
        );
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
        vm.warp(DEADLINE);
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_TheBatchIsNoWholeNumberOfUpdates(uint8 length) external {
        vm.assume(length == 0 || length % 12 != 0);
        bytes memory updates = new bytes(length);
        expectRefusal(abi.encodeWithSelector(IScoreLedger.BatchLengthInvalid.selector, length));
        ledger.applyBatch(updates, ROOT, 1, DEADLINE, 3, "");
    }

    function test_RevertWhen_TheBatchIsTooLarge() external {
        expectRefusal(abi.encodeWithSelector(IScoreLedger.BatchTooLarge.selector, 2_001, 2_000));
        ledger.applyBatch(new bytes(2_001 * 12), ROOT, 1, DEADLINE, 3, "");
    }

    function test_RevertWhen_FewerMembersSignThanMust() external {
        for (uint256 i = 0; i < 3; ++i) {
            uint32 mask = uint32(1 << i);
            bytes memory signed = signatures(digestOf(one, 1), mask);
            expectRefusal(abi.encodeWithSelector(IReporterCommittee.QuorumNotMet.selector, 1, 2));
            ledger.applyBatch(one, ROOT, 1, DEADLINE, mask, signed);
        }
        expectRefusal(abi.encodeWithSelector(IReporterCommittee.QuorumNotMet.selector, 0, 2));
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 0, "");
    }

    function test_RevertWhen_TheMaskNamesNobody(uint32 mask) external {
        vm.assume(mask > 7 && mask & 7 == 0);
        uint256 lowest = 3;
        while ((mask >> lowest) & 1 == 0) ++lowest;
        expectRefusal(abi.encodeWithSelector(IReporterCommittee.SignerUnknown.selector, lowest));
        ledger.applyBatch(one, ROOT, 1, DEADLINE, mask, new bytes(2_080));
    }

    function test_RevertWhen_OneMemberSignsForTwo() external {
        bytes memory single = signature(keys[0], digestOf(one, 1));
        expectRefusal(abi.encodeWithSelector(IReporterCommittee.SignerMismatch.selector, 1));
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, bytes.concat(single, single));
    }

    function test_RevertWhen_AStrangerSigns(uint256 key) external {
        key = 1 + (key % (2 ** 128));
        bytes32 digest = digestOf(one, 1);
        bytes memory signed = bytes.concat(signature(keys[0], digest), signature(key, digest));
        expectRefusal(abi.encodeWithSelector(IReporterCommittee.SignerMismatch.selector, 1));
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_ASignatureIsMalleable() external {
        bytes32 digest = digestOf(one, 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[0], digest);
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory high = abi.encodePacked(r, order - uint256(s), uint8(55 - v));
        bytes memory signed = bytes.concat(high, signature(keys[1], digest));
        expectRefusal(abi.encodeWithSelector(IReporterCommittee.SignerMismatch.selector, 0));
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_SignaturesAreCutOff(uint8 length) external {
        vm.assume(length < 130);
        bytes memory signed = slice(signatures(digestOf(one, 1), 3), length);
        uint256 first = length < 65 ? 0 : 1;
        expectRefusal(abi.encodeWithSelector(IReporterCommittee.SignerMismatch.selector, first));
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_BytesFollowTheLastSignature() external {
        bytes memory signed = bytes.concat(signatures(digestOf(one, 1), 3), hex"00");
        expectRefusal(
            abi.encodeWithSelector(IReporterCommittee.SignaturesLengthInvalid.selector, 131, 130)
        );
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_TheReportIsForAnotherChain() external {
        bytes memory signed = signatures(digestOf(one, 1), 3);
        vm.chainId(5);
        expectRefusal(abi.encodeWithSelector(IReporterCommittee.SignerMismatch.selector, 0));
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_TheReportIsForAnotherLedger() external {
        ScoreLedger other = newLedger();
        bytes memory signed = signatures(other.reportDigest(one, ROOT, 1, DEADLINE), 3);
        expectRefusal(abi.encodeWithSelector(IReporterCommittee.SignerMismatch.selector, 0));
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_AnythingThatWasSignedIsChanged(uint8 position, uint8 change) external {
        vm.assume(change != 0);
        bytes memory signed = signatures(digestOf(one, 1), 3);
        bytes memory other = bytes.concat(one);
        uint256 i = position % 12;
        other[i] = other[i] ^ bytes1(change);
        bytes memory refusal = abi.encodeWithSelector(IReporterCommittee.SignerMismatch.selector, 0);
        expectRefusal(refusal);
        ledger.applyBatch(other, ROOT, 1, DEADLINE, 3, signed);
        expectRefusal(refusal);
        ledger.applyBatch(one, keccak256("other"), 1, DEADLINE, 3, signed);
        expectRefusal(refusal);
        ledger.applyBatch(one, ROOT, 1, DEADLINE + change, 3, signed);
    }

    function test_RevertWhen_IdsDoNotAscend() external {
        refusedBatch(
            bytes.concat(one, update(1, 1, 0, 0, 1)),
            abi.encodeWithSelector(IScoreLedger.UpdatesNotSorted.selector, 1)
        );
        refusedBatch(
            bytes.concat(update(2, 1, 0, 0, 1), one),
            abi.encodeWithSelector(IScoreLedger.UpdatesNotSorted.selector, 1)
        );
        refusedBatch(
            update(0, 1, 0, 0, 1), abi.encodeWithSelector(IScoreLedger.UpdatesNotSorted.selector, 0)
        );
    }

    function test_RevertWhen_ASourceIsUnknown(uint32 source) external {
        vm.assume(source > 3);
        refusedBatch(
            bytes.concat(one, update(source, 1, 0, 0, 1)),
            abi.encodeWithSelector(ISourceRegistry.UnknownSource.selector, source)
        );
        scoreIs(1, 0, 0, 0, 0);
    }

    function test_ANewSourceIsAcceptedAsSoonAsItIsRegistered() external {
        registry.register("https://four.example");
        applyUpdates(update(4, 1, 0, 0, 1), 1);
        scoreIs(4, 1, 0, 0, 1);
    }

    function refusedBatch(bytes memory updates, bytes memory refusal) private {
        bytes memory signed = signatures(digestOf(updates, 1), 3);
        expectRefusal(refusal);
        ledger.applyBatch(updates, ROOT, 1, DEADLINE, 3, signed);
    }

    function expectRefusal(bytes memory refusal) private {
        vm.expectRevert(refusal);
    }

    function digestOf(bytes memory updates, uint64 nonce) private view returns (bytes32) {
        return ledger.reportDigest(updates, ROOT, nonce, DEADLINE);
    }

    function slice(bytes memory from, uint256 length) private pure returns (bytes memory cut) {
        cut = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            cut[i] = from[i];
        }
    }
}
