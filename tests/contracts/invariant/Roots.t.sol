// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {RootsBase} from "../roots/RootsBase.sol";
import {RootsHandler} from "./RootsHandler.sol";
import {RootsReplay} from "./RootsReplay.sol";

/// Numbers: see README.md.
contract RootsInvariants is RootsBase {
    RootsHandler private handler;
    RootsReplay private replay;

    function setUp() public override {
        super.setUp();
        replay = new RootsReplay();
        vm.recordLogs();
        roots = newRoots(rules());
        replay.read(vm.getRecordedLogs());
        handler = new RootsHandler(roots, replay, keys);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_11_AnEpochIsWhereTheRulesPutIt() external view {
        for (uint256 i = 0; i < handler.EPOCHS(); ++i) {
            uint40 epoch = handler.epochAt(i);
            require(roots.epochOf(epoch).state == handler.stateOf(epoch), "state");
        }
    }

    function invariant_12_AFinalEpochNeverChanges() external view {
        for (uint256 i = 0; i < handler.EPOCHS(); ++i) {
            uint40 epoch = handler.epochAt(i);
            bytes32 sealedAs = handler.sealedAs(epoch);
            require(
                sealedAs == 0 || sealedAs == keccak256(abi.encode(roots.epochOf(epoch))), "changed"
            );
        }
    }

    function invariant_13_BondsAtStakeAndDebtsAreTheBalance() external view {
        uint256 sum = handler.staked();
        for (uint256 i = 0; i < handler.ACTORS(); ++i) {
            address actor = handler.actor(i);
            require(roots.owedTo(actor) == handler.owed(actor), "owed");
            require(actor.balance == handler.paid(actor), "paid");
            sum += roots.owedTo(actor);
        }
        require(address(roots).balance == sum, "balance");
    }

    function invariant_14_TheLogsAloneGiveTheWholeState() external view {
        for (uint256 i = 0; i < handler.EPOCHS(); ++i) {
            uint40 epoch = handler.epochAt(i);
            require(
                keccak256(abi.encode(roots.epochOf(epoch)))
                    == keccak256(abi.encode(replay.epochOf(epoch))),
                "epoch"
            );
        }
        for (uint256 i = 0; i < handler.ACTORS(); ++i) {
            address actor = handler.actor(i);
            require(roots.owedTo(actor) == replay.owedTo(actor), "owed");
        }
        (, uint64 nonce,,) = roots.committee();
        require(nonce == replay.nextNonce() && roots.history() == replay.history(), "history");
    }

    /// 15: whatever happened, time alone brings every bond out again.
    function afterInvariant() external {
        vm.warp(block.timestamp + WINDOW + SETTLE);
        for (uint256 i = 0; i < handler.EPOCHS(); ++i) {
            uint40 epoch = handler.epochAt(i);
            IReputationRoots.State state = roots.epochOf(epoch).state;
            if (state == IReputationRoots.State.Pending) roots.finalize(epoch);
            if (state == IReputationRoots.State.Challenged) roots.reopen(epoch);
        }
        for (uint256 i = 0; i < handler.ACTORS(); ++i) {
            address actor = handler.actor(i);
            if (roots.owedTo(actor) == 0) continue;
            vm.prank(actor);
            roots.withdraw(payable(actor));
        }
        require(address(roots).balance == 0, "stranded");
    }
}
