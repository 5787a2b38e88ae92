// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SourceId} from "../types/SourceId.sol";
import {IRaterGate} from "./IRaterGate.sol";
import {ISourceRegistry} from "./ISourceRegistry.sol";
import {ISuccessor} from "./ISuccessor.sol";

/// @title What anyone says about sources and about each other
/// @notice The open lane: whoever the gate lets in may rate sources and vouch for accounts. The log
/// keeps no score. It emits what was said, and a rolling hash by which a reader can tell that
/// nothing is missing. Nobody administers it.
/// @custom:warning Ratings here are opinions and cost little. Read them through a Sybil-resistant
/// reputation of the raters, never by counting.
interface IFeedbackLog is ISuccessor {
    /// @notice The log was deployed.
    event LogOpened(ISourceRegistry indexed registry, IRaterGate indexed gate);

    /// @notice An account rated sources.
    /// @param rater Who speaks.
    /// @param weight What the gate gave the rater, in hundredths.
    /// @param time Time of the block.
    /// @param updates 12 bytes per source, ids strictly ascending, as in types/ScoreUpdate.sol.
    event Rated(address indexed rater, uint32 weight, uint40 time, bytes updates);

    /// @notice An account vouched for accounts, or warned of them.
    /// @param rater Who speaks.
    /// @param weight What the gate gave the rater, in hundredths.
    /// @param time Time of the block.
    /// @param vouches 22 bytes per account: types/Vouch.sol. A later vouch replaces an earlier one
    /// for the same account.
    event Vouched(address indexed rater, uint32 weight, uint40 time, bytes vouches);

    /// @notice Thrown when the gate gives the account no weight.
    error RaterRefused(address account);

    /// @notice Thrown for bytes that are no whole number of entries, none, or more than `limit`.
    error EntriesInvalid(uint256 length, uint256 limit);

    /// @notice Thrown when entry `index` is not for a higher source or account than the one before.
    error EntriesNotSorted(uint256 index);

    /// @notice Thrown when an account vouches for itself.
    error SelfVouch(address account);

    /// @notice Thrown when vouch `index` has no weight.
    error VouchEmpty(uint256 index);

    /// @notice Say how useful and how truthful sources were.
    /// @param updates 12 bytes per source, ids strictly ascending, at most 2,000 of them.
    function rate(bytes calldata updates) external;

    /// @notice Say which accounts are to be believed, and which are not.
    /// @param vouches 22 bytes per account, accounts strictly ascending, at most 2,000 of them.
    function vouch(bytes calldata vouches) external;

    /// @notice How many entries there are, and the rolling hash over them: for each entry in order,
    /// the low 160 bits of keccak256(abi.encode(history, keccak256(abi.encode(kind, rater, weight,
    /// time, keccak256(bytes))))), from 0; `kind` is 0 for ratings and 1 for vouches.
    function log() external view returns (uint64 entries, uint160 history);

    /// @notice The registry that says which ids are sources.
    function registry() external view returns (ISourceRegistry);

    /// @notice The gate that says who may speak.
    function gate() external view returns (IRaterGate);
}
