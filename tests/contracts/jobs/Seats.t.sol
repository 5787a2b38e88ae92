// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerifierSeats} from "../../../contracts/interfaces/IVerifierSeats.sol";
import {JobsBase} from "./JobsBase.sol";

contract SeatsTest is JobsBase {
    uint256 private constant MOST = type(uint72).max;

    function test_SeatsAreNumberedInTheOrderTheyAreTaken() external {
        vm.expectEmit();
        emit IVerifierSeats.SeatTaken(uint24(VERIFIERS + 1), vm.addr(77));
        require(takeSeat(77) == VERIFIERS + 1, "seat");
        (uint24 sitting, uint24 taken) = jobs.seatCount();
        require(sitting == VERIFIERS + 1 && taken == VERIFIERS + 1, "count");
        require(jobs.seatAt(uint24(VERIFIERS + 1)) == VERIFIERS + 1, "list");
        IVerifierSeats.Seat memory seat = jobs.seatOf(uint24(VERIFIERS + 1));
        require(seat.owner == vm.addr(77) && seat.balance == SEAT_BOND && seat.freeAt == 0, "seat");
    }

    function test_OneOwnerMayTakeMany() external {
        require(takeSeat(1) == VERIFIERS + 1 && takeSeat(1) == VERIFIERS + 2, "seats");
    }

    function test_RevertWhen_TheValueIsNotTheBond() external {
        vm.deal(STRANGER, 2 ether);
        reverts(IVerifierSeats.ValueInvalid.selector, SEAT_BOND - 1, SEAT_BOND);
        vm.prank(STRANGER);
        jobs.takeSeat{value: SEAT_BOND - 1}();
    }

    function test_RevertWhen_AllSeatsWereTakenOnce() external {
        bytes32 counts = bytes32((uint256(type(uint24).max) << 24) | VERIFIERS);
        require(
            vm.load(address(jobs), bytes32(uint256(3))) == bytes32((VERIFIERS << 24) | VERIFIERS),
            "slot"
        );
        vm.store(address(jobs), bytes32(uint256(3)), counts);
        reverts(IVerifierSeats.SeatsExhausted.selector);
        vm.prank(STRANGER);
        jobs.takeSeat{value: SEAT_BOND}();
    }

    function test_WhoLeavesGivesItsPositionToTheLast() external {
        vm.expectEmit();
        emit IVerifierSeats.SeatLeft(3, 3, uint40(START) + NOTICE);
        leave(3, 3);
        (uint24 sitting, uint24 taken) = jobs.seatCount();
        require(sitting == VERIFIERS - 1 && taken == VERIFIERS, "count");
        require(jobs.seatAt(3) == VERIFIERS && jobs.seatAt(uint24(VERIFIERS)) == 0, "list");
        require(jobs.seatOf(3).freeAt == START + NOTICE, "notice");
        leave(uint24(VERIFIERS), 3);
        leave(uint24(VERIFIERS) - 1, 3);
        require(jobs.seatAt(3) == VERIFIERS - 2, "again");
        require(takeSeat(77) == VERIFIERS + 1, "numbers are not used again");
        require(jobs.seatAt(uint24(VERIFIERS) - 2) == VERIFIERS + 1, "positions are");
    }

    function test_TheLastMayLeaveToo() external {
        leave(uint24(VERIFIERS), uint24(VERIFIERS));
        require(jobs.seatAt(uint24(VERIFIERS)) == 0, "list");
        require(jobs.seatOf(uint24(VERIFIERS)).owner == vm.addr(VERIFIERS), "owner");
    }

    function test_RevertWhen_ThePositionIsAnothers() external {
        reverts(IVerifierSeats.SeatNotAt.selector, 3, 4);
        leave(3, 4);
        reverts(IVerifierSeats.SeatNotAt.selector, 0, VERIFIERS + 1);
        leave(0, uint24(VERIFIERS) + 1);
    }

    function test_RevertWhen_ASeatLeavesTwice() external {
        leave(3, 3);
        reverts(IVerifierSeats.SeatNotAt.selector, 3, 3);
        leave(3, 3);
    }

    function test_RevertWhen_AnotherRemovesASeatInGoodStanding() external {
        reverts(IVerifierSeats.SeatInGoodStanding.selector, 3, SEAT_BOND);
        vm.prank(STRANGER);
        jobs.leaveSeat(3, 3);
    }

    function test_AnyoneMayRemoveASeatThatLostHalfItsBond() external {
        setBalance(3, SEAT_BOND / 2 - 1);
        vm.prank(STRANGER);
        jobs.leaveSeat(3, 3);
        require(jobs.seatAt(3) == VERIFIERS, "list");
    }

    function test_ABalanceCanBeToppedUpToItsLimit() external {
        vm.deal(STRANGER, MOST);
        vm.expectEmit();
        emit IVerifierSeats.SeatToppedUp(3, MOST - SEAT_BOND);
        vm.prank(STRANGER);
        jobs.topUp{value: MOST - SEAT_BOND}(3);
        require(jobs.seatOf(3).balance == MOST, "balance");
        reverts(IVerifierSeats.SeatFull.selector, 3, MOST);
        vm.prank(STRANGER);
        jobs.topUp{value: 1}(3);
    }

    function test_RevertWhen_NobodyTookTheSeatToTopUp() external {
        reverts(IVerifierSeats.NotSeatOwner.selector, 77, 0);
        vm.prank(STRANGER);
        jobs.topUp{value: 1}(77);
    }

    function test_WhatASeatEarnedCanBeCollectedAtAnyTime() external {
        vm.prank(STRANGER);
        jobs.topUp{value: 5}(3);
        vm.expectEmit();
        emit IVerifierSeats.SeatCollected(3, vm.addr(3), 5);
        collect(3);
        owes(vm.addr(3), 5);
        require(jobs.seatOf(3).balance == SEAT_BOND, "its bond stays");
        reverts(IVerifierSeats.NothingToCollect.selector, 3);
        collect(3);
    }

    function test_TheBondCanBeCollectedOnceTheNoticeIsOver() external {
        leave(3, 3);
        vm.warp(START + NOTICE - 1);
        reverts(IVerifierSeats.NothingToCollect.selector, 3);
        collect(3);
        vm.warp(START + NOTICE);
        collect(3);
        owes(vm.addr(3), SEAT_BOND);
        reverts(IVerifierSeats.NothingToCollect.selector, 3);
        collect(3);
    }

    function test_RevertWhen_AnotherCollects() external {
        vm.expectRevert(abi.encodeWithSelector(IVerifierSeats.NotSeatOwner.selector, 3, vm.addr(3)));
        vm.prank(STRANGER);
        jobs.collect(3);
    }

    function test_WhatIsOwedCanBeWithdrawnOnce() external {
        leave(3, 3);
        vm.warp(START + NOTICE);
        collect(3);
        vm.expectEmit();
        emit IVerifierSeats.Withdrawn(vm.addr(3), address(0x5555), SEAT_BOND);
        vm.prank(vm.addr(3));
        jobs.withdraw(payable(address(0x5555)));
        require(address(0x5555).balance == SEAT_BOND, "paid");
        reverts(IVerifierSeats.NothingOwed.selector, uint160(vm.addr(3)));
        vm.prank(vm.addr(3));
        jobs.withdraw(payable(address(0x5555)));
    }

    function test_RevertWhen_ItIsWithdrawnToNobodyOrToWhoRefuses() external {
        vm.prank(STRANGER);
        jobs.topUp{value: 5}(3);
        collect(3);
        reverts(IVerifierSeats.TransferFailed.selector, 0);
        vm.prank(vm.addr(3));
        jobs.withdraw(payable(address(0)));
        reverts(IVerifierSeats.TransferFailed.selector, uint160(address(this)));
        vm.prank(vm.addr(3));
        jobs.withdraw(payable(address(this)));
        owes(vm.addr(3), 5);
    }

    function test_AFeeBeyondASeatsLimitGoesToItsOwner() external {
        requestToDraw();
        uint24 full = uint24(trail.turn.seatAt(0));
        address owner = ownerAt(0);
        vm.deal(STRANGER, MOST);
        vm.prank(STRANGER);
        jobs.topUp{value: MOST - SEAT_BOND - 3}(full);
        vote("yyy");
        finalize();
        require(jobs.seatOf(full).balance == MOST, "seat");
        owes(owner, FEE - 3);
    }

    function test_AFineTakesNoMoreThanThereIs() external {
        requestToDraw();
        uint24 poor = uint24(trail.turn.seatAt(2));
        setBalance(poor, 3);
        vote("yyn");
        draw();
        vote("yyy");
        finalize();
        require(jobs.seatOf(poor).balance <= FEE, "seat");
        owes(SINK, 3);
    }

    function leave(uint24 seat, uint24 position) private {
        vm.prank(vm.addr(seat == 0 ? 1 : seat));
        jobs.leaveSeat(seat, position);
    }

    function collect(uint24 seat) private {
        vm.prank(vm.addr(seat));
        jobs.collect(seat);
    }
}
