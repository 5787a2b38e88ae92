// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BondedGate} from "../../../contracts/gates/BondedGate.sol";
import {FeedbackLog} from "../../../contracts/FeedbackLog.sol";
import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {SourceRegistry} from "../../../contracts/SourceRegistry.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Base, IERC721} from "../Base.sol";
import {OpenLaneHandler} from "./OpenLaneHandler.sol";
import {OpenLaneReplay} from "./OpenLaneReplay.sol";

/// Numbers: see README.md.
contract OpenLaneInvariants is Base {
    BondedGate private gate;
    FeedbackLog private feedback;
    OpenLaneHandler private handler;
    OpenLaneReplay private replay;

    function setUp() public override {
        vm.warp(START);
        registry = deployRegistry(IERC721(address(0)), address(0));
        gate = deployBondedGate(1 ether, 1 days);
        feedback = deployLog(registry, gate, address(0));
        replay = new OpenLaneReplay();
        handler = new OpenLaneHandler(feedback, replay);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_21_ASourceIsItsOwnersUntilBothSayOtherwise() external view {
        require(registry.sourceCount() == handler.sources(), "count");
        for (uint32 id = 1; id <= handler.sources(); ++id) {
            ISourceRegistry.Source memory source = registry.sourceOf(SourceId.wrap(id));
            require(source.owner == handler.ownerOf(id), "owner");
            require(
                (source.status == ISourceRegistry.Status.Retired) == handler.retired(id), "retired"
            );
        }
    }

    function invariant_22_AVoiceCostsABondThatNobodyElseCanTake() external view {
        uint256 sum = 0;
        for (uint256 i = 0; i < handler.ACTORS(); ++i) {
            address account = handler.actor(i);
            require(gate.weightOf(account) == (handler.voiced(account) ? 100 : 0), "voice");
            sum += handler.locked(account);
        }
        require(address(gate).balance == sum, "balance");
    }

    function invariant_23_TheLogsAloneGiveTheWholeState() external view {
        (uint64 entries, uint160 history) = feedback.log();
        require(entries == handler.entries() && entries == replay.entries(), "entries");
        require(history == replay.history(), "history");
        for (uint32 id = 1; id <= registry.sourceCount(); ++id) {
            require(
                keccak256(abi.encode(registry.sourceOf(SourceId.wrap(id))))
                    == keccak256(abi.encode(replay.sourceOf(id))),
                "source"
            );
        }
        for (uint256 i = 0; i < handler.ACTORS(); ++i) {
            (bool bonded, uint40 freeAt) = gate.membershipOf(handler.actor(i));
            (bool replayed, uint40 replayedAt) = replay.membershipOf(handler.actor(i));
            require(bonded == replayed && freeAt == replayedAt, "membership");
        }
    }
}
