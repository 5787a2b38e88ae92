// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IScoreLedger} from "../../../contracts/interfaces/IScoreLedger.sol";
import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {ScoreLedger} from "../../../contracts/ScoreLedger.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";

/// The reference under the type by which the tests know a ledger: 2 must sign, scores are kept.
function deployReference(ISourceRegistry registry, address owner, address[] memory members)
    returns (ScoreLedger)
{
    ReferenceLedger made = new ReferenceLedger(registry, owner, members, 2, false, address(0));
    return ScoreLedger(address(made));
}

/// @title The ledger again, as plainly as it can be said
/// @notice No packed word, no assembly, no shared code with the real one but its interface: every
/// number has a variable of its own. It passes the same tests and must give the same answers, the
/// refusals included. Read this one to know what the real one does.
contract ReferenceLedger is IScoreLedger, Ownable2Step {
    string private constant DOMAIN =
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
    string private constant REPORT =
        "Report(uint32 committee,uint64 nonce,uint64 deadline,bytes32 evidenceRoot,bytes updates)";
    string private constant CANCELLATION =
        "Cancellation(uint32 committee,uint64 nonce,uint64 deadline)";

    ISourceRegistry public registry;
    bool public archive;
    address public predecessor;
    uint160 public history;
    uint16 public updateLimit = 2_000;

    uint32 private _version;
    uint64 private _nextNonce = 1;
    uint8 private _threshold;
    address[] private _members;
    mapping(SourceId id => Score) private _scores;

    constructor(
        ISourceRegistry registry_,
        address initialOwner,
        address[] memory members,
        uint8 threshold,
        bool archive_,
        address predecessor_
    ) Ownable(initialOwner) {
        registry = registry_;
        archive = archive_;
        predecessor = predecessor_;
        _configure(members, threshold);
    }

    /* WHAT THE OWNER MAY DO */

    function configure(address[] memory members, uint8 threshold) external onlyOwner {
        _configure(members, threshold);
    }

    function setUpdateLimit(uint16 limit) external onlyOwner {
        require(limit > 0, UpdateLimitInvalid());
        updateLimit = limit;
        emit UpdateLimitChanged(limit);
    }

    /* WHAT A QUORUM MAY DO */

    function applyBatch(
        bytes calldata updates,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline,
        uint32 signerMask,
        bytes calldata signatures
    ) external {
        _requireTimely(nonce, deadline);
        uint256 length = updates.length;
        require(length > 0 && (archive || length % 12 == 0), BatchLengthInvalid(length));
        uint256 count = length % 12 == 0 ? length / 12 : length / 12 + 1;
        require(count <= updateLimit, BatchTooLarge(count, updateLimit));
        _requireQuorum(reportDigest(updates, evidenceRoot, nonce, deadline), signerMask, signatures);

        _note(keccak256(abi.encode(nonce, block.timestamp, evidenceRoot, keccak256(updates))));
        if (!archive) _add(updates);
        emit BatchApplied(nonce, uint40(block.timestamp), evidenceRoot, updates);
    }

    function cancelNonce(
        uint64 nonce,
        uint64 deadline,
        uint32 signerMask,
        bytes calldata signatures
    ) external {
        _requireTimely(nonce, deadline);
        _requireQuorum(cancellationDigest(nonce, deadline), signerMask, signatures);
        _note(keccak256(abi.encode(nonce, block.timestamp)));
        emit NonceCancelled(nonce, uint40(block.timestamp));
    }

    /* WHAT ANYONE MAY READ */

    function scoreOf(SourceId id) public view returns (Score memory score) {
        require(!archive, ArchiveKeepsNoScores());
        registry.requireKnown(id);
        return _scores[id];
    }

    function scoresOf(SourceId[] calldata ids) external view returns (Score[] memory scores) {
        scores = new Score[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            scores[i] = scoreOf(ids[i]);
        }
    }

    function committee()
        external
        view
        returns (uint32 version, uint64 nextNonce, uint8 threshold, address[] memory members)
    {
        return (_version, _nextNonce, _threshold, _members);
    }

    function reportDigest(
        bytes calldata updates,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline
    ) public view returns (bytes32) {
        bytes32 kind = keccak256(bytes(REPORT));
        bytes32 hash = keccak256(updates);
        return _digest(keccak256(abi.encode(kind, _version, nonce, deadline, evidenceRoot, hash)));
    }

    function cancellationDigest(uint64 nonce, uint64 deadline) public view returns (bytes32) {
        bytes32 kind = keccak256(bytes(CANCELLATION));
        return _digest(keccak256(abi.encode(kind, _version, nonce, deadline)));
    }

    /* INTERNALS */

    function _requireTimely(uint64 nonce, uint64 deadline) private view {
        require(nonce == _nextNonce, NonceNotNext(_nextNonce, nonce));
        require(block.timestamp <= deadline, DeadlinePassed(deadline, block.timestamp));
    }

    function _requireQuorum(bytes32 digest, uint32 mask, bytes calldata signatures) private view {
        uint256 given = 0;
        bytes calldata rest = signatures;
        for (uint256 i = 0; i < 32; ++i) {
            if ((mask >> i) & 1 == 0) continue;
            require(i < _members.length, SignerUnknown(i));
            uint256 length = _signedLength(_members[i], digest, rest);
            require(length > 0, SignerMismatch(i));
            rest = rest[length:];
            given += 1;
        }
        require(given >= _threshold, QuorumNotMet(given, _threshold));
        uint256 taken = signatures.length - rest.length;
        require(rest.length == 0, SignaturesLengthInvalid(signatures.length, taken));
    }

    /// @dev How many bytes the member's signature at the beginning of `rest` takes, 0 if it is not
    /// the member's.
    function _signedLength(address member, bytes32 digest, bytes calldata rest)
        private
        view
        returns (uint256)
    {
        if (rest.length < 65) return 0;
        (bytes32 r, bytes32 s) = abi.decode(rest[:64], (bytes32, bytes32));
        uint8 v = uint8(rest[64]);
        if (v == 0) {
            uint256 length = uint256(r);
            if (s != 0 || length > rest.length - 65) return 0;
            return _agrees(member, digest, rest[65:65 + length]) ? 65 + length : 0;
        }
        uint256 halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
        if (uint256(s) > halfOrder) return 0;
        return ecrecover(digest, v, r, s) == member ? 65 : 0;
    }

    function _agrees(address member, bytes32 digest, bytes calldata signature)
        private
        view
        returns (bool)
    {
        (bool done, bytes memory answer) =
            member.staticcall(abi.encodeCall(IERC1271.isValidSignature, (digest, signature)));
        return done && answer.length >= 32
            && abi.decode(answer, (bytes32)) == bytes32(IERC1271.isValidSignature.selector);
    }

    function _note(bytes32 entry) private {
        _nextNonce += 1;
        history = uint160(uint256(keccak256(abi.encode(history, entry))));
    }

    function _add(bytes calldata updates) private {
        uint32 last = 0;
        for (uint256 i = 0; i < updates.length / 12; ++i) {
            bytes calldata update = updates[12 * i:12 * (i + 1)];
            uint32 source = uint32(bytes4(update[:4]));
            require(source > last, UpdatesNotSorted(i));
            last = source;
            registry.requireKnown(SourceId.wrap(source));

            Score storage score = _scores[SourceId.wrap(source)];
            score.supported = _sum(score.supported, uint16(bytes2(update[4:6])), source);
            score.contradicted = _sum(score.contradicted, uint16(bytes2(update[6:8])), source);
            score.used = _sum(score.used, uint16(bytes2(update[8:10])), source);
            score.asked = _sum(score.asked, uint16(bytes2(update[10:12])), source);
            score.updatedAt = uint40(block.timestamp);
        }
    }

    function _sum(uint48 counter, uint16 delta, uint32 source) private pure returns (uint48) {
        uint256 sum = uint256(counter) + delta;
        require(sum <= type(uint48).max, CounterOverflow(source));
        return uint48(sum);
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        bytes32 name = keccak256("chainrep ScoreLedger");
        bytes32 domain = keccak256(
            abi.encode(keccak256(bytes(DOMAIN)), name, keccak256("1"), block.chainid, address(this))
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _configure(address[] memory members, uint8 threshold) private {
        require(
            members.length > 0 && members.length <= 32, CommitteeSizeInvalid(members.length, 32)
        );
        require(
            threshold > 0 && threshold <= members.length,
            ThresholdInvalid(threshold, members.length)
        );
        address last = address(0);
        for (uint256 i = 0; i < members.length; ++i) {
            require(members[i] > last, MembersNotSorted(i));
            last = members[i];
        }
        _members = members;
        _threshold = threshold;
        _version += 1;
        emit CommitteeChanged(_version, threshold, members);
    }
}
