// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {SourceId} from "../types/SourceId.sol";
import {ISuccessor} from "./ISuccessor.sol";

/// @title Who the sources are
/// @notice Anyone may register a source and owns what they registered. Ids are 1, 2, 3, … and are
/// never given twice. The URI is kept in the event only. There is no administrator.
/// @custom:warning Registration says nothing about honesty or about the right to a URI: two owners
/// may register the same one. Read the score ledger before believing a source.
interface ISourceRegistry is ISuccessor {
    /// @notice Where a source is in its life; `None` is what an unknown id would have. A retired
    /// source never comes back; its score stays readable, and evidence about it still counts.
    enum Status {
        None,
        Active,
        Retired
    }

    /// @notice A registered source, in one storage slot. `rotations` counts changes of owner.
    struct Source {
        address owner;
        uint40 registeredAt;
        Status status;
        uint32 rotations;
    }

    /// @notice A source came into being.
    event SourceRegistered(SourceId indexed id, address indexed owner, uint40 time, string uri);

    /// @notice A source went from one owner to another, both of whom signed.
    event SourceRotated(
        SourceId indexed id, address indexed from, address indexed to, uint32 rotations
    );

    /// @notice A source was retired by its owner.
    event SourceRetired(SourceId indexed id, uint40 time);

    /// @notice A source was tied to an ERC-8004 agent that had the same owner at that moment. The
    /// newest of these events is the one that counts, for the source and for the agent.
    event AgentBound(SourceId indexed id, uint256 indexed agentId);

    /// @notice Thrown when no source has this id.
    error UnknownSource(uint32 id);

    /// @notice Thrown when the source has been retired.
    error SourceIsRetired(uint32 id);

    /// @notice Thrown when the caller has registered this URI before, as source `id`.
    error AlreadyRegistered(uint32 id);

    /// @notice Thrown when a URI is empty or longer than `limit` bytes.
    error UriLengthInvalid(uint256 length, uint256 limit);

    /// @notice Thrown when the caller does not own the source.
    error NotSourceOwner(address owner, address caller);

    /// @notice Thrown when a source is to go to nobody, or to the owner it has.
    error NewOwnerInvalid(address to);

    /// @notice Thrown when a rotation comes after its deadline.
    error RotationExpired(uint64 deadline, uint256 time);

    /// @notice Thrown when the account did not sign the rotation.
    error RotationNotSigned(address account);

    /// @notice Thrown when this deployment knows no ERC-8004 identity registry.
    error NoAgentRegistry();

    /// @notice Thrown when the agent belongs to somebody else than the source does.
    error NotAgentOwner(address agentOwner, address caller);

    /// @notice Register a source owned by the caller.
    /// @param uri Where the source answers, 1 to 256 bytes; the caller may register it only once.
    /// @return id The new source's id.
    function register(string calldata uri) external returns (SourceId id);

    /// @notice Hand a source to another owner, who may be the same person with a new key. Anyone
    /// may carry it; both sign, by ECDSA or ERC-1271, the EIP-712 type
    /// `Rotation(uint32 source,address from,address to,uint32 rotations,uint64 deadline)`.
    /// @param id The source, which is not retired.
    /// @param to The new owner.
    /// @param deadline Last time (Unix seconds) at which the rotation counts.
    /// @param signatureFrom The present owner's signature.
    /// @param signatureTo The new owner's: nobody is handed a source unasked, or to a wrong key.
    function rotate(
        SourceId id,
        address to,
        uint64 deadline,
        bytes calldata signatureFrom,
        bytes calldata signatureTo
    ) external;

    /// @notice Retire a source for good. Only for its owner.
    function retire(SourceId id) external;

    /// @notice Tie a source to an ERC-8004 agent. Only for the owner of both.
    function bindAgent(SourceId id, uint256 agentId) external;

    /// @notice How many sources there are; their ids are 1 to this number.
    function sourceCount() external view returns (uint32);

    /// @notice One source; reverts with UnknownSource.
    function sourceOf(SourceId id) external view returns (Source memory);

    /// @notice Revert with UnknownSource unless the id is a registered source's.
    function requireKnown(SourceId id) external view;

    /// @notice The source last tied to an agent, 0 for none. Whether both still have one owner is
    /// for the reader to check.
    function sourceOfAgent(uint256 agentId) external view returns (SourceId);

    /// @notice The digest that both owners of a rotation sign.
    function rotationDigest(SourceId id, address to, uint64 deadline)
        external
        view
        returns (bytes32);

    /// @notice The ERC-8004 identity registry whose agents can be bound, or zero.
    function agentRegistry() external view returns (IERC721);
}
