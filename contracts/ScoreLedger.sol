// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IScoreLedger} from "./interfaces/IScoreLedger.sol";
import {ISourceRegistry} from "./interfaces/ISourceRegistry.sol";
import {ReporterCommittee} from "./ReporterCommittee.sol";
import {Successor} from "./Successor.sol";
import {Quorum} from "./types/Quorum.sol";
import {ScoreRecord} from "./types/ScoreRecord.sol";
import {ScoreUpdate, UPDATE_BYTES} from "./types/ScoreUpdate.sol";
import {SourceId} from "./types/SourceId.sol";

/// @title How reliable each source was; the interface is the manual.
contract ScoreLedger is IScoreLedger, ReporterCommittee, Successor {
    uint16 private constant INITIAL_UPDATE_LIMIT = 2_000;

    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "Report(uint32 committee,uint64 nonce,uint64 deadline,bytes32 evidenceRoot,bytes updates)"
    );

    /* STORAGE */

    /// @inheritdoc IScoreLedger
    ISourceRegistry public immutable registry;

    /// @inheritdoc IScoreLedger
    bool public immutable archive;

    mapping(SourceId id => ScoreRecord) private _records;

    /* SETTING UP */

    /// @param registry_ Says which ids are sources.
    /// @param initialOwner Admits committee members and sets the limit.
    /// @param members The first committee, ascending.
    /// @param threshold How many of them must sign a report.
    /// @param archive_ Whether to keep events only, at a tenth of the gas.
    /// @param predecessor_ The ledger that this one continues, or zero.
    constructor(
        ISourceRegistry registry_,
        address initialOwner,
        address[] memory members,
        uint8 threshold,
        bool archive_,
        address predecessor_
    )
        ReporterCommittee(initialOwner, members, threshold)
        Successor(predecessor_)
        EIP712("chainrep ScoreLedger", "1")
    {
        registry = registry_;
        archive = archive_;
        emit LedgerOpened(registry_, archive_);
        _setUpdateLimit(INITIAL_UPDATE_LIMIT);
    }

    /// @inheritdoc IScoreLedger
    function setUpdateLimit(uint16 limit) external onlyOwner {
        _setUpdateLimit(limit);
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
        Quorum quorum = _currentQuorum(nonce, deadline);
        _requireLength(updates.length, quorum.limit());
        bytes32 updatesHash = keccak256(updates);
        _accept(
            quorum,
            _report(quorum.version(), updatesHash, evidenceRoot, nonce, deadline),
            keccak256(abi.encode(nonce, block.timestamp, evidenceRoot, updatesHash)),
            signerMask,
            signatures
        );
        if (!archive) _add(updates);
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
        return _hashTypedDataV4(
            _report(_version(), keccak256(updates), evidenceRoot, nonce, deadline)
        );
    }

    /// @inheritdoc IScoreLedger
    function updateLimit() external view returns (uint16) {
        return _limit();
    }

    /* INTERNALS */

    function _setUpdateLimit(uint16 limit) private {
        require(limit > 0, UpdateLimitInvalid());
        _setLimit(limit);
        emit UpdateLimitChanged(limit);
    }

    function _requireLength(uint256 length, uint256 limit) private view {
        require(length > 0 && (archive || length % UPDATE_BYTES == 0), BatchLengthInvalid(length));
        // Rounded up, since an archive's batch is no whole number of updates.
        uint256 count = (length + UPDATE_BYTES - 1) / UPDATE_BYTES;
        require(count <= limit, BatchTooLarge(count, limit));
    }

    function _add(bytes calldata updates) private {
        uint256 count = updates.length / UPDATE_BYTES;
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

    function _report(
        uint32 version,
        bytes32 updatesHash,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline
    ) private pure returns (bytes32) {
        return keccak256(
            abi.encode(REPORT_TYPEHASH, version, nonce, deadline, evidenceRoot, updatesHash)
        );
    }

    function _score(SourceId id) private view returns (Score memory) {
        require(!archive, ArchiveKeepsNoScores());
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
