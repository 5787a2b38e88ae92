// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IScoreLedger} from "../../../contracts/interfaces/IScoreLedger.sol";
import {ScoreRecord} from "../../../contracts/types/ScoreRecord.sol";
import {ScoreUpdate} from "../../../contracts/types/ScoreUpdate.sol";
import {Base} from "../Base.sol";

/// The packed words against a plain reference that keeps four counters apart.
contract PackingTest is Base {
    uint256 private constant FULL = 2 ** 48 - 1;

    function test_DeltasKeepTheirLanes(uint16 s, uint16 c, uint16 u, uint16 a) external pure {
        uint256 lanes = ScoreUpdate.wrap(uint96(bytes12(update(9, s, c, u, a)))).spread();
        require(lanes == (uint256(s) << 144) | (uint256(c) << 96) | (uint256(u) << 48) | a, "lanes");
    }

    function test_AddingAtOnceEqualsAddingOneByOne(uint256 word, uint64 deltas, uint40 time)
        external
        pure
    {
        check(word, deltas, time);
    }

    function test_AddingAtOnceFindsEveryOverflow(uint64 deltas, uint8 near, uint16[4] memory below)
        external
        pure
    {
        uint256 word = uint256(1) << 192;
        for (uint256 i = 0; i < 4; ++i) {
            uint256 counter = (near >> i) & 1 == 1 ? FULL - below[i] : below[i];
            word |= counter << (48 * i);
        }
        check(word, deltas, 7);
    }

    function test_RevertWhen_ACounterOfTheLedgerOverflows() external {
        applyUpdates(update(2, 0, 0, 0, 1), 1);
        bytes32 slot = recordSlot(2);
        uint256 word = uint256(vm.load(address(ledger), slot));
        vm.store(address(ledger), slot, bytes32(word | (FULL << 96)));
        bytes memory updates = update(2, 0, 1, 0, 0);
        bytes memory signed = signatures(ledger.reportDigest(updates, ROOT, 2, DEADLINE), 3);
        vm.expectRevert(abi.encodeWithSelector(IScoreLedger.CounterOverflow.selector, 2));
        ledger.applyBatch(updates, ROOT, 2, DEADLINE, 3, signed);
        scoreIs(2, 0, uint48(FULL), 0, 1);
    }

    function check(uint256 word, uint64 deltas, uint40 time) private pure {
        (ScoreRecord next, bool overflow) =
            ScoreRecord.wrap(word).add(ScoreUpdate.wrap(deltas).spread(), time);
        bool expected = false;
        uint256[4] memory sums;
        for (uint256 i = 0; i < 4; ++i) {
            sums[i] = ((word >> (48 * i)) & FULL) + ((deltas >> (16 * i)) & 0xffff);
            if (sums[i] > FULL) expected = true;
        }
        require(overflow == expected, "overflow");
        if (overflow) return;
        require(next.asked() == sums[0], "asked");
        require(next.used() == sums[1], "used");
        require(next.contradicted() == sums[2], "contradicted");
        require(next.supported() == sums[3], "supported");
        require(next.updatedAt() == time, "time");
        require(ScoreRecord.unwrap(next) >> 232 == 0, "spare bits");
    }
}
