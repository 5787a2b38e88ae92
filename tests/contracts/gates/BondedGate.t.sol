// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BondedGate} from "../../../contracts/gates/BondedGate.sol";
import {OpenGate} from "../../../contracts/gates/OpenGate.sol";
import {Base} from "../Base.sol";

contract BondedGateTest is Base {
    BondedGate private gate = deployBondedGate(1 ether, 7 days);

    function setUp() public override {
        super.setUp();
        vm.deal(STRANGER, 3 ether);
    }

    function test_AnOpenGateLetsEveryoneIn(address account) external {
        require(deployOpenGate().weightOf(account) == 100, "weight");
    }

    function test_ABondBuysAFullVoice() external {
        require(gate.weightOf(STRANGER) == 0, "before");
        vm.expectEmit();
        emit BondedGate.Joined(STRANGER);
        join();
        require(gate.weightOf(STRANGER) == 100, "after");
        require(address(gate).balance == 1 ether, "locked");
    }

    function test_TheRulesAreAnnounced() external {
        vm.expectEmit();
        emit BondedGate.GateOpened(5, 60);
        BondedGate other = deployBondedGate(5, 60);
        require(other.bond() == 5 && other.delay() == 60, "rules");
    }

    function test_WhoeverLeavesHasNoVoiceAtOnceAndTheBondLater() external {
        join();
        leave();
        require(gate.weightOf(STRANGER) == 0, "voice");
        reverts(BondedGate.BondLocked.selector, START + 7 days);
        withdrawTo(STRANGER);
        vm.warp(START + 7 days);
        withdrawTo(address(0xCAFE));
        require(address(0xCAFE).balance == 1 ether && address(gate).balance == 0, "returned");
    }

    function test_ABondIsReturnedOnce() external {
        vm.deal(address(gate), 9 ether);
        join();
        leave();
        vm.warp(START + 7 days);
        withdrawTo(STRANGER);
        reverts(BondedGate.BondLocked.selector, 0);
        withdrawTo(STRANGER);
    }

    function test_ABondIsReturnedOnceEvenToAReceiverThatAsksAgain() external {
        vm.deal(address(gate), 9 ether);
        Greedy greedy = new Greedy(gate);
        vm.deal(address(greedy), 1 ether);
        greedy.join();
        greedy.leave();
        vm.warp(START + 7 days);
        vm.expectRevert(abi.encodeWithSelector(BondedGate.TransferFailed.selector, address(greedy)));
        greedy.withdraw();
        require(address(gate).balance == 10 ether, "nothing left");
    }

    function test_RevertWhen_TheBondWouldGoToNobody() external {
        join();
        leave();
        vm.warp(START + 7 days);
        reverts(BondedGate.TransferFailed.selector, address(0));
        withdrawTo(address(0));
        withdrawTo(STRANGER);
    }

    function test_WhoeverIsOutCanJoinAgain() external {
        join();
        leave();
        vm.warp(START + 7 days);
        withdrawTo(STRANGER);
        join();
        require(gate.weightOf(STRANGER) == 100, "again");
    }

    function test_RevertWhen_TheValueIsNotTheBond() external {
        reverts(BondedGate.BondInvalid.selector, 1 ether - 1, 1 ether);
        vm.prank(STRANGER);
        gate.join{value: 1 ether - 1}();
        reverts(BondedGate.BondInvalid.selector, 1 ether + 1, 1 ether);
        vm.prank(STRANGER);
        gate.join{value: 1 ether + 1}();
    }

    function test_RevertWhen_AnAccountJoinsTwice() external {
        join();
        reverts(BondedGate.AlreadyBonded.selector, STRANGER);
        join();
        leave();
        reverts(BondedGate.AlreadyBonded.selector, STRANGER);
        join();
    }

    function test_RevertWhen_NobodyCanLeave() external {
        reverts(BondedGate.NotBonded.selector, STRANGER);
        leave();
        reverts(BondedGate.BondLocked.selector, 0);
        withdrawTo(STRANGER);
        join();
        reverts(BondedGate.BondLocked.selector, 0);
        withdrawTo(STRANGER);
    }

    function test_RevertWhen_TheReceiverDoesNotAcceptTheBond() external {
        join();
        leave();
        vm.warp(START + 7 days);
        reverts(BondedGate.TransferFailed.selector, address(registry));
        withdrawTo(address(registry));
        withdrawTo(STRANGER);
    }

    function test_RevertWhen_TheDelayWouldStrandTheBond() external {
        reverts(BondedGate.DelayInvalid.selector, 365 days + 1, 365 days);
        deployBondedGate(1, 365 days + 1);
        deployBondedGate(1, 365 days);
    }

    function join() private {
        vm.prank(STRANGER);
        gate.join{value: 1 ether}();
    }

    function leave() private {
        vm.prank(STRANGER);
        gate.leave();
    }

    function withdrawTo(address to) private {
        vm.prank(STRANGER);
        gate.withdraw(to);
    }
}

/// Asks for its bond again while it is being paid.
contract Greedy {
    BondedGate private immutable gate;

    constructor(BondedGate gate_) {
        gate = gate_;
    }

    receive() external payable {
        gate.withdraw(address(this));
    }

    function join() external {
        gate.join{value: gate.bond()}();
    }

    function leave() external {
        gate.leave();
    }

    function withdraw() external {
        gate.withdraw(address(this));
    }
}
