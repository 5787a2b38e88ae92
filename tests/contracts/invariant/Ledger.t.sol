// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IScoreLedger} from "../../../contracts/interfaces/IScoreLedger.sol";
import {ScoreLedger} from "../../../contracts/ScoreLedger.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Base} from "../Base.sol";
import {deployReference} from "../reference/ReferenceLedger.sol";
import {LedgerHandler} from "./LedgerHandler.sol";
import {LedgerReplay} from "./LedgerReplay.sol";

/// Numbers: see README.md.
contract LedgerInvariants is Base {
    uint32 private constant SOURCES = 12;

    ScoreLedger private plain;
    LedgerReplay private replay;
    LedgerHandler private handler;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 4; i <= SOURCES; ++i) {
            registry.register(string(abi.encodePacked("https://x.example/", vm.toString(i))));
        }
        replay = new LedgerReplay();
        vm.recordLogs();
        ledger = newLedger();
        replay.read(vm.getRecordedLogs());
        plain = deployReference(registry, OWNER, addressesOf(keys));
        handler = new LedgerHandler(registry, ledger, plain, replay, keys, 2);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_01_ACounterIsTheSumOfAllAcceptedDeltas() external view {
        for (uint32 i = 1; i <= SOURCES; ++i) {
            IScoreLedger.Score memory score = ledger.scoreOf(SourceId.wrap(i));
            require(score.supported == handler.sums(i, 0), "supported");
            require(score.contradicted == handler.sums(i, 1), "contradicted");
            require(score.used == handler.sums(i, 2), "used");
            require(score.asked == handler.sums(i, 3), "asked");
        }
    }

    function invariant_02_ANonceIsUsedUpByOneAcceptedMessageEach() external view {
        (, uint64 nextNonce,,) = ledger.committee();
        require(nextNonce == 1 + handler.used(), "nonce");
    }

    function invariant_03_TheLogsAloneGiveTheWholeState() external view {
        for (uint32 i = 1; i <= SOURCES; ++i) {
            require(
                keccak256(abi.encode(ledger.scoreOf(SourceId.wrap(i))))
                    == keccak256(abi.encode(replay.scoreOf(i))),
                "score"
            );
        }
        (uint32 version, uint64 nonce, uint8 threshold, address[] memory members) =
            ledger.committee();
        require(version == replay.version() && nonce == replay.nextNonce(), "numbers");
        require(threshold == replay.threshold(), "threshold");
        require(keccak256(abi.encode(members)) == replay.membersHash(), "members");
        require(ledger.history() == replay.history(), "history");
        require(ledger.updateLimit() == replay.limit(), "limit");
    }

    function invariant_04_TheReferenceIsInTheSameState() external view {
        for (uint32 i = 1; i <= SOURCES; ++i) {
            require(
                keccak256(abi.encode(ledger.scoreOf(SourceId.wrap(i))))
                    == keccak256(abi.encode(plain.scoreOf(SourceId.wrap(i)))),
                "score"
            );
        }
        require(ledger.history() == plain.history(), "history");
    }

    /// Of 12 sources; how many fit at all is measured in real transactions (test_gas.py).
    function invariant_05_NoCallNeedsMoreGasThanATransactionMayHave() external view {
        require(handler.mostGas() < 2 ** 24, "gas");
    }
}
