// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IScoreLedger} from "../../../contracts/interfaces/IScoreLedger.sol";
import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Base} from "../Base.sol";

contract ReadScoresTest is Base {
    function test_AKnownSourceWithoutEvidenceHasAnEmptyScore() external view {
        scoreIs(1, 0, 0, 0, 0);
    }

    function test_ScoresComeInTheOrderAskedFor() external {
        applyUpdates(bytes.concat(update(1, 1, 2, 3, 4), update(2, 5, 6, 7, 8)), 1);
        SourceId[] memory ids = new SourceId[](3);
        (ids[0], ids[1], ids[2]) = (SourceId.wrap(2), SourceId.wrap(3), SourceId.wrap(1));
        IScoreLedger.Score[] memory scores = ledger.scoresOf(ids);
        require(scores[0].supported == 5 && scores[0].asked == 8, "source 2");
        require(scores[1].updatedAt == 0, "source 3");
        require(scores[2].contradicted == 2 && scores[2].used == 3, "source 1");
    }

    function test_RevertWhen_ASourceIsUnknown(uint32 id) external {
        vm.assume(id == 0 || id > 3);
        bytes memory unknown = abi.encodeWithSelector(ISourceRegistry.UnknownSource.selector, id);
        vm.expectRevert(unknown);
        ledger.scoreOf(SourceId.wrap(id));
        SourceId[] memory ids = new SourceId[](2);
        (ids[0], ids[1]) = (SourceId.wrap(1), SourceId.wrap(id));
        vm.expectRevert(unknown);
        ledger.scoresOf(ids);
    }
}
