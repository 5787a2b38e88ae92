// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISourceRegistry} from "./interfaces/ISourceRegistry.sol";
import {SourceId} from "./types/SourceId.sol";

/// @title Who the sources are; the interface is the manual.
contract SourceRegistry is ISourceRegistry {
    uint256 private constant URI_LIMIT = 256;

    /* STORAGE */

    /// @inheritdoc ISourceRegistry
    uint32 public sourceCount;

    mapping(SourceId id => Source) private _sources;

    /// @dev By keccak256(owner, URI): uniqueness is per owner, so nobody can squat another's URI.
    mapping(bytes32 claim => SourceId) private _claims;

    /* REGISTRATION */

    /// @inheritdoc ISourceRegistry
    function register(string calldata uri) external returns (SourceId id) {
        uint256 length = bytes(uri).length;
        require(length > 0 && length <= URI_LIMIT, UriLengthInvalid(length, URI_LIMIT));
        bytes32 claim = keccak256(abi.encodePacked(msg.sender, uri));
        uint32 earlier = SourceId.unwrap(_claims[claim]);
        require(earlier == 0, AlreadyRegistered(earlier));

        id = SourceId.wrap(++sourceCount);
        _claims[claim] = id;
        _sources[id] = Source(msg.sender, uint40(block.timestamp), Status.Active);
        emit SourceRegistered(id, msg.sender, uri);
    }

    /* READING */

    /// @inheritdoc ISourceRegistry
    function sourceOf(SourceId id) external view returns (Source memory source) {
        source = _sources[id];
        require(source.status != Status.None, UnknownSource(SourceId.unwrap(id)));
    }

    /// @inheritdoc ISourceRegistry
    function requireKnown(SourceId id) external view {
        uint32 raw = SourceId.unwrap(id);
        require(raw != 0 && raw <= sourceCount, UnknownSource(raw));
    }
}
