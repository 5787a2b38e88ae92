// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IReporterCommittee} from "./interfaces/IReporterCommittee.sol";
import {History} from "./types/History.sol";
import {Quorum} from "./types/Quorum.sol";

/// @title Who may sign; the interface is the manual.
/// @dev Abstract, so that a contract reads its committee without a call.
abstract contract ReporterCommittee is IReporterCommittee, Ownable2Step, EIP712 {
    uint256 private constant MEMBER_LIMIT = 32;
    uint256 private constant SIGNATURE_BYTES = 65;

    bytes32 private constant CANCELLATION_TYPEHASH =
        keccak256("Cancellation(uint32 committee,uint64 nonce,uint64 deadline)");

    /* STORAGE */

    Quorum private _quorum;

    mapping(uint256 index => address) private _members;

    /* SETTING UP */

    constructor(address initialOwner, address[] memory members, uint8 threshold)
        Ownable(initialOwner)
    {
        _quorum = Quorum.wrap(1 << 56); // nonces begin at 1
        _configure(members, threshold);
    }

    /// @inheritdoc IReporterCommittee
    function configure(address[] calldata members, uint8 threshold) external onlyOwner {
        _configure(members, threshold);
    }

    /* CANCELLING */

    /// @inheritdoc IReporterCommittee
    function cancelNonce(
        uint64 nonce,
        uint64 deadline,
        uint32 signerMask,
        bytes calldata signatures
    ) external {
        Quorum quorum = _currentQuorum(nonce, deadline);
        _accept(
            quorum,
            _cancellation(quorum.version(), nonce, deadline),
            keccak256(abi.encode(nonce, block.timestamp)),
            signerMask,
            signatures
        );
        emit NonceCancelled(nonce, uint40(block.timestamp));
    }

    /* READING */

    /// @inheritdoc IReporterCommittee
    function committee()
        external
        view
        returns (uint32 version, uint64 nextNonce, uint8 threshold, address[] memory members)
    {
        Quorum quorum = _quorum;
        members = new address[](quorum.size());
        for (uint256 i = 0; i < quorum.size(); ++i) {
            members[i] = _members[i];
        }
        return (quorum.version(), quorum.nextNonce(), quorum.threshold(), members);
    }

    /// @inheritdoc IReporterCommittee
    function cancellationDigest(uint64 nonce, uint64 deadline) external view returns (bytes32) {
        return _hashTypedDataV4(_cancellation(_version(), nonce, deadline));
    }

    /// @inheritdoc IReporterCommittee
    function history() external view returns (uint160) {
        return History.unwrap(_quorum.history());
    }

    /* CHECKING */

    /// @dev The present committee, for a message that carries this nonce and deadline.
    function _currentQuorum(uint64 nonce, uint64 deadline) internal view returns (Quorum quorum) {
        quorum = _quorum;
        require(nonce == quorum.nextNonce(), NonceNotNext(quorum.nextNonce(), nonce));
        require(block.timestamp <= deadline, DeadlinePassed(deadline, block.timestamp));
    }

    /// @dev Use up the nonce and note the entry if a quorum signed the message, or revert. Members
    /// that are contracts are asked by static call, before anything is written.
    function _accept(
        Quorum quorum,
        bytes32 structHash,
        bytes32 entry,
        uint32 signerMask,
        bytes calldata signatures
    ) internal {
        _requireQuorum(quorum, _hashTypedDataV4(structHash), signerMask, signatures);
        _quorum = quorum.afterEntry(entry);
    }

    /// @dev The present committee's version.
    function _version() internal view returns (uint32) {
        return _quorum.version();
    }

    /// @dev The number that the inheriting contract keeps beside the committee.
    function _limit() internal view returns (uint16) {
        return _quorum.limit();
    }

    function _setLimit(uint16 limit) internal {
        _quorum = _quorum.withLimit(limit);
    }

    /* INTERNALS */

    function _requireQuorum(
        Quorum quorum,
        bytes32 digest,
        uint32 signerMask,
        bytes calldata signatures
    ) private view {
        uint256 given = 0;
        uint256 cursor = 0;
        uint256 size = quorum.size();
        uint256 index = 0;
        for (uint256 mask = signerMask; mask != 0; mask >>= 1) {
            if (mask & 1 != 0) {
                require(index < size, SignerUnknown(index));
                cursor = _pastSignature(index, digest, signatures, cursor);
                unchecked {
                    ++given; // at most 32
                }
            }
            unchecked {
                ++index; // at most 32
            }
        }
        require(given >= quorum.threshold(), QuorumNotMet(given, quorum.threshold()));
        require(signatures.length == cursor, SignaturesLengthInvalid(signatures.length, cursor));
    }

    /// @dev Where the signature that begins at `start` ends, if it is the member's.
    function _pastSignature(uint256 index, bytes32 digest, bytes calldata signatures, uint256 start)
        private
        view
        returns (uint256 end)
    {
        end = start + SIGNATURE_BYTES;
        require(end <= signatures.length, SignerMismatch(index));
        address member = _members[index];
        bytes32 r;
        bytes32 s;
        uint256 v;
        // Checked slices would cost another 300 gas per signature (`scripts/bench gas`).
        assembly ("memory-safe") {
            r := calldataload(add(signatures.offset, start))
            s := calldataload(add(signatures.offset, add(start, 32)))
            v := byte(0, calldataload(add(signatures.offset, add(start, 64))))
        }
        if (v != 0) {
            (address signer,,) = ECDSA.tryRecover(digest, uint8(v), r, s);
            require(signer == member, SignerMismatch(index));
        } else {
            uint256 length = uint256(r);
            require(s == 0 && length <= signatures.length - end, SignerMismatch(index));
            require(
                SignatureChecker.isValidERC1271SignatureNowCalldata(
                    member, digest, signatures[end:end + length]
                ),
                SignerMismatch(index)
            );
            end += length;
        }
    }

    function _cancellation(uint32 version, uint64 nonce, uint64 deadline)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(CANCELLATION_TYPEHASH, version, nonce, deadline));
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
        Quorum quorum = _quorum.withCommittee(uint8(size), threshold);
        _quorum = quorum;
        emit CommitteeChanged(quorum.version(), threshold, members);
    }
}
