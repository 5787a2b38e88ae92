// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "./IReporterCommittee.sol";
import {ISuccessor} from "./ISuccessor.sol";

/// @title What a committee found when it checked inference receipts
/// @notice One verdict per provider and receipt, added by batches that a quorum of the committee
/// signed: the everyday lane beside the bonded jobs of VerificationJobs. A match or a mismatch is
/// terminal: nobody, the owner included, can change or delete it. An inconclusive verdict says that
/// the check could not tell, as between devices without a calibration, and may be followed by
/// another verdict.
/// Of a receipt's digest the first 20 bytes count, for which calldata is paid by the byte: to find
/// two receipts with one name takes about 2^80 hashes, as for two accounts with one address.
/// @custom:warning Verdicts are what the committee attested. Judge them with the evidence behind
/// `evidenceRoot`, and read which members signed.
interface IVerdictLedger is IReporterCommittee, ISuccessor {
    /// @notice What a check of a receipt can find; `None` while there is no verdict.
    enum Verdict {
        None,
        Match,
        Mismatch,
        Inconclusive
    }

    /// @notice The verdict on one receipt.
    /// @param verdict `None` while no report has named the receipt.
    /// @param distance The largest Hamming distance among the codes compared, in bits.
    /// @param time When the report was applied.
    /// @param nonce The nonce of that report, under which its event is found.
    struct Finding {
        Verdict verdict;
        uint16 distance;
        uint40 time;
        uint40 nonce;
    }

    /// @notice The most verdicts one batch may hold was changed.
    event VerdictLimitChanged(uint16 limit);

    /// @notice A batch was applied. These events in order hold every verdict.
    /// @param nonce The report's nonce.
    /// @param time Time of the block.
    /// @param signerMask Bit i set: member i of the present committee signed.
    /// @param evidenceRoot Merkle root over what the verdicts rest on.
    /// @param verdicts The packed verdicts, as `applyVerdicts` has them.
    event VerdictsApplied(
        uint64 indexed nonce, uint40 time, uint32 signerMask, bytes32 evidenceRoot, bytes verdicts
    );

    /// @notice Thrown for a limit of zero.
    error VerdictLimitInvalid();

    /// @notice Thrown for a batch that is empty or does not end where a group ends, and for an empty
    /// group.
    error VerdictsLengthInvalid(uint256 length);

    /// @notice Thrown for a batch of more verdicts than the limit.
    error TooManyVerdicts(uint256 limit);

    /// @notice Thrown when a provider is not higher than the one before it.
    error ProvidersNotSorted(address provider);

    /// @notice Thrown when a receipt is not higher than the provider's one before it.
    error ReceiptsNotSorted(address provider, bytes20 receipt);

    /// @notice Thrown for a finding without a verdict.
    error VerdictInvalid(address provider, bytes20 receipt);

    /// @notice Thrown for a receipt that has its match or mismatch.
    error AlreadyDecided(address provider, bytes20 receipt);

    /// @notice Apply a signed report. Anyone may carry it; the signatures decide. The entry in the
    /// history is
    /// keccak256(abi.encode(nonce, time, signerMask, evidenceRoot, keccak256(verdicts))).
    /// The signatures are of the EIP-712 type `Verdicts(uint32 committee,uint64 nonce,
    /// uint64 deadline,bytes32 evidenceRoot,bytes verdicts)`.
    /// @param verdicts One group per provider, ascending: provider (20 bytes), number of its
    /// verdicts (1), and each of these, receipts ascending: the first 20 bytes of the digest that the
    /// provider signed, and two of verdict (2 bits: 1 match, 2 mismatch, 3 inconclusive) and distance
    /// (14 bits).
    /// @param evidenceRoot Merkle root over what the verdicts rest on.
    /// @param nonce The committee's next nonce.
    /// @param deadline Last time (Unix seconds) at which the report counts.
    /// @param signerMask Bit i set: member i signed.
    /// @param signatures One per set bit, as in `cancelNonce`.
    function applyVerdicts(
        bytes calldata verdicts,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline,
        uint32 signerMask,
        bytes calldata signatures
    ) external;

    /// @notice Set how many verdicts one batch may hold. Only for the owner.
    function setVerdictLimit(uint16 limit) external;

    /// @notice The verdict on a provider's receipt. The provider is part of the name, because a
    /// receipt's digest does not say who signed it: a copied receipt is another one.
    function verdictOf(address provider, bytes32 receipt) external view returns (Finding memory);

    /// @notice The EIP-712 digest of a report under the present committee.
    function verdictsDigest(
        bytes calldata verdicts,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline
    ) external view returns (bytes32);

    /// @notice How many verdicts one batch may hold.
    function verdictLimit() external view returns (uint16);
}
