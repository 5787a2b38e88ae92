// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {SourceRegistry} from "../../../contracts/SourceRegistry.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Base, IERC721} from "../Base.sol";
import {Wallet} from "../Wallet.sol";

contract RotateTest is Base {
    uint256 private constant OLD = 11;
    uint256 private constant NEW = 12;
    SourceId private id;

    function setUp() public override {
        super.setUp();
        vm.prank(vm.addr(OLD));
        id = registry.register("https://four.example");
    }

    function test_BothOwnersSignAndAnyoneCarriesIt() external {
        vm.prank(STRANGER);
        rotate(NEW, OLD, NEW);
        ISourceRegistry.Source memory source = registry.sourceOf(id);
        require(source.owner == vm.addr(NEW), "owner");
        require(source.rotations == 1, "rotations");
        require(source.registeredAt == START, "time");
        require(source.status == ISourceRegistry.Status.Active, "status");
    }

    function test_TheChangeIsEmitted() external {
        bytes memory from = signed(OLD, NEW);
        bytes memory to = signed(NEW, NEW);
        vm.expectEmit();
        emit ISourceRegistry.SourceRotated(id, vm.addr(OLD), vm.addr(NEW), 1);
        registry.rotate(id, vm.addr(NEW), DEADLINE, from, to);
    }

    function test_AContractMayTakeOverAndHandOn() external {
        Wallet wallet = new Wallet(vm.addr(77));
        address to = address(wallet);
        bytes32 digest = registry.rotationDigest(id, to, DEADLINE);
        registry.rotate(id, to, DEADLINE, signature(OLD, digest), signature(77, digest));
        require(registry.sourceOf(id).owner == to, "taken over");
        rotate(NEW, 77, NEW);
        require(registry.sourceOf(id).owner == vm.addr(NEW), "handed on");
    }

    function test_RevertWhen_TheOldOwnerDidNotSign() external {
        notSigned(vm.addr(OLD), signed(99, NEW), signed(NEW, NEW));
    }

    function test_RevertWhen_TheNewOwnerDidNotSign() external {
        notSigned(vm.addr(NEW), signed(OLD, NEW), signed(99, NEW));
        notSigned(vm.addr(NEW), signed(OLD, NEW), "");
    }

    function test_RevertWhen_ARotationIsReplayedAfterTheSourceCameBack() external {
        bytes memory from = signed(OLD, NEW);
        bytes memory to = signed(NEW, NEW);
        registry.rotate(id, vm.addr(NEW), DEADLINE, from, to);
        rotate(OLD, NEW, OLD);
        notSigned(vm.addr(OLD), from, to);
    }

    function test_RevertWhen_ItWasSignedForAnotherRegistryOrChain() external {
        SourceRegistry other = deployRegistry(IERC721(address(0)), address(0));
        for (uint256 i = 0; i < 4; ++i) {
            vm.prank(vm.addr(OLD));
            other.register(string(abi.encodePacked("https://x.example/", i)));
        }
        bytes32 digest = other.rotationDigest(id, vm.addr(NEW), DEADLINE);
        notSigned(vm.addr(OLD), signature(OLD, digest), signature(NEW, digest));
        bytes memory from = signed(OLD, NEW);
        vm.chainId(5);
        notSigned(vm.addr(OLD), from, "");
    }

    function test_RevertWhen_TheDeadlineHasPassed() external {
        bytes memory from = signed(OLD, NEW);
        bytes memory to = signed(NEW, NEW);
        vm.warp(uint256(DEADLINE) + 1);
        reverts(ISourceRegistry.RotationExpired.selector, DEADLINE, uint256(DEADLINE) + 1);
        registry.rotate(id, vm.addr(NEW), DEADLINE, from, to);
        vm.warp(DEADLINE);
        registry.rotate(id, vm.addr(NEW), DEADLINE, from, to);
    }

    function test_RevertWhen_TheNewOwnerIsNobodyOrTheOldOne() external {
        reverts(ISourceRegistry.NewOwnerInvalid.selector, address(0));
        registry.rotate(id, address(0), DEADLINE, "", "");
        reverts(ISourceRegistry.NewOwnerInvalid.selector, vm.addr(OLD));
        registry.rotate(id, vm.addr(OLD), DEADLINE, "", "");
    }

    function test_RevertWhen_TheSourceIsUnknown() external {
        reverts(ISourceRegistry.UnknownSource.selector, 9);
        registry.rotate(SourceId.wrap(9), STRANGER, DEADLINE, "", "");
    }

    function test_RevertWhen_TheSourceIsRetired() external {
        bytes memory from = signed(OLD, NEW);
        bytes memory to = signed(NEW, NEW);
        vm.prank(vm.addr(OLD));
        registry.retire(id);
        reverts(ISourceRegistry.SourceIsRetired.selector, 4);
        registry.rotate(id, vm.addr(NEW), DEADLINE, from, to);
        reverts(ISourceRegistry.SourceIsRetired.selector, 4);
        registry.rotationDigest(id, vm.addr(NEW), DEADLINE);
    }

    function rotate(uint256 to, uint256 firstKey, uint256 secondKey) private {
        registry.rotate(id, vm.addr(to), DEADLINE, signed(firstKey, to), signed(secondKey, to));
    }

    function signed(uint256 key, uint256 to) private view returns (bytes memory) {
        return signature(key, registry.rotationDigest(id, vm.addr(to), DEADLINE));
    }

    function notSigned(address who, bytes memory from, bytes memory to) private {
        reverts(ISourceRegistry.RotationNotSigned.selector, who);
        registry.rotate(id, vm.addr(NEW), DEADLINE, from, to);
    }
}
