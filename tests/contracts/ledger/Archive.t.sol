// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {IScoreLedger} from "../../../contracts/interfaces/IScoreLedger.sol";
import {ScoreLedger} from "../../../contracts/ScoreLedger.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Base} from "../Base.sol";

contract ArchiveTest is Base {
    function newLedger() internal override returns (ScoreLedger) {
        return deployLedger(registry, OWNER, addressesOf(keys), 2, true, address(0));
    }

    function test_ItSaysThatItIsOne() external {
        require(ledger.archive(), "archive");
        vm.expectEmit();
        emit IScoreLedger.LedgerOpened(registry, true);
        newLedger();
    }

    function test_ABatchIsTheSameEvent() external {
        bytes memory updates = update(1, 100, 0, 100, 100);
        vm.expectEmit();
        emit IScoreLedger.BatchApplied(1, uint40(START), ROOT, updates);
        applyUpdates(updates, 1);
    }

    function test_AnyFormIsTakenBecauseTheSignersAnswerForIt(bytes calldata updates) external {
        vm.assume(updates.length > 0 && updates.length <= 24_000);
        applyUpdates(updates, 1);
    }

    function test_TheHistoryHoldsEveryBatchInOrder() external {
        applyUpdates(hex"01", 1);
        vm.warp(START + 12);
        applyUpdates(hex"0203", 2);
        uint160 history = extended(0, 1, START, hex"01");
        require(ledger.history() == extended(history, 2, START + 12, hex"0203"), "history");
    }

    function test_NothingButTheNonceAndTheHistoryChangesInStorage() external {
        applyUpdates(update(1, 100, 0, 100, 100), 1);
        for (uint256 slot = 0; slot < 16; ++slot) {
            bytes32 record = keccak256(abi.encode(uint256(1), slot));
            uint256 word = uint256(vm.load(address(ledger), record));
            require(word >> 192 == 0, "a record");
        }
    }

    function test_RevertWhen_AScoreIsAsked() external {
        reverts(IScoreLedger.ArchiveKeepsNoScores.selector);
        ledger.scoreOf(SourceId.wrap(1));
        reverts(IScoreLedger.ArchiveKeepsNoScores.selector);
        ledger.scoresOf(new SourceId[](1));
    }

    function test_RevertWhen_ABatchIsEmptyOrTooLong() external {
        reverts(IScoreLedger.BatchLengthInvalid.selector, 0);
        ledger.applyBatch("", ROOT, 1, DEADLINE, 3, "");
        reverts(IScoreLedger.BatchTooLarge.selector, 2_001, 2_000);
        ledger.applyBatch(new bytes(24_001), ROOT, 1, DEADLINE, 3, "");
    }

    function test_RevertWhen_NoQuorumSigned() external {
        bytes memory signed = signatures(ledger.reportDigest(hex"01", ROOT, 1, DEADLINE), 1);
        reverts(IReporterCommittee.QuorumNotMet.selector, 1, 2);
        ledger.applyBatch(hex"01", ROOT, 1, DEADLINE, 1, signed);
    }

    function extended(uint160 history, uint64 nonce, uint256 time, bytes memory updates)
        private
        pure
        returns (uint160)
    {
        bytes32 entry = keccak256(abi.encode(nonce, time, ROOT, keccak256(updates)));
        return uint160(uint256(keccak256(abi.encode(history, entry))));
    }
}
