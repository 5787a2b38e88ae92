// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Who may sign
/// @notice A committee of up to 32 members, of whom `threshold` must sign what the contract is to
/// accept. Nonces are taken once and in order. The owner admits members, nothing else.
/// A member may be a contract (ERC-1271).
/// @custom:warning Whoever controls the owner can replace the committee, and with it decide what
/// is accepted from then on. Every replacement is an event, and gives the committee a new version,
/// under which no older signature counts.
interface IReporterCommittee {
    /// @notice The committee was set or replaced; `members` ascend.
    event CommitteeChanged(uint32 indexed version, uint8 threshold, address[] members);

    /// @notice A nonce was used up without anything being accepted.
    event NonceCancelled(uint64 indexed nonce, uint40 time);

    /// @notice Thrown for a committee of no members, or of more than 32.
    error CommitteeSizeInvalid(uint256 size, uint256 limit);

    /// @notice Thrown when `members[index]` is zero or not above its predecessor.
    error MembersNotSorted(uint256 index);

    /// @notice Thrown for a threshold of zero, or above the committee's size.
    error ThresholdInvalid(uint256 threshold, uint256 size);

    /// @notice Thrown when a nonce is not the next one: it is used up, or too early.
    error NonceNotNext(uint64 next, uint64 given);

    /// @notice Thrown when a signed message comes after its deadline.
    error DeadlinePassed(uint64 deadline, uint256 time);

    /// @notice Thrown when fewer members signed than must.
    error QuorumNotMet(uint256 given, uint256 needed);

    /// @notice Thrown when the mask names a member that does not exist.
    error SignerUnknown(uint256 index);

    /// @notice Thrown when a signature was not made by the member it stands for.
    error SignerMismatch(uint256 index);

    /// @notice Thrown when bytes follow the last signature.
    error SignaturesLengthInvalid(uint256 length, uint256 expected);

    /// @notice Replace the committee. Only for the owner.
    /// @param members 1 to 32 addresses, ascending, none zero.
    /// @param threshold How many of them must sign.
    function configure(address[] calldata members, uint8 threshold) external;

    /// @notice Use up the next nonce, so that nothing signed under it can be accepted any more.
    /// Anyone may carry it; the signatures decide. They are of the EIP-712 type
    /// `Cancellation(uint32 committee,uint64 nonce,uint64 deadline)`.
    /// @param nonce The committee's next nonce.
    /// @param deadline Last time (Unix seconds) at which the cancellation counts.
    /// @param signerMask Bit i set: member i signed.
    /// @param signatures One per set bit, in ascending order of the members, without gaps: r, s, v
    /// (65 bytes) of a key, or for a contract the length of its signature in r, zero in s and v,
    /// and then its signature.
    function cancelNonce(
        uint64 nonce,
        uint64 deadline,
        uint32 signerMask,
        bytes calldata signatures
    ) external;

    /// @notice The committee as it is now.
    /// @return version Number of this committee, 1 for the first; part of what is signed.
    /// @return nextNonce The nonce that must be signed next.
    /// @return threshold How many members must sign.
    /// @return members The members; bit i of a signer mask stands for `members[i]`.
    function committee()
        external
        view
        returns (uint32 version, uint64 nextNonce, uint8 threshold, address[] memory members);

    /// @notice The EIP-712 digest of a cancellation under the present committee.
    function cancellationDigest(uint64 nonce, uint64 deadline) external view returns (bytes32);

    /// @notice Rolling hash over everything accepted or cancelled, recomputable from the logs:
    /// for each nonce in order, the low 160 bits of keccak256(abi.encode(history, entry)), from 0.
    /// A cancellation's entry is keccak256(abi.encode(nonce, time)).
    function history() external view returns (uint160);
}
