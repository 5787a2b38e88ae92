// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IReporterCommittee} from "./interfaces/IReporterCommittee.sol";

/// @title Who may sign reports; the interface is the manual.
/// @dev Abstract, so that the ledger reads it without a call.
abstract contract ReporterCommittee is IReporterCommittee, Ownable2Step {
    uint256 private constant MEMBER_LIMIT = 32;
    uint256 private constant SIGNATURE_BYTES = 65;
    uint16 private constant INITIAL_UPDATE_LIMIT = 2_000;

    /// @dev Everything that every report reads or writes, in one slot.
    struct Quorum {
        uint64 nextNonce;
        uint32 version;
        uint8 size;
        uint8 threshold;
        uint16 updateLimit;
    }

    /* STORAGE */

    Quorum private _quorum;

    mapping(uint256 index => address) private _members;

    /* SETTING UP */

    constructor(address initialOwner, address[] memory members, uint8 threshold)
        Ownable(initialOwner)
    {
        _quorum.nextNonce = 1;
        _quorum.updateLimit = INITIAL_UPDATE_LIMIT;
        _configure(members, threshold);
    }

    /// @inheritdoc IReporterCommittee
    function configure(address[] calldata members, uint8 threshold) external onlyOwner {
        _configure(members, threshold);
    }

    /// @inheritdoc IReporterCommittee
    function setUpdateLimit(uint16 limit) external onlyOwner {
        require(limit > 0, UpdateLimitInvalid());
        _quorum.updateLimit = limit;
        emit UpdateLimitChanged(limit);
    }

    /* READING */

    /// @inheritdoc IReporterCommittee
    function committee()
        external
        view
        returns (uint32 version, uint64 nextNonce, uint8 threshold, address[] memory members)
    {
        Quorum memory quorum = _quorum;
        members = new address[](quorum.size);
        for (uint256 i = 0; i < quorum.size; ++i) {
            members[i] = _members[i];
        }
        return (quorum.version, quorum.nextNonce, quorum.threshold, members);
    }

    /// @inheritdoc IReporterCommittee
    function updateLimit() external view returns (uint16) {
        return _quorum.updateLimit;
    }

    /* CHECKING */

    /// @dev The present committee, for a report that carries this nonce and deadline.
    function _currentQuorum(uint64 nonce, uint64 deadline)
        internal
        view
        returns (Quorum memory quorum)
    {
        quorum = _quorum;
        require(nonce == quorum.nextNonce, NonceNotNext(quorum.nextNonce, nonce));
        require(block.timestamp <= deadline, DeadlinePassed(deadline, block.timestamp));
    }

    /// @dev Use up the nonce of a report if a quorum signed its digest, or revert.
    function _acceptReport(
        Quorum memory quorum,
        bytes32 digest,
        uint32 signerMask,
        bytes calldata signatures
    ) internal {
        uint256 given = 0;
        uint256 index = 0;
        for (uint256 mask = signerMask; mask != 0; mask >>= 1) {
            if (mask & 1 == 1) {
                require(index < quorum.size, SignerUnknown(index));
                require(
                    _signerOf(digest, signatures, given) == _members[index], SignerMismatch(index)
                );
                ++given;
            }
            ++index;
        }
        require(given >= quorum.threshold, QuorumNotMet(given, quorum.threshold));
        require(
            signatures.length == given * SIGNATURE_BYTES,
            SignaturesLengthInvalid(signatures.length, given * SIGNATURE_BYTES)
        );
        _quorum.nextNonce = quorum.nextNonce + 1;
    }

    /// @dev The present committee's version.
    function _version() internal view returns (uint32) {
        return _quorum.version;
    }

    /* INTERNALS */

    function _signerOf(bytes32 digest, bytes calldata signatures, uint256 position)
        private
        pure
        returns (address)
    {
        uint256 start = position * SIGNATURE_BYTES;
        if (signatures.length < start + SIGNATURE_BYTES) return address(0);
        (address signer,,) =
            ECDSA.tryRecoverCalldata(digest, signatures[start:start + SIGNATURE_BYTES]);
        return signer;
    }

    function _configure(address[] memory members, uint8 threshold) private {
        uint256 size = members.length;
        require(size > 0 && size <= MEMBER_LIMIT, CommitteeSizeInvalid(size, MEMBER_LIMIT));
        require(threshold > 0 && threshold <= size, ThresholdInvalid(threshold, size));
        address last = address(0);
        for (uint256 i = 0; i < size; ++i) {
            require(members[i] > last, MembersNotSorted(i));
            last = members[i];
            _members[i] = last;
        }
        uint32 version = ++_quorum.version;
        _quorum.size = uint8(size);
        _quorum.threshold = threshold;
        emit CommitteeChanged(version, threshold, members);
    }
}
