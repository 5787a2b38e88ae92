// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {AllowListGate} from "../../../contracts/gates/AllowListGate.sol";
import {Base} from "../Base.sol";

contract AllowListGateTest is Base {
    AllowListGate private gate = deployAllowListGate(OWNER);

    function test_NobodyIsOnTheListAtFirst(address account) external view {
        require(gate.weightOf(account) == 0, "weight");
    }

    function test_TheOwnerGivesWeightAndTakesItAway() external {
        vm.expectEmit();
        emit AllowListGate.WeightSet(STRANGER, 40);
        vm.prank(OWNER);
        gate.setWeight(STRANGER, 40);
        require(gate.weightOf(STRANGER) == 40, "given");
        vm.prank(OWNER);
        gate.setWeight(STRANGER, 0);
        require(gate.weightOf(STRANGER) == 0, "taken");
    }

    function test_RevertWhen_TheWeightIsMoreThanAFullVoice() external {
        reverts(AllowListGate.WeightInvalid.selector, 101);
        vm.prank(OWNER);
        gate.setWeight(STRANGER, 101);
        vm.prank(OWNER);
        gate.setWeight(STRANGER, 100);
    }

    function test_RevertWhen_AStrangerSetsAWeight() external {
        reverts(Ownable.OwnableUnauthorizedAccount.selector, STRANGER);
        vm.prank(STRANGER);
        gate.setWeight(STRANGER, 100);
    }
}
