// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Quorum} from "../../../contracts/types/Quorum.sol";
import {History} from "../../../contracts/types/History.sol";
import {ScoreRecord} from "../../../contracts/types/ScoreRecord.sol";
import {ScoreUpdate} from "../../../contracts/types/ScoreUpdate.sol";
import {TreeNode} from "../../../contracts/types/TreeNode.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {VerdictRecord, isVerdict, verdictStamp} from "../../../contracts/types/VerdictRecord.sol";
import {Vouch} from "../../../contracts/types/Vouch.sol";

/// Proofs, by halmos, for every value that the packed words can have.
contract WordProofs {
    function check_AnUpdateIsUnpackedAsItWasPacked(
        uint32 source,
        uint16 s,
        uint16 c,
        uint16 u,
        uint16 a
    ) external pure {
        ScoreUpdate update = ScoreUpdate.wrap(uint96(bytes12(abi.encodePacked(source, s, c, u, a))));
        assert(SourceId.unwrap(update.sourceOf()) == source);
        uint256 lanes = update.spread();
        assert(lanes & type(uint48).max == a);
        assert((lanes >> 48) & type(uint48).max == u);
        assert((lanes >> 96) & type(uint48).max == c);
        assert((lanes >> 144) & type(uint48).max == s);
        assert(lanes >> 192 == 0);
    }

    function check_ARecordIsUnpackedAsItWasPacked(
        uint40 time,
        uint48 s,
        uint48 c,
        uint48 u,
        uint48 a
    ) external pure {
        uint256 word = uint256(bytes32(abi.encodePacked(uint24(0), time, s, c, u, a)));
        ScoreRecord record = ScoreRecord.wrap(word);
        assert(record.updatedAt() == time);
        assert(record.supported() == s && record.contradicted() == c);
        assert(record.used() == u && record.asked() == a);
    }

    /// And exactly a match and a mismatch are for good.
    function check_AVerdictIsUnpackedAsItWasPacked(uint16 finding, uint40 time, uint40 nonce)
        external
        pure
    {
        uint256 word = verdictStamp(time, nonce) | finding;
        VerdictRecord record = VerdictRecord.wrap(word);
        assert(record.verdict() == finding >> 14 && record.distance() == finding & 0x3fff);
        assert(record.notedAt() == time && record.reportNonce() == nonce);
        assert(word >> 96 == 0);
        assert(isVerdict(finding) == (record.verdict() >= 1 && record.verdict() <= 3));
        bool decided = record.verdict() == 1 || record.verdict() == 2;
        if (isVerdict(finding)) assert(record.isOpen() == !decided);
        assert(VerdictRecord.wrap(0).isOpen());
    }

    /// Four sums at once are the four sums, and every overflow of any of them is found.
    function check_AddingAtOnceIsAddingOneByOne(uint256 word, uint96 packed, uint40 time)
        external
        pure
    {
        ScoreRecord before = ScoreRecord.wrap(word);
        uint64 deltas = uint64(packed);
        (ScoreRecord next, bool overflow) = before.add(ScoreUpdate.wrap(packed).spread(), time);
        uint256 s = uint256(before.supported()) + uint16(deltas >> 48);
        uint256 c = uint256(before.contradicted()) + uint16(deltas >> 32);
        uint256 u = uint256(before.used()) + uint16(deltas >> 16);
        uint256 a = uint256(before.asked()) + uint16(deltas);
        uint256 most = type(uint48).max;
        assert(overflow == (s > most || c > most || u > most || a > most));
        if (overflow) return;
        assert(next.supported() == s && next.contradicted() == c);
        assert(next.used() == u && next.asked() == a);
        assert(next.updatedAt() == time && ScoreRecord.unwrap(next) >> 232 == 0);
    }

    function check_AnEntryMovesTheNonceAndTheHistoryOnly(uint256 word, bytes32 entry)
        external
        pure
    {
        Quorum before = Quorum.wrap(word);
        if (before.nextNonce() == type(uint40).max) return;
        Quorum next = before.afterEntry(entry);
        assert(next.nextNonce() == before.nextNonce() + 1);
        assert(History.unwrap(next.history()) == History.unwrap(before.history().extend(entry)));
        assert(next.version() == before.version() && next.size() == before.size());
        assert(next.threshold() == before.threshold() && next.limit() == before.limit());
    }

    function check_ACommitteeMovesItsOwnFieldsOnly(uint256 word, uint8 size, uint8 threshold)
        external
        pure
    {
        Quorum before = Quorum.wrap(word);
        if (before.version() == type(uint24).max) return;
        Quorum next = before.withCommittee(size, threshold);
        assert(next.version() == before.version() + 1);
        assert(next.size() == size && next.threshold() == threshold);
        assert(next.nextNonce() == before.nextNonce() && next.limit() == before.limit());
        assert(History.unwrap(next.history()) == History.unwrap(before.history()));
    }

    function check_ALimitMovesNothingElse(uint256 word, uint16 limit) external pure {
        uint256 next = Quorum.unwrap(Quorum.wrap(word).withLimit(limit));
        assert(uint16(next) == limit && next >> 16 == word >> 16);
    }

    function check_AVouchIsUnpackedAsItWasPacked(address account, int16 weight) external pure {
        Vouch vouch = Vouch.wrap(uint176(bytes22(abi.encodePacked(account, weight))));
        assert(vouch.accountOf() == account && vouch.weightOf() == weight);
    }

    /// A proof of three levels leads where hashing pair by pair, written plainly, leads.
    function check_AProofIsClimbedPairByPair(bytes20 leaf, bytes20 a, bytes20 b, bytes20 c)
        external
        view
    {
        bytes20 root = parent(parent(parent(leaf, a), b), c);
        assert(this.climb(TreeNode.wrap(leaf), abi.encodePacked(a, b, c)) == TreeNode.wrap(root));
    }

    function climb(TreeNode leaf, bytes calldata proof) external pure returns (TreeNode) {
        return leaf.climb(proof);
    }

    function parent(bytes20 a, bytes20 b) private pure returns (bytes20) {
        return a < b
            ? bytes20(keccak256(abi.encodePacked(a, b)))
            : bytes20(keccak256(abi.encodePacked(b, a)));
    }
}
