// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Base} from "../Base.sol";

contract RetireTest is Base {
    SourceId private constant ID = SourceId.wrap(1);

    function test_TheOwnerRetiresASourceForGood() external {
        vm.expectEmit();
        emit ISourceRegistry.SourceRetired(ID, uint40(START));
        registry.retire(ID);
        require(registry.sourceOf(ID).status == ISourceRegistry.Status.Retired, "status");
        reverts(ISourceRegistry.SourceIsRetired.selector, 1);
        registry.retire(ID);
    }

    function test_ItsScoreStaysReadableAndLateEvidenceStillCounts() external {
        applyUpdates(update(1, 100, 0, 100, 100), 1);
        registry.retire(ID);
        scoreIs(1, 100, 0, 100, 100);
        applyUpdates(update(1, 0, 100, 0, 100), 2);
        scoreIs(1, 100, 100, 100, 200);
    }

    function test_ItsUriIsNotFreeAgainForItsOwner() external {
        registry.retire(ID);
        reverts(ISourceRegistry.AlreadyRegistered.selector, 1);
        registry.register("https://one.example");
    }

    function test_RevertWhen_AStrangerRetiresIt() external {
        vm.expectRevert(
            abi.encodeWithSelector(ISourceRegistry.NotSourceOwner.selector, address(this), STRANGER)
        );
        vm.prank(STRANGER);
        registry.retire(ID);
    }

    function test_RevertWhen_TheSourceIsUnknown() external {
        reverts(ISourceRegistry.UnknownSource.selector, 4);
        registry.retire(SourceId.wrap(4));
    }
}
