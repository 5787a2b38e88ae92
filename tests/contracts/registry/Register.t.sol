// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Base} from "../Base.sol";

contract RegisterTest is Base {
    function test_IdsCountUpFromOne() external {
        require(registry.sourceCount() == 3, "three from the set-up");
        require(SourceId.unwrap(registry.register("https://four.example")) == 4, "the fourth");
    }

    function test_ASourceBelongsToWhoeverRegisteredIt() external {
        vm.prank(STRANGER);
        SourceId id = registry.register("https://one.example");
        ISourceRegistry.Source memory source = registry.sourceOf(id);
        require(source.owner == STRANGER, "owner");
        require(source.registeredAt == START, "time");
        require(source.status == ISourceRegistry.Status.Active, "status");
    }

    function test_TheEventHoldsWhatStorageDoesNot() external {
        vm.expectEmit();
        emit ISourceRegistry.SourceRegistered(
            SourceId.wrap(4), address(this), uint40(START), "ipfs://x"
        );
        registry.register("ipfs://x");
    }

    function test_RevertWhen_TheSameOwnerRegistersAUriTwice() external {
        vm.expectRevert(abi.encodeWithSelector(ISourceRegistry.AlreadyRegistered.selector, 2));
        registry.register("https://two.example");
    }

    function test_NobodyCanSquatTheUriOfAnother() external {
        vm.prank(STRANGER);
        registry.register("https://five.example");
        require(SourceId.unwrap(registry.register("https://five.example")) == 5, "still free");
    }

    function test_AUriHas1To256Bytes() external {
        registry.register(string(new bytes(1)));
        registry.register(string(new bytes(256)));
    }

    function test_RevertWhen_AUriIsEmpty() external {
        vm.expectRevert(abi.encodeWithSelector(ISourceRegistry.UriLengthInvalid.selector, 0, 256));
        registry.register("");
    }

    function test_RevertWhen_AUriIsTooLong() external {
        vm.expectRevert(abi.encodeWithSelector(ISourceRegistry.UriLengthInvalid.selector, 257, 256));
        registry.register(string(new bytes(257)));
    }

    function test_RevertWhen_AnUnknownSourceIsLookedUp(uint32 id) external {
        vm.assume(id == 0 || id > 3);
        bytes memory unknown = abi.encodeWithSelector(ISourceRegistry.UnknownSource.selector, id);
        vm.expectRevert(unknown);
        registry.sourceOf(SourceId.wrap(id));
        vm.expectRevert(unknown);
        registry.requireKnown(SourceId.wrap(id));
    }

    function test_KnownSourcesAreKnown() external view {
        for (uint32 id = 1; id <= 3; ++id) {
            registry.requireKnown(SourceId.wrap(id));
        }
    }
}
