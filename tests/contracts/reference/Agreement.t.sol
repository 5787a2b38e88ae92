// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {IScoreLedger} from "../../../contracts/interfaces/IScoreLedger.sol";
import {ScoreLedger} from "../../../contracts/ScoreLedger.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Base} from "../Base.sol";
import {Log} from "../Vm.sol";
import {deployReference} from "./ReferenceLedger.sol";

/// The packed ledger and the plain one are given the same calls, good and bad, and must answer,
/// refuse, emit and remember the same.
contract AgreementTest is Base {
    /// One call; what each field is used for, see `step`.
    struct Step {
        uint8 what;
        uint32 mask;
        uint8 nonceShift;
        uint16 timeShift;
        uint32[3] sources;
        uint16[12] deltas;
        uint8 cut;
    }

    ScoreLedger private plain;

    function setUp() public override {
        super.setUp();
        plain = deployReference(registry, OWNER, addressesOf(keys));
    }

    function test_TheyAgreeOnEveryCall(Step[6] memory steps) external {
        for (uint256 i = 0; i < steps.length; ++i) {
            step(steps[i]);
            agree();
        }
    }

    /// Most of what a random step holds is bent towards what is valid, so that about half of the
    /// batches are accepted and the state has a history to disagree on.
    function step(Step memory given) private {
        uint256 time = block.timestamp + given.timeShift;
        vm.warp(time);
        (, uint64 nonce,,) = ledger.committee();
        if (given.nonceShift < 16) nonce += given.nonceShift;
        uint64 deadline = given.nonceShift % 8 == 7 ? uint64(time) - 1 : uint64(time);
        uint32 mask = given.mask % 16 == 0 ? given.mask : 3 + given.mask % 5;

        if (given.what % 8 == 0) {
            same(
                cancellation(ledger, nonce, deadline, mask),
                cancellation(plain, nonce, deadline, mask)
            );
        } else if (given.what % 8 == 1) {
            bytes memory call = abi.encodeCall(IScoreLedger.setUpdateLimit, (given.deltas[0] % 4));
            vm.startPrank(OWNER);
            same(call, call);
            vm.stopPrank();
        } else {
            bytes memory updates = batchOf(given);
            same(
                batch(ledger, updates, nonce, deadline, mask),
                batch(plain, updates, nonce, deadline, mask)
            );
        }
    }

    function batchOf(Step memory given) private pure returns (bytes memory updates) {
        uint32 last = 0;
        for (uint256 i = 0; i < 3; ++i) {
            // Mostly ascending and known; 0, repeats and unknown ids come as well.
            uint32 source = given.sources[i] % 8 == 0 ? given.sources[i] % 64 : last + 1;
            last = source;
            updates = bytes.concat(
                updates,
                update(
                    source,
                    given.deltas[4 * i],
                    given.deltas[4 * i + 1],
                    given.deltas[4 * i + 2],
                    given.deltas[4 * i + 3]
                )
            );
            if (given.what % 3 == i) break;
        }
        if (given.cut > 240) updates = bytes.concat(updates, hex"00");
    }

    function batch(ScoreLedger to, bytes memory updates, uint64 nonce, uint64 deadline, uint32 mask)
        private
        view
        returns (bytes memory)
    {
        bytes memory signed = signatures(to.reportDigest(updates, ROOT, nonce, deadline), mask);
        return
            abi.encodeCall(IScoreLedger.applyBatch, (updates, ROOT, nonce, deadline, mask, signed));
    }

    function cancellation(ScoreLedger to, uint64 nonce, uint64 deadline, uint32 mask)
        private
        view
        returns (bytes memory)
    {
        bytes memory signed = signatures(to.cancellationDigest(nonce, deadline), mask);
        return abi.encodeCall(IReporterCommittee.cancelNonce, (nonce, deadline, mask, signed));
    }

    function same(bytes memory toPacked, bytes memory toPlain) private {
        vm.recordLogs();
        (bool packedDone, bytes memory packedAnswer) = address(ledger).call(toPacked);
        Log[] memory packedLogs = vm.getRecordedLogs();
        (bool plainDone, bytes memory plainAnswer) = address(plain).call(toPlain);
        Log[] memory plainLogs = vm.getRecordedLogs();
        require(packedDone == plainDone, "one refused");
        require(keccak256(packedAnswer) == keccak256(plainAnswer), "another answer");
        require(packedLogs.length == plainLogs.length, "another number of events");
        for (uint256 i = 0; i < plainLogs.length; ++i) {
            require(
                keccak256(abi.encode(packedLogs[i].topics, packedLogs[i].data))
                    == keccak256(abi.encode(plainLogs[i].topics, plainLogs[i].data)),
                "another event"
            );
        }
    }

    function agree() private view {
        require(ledger.history() == plain.history(), "history");
        require(ledger.updateLimit() == plain.updateLimit(), "limit");
        for (uint32 i = 1; i <= 3; ++i) {
            require(
                keccak256(abi.encode(ledger.scoreOf(SourceId.wrap(i))))
                    == keccak256(abi.encode(plain.scoreOf(SourceId.wrap(i)))),
                "score"
            );
        }
        (uint32 version, uint64 nonce, uint8 threshold,) = ledger.committee();
        (uint32 plainVersion, uint64 plainNonce, uint8 plainThreshold,) = plain.committee();
        require(version == plainVersion && nonce == plainNonce, "numbers");
        require(threshold == plainThreshold, "threshold");
    }
}
