// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IScoreLedger} from "./interfaces/IScoreLedger.sol";
import {ISourceRegistry} from "./interfaces/ISourceRegistry.sol";
import {ReporterCommittee} from "./ReporterCommittee.sol";
import {ScoreRecord} from "./types/ScoreRecord.sol";
import {ScoreUpdate, UPDATE_BYTES} from "./types/ScoreUpdate.sol";
import {SourceId} from "./types/SourceId.sol";

/// @title How reliable each source was; the interface is the manual.
contract ScoreLedger is IScoreLedger, ReporterCommittee, EIP712 {
    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "Report(uint32 committee,uint64 nonce,uint64 deadline,bytes32 evidenceRoot,bytes updates)"
    );

    /* STORAGE */

    /// @inheritdoc IScoreLedger
    ISourceRegistry public immutable registry;

    mapping(SourceId id => ScoreRecord) private _records;

    /* SETTING UP */

    /// @param registry_ Says which ids are sources.
    /// @param initialOwner Admits committee members and sets limits.
    /// @param members The first committee, ascending.
    /// @param threshold How many of them must sign a report.
    constructor(
        ISourceRegistry registry_,
        address initialOwner,
        address[] memory members,
        uint8 threshold
    ) ReporterCommittee(initialOwner, members, threshold) EIP712("chainrep ScoreLedger", "1") {
        registry = registry_;
    }

    /* APPLYING */

    /// @inheritdoc IScoreLedger
    function applyBatch(
        bytes calldata updates,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline,
        uint32 signerMask,
        bytes calldata signatures
    ) external {
        Quorum memory quorum = _currentQuorum(nonce, deadline);
        uint256 count = updates.length / UPDATE_BYTES;
        require(count > 0 && updates.length % UPDATE_BYTES == 0, BatchLengthInvalid(updates.length));
        require(count <= quorum.updateLimit, BatchTooLarge(count, quorum.updateLimit));
        bytes32 digest = _reportDigest(quorum.version, updates, evidenceRoot, nonce, deadline);
        _acceptReport(quorum, digest, signerMask, signatures);
        _add(updates, count);
        emit BatchApplied(nonce, uint40(block.timestamp), evidenceRoot, updates);
    }

    /* READING */

    /// @inheritdoc IScoreLedger
    function scoreOf(SourceId id) external view returns (Score memory) {
        return _score(id);
    }

    /// @inheritdoc IScoreLedger
    function scoresOf(SourceId[] calldata ids) external view returns (Score[] memory scores) {
        scores = new Score[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            scores[i] = _score(ids[i]);
        }
    }

    /// @inheritdoc IScoreLedger
    function reportDigest(
        bytes calldata updates,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline
    ) external view returns (bytes32) {
        return _reportDigest(_version(), updates, evidenceRoot, nonce, deadline);
    }

    /* INTERNALS */

    function _add(bytes calldata updates, uint256 count) private {
        SourceId last = SourceId.wrap(0);
        for (uint256 i = 0; i < count; ++i) {
            ScoreUpdate update = _updateAt(updates, i);
            SourceId source = update.sourceOf();
            require(source > last, UpdatesNotSorted(i));
            last = source;

            ScoreRecord record = _records[source];
            // A touched record holds a time and is never zero: known sources cost no call.
            if (record.isUntouched()) registry.requireKnown(source);
            bool overflow;
            (record, overflow) = record.add(update.spread(), block.timestamp);
            require(!overflow, CounterOverflow(SourceId.unwrap(source)));
            _records[source] = record;
        }
    }

    /// @dev Assembly saves 200 gas per update over a checked slice (`scripts/bench gas`); the
    /// caller has checked that update `i` lies within the batch.
    function _updateAt(bytes calldata updates, uint256 i)
        private
        pure
        returns (ScoreUpdate update)
    {
        assembly ("memory-safe") {
            update := shr(160, calldataload(add(updates.offset, mul(i, 12))))
        }
    }

    function _reportDigest(
        uint32 version,
        bytes calldata updates,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline
    ) private view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    REPORT_TYPEHASH, version, nonce, deadline, evidenceRoot, keccak256(updates)
                )
            )
        );
    }

    function _score(SourceId id) private view returns (Score memory) {
        ScoreRecord record = _records[id];
        if (record.isUntouched()) registry.requireKnown(id);
        return Score({
            supported: record.supported(),
            contradicted: record.contradicted(),
            used: record.used(),
            asked: record.asked(),
            updatedAt: record.updatedAt()
        });
    }
}
