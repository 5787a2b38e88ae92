// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Quorum, QuorumExhausted} from "../../../contracts/types/Quorum.sol";
import {History} from "../../../contracts/types/History.sol";
import {Base} from "../Base.sol";

/// The committee's word against its fields kept apart, up to the edges of its counters.
contract QuorumTest is Base {
    function test_AnEntryMovesTheNonceAndTheHistoryOnly(uint256 word, bytes32 entry) external pure {
        Quorum before = Quorum.wrap(word & ~(uint256(1) << 95)); // not the last nonce
        Quorum next = before.afterEntry(entry);
        require(next.nextNonce() == before.nextNonce() + 1, "nonce");
        require(
            History.unwrap(next.history()) == History.unwrap(before.history().extend(entry)), "hash"
        );
        require(
            next.version() == before.version() && next.size() == before.size()
                && next.threshold() == before.threshold() && next.limit() == before.limit(),
            "the rest"
        );
    }

    function test_ACommitteeMovesItsOwnFieldsOnly(uint256 word, uint8 size, uint8 threshold)
        external
        pure
    {
        Quorum before = Quorum.wrap(word & ~(uint256(1) << 55)); // not the last version
        Quorum next = before.withCommittee(size, threshold);
        require(next.version() == before.version() + 1, "version");
        require(next.size() == size && next.threshold() == threshold, "committee");
        require(
            next.nextNonce() == before.nextNonce() && next.limit() == before.limit()
                && History.unwrap(next.history()) == History.unwrap(before.history()),
            "the rest"
        );
    }

    function test_ALimitMovesNothingElse(uint256 word, uint16 limit) external pure {
        uint256 next = Quorum.unwrap(Quorum.wrap(word).withLimit(limit));
        require(uint16(next) == limit && next >> 16 == word >> 16, "limit");
    }

    function test_RevertWhen_TheNoncesAreUsedUp() external {
        uint256 word = uint256(type(uint40).max) << 56;
        reverts(QuorumExhausted.selector);
        this.afterEntry(word);
        this.afterEntry(word - (uint256(1) << 56));
    }

    function test_RevertWhen_TheVersionsAreUsedUp() external {
        uint256 word = uint256(type(uint24).max) << 32;
        reverts(QuorumExhausted.selector);
        this.withCommittee(word);
        this.withCommittee(word - (uint256(1) << 32));
    }

    function afterEntry(uint256 word) external pure {
        Quorum.wrap(word).afterEntry(0);
    }

    function withCommittee(uint256 word) external pure {
        Quorum.wrap(word).withCommittee(1, 1);
    }
}
