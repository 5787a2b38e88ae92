// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {JobsBase} from "../jobs/JobsBase.sol";
import {JobsHandler} from "./JobsHandler.sol";

/// Numbers: see README.md.
contract JobsInvariants is JobsBase {
    uint256 private constant TABLES = 3;

    JobsHandler[] private handlers;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < TABLES; ++i) {
            handlers.push(new JobsHandler(jobs, i));
        }
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](TABLES);
        for (uint256 i = 0; i < TABLES; ++i) {
            targets[i] = address(handlers[i]);
        }
    }

    /// One function for all, because each takes a campaign of its own, and of all campaigns this one
    /// has the longest calls.
    function invariant_41_42_43_44() external view {
        aJobIsWhereTheRulesPutIt();
        stakesSeatsAndDebtsAreTheBalance();
        aTerminalVerdictNeverChanges();
        theListHoldsEverySeatOnce();
    }

    /// 41.
    function aJobIsWhereTheRulesPutIt() private view {
        for (uint256 i = 0; i < TABLES; ++i) {
            require(jobs.phaseOf(handlers[i].present()) == handlers[i].model(), "phase");
        }
    }

    /// 42.
    function stakesSeatsAndDebtsAreTheBalance() private view {
        uint256 sum;
        for (uint256 i = 0; i < TABLES; ++i) {
            sum += handlers[i].stake();
        }
        (, uint24 taken) = jobs.seatCount();
        for (uint24 seat = 1; seat <= taken; ++seat) {
            sum += jobs.seatOf(seat).balance;
        }
        require(address(jobs).balance == sum + debts(), "balance");
    }

    /// 43.
    function aTerminalVerdictNeverChanges() private view {
        for (uint256 i = 0; i < TABLES; ++i) {
            require(handlers[i].closedVerdictsStand(), "changed");
        }
    }

    /// 44.
    function theListHoldsEverySeatOnce() private view {
        (uint24 sitting, uint24 taken) = jobs.seatCount();
        uint256 found;
        for (uint24 position = 1; position <= taken; ++position) {
            uint24 seat = jobs.seatAt(position);
            require((seat != 0) == (position <= sitting), "length");
            if (seat == 0) continue;
            require((found >> seat) & 1 == 0 && jobs.seatOf(seat).freeAt == 0, "twice, or left");
            found |= uint256(1) << seat;
        }
    }

    /// 45: whatever happened, time alone brings everything out again.
    function afterInvariant() external {
        for (uint256 i = 0; i < TABLES; ++i) {
            vm.warp(block.timestamp + HOUR);
            handlers[i].wrapUp();
        }
        (uint24 sitting, uint24 taken) = jobs.seatCount();
        for (; sitting > 0; --sitting) {
            uint24 seat = jobs.seatAt(1);
            address owner = jobs.seatOf(seat).owner;
            vm.prank(owner);
            jobs.leaveSeat(seat, 1);
        }
        vm.warp(block.timestamp + NOTICE);
        for (uint24 seat = 1; seat <= taken; ++seat) {
            if (jobs.seatOf(seat).balance == 0) continue;
            address owner = jobs.seatOf(seat).owner;
            vm.prank(owner);
            jobs.collect(seat);
        }
        require(debts() == address(jobs).balance, "stranded");
    }

    function debts() private view returns (uint256 sum) {
        for (uint256 i = 0; i < handlers[0].OWNERS() + 4; ++i) {
            sum += jobs.owedTo(handlers[0].accountAt(i));
        }
    }
}
