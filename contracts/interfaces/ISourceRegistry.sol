// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SourceId} from "../types/SourceId.sol";

/// @title Who the sources are
/// @notice Anyone may register a source and owns what they registered. Ids are 1, 2, 3, … and are
/// never given twice. The URI is kept in the event only.
/// @custom:warning Registration says nothing about honesty or about the right to a URI: two owners
/// may register the same one. Read the score ledger before believing a source.
interface ISourceRegistry {
    /// @notice Where a source is in its life; `None` is what an unknown id would have.
    enum Status {
        None,
        Active
    }

    /// @notice A registered source, in one storage slot.
    struct Source {
        address owner;
        uint40 registeredAt;
        Status status;
    }

    /// @notice A source came into being. Together these events hold everything that is stored.
    event SourceRegistered(SourceId indexed id, address indexed owner, string uri);

    /// @notice Thrown when no source has this id.
    error UnknownSource(uint32 id);

    /// @notice Thrown when the caller has registered this URI before, as source `id`.
    error AlreadyRegistered(uint32 id);

    /// @notice Thrown when a URI is empty or longer than `limit` bytes.
    error UriLengthInvalid(uint256 length, uint256 limit);

    /// @notice Register a source owned by the caller.
    /// @param uri Where the source answers, 1 to 256 bytes; the caller may register it only once.
    /// @return id The new source's id.
    function register(string calldata uri) external returns (SourceId id);

    /// @notice How many sources there are; their ids are 1 to this number.
    function sourceCount() external view returns (uint32);

    /// @notice One source; reverts with UnknownSource.
    function sourceOf(SourceId id) external view returns (Source memory);

    /// @notice Revert with UnknownSource unless the id is a registered source's.
    function requireKnown(SourceId id) external view;
}
