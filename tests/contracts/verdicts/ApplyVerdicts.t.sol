// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {ISuccessor} from "../../../contracts/interfaces/ISuccessor.sol";
import {IVerdictLedger} from "../../../contracts/interfaces/IVerdictLedger.sol";
import {VerdictLedger} from "../../../contracts/VerdictLedger.sol";
import {VerdictsBase} from "./VerdictsBase.sol";

contract ApplyVerdictsTest is VerdictsBase {
    bytes private batch = bytes.concat(
        group(PROVIDER, bytes.concat(entry(ONE, MATCH, 12), entry(THREE, INCONCLUSIVE, 16_383))),
        group(OTHER, entry(TWO, MISMATCH, 133))
    );

    function test_EveryVerdictIsNotedWithItsDistanceTimeAndReport() external {
        applied(batch, 1);
        vm.warp(START + 60);
        applied(single(OTHER, THREE, MATCH), 2);
        verdictIs(PROVIDER, ONE, found(MATCH, 12, START, 1));
        verdictIs(PROVIDER, THREE, found(INCONCLUSIVE, 16_383, START, 1));
        verdictIs(OTHER, TWO, found(MISMATCH, 133, START, 1));
        verdictIs(OTHER, THREE, found(MATCH, 7, START + 60, 2));
        verdictIs(PROVIDER, TWO, found(0, 0, 0, 0));
        verdictIs(STRANGER, ONE, found(0, 0, 0, 0));
    }

    function test_AReceiptIsKnownByTheFirstTwentyBytesOfItsDigest(bytes32 digest, uint96 tail)
        external
    {
        vm.assume(bytes20(digest) != 0);
        applied(single(PROVIDER, digest, MATCH), 1);
        verdictIs(PROVIDER, digest, found(MATCH, 7, START, 1));
        verdictIs(PROVIDER, digest ^ bytes32(uint256(tail)), found(MATCH, 7, START, 1));
        verdictIs(PROVIDER, digest ^ bytes32(uint256(1) << 96), found(0, 0, 0, 0));
    }

    function test_TheBatchIsEmittedWholeWithWhoSigned() external {
        bytes memory both = signed(batch, 1, 6);
        vm.expectEmit();
        emit IVerdictLedger.VerdictsApplied(1, uint40(START), 6, ROOT, batch);
        vm.prank(STRANGER); // whoever carries it
        verdicts.applyVerdicts(batch, ROOT, 1, DEADLINE, 6, both);
    }

    function test_TheHistoryHoldsWhatTheEventSays() external {
        applied(batch, 1);
        bytes32 first = keccak256(abi.encode(uint256(1), START, uint256(3), ROOT, keccak256(batch)));
        uint160 history = uint160(uint256(keccak256(abi.encode(uint160(0), first))));
        require(verdicts.history() == history, "applied");
        bytes32 digest = verdicts.cancellationDigest(2, DEADLINE);
        verdicts.cancelNonce(2, DEADLINE, 3, signatures(digest, 3));
        bytes32 second = keccak256(abi.encode(uint256(2), START));
        history = uint160(uint256(keccak256(abi.encode(history, second))));
        require(verdicts.history() == history, "cancelled");
    }

    function test_AnInconclusiveVerdictMayBeFollowedByAnyOther(uint8 then) external {
        uint16 verdict = 1 + then % 3;
        applied(single(PROVIDER, ONE, INCONCLUSIVE), 1);
        vm.warp(START + 9);
        applied(single(PROVIDER, ONE, verdict), 2);
        verdictIs(PROVIDER, ONE, found(verdict, 7, START + 9, 2));
    }

    function test_RevertWhen_ADecidedReceiptIsDecidedAgain(uint8 first, uint8 then) external {
        applied(single(PROVIDER, ONE, 1 + first % 2), 1);
        refused(
            single(PROVIDER, ONE, 1 + then % 3),
            abi.encodeWithSelector(IVerdictLedger.AlreadyDecided.selector, PROVIDER, bytes20(ONE))
        );
        verdictIs(PROVIDER, ONE, found(1 + first % 2, 7, START, 1));
    }

    function test_RevertWhen_ADecisionStandsBehindGoodVerdicts() external {
        applied(single(OTHER, TWO, MATCH), 1);
        refused(
            batch,
            abi.encodeWithSelector(IVerdictLedger.AlreadyDecided.selector, OTHER, bytes20(TWO))
        );
        verdictIs(PROVIDER, ONE, found(0, 0, 0, 0));
    }

    function test_RevertWhen_ReceiptsOfAProviderDoNotAscend() external {
        bytes memory refusal = abi.encodeWithSelector(
            IVerdictLedger.ReceiptsNotSorted.selector, PROVIDER, bytes20(ONE)
        );
        bytes memory one = entry(ONE, MATCH, 1);
        refused(group(PROVIDER, bytes.concat(entry(TWO, MATCH, 1), one)), refusal);
        refused(group(PROVIDER, bytes.concat(entry(ONE, INCONCLUSIVE, 1), one)), refusal);
        refused(
            single(PROVIDER, 0, MATCH),
            abi.encodeWithSelector(IVerdictLedger.ReceiptsNotSorted.selector, PROVIDER, bytes20(0))
        );
    }

    function test_RevertWhen_ProvidersDoNotAscend() external {
        bytes memory one = single(PROVIDER, ONE, MATCH);
        bytes memory two = single(PROVIDER, TWO, MATCH);
        bytes4 refusal = IVerdictLedger.ProvidersNotSorted.selector;
        refused(bytes.concat(one, two), abi.encodeWithSelector(refusal, PROVIDER));
        refused(
            bytes.concat(single(OTHER, ONE, MATCH), one), abi.encodeWithSelector(refusal, PROVIDER)
        );
        refused(single(address(0), ONE, MATCH), abi.encodeWithSelector(refusal, address(0)));
    }

    function test_RevertWhen_AFindingHasNoVerdict(uint16 distance) external {
        refused(
            group(PROVIDER, entry(ONE, 0, distance & 0x3fff)),
            abi.encodeWithSelector(IVerdictLedger.VerdictInvalid.selector, PROVIDER, bytes20(ONE))
        );
    }

    function test_RevertWhen_TheBytesAreEmptyOrAGroupIs() external {
        refused("", abi.encodeWithSelector(IVerdictLedger.VerdictsLengthInvalid.selector, 0));
        refused(
            group(PROVIDER, ""),
            abi.encodeWithSelector(IVerdictLedger.VerdictsLengthInvalid.selector, 21)
        );
    }

    function test_RevertWhen_TheBatchEndsElsewhereThanAGroup(uint8 length) external {
        bytes memory one = single(PROVIDER, ONE, MATCH);
        bytes memory whole = bytes.concat(one, single(OTHER, ONE, MATCH));
        uint256 cut = 1 + length % (whole.length - 1);
        vm.assume(cut != one.length);
        bytes memory packed = new bytes(cut);
        for (uint256 i = 0; i < cut; ++i) {
            packed[i] = whole[i];
        }
        bytes memory both = signed(packed, 1, 3);
        (bool done, bytes memory why) = address(verdicts)
            .call(abi.encodeCall(verdicts.applyVerdicts, (packed, ROOT, 1, DEADLINE, 3, both)));
        require(!done, "taken");
        // A head that is cut off reads on into zeros, and may be named for its provider first.
        require(
            bytes4(why) == IVerdictLedger.VerdictsLengthInvalid.selector
                || bytes4(why) == IVerdictLedger.ProvidersNotSorted.selector,
            "why"
        );
    }

    function test_RevertWhen_ThereAreMoreVerdictsThanTheLimit() external {
        require(verdicts.verdictLimit() == 500, "initial limit");
        vm.prank(OWNER);
        vm.expectEmit();
        emit IVerdictLedger.VerdictLimitChanged(2);
        verdicts.setVerdictLimit(2);
        bytes memory refusal = abi.encodeWithSelector(IVerdictLedger.TooManyVerdicts.selector, 2);
        refused(batch, refusal);
        bytes memory three =
            bytes.concat(entry(ONE, MATCH, 1), entry(TWO, MATCH, 1), entry(THREE, MATCH, 1));
        refused(group(PROVIDER, three), refusal);
        applied(group(PROVIDER, bytes.concat(entry(ONE, MATCH, 1), entry(TWO, MATCH, 1))), 1);
    }

    function test_OnlyTheOwnerSetsTheLimitAndNeverToNothing() external {
        vm.prank(STRANGER);
        reverts(Ownable.OwnableUnauthorizedAccount.selector, STRANGER);
        verdicts.setVerdictLimit(1);
        vm.prank(OWNER);
        reverts(IVerdictLedger.VerdictLimitInvalid.selector);
        verdicts.setVerdictLimit(0);
        require(verdicts.verdictLimit() == 500, "limit");
    }

    function test_RevertWhen_TheNonceIsNotTheNextOrTheDeadlineHasPassed(uint64 nonce) external {
        vm.assume(nonce != 1);
        reverts(IReporterCommittee.NonceNotNext.selector, 1, nonce);
        verdicts.applyVerdicts(batch, ROOT, nonce, DEADLINE, 3, "");
        bytes memory both = signed(batch, 1, 3);
        vm.warp(uint256(DEADLINE) + 1);
        reverts(IReporterCommittee.DeadlinePassed.selector, DEADLINE, uint256(DEADLINE) + 1);
        verdicts.applyVerdicts(batch, ROOT, 1, DEADLINE, 3, both);
    }

    function test_RevertWhen_FewerMembersSignThanMust() external {
        for (uint256 i = 0; i < 3; ++i) {
            uint32 mask = uint32(1 << i);
            bytes memory alone = signed(batch, 1, mask);
            reverts(IReporterCommittee.QuorumNotMet.selector, 1, 2);
            verdicts.applyVerdicts(batch, ROOT, 1, DEADLINE, mask, alone);
        }
    }

    function test_ANewLedgerNamesTheOneItContinues() external {
        require(verdicts.predecessor() == address(0), "first");
        VerdictLedger next = deployVerdicts(OWNER, addressesOf(keys), 2, address(verdicts));
        require(next.predecessor() == address(verdicts), "second");
        reverts(ISuccessor.PredecessorNotContract.selector, STRANGER);
        deployVerdicts(OWNER, addressesOf(keys), 2, STRANGER);
    }

    function test_AnyBatchIsNotedAsItIsWritten(uint256 salt, uint8 providers, uint8 each) external {
        providers = 1 + providers % 4;
        each = 1 + each % 5;
        bytes memory packed;
        for (uint160 p = 1; p <= providers; ++p) {
            bytes memory entries;
            for (uint256 r = 1; r <= each; ++r) {
                uint16 finding = findingOf(salt, p, r);
                entries = abi.encodePacked(entries, bytes20(receiptOf(r)), finding);
            }
            packed = bytes.concat(packed, group(address(p << 100), entries));
        }
        applied(packed, 1);
        for (uint160 p = 1; p <= providers; ++p) {
            for (uint256 r = 1; r <= each; ++r) {
                uint16 finding = findingOf(salt, p, r);
                verdictIs(
                    address(p << 100),
                    receiptOf(r),
                    found(finding >> 14, finding & 0x3fff, START, 1)
                );
            }
            verdictIs(address(p << 100), receiptOf(uint256(each) + 1), found(0, 0, 0, 0));
        }
    }

    function receiptOf(uint256 number) private pure returns (bytes32) {
        return bytes32(number << 200);
    }

    function findingOf(uint256 salt, uint160 provider, uint256 receipt)
        private
        pure
        returns (uint16)
    {
        uint256 random = uint256(keccak256(abi.encode(salt, provider, receipt)));
        return uint16(((1 + random % 3) << 14) | ((random >> 8) & 0x3fff));
    }
}
