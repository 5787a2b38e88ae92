// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {IScoreLedger} from "../../../contracts/interfaces/IScoreLedger.sol";
import {Base} from "../Base.sol";

contract SetUpdateLimitTest is Base {
    function test_ABatchMayHoldTwoThousandUpdatesAtFirst() external view {
        require(ledger.updateLimit() == 2_000, "limit");
    }

    function test_TheOwnerSetsTheLimit() external {
        vm.expectEmit();
        emit IScoreLedger.UpdateLimitChanged(1);
        vm.prank(OWNER);
        ledger.setUpdateLimit(1);
        require(ledger.updateLimit() == 1, "limit");

        bytes memory two = bytes.concat(update(1, 1, 0, 0, 1), update(2, 1, 0, 0, 1));
        bytes memory signed = signatures(ledger.reportDigest(two, ROOT, 1, DEADLINE), 3);
        vm.expectRevert(abi.encodeWithSelector(IScoreLedger.BatchTooLarge.selector, 2, 1));
        ledger.applyBatch(two, ROOT, 1, DEADLINE, 3, signed);
    }

    function test_RevertWhen_TheLimitIsZero() external {
        vm.expectRevert(abi.encodeWithSelector(IScoreLedger.UpdateLimitInvalid.selector));
        vm.prank(OWNER);
        ledger.setUpdateLimit(0);
    }

    function test_RevertWhen_AStrangerSetsTheLimit() external {
        vm.expectRevert(
            abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER)
        );
        vm.prank(STRANGER);
        ledger.setUpdateLimit(5);
    }
}
