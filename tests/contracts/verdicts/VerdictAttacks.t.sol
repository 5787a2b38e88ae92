// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {IVerdictLedger} from "../../../contracts/interfaces/IVerdictLedger.sol";
import {VerdictLedger} from "../../../contracts/VerdictLedger.sol";
import {VerdictsBase} from "./VerdictsBase.sol";

/// What others' networks fell to, and what is worth trying here.
contract VerdictAttacksTest is VerdictsBase {
    bytes private one = single(PROVIDER, ONE, MISMATCH);

    /// A second, disagreeing report would count a fault twice, or wash it away.
    function test_ASecondReportNeitherDoublesNorReversesAVerdict() external {
        applied(one, 1);
        bytes memory refusal =
            abi.encodeWithSelector(IVerdictLedger.AlreadyDecided.selector, PROVIDER, bytes20(ONE));
        refused(one, refusal);
        refused(single(PROVIDER, ONE, MATCH), refusal);
        refused(single(PROVIDER, ONE, INCONCLUSIVE), refusal);
    }

    /// In one batch, too: first inconclusive, and decided behind its own back.
    function test_AReceiptCannotStandInABatchTwice() external {
        bytes memory twice = bytes.concat(entry(ONE, INCONCLUSIVE, 7), entry(ONE, MATCH, 7));
        refused(
            group(PROVIDER, twice),
            abi.encodeWithSelector(
                IVerdictLedger.ReceiptsNotSorted.selector, PROVIDER, bytes20(ONE)
            )
        );
        refused(
            bytes.concat(single(PROVIDER, ONE, INCONCLUSIVE), single(PROVIDER, ONE, MATCH)),
            abi.encodeWithSelector(IVerdictLedger.ProvidersNotSorted.selector, PROVIDER)
        );
    }

    /// Whoever copies an honest receipt and is found out first takes nothing from its author.
    function test_ACopiedReceiptDoesNotUseUpTheOriginal() external {
        applied(single(STRANGER, ONE, MISMATCH), 1);
        verdictIs(PROVIDER, ONE, found(0, 0, 0, 0));
        applied(single(PROVIDER, ONE, MATCH), 2);
        verdictIs(PROVIDER, ONE, found(MATCH, 7, START, 2));
        verdictIs(STRANGER, ONE, found(MISMATCH, 7, START, 1));
    }

    /// Gossiped verdicts without signatures suppressed honest ones elsewhere.
    function test_NobodyForgesAVerdict(uint256 key, uint32 mask) external {
        key = 1 + key % 2 ** 128;
        mask = 1 + mask % 7;
        uint256[] memory strangers = new uint256[](3);
        (strangers[0], strangers[1], strangers[2]) = (key, key, key);
        bytes32 digest = verdicts.verdictsDigest(one, ROOT, 1, DEADLINE);
        bytes memory forged = signaturesBy(strangers, digest, mask);
        (bool done, bytes memory why) = address(verdicts)
            .call(abi.encodeCall(verdicts.applyVerdicts, (one, ROOT, 1, DEADLINE, mask, forged)));
        require(!done && bytes4(why) == IReporterCommittee.SignerMismatch.selector, "forged");
        verdictIs(PROVIDER, ONE, found(0, 0, 0, 0));
    }

    function test_OneMemberDoesNotVoteTwice() external {
        bytes memory alone = signed(one, 1, 1);
        reverts(IReporterCommittee.SignerMismatch.selector, 1);
        verdicts.applyVerdicts(one, ROOT, 1, DEADLINE, 3, bytes.concat(alone, alone));
    }

    /// The owner may seat a new committee, but without signatures it says nothing.
    function test_TheOwnerAloneDecidesNothing() external {
        vm.prank(OWNER);
        reverts(IReporterCommittee.QuorumNotMet.selector, 0, 2);
        verdicts.applyVerdicts(one, ROOT, 1, DEADLINE, 0, "");
    }

    function test_MembersOfAnEarlierCommitteeDecideNothing() external {
        bytes memory both = signed(one, 1, 3);
        address[] memory same = addressesOf(keys);
        vm.prank(OWNER);
        verdicts.configure(same, 2); // the same members under the next version
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        verdicts.applyVerdicts(one, ROOT, 1, DEADLINE, 3, both);
    }

    function test_ASignatureIsGoodForOneLedgerOnOneChainOnce() external {
        bytes memory both = signed(one, 1, 3);
        VerdictLedger other = deployVerdicts(OWNER, addressesOf(keys), 2, address(0));
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        other.applyVerdicts(one, ROOT, 1, DEADLINE, 3, both);
        vm.chainId(5);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        verdicts.applyVerdicts(one, ROOT, 1, DEADLINE, 3, both);
        vm.chainId(31_337);
        verdicts.applyVerdicts(one, ROOT, 1, DEADLINE, 3, both);
        reverts(IReporterCommittee.NonceNotNext.selector, 2, 1);
        verdicts.applyVerdicts(one, ROOT, 1, DEADLINE, 3, both);
    }

    /// A committee often sits in both ledgers: its reports are not verdicts, nor the reverse.
    function test_WhatWasSignedForTheScoreLedgerIsNoVerdict() external {
        bytes32 digest = ledger.reportDigest(one, ROOT, 1, DEADLINE);
        bytes memory both = signatures(digest, 3);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        verdicts.applyVerdicts(one, ROOT, 1, DEADLINE, 3, both);
        bytes memory updates = update(1, 1, 0, 1, 1);
        both = signed(updates, 1, 3);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        ledger.applyBatch(updates, ROOT, 1, DEADLINE, 3, both);
    }

    function test_NothingThatWasSignedCanBeChanged(uint8 position, uint8 change) external {
        vm.assume(change != 0);
        bytes memory both = signed(one, 1, 3);
        bytes memory other = bytes.concat(one);
        uint256 i = position % one.length;
        other[i] = other[i] ^ bytes1(change);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        verdicts.applyVerdicts(other, ROOT, 1, DEADLINE, 3, both);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        verdicts.applyVerdicts(one, keccak256("other"), 1, DEADLINE, 3, both);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        verdicts.applyVerdicts(one, ROOT, 1, DEADLINE + change, 3, both);
    }

    /// A count beyond the batch must not reach into the signatures behind it in the calldata.
    function test_AGroupCannotReachBeyondTheBatch(uint8 count) external {
        vm.assume(count > 1);
        bytes memory packed = bytes.concat(one);
        packed[20] = bytes1(count);
        refused(
            packed,
            abi.encodeWithSelector(IVerdictLedger.VerdictsLengthInvalid.selector, packed.length)
        );
    }
}
