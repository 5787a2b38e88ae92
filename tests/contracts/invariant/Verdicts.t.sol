// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerdictLedger} from "../../../contracts/interfaces/IVerdictLedger.sol";
import {VerdictsBase} from "../verdicts/VerdictsBase.sol";
import {VerdictsHandler} from "./VerdictsHandler.sol";
import {VerdictsReplay} from "./VerdictsReplay.sol";

/// Numbers: see README.md.
contract VerdictInvariants is VerdictsBase {
    VerdictsReplay private replay;
    VerdictsHandler private handler;

    function setUp() public override {
        replay = new VerdictsReplay();
        vm.recordLogs();
        super.setUp();
        replay.read(vm.getRecordedLogs());
        handler = new VerdictsHandler(verdicts, replay, keys, 2);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// 31, 32 and 33 in one: each alone would take as long as all of them.
    function invariant_31_VerdictsAreFinalAndTheLogsAloneGiveThem() external view {
        aReceiptHasItsFirstDecisionOrElseItsLastVerdict();
        aNonceIsUsedUpByOneAcceptedMessageEach();
        theLogsAloneGiveTheWholeState();
    }

    function aReceiptHasItsFirstDecisionOrElseItsLastVerdict() private view {
        for (uint256 p = 0; p < handler.PROVIDERS(); ++p) {
            for (uint256 r = 0; r < handler.RECEIPTS(); ++r) {
                (IVerdictLedger.Verdict verdict, uint16 distance, uint40 time, uint40 nonce) =
                    handler.model(p, r);
                verdictIs(
                    handler.providerOf(p),
                    handler.receiptOf(r),
                    IVerdictLedger.Finding(verdict, distance, time, nonce)
                );
            }
        }
        require(handler.decided() <= handler.PROVIDERS() * handler.RECEIPTS(), "twice");
    }

    function aNonceIsUsedUpByOneAcceptedMessageEach() private view {
        (, uint64 nextNonce,,) = verdicts.committee();
        require(nextNonce == 1 + handler.used(), "nonce");
    }

    function theLogsAloneGiveTheWholeState() private view {
        for (uint256 p = 0; p < handler.PROVIDERS(); ++p) {
            for (uint256 r = 0; r < handler.RECEIPTS(); ++r) {
                (address provider, bytes32 receipt) = (handler.providerOf(p), handler.receiptOf(r));
                verdictIs(provider, receipt, replay.findingOf(provider, receipt));
            }
        }
        (uint32 version, uint64 nonce, uint8 threshold, address[] memory members) =
            verdicts.committee();
        require(nonce == replay.nextNonce(), "nonce");
        require(
            keccak256(abi.encode(version, threshold, members)) == replay.committeeHash(),
            "committee"
        );
        require(verdicts.history() == replay.history(), "history");
        require(verdicts.verdictLimit() == replay.limit(), "limit");
    }
}
