// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SourceId} from "../types/SourceId.sol";
import {IReporterCommittee} from "./IReporterCommittee.sol";
import {ISourceRegistry} from "./ISourceRegistry.sol";
import {ISuccessor} from "./ISuccessor.sol";

/// @title How reliable each source was
/// @notice Four growing counters per source, in 1/100 of a unit of evidence, added to by batches
/// that the committee signed. Nobody, the owner included, can set, lower or delete one.
/// Decay and priors are the reader's: reliability is usually read as
/// (supported + 100) / (supported + contradicted + 200).
/// An archive keeps no score: only the events, and a rolling hash by which they can be checked.
/// @custom:warning Scores are what the committee attested. Judge them with the evidence behind
/// `evidenceRoot`, and read `updatedAt` before relying on an old score.
interface IScoreLedger is IReporterCommittee, ISuccessor {
    /// @notice What is known of one source; `updatedAt` is 0 while nothing is.
    struct Score {
        uint48 supported;
        uint48 contradicted;
        uint48 used;
        uint48 asked;
        uint40 updatedAt;
    }

    /// @notice The ledger was deployed; `archive` says whether it keeps scores or only events.
    event LedgerOpened(ISourceRegistry indexed registry, bool archive);

    /// @notice The most updates one batch may hold was changed.
    event UpdateLimitChanged(uint16 limit);

    /// @notice A batch was applied. These events in order hold everything that scores are made of.
    /// @param nonce The report's nonce.
    /// @param time Time of the block, which becomes `updatedAt` of every source in the batch.
    /// @param evidenceRoot Merkle root over the feedback records behind the batch.
    /// @param updates The packed updates: 12 bytes each, in an archive the compact form.
    event BatchApplied(uint64 indexed nonce, uint40 time, bytes32 evidenceRoot, bytes updates);

    /// @notice Thrown for an update limit of zero.
    error UpdateLimitInvalid();

    /// @notice Thrown when a score is asked of an archive.
    error ArchiveKeepsNoScores();

    /// @notice Thrown for a batch that is empty or not a whole number of updates long.
    error BatchLengthInvalid(uint256 length);

    /// @notice Thrown for a batch of more updates than the limit.
    error BatchTooLarge(uint256 count, uint256 limit);

    /// @notice Thrown when update `index` is not for a higher id than the one before it.
    error UpdatesNotSorted(uint256 index);

    /// @notice Thrown when a counter of this source would pass 2^48 - 1.
    error CounterOverflow(uint32 source);

    /// @notice Apply a signed report. Anyone may carry it; the signatures decide. The entry in the
    /// history is keccak256(abi.encode(nonce, time, evidenceRoot, keccak256(updates))).
    /// The signatures are of the EIP-712 type `Report(uint32 committee,uint64 nonce,
    /// uint64 deadline,bytes32 evidenceRoot,bytes updates)`.
    /// @param updates 12 bytes per source, ids strictly ascending: see types/ScoreUpdate.sol. An
    /// archive does not look into them: there the signers answer for the form, which is the compact
    /// one of docs/protocol.md, and no batch is longer than the limit's 12-byte updates would be.
    /// @param evidenceRoot Merkle root over the feedback records behind the batch.
    /// @param nonce The committee's next nonce.
    /// @param deadline Last time (Unix seconds) at which the report counts.
    /// @param signerMask Bit i set: member i signed.
    /// @param signatures One per set bit, as in `cancelNonce`.
    function applyBatch(
        bytes calldata updates,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline,
        uint32 signerMask,
        bytes calldata signatures
    ) external;

    /// @notice Set how many updates one batch may hold. Only for the owner.
    function setUpdateLimit(uint16 limit) external;

    /// @notice One source's score; reverts with UnknownSource.
    function scoreOf(SourceId id) external view returns (Score memory);

    /// @notice The scores of several sources, in order; reverts with UnknownSource.
    function scoresOf(SourceId[] calldata ids) external view returns (Score[] memory);

    /// @notice The EIP-712 digest of a report under the present committee.
    function reportDigest(
        bytes calldata updates,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline
    ) external view returns (bytes32);

    /// @notice How many updates one batch may hold.
    function updateLimit() external view returns (uint16);

    /// @notice Whether the ledger keeps events only.
    function archive() external view returns (bool);

    /// @notice The registry that says which ids are sources.
    function registry() external view returns (ISourceRegistry);
}
