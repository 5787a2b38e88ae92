// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {FeedbackLog} from "../../contracts/FeedbackLog.sol";
import {OpenGate} from "../../contracts/gates/OpenGate.sol";
import {ISuccessor} from "../../contracts/interfaces/ISuccessor.sol";
import {ScoreLedger} from "../../contracts/ScoreLedger.sol";
import {SourceRegistry} from "../../contracts/SourceRegistry.sol";
import {Base} from "./Base.sol";

contract SucceedTest is Base {
    function test_TheFirstDeploymentHasNoPredecessor() external view {
        require(registry.predecessor() == address(0), "registry");
        require(ledger.predecessor() == address(0), "ledger");
    }

    function test_ANewDeploymentNamesTheOneItContinues() external {
        vm.expectEmit();
        emit ISuccessor.Succeeds(address(registry));
        SourceRegistry next = deployRegistry(IERC721(address(0)), address(registry));
        require(next.predecessor() == address(registry), "registry");

        ScoreLedger ledger2 =
            deployLedger(next, OWNER, addressesOf(keys), 2, false, address(ledger));
        require(ledger2.predecessor() == address(ledger), "ledger");

        FeedbackLog first = deployLog(registry, deployOpenGate(), address(0));
        FeedbackLog second = deployLog(registry, deployOpenGate(), address(first));
        require(second.predecessor() == address(first), "log");
    }

    function test_RevertWhen_ThePredecessorIsNoContract() external {
        reverts(ISuccessor.PredecessorNotContract.selector, STRANGER);
        deployRegistry(IERC721(address(0)), STRANGER);
    }
}
