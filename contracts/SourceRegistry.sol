// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ISourceRegistry} from "./interfaces/ISourceRegistry.sol";
import {Successor} from "./Successor.sol";
import {SourceId} from "./types/SourceId.sol";

/// @title Who the sources are; the interface is the manual.
contract SourceRegistry is ISourceRegistry, Successor, EIP712 {
    uint256 private constant URI_LIMIT = 256;

    bytes32 private constant ROTATION_TYPEHASH = keccak256(
        "Rotation(uint32 source,address from,address to,uint32 rotations,uint64 deadline)"
    );

    /* STORAGE */

    /// @inheritdoc ISourceRegistry
    IERC721 public immutable agentRegistry;

    /// @inheritdoc ISourceRegistry
    uint32 public sourceCount;

    mapping(SourceId id => Source) private _sources;

    /// @dev By keccak256(owner, URI): uniqueness is per owner, so nobody can squat another's URI.
    mapping(bytes32 claim => SourceId) private _claims;

    /// @inheritdoc ISourceRegistry
    mapping(uint256 agentId => SourceId) public sourceOfAgent;

    /// @param agentRegistry_ The ERC-8004 identity registry of this chain, or zero.
    /// @param predecessor_ The registry that this one continues, or zero.
    constructor(IERC721 agentRegistry_, address predecessor_)
        Successor(predecessor_)
        EIP712("chainrep SourceRegistry", "1")
    {
        agentRegistry = agentRegistry_;
    }

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
        uint40 time = uint40(block.timestamp);
        _sources[id] = Source(msg.sender, time, Status.Active, 0);
        emit SourceRegistered(id, msg.sender, time, uri);
    }

    /* LIFE */

    /// @inheritdoc ISourceRegistry
    function rotate(
        SourceId id,
        address to,
        uint64 deadline,
        bytes calldata signatureFrom,
        bytes calldata signatureTo
    ) external {
        Source memory source = _active(id);
        require(block.timestamp <= deadline, RotationExpired(deadline, block.timestamp));
        require(to != address(0) && to != source.owner, NewOwnerInvalid(to));
        bytes32 digest = _rotationDigest(id, source, to, deadline);
        _requireSigned(source.owner, digest, signatureFrom);
        _requireSigned(to, digest, signatureTo);

        uint32 rotations = source.rotations + 1;
        _sources[id].owner = to;
        _sources[id].rotations = rotations;
        emit SourceRotated(id, source.owner, to, rotations);
    }

    /// @inheritdoc ISourceRegistry
    function retire(SourceId id) external {
        _requireOwner(_active(id));
        _sources[id].status = Status.Retired;
        emit SourceRetired(id, uint40(block.timestamp));
    }

    /// @inheritdoc ISourceRegistry
    function bindAgent(SourceId id, uint256 agentId) external {
        _requireOwner(_active(id));
        require(address(agentRegistry) != address(0), NoAgentRegistry());
        address agentOwner = agentRegistry.ownerOf(agentId);
        require(agentOwner == msg.sender, NotAgentOwner(agentOwner, msg.sender));
        sourceOfAgent[agentId] = id;
        emit AgentBound(id, agentId);
    }

    /* READING */

    /// @inheritdoc ISourceRegistry
    function sourceOf(SourceId id) external view returns (Source memory) {
        return _known(id);
    }

    /// @inheritdoc ISourceRegistry
    function requireKnown(SourceId id) external view {
        uint32 raw = SourceId.unwrap(id);
        require(raw != 0 && raw <= sourceCount, UnknownSource(raw));
    }

    /// @inheritdoc ISourceRegistry
    function rotationDigest(SourceId id, address to, uint64 deadline)
        external
        view
        returns (bytes32)
    {
        return _rotationDigest(id, _active(id), to, deadline);
    }

    /* INTERNALS */

    function _known(SourceId id) private view returns (Source memory source) {
        source = _sources[id];
        require(source.status != Status.None, UnknownSource(SourceId.unwrap(id)));
    }

    function _active(SourceId id) private view returns (Source memory source) {
        source = _known(id);
        require(source.status == Status.Active, SourceIsRetired(SourceId.unwrap(id)));
    }

    function _requireOwner(Source memory source) private view {
        require(source.owner == msg.sender, NotSourceOwner(source.owner, msg.sender));
    }

    function _requireSigned(address account, bytes32 digest, bytes calldata signature)
        private
        view
    {
        require(
            SignatureChecker.isValidSignatureNowCalldata(account, digest, signature),
            RotationNotSigned(account)
        );
    }

    /// @dev The count of rotations makes a signature good for one rotation only.
    function _rotationDigest(SourceId id, Source memory source, address to, uint64 deadline)
        private
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(ROTATION_TYPEHASH, id, source.owner, to, source.rotations, deadline)
            )
        );
    }
}
