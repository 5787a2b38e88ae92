// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FeedbackLog} from "../../../contracts/FeedbackLog.sol";
import {AllowListGate} from "../../../contracts/gates/AllowListGate.sol";
import {IFeedbackLog} from "../../../contracts/interfaces/IFeedbackLog.sol";
import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {Base} from "../Base.sol";
import {Log} from "../Vm.sol";

contract RateTest is Base {
    AllowListGate private gate;
    FeedbackLog private feedback;
    bytes private two = bytes.concat(update(1, 100, 0, 100, 100), update(3, 0, 100, 0, 100));

    function setUp() public override {
        super.setUp();
        gate = deployAllowListGate(address(this));
        gate.setWeight(address(this), 100);
        feedback = deployLog(registry, gate, address(0));
    }

    function test_ARatingIsEmittedWithTheWeightThatTheGateGives() external {
        gate.setWeight(STRANGER, 40);
        vm.expectEmit();
        emit IFeedbackLog.Rated(STRANGER, 40, uint40(START), two);
        vm.prank(STRANGER);
        feedback.rate(two);
    }

    function test_TheLogSaysWhereItBelongs() external {
        require(feedback.registry() == registry && feedback.gate() == gate, "where");
        vm.expectEmit();
        emit IFeedbackLog.LogOpened(registry, gate);
        deployLog(registry, gate, address(0));
    }

    function test_TheHistoryCanBeRecomputedFromTheEvents() external {
        vm.recordLogs();
        feedback.rate(two);
        vm.warp(START + 12);
        feedback.vouch(abi.encodePacked(STRANGER, int16(100)));
        feedback.rate(update(2, 1, 0, 0, 1));
        Log[] memory logs = vm.getRecordedLogs();
        uint160 history = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            (uint32 weight, uint40 time, bytes memory said) =
                abi.decode(logs[i].data, (uint32, uint40, bytes));
            uint256 kind = logs[i].topics[0] == IFeedbackLog.Vouched.selector ? 1 : 0;
            address rater = address(uint160(uint256(logs[i].topics[1])));
            bytes32 entry = keccak256(abi.encode(kind, rater, weight, time, keccak256(said)));
            history = uint160(uint256(keccak256(abi.encode(history, entry))));
        }
        (uint64 entries, uint160 found) = feedback.log();
        require(entries == 3 && found == history, "history");
    }

    function test_TwoThousandRatingsMayComeAtOnce() external {
        bytes memory many;
        for (uint32 i = 4; i <= 2_000; ++i) {
            registry.register(string(abi.encodePacked("https://", i)));
        }
        for (uint32 i = 1; i <= 2_000; i += 100) {
            bytes memory page;
            for (uint32 j = i; j < i + 100; ++j) {
                page = bytes.concat(page, update(j, 1, 0, 0, 1));
            }
            many = bytes.concat(many, page);
        }
        feedback.rate(many);
        reverts(IFeedbackLog.EntriesInvalid.selector, 24_012, 24_000);
        feedback.rate(bytes.concat(many, update(2_001, 1, 0, 0, 1)));
    }

    function test_RevertWhen_TheGateRefusesTheRater() external {
        reverts(IFeedbackLog.RaterRefused.selector, STRANGER);
        vm.prank(STRANGER);
        feedback.rate(two);
    }

    function test_RevertWhen_TheRatingsAreNoWholeNumberOfUpdates(uint8 length) external {
        vm.assume(length == 0 || length % 12 != 0);
        reverts(IFeedbackLog.EntriesInvalid.selector, length, 24_000);
        feedback.rate(new bytes(length));
    }

    function test_RevertWhen_IdsDoNotAscend() external {
        reverts(IFeedbackLog.EntriesNotSorted.selector, 1);
        feedback.rate(bytes.concat(update(2, 1, 0, 0, 1), update(2, 1, 0, 0, 1)));
        reverts(IFeedbackLog.EntriesNotSorted.selector, 0);
        feedback.rate(update(0, 1, 0, 0, 1));
    }

    function test_RevertWhen_ASourceIsUnknown(uint32 id) external {
        vm.assume(id > 3);
        reverts(ISourceRegistry.UnknownSource.selector, id);
        feedback.rate(bytes.concat(two, update(id, 1, 0, 0, 1)));
    }
}
