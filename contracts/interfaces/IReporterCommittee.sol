// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Who may sign reports
/// @notice A committee of up to 32 members, of whom `threshold` must sign a report. Nonces are
/// taken once and in order. The owner admits members and sets limits, nothing else.
/// @custom:warning Whoever controls the owner can replace the committee, and with it write scores
/// from then on. Every replacement is an event, and gives the committee a new version, under
/// which no older signature counts.
interface IReporterCommittee {
    /// @notice The committee was set or replaced; `members` ascend.
    event CommitteeChanged(uint32 indexed version, uint8 threshold, address[] members);

    /// @notice The most updates one batch may hold was changed.
    event UpdateLimitChanged(uint16 limit);

    /// @notice Thrown for a committee of no members, or of more than 32.
    error CommitteeSizeInvalid(uint256 size, uint256 limit);

    /// @notice Thrown when `members[index]` is zero or not above its predecessor.
    error MembersNotSorted(uint256 index);

    /// @notice Thrown for a threshold of zero, or above the committee's size.
    error ThresholdInvalid(uint256 threshold, uint256 size);

    /// @notice Thrown for an update limit of zero.
    error UpdateLimitInvalid();

    /// @notice Thrown when a report's nonce is not the next one: it is used up, or too early.
    error NonceNotNext(uint64 next, uint64 given);

    /// @notice Thrown when a report comes after its deadline.
    error DeadlinePassed(uint64 deadline, uint256 time);

    /// @notice Thrown when fewer members signed than must.
    error QuorumNotMet(uint256 given, uint256 needed);

    /// @notice Thrown when the mask names a member that does not exist.
    error SignerUnknown(uint256 index);

    /// @notice Thrown when a signature was not made by the member it stands for.
    error SignerMismatch(uint256 index);

    /// @notice Thrown when there are not 65 bytes of signature per bit of the mask.
    error SignaturesLengthInvalid(uint256 length, uint256 expected);

    /// @notice Replace the committee. Only for the owner.
    /// @param members 1 to 32 addresses, ascending, none zero.
    /// @param threshold How many of them must sign a report.
    function configure(address[] calldata members, uint8 threshold) external;

    /// @notice Set how many updates one batch may hold. Only for the owner.
    function setUpdateLimit(uint16 limit) external;

    /// @notice The committee as it is now.
    /// @return version Number of this committee, 1 for the first; part of what is signed.
    /// @return nextNonce The nonce the next report must carry.
    /// @return threshold How many members must sign.
    /// @return members The members; bit i of a signer mask stands for `members[i]`.
    function committee()
        external
        view
        returns (uint32 version, uint64 nextNonce, uint8 threshold, address[] memory members);

    /// @notice How many updates one batch may hold.
    function updateLimit() external view returns (uint16);
}
