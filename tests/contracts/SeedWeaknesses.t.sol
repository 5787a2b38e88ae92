// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../contracts/interfaces/IReporterCommittee.sol";
import {IScoreLedger} from "../../contracts/interfaces/IScoreLedger.sol";
import {ISourceRegistry} from "../../contracts/interfaces/ISourceRegistry.sol";
import {ScoreLedger} from "../../contracts/ScoreLedger.sol";
import {SourceId} from "../../contracts/types/SourceId.sol";
import {Base} from "./Base.sol";

/// The eleven ways in which the score contract of the Reliable-dRAG paper could be abused, each
/// tried on ours. In that contract every one of them works.
contract SeedWeaknessesTest is Base {
    uint256 private constant SOURCE_KEY = 4_711;

    SourceId private id;
    bytes private honest;

    function setUp() public override {
        super.setUp();
        vm.prank(vm.addr(SOURCE_KEY));
        id = registry.register("https://four.example");
        honest = update(4, 100, 0, 100, 100);
    }

    /// Anyone created any id, with any signer and any score.
    function test_1_AStrangerCannotCreateARecordWithAScore() external {
        vm.prank(STRANGER);
        SourceId made = registry.register("https://four.example");
        require(SourceId.unwrap(made) == 5, "an id of the registry's choosing");
        require(registry.sourceOf(id).owner == vm.addr(SOURCE_KEY), "nobody else's source");
        scoreIs(5, 0, 0, 0, 0);
    }

    /// Signatures covered neither scores nor ids nor the caller.
    function test_2_ASignatureIsWorthNothingUnderOtherScoresOrIds() external {
        bytes memory signed = signatures(digestOf(honest, 1), 3);
        refused(update(4, 0, 65_535, 100, 100), signed, IReporterCommittee.SignerMismatch.selector);
        refused(update(3, 100, 0, 100, 100), signed, IReporterCommittee.SignerMismatch.selector);
    }

    /// There was neither nonce nor deadline.
    function test_3_AReportCannotBeReplayedAndDoesNotKeep() external {
        bytes memory signed = signatures(digestOf(honest, 1), 3);
        ledger.applyBatch(honest, ROOT, 1, DEADLINE, 3, signed);
        reverts(IReporterCommittee.NonceNotNext.selector, 2, 1);
        ledger.applyBatch(honest, ROOT, 1, DEADLINE, 3, signed);
        signed = signatures(digestOf(honest, 2), 3);
        vm.warp(uint256(DEADLINE) + 1);
        reverts(IReporterCommittee.DeadlinePassed.selector, DEADLINE, uint256(DEADLINE) + 1);
        ledger.applyBatch(honest, ROOT, 2, DEADLINE, 3, signed);
    }

    /// Signatures were over free text, for every deployment on every chain at once.
    function test_4_ASignatureCountsInOneDeploymentOnOneChainAndInOneMeaning() external {
        ScoreLedger other = newLedger();
        bytes memory signed = signatures(other.reportDigest(honest, ROOT, 1, DEADLINE), 3);
        refused(honest, signed, IReporterCommittee.SignerMismatch.selector);

        bytes32 digest = digestOf(honest, 1);
        bytes32 text = keccak256(bytes.concat("\x19Ethereum Signed Message:\n32", digest));
        refused(honest, signatures(text, 3), IReporterCommittee.SignerMismatch.selector);

        signed = signatures(digest, 3);
        vm.chainId(5);
        refused(honest, signed, IReporterCommittee.SignerMismatch.selector);
    }

    /// The source was the only authority over its own score.
    function test_5_ASourceCannotRaiseItself() external {
        bytes32 digest = digestOf(honest, 1);
        bytes memory own = signature(SOURCE_KEY, digest);
        vm.startPrank(vm.addr(SOURCE_KEY));
        refused(honest, bytes.concat(own, own), IReporterCommittee.SignerMismatch.selector);
        own = bytes.concat(signature(keys[0], digest), own);
        reverts(IReporterCommittee.SignerMismatch.selector, 1);
        ledger.applyBatch(honest, ROOT, 1, DEADLINE, 3, own);
        vm.stopPrank();
    }

    /// A score was read, added to and written back: of +5 and +3 on 100 only 103 was left.
    function test_6_TwoReportsMadeFromTheSameStateAreBothCounted() external {
        applyUpdates(honest, 1);
        applyUpdates(update(4, 5, 0, 0, 0), 2);
        bytes memory late = update(4, 3, 0, 0, 0);
        bytes memory signed = signatures(digestOf(late, 2), 3);
        reverts(IReporterCommittee.NonceNotNext.selector, 3, 2);
        ledger.applyBatch(late, ROOT, 2, DEADLINE, 3, signed);
        applyUpdates(late, 3);
        scoreIs(4, 108, 0, 100, 100);
    }

    /// Of a source named twice the last one won, and an empty batch succeeded.
    function test_7_ABatchNamesASourceOnceAndIsNotEmpty() external {
        bytes memory twice = bytes.concat(honest, update(4, 0, 100, 100, 100));
        refused(twice, signatures(digestOf(twice, 1), 3), IScoreLedger.UpdatesNotSorted.selector);
        refused("", signatures(digestOf("", 1), 3), IScoreLedger.BatchLengthInvalid.selector);
    }

    /// A source that nobody had registered read as one with a score of zero.
    function test_8_AnUnknownSourceHasNoScore() external {
        reverts(ISourceRegistry.UnknownSource.selector, 5);
        ledger.scoreOf(SourceId.wrap(5));
    }

    /// Ids of 20 kB were taken, messages and infos were without bound.
    function test_9_EverythingThatIsTakenHasABound() external {
        reverts(ISourceRegistry.UriLengthInvalid.selector, 20_000, 256);
        registry.register(string(new bytes(20_000)));
        bytes memory large = new bytes(2_001 * 12);
        refused(large, "", IScoreLedger.BatchTooLarge.selector);
        bytes memory signed = bytes.concat(signatures(digestOf(honest, 1), 3), new bytes(20_000));
        refused(honest, signed, IReporterCommittee.SignaturesLengthInvalid.selector);
    }

    /// "s" and "s " and a Cyrillic "s" were three sources that looked like one.
    function test_10_AnIdIsANumberSoThatNoneLooksLikeAnother() external {
        SourceId spaced = registry.register("https://four.example ");
        SourceId foreign = registry.register(unicode"https://fоur.example");
        require(SourceId.unwrap(spaced) == 5 && SourceId.unwrap(foreign) == 6, "numbers in order");
        applyUpdates(honest, 1);
        scoreIs(5, 0, 0, 0, 0);
        scoreIs(6, 0, 0, 0, 0);
    }

    /// The owner wrote any time into a record, and a zero address bricked one.
    function test_11_TheOwnerWritesNoRecordAndNoSourceIsWithoutOwner() external {
        vm.startPrank(OWNER);
        refused(honest, "", IReporterCommittee.SignerMismatch.selector);
        vm.stopPrank();
        applyUpdates(honest, 1);
        require(ledger.scoreOf(id).updatedAt == START, "the time is the block's");
        reverts(ISourceRegistry.NewOwnerInvalid.selector, address(0));
        registry.rotate(id, address(0), DEADLINE, "", "");
    }

    /// Refused for the given reason, whatever values come with it, and without any effect.
    function refused(bytes memory updates, bytes memory signed, bytes4 reason) private {
        bytes32 before = state();
        try ledger.applyBatch(updates, ROOT, 1, DEADLINE, 3, signed) {
            revert("accepted");
        } catch (bytes memory why) {
            require(bytes4(why) == reason, "another reason");
        }
        require(state() == before, "an effect");
    }

    function state() private view returns (bytes32) {
        (, uint64 nextNonce,,) = ledger.committee();
        return keccak256(
            abi.encode(nextNonce, ledger.history(), ledger.scoreOf(id), registry.sourceCount())
        );
    }

    function digestOf(bytes memory updates, uint64 nonce) private view returns (bytes32) {
        return ledger.reportDigest(updates, ROOT, nonce, DEADLINE);
    }
}
