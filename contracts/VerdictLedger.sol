// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IVerdictLedger} from "./interfaces/IVerdictLedger.sol";
import {ReporterCommittee} from "./ReporterCommittee.sol";
import {Successor} from "./Successor.sol";
import {Quorum} from "./types/Quorum.sol";
import {VerdictRecord, isVerdict, verdictStamp} from "./types/VerdictRecord.sol";

/// @title What a committee found when it checked inference receipts; the interface is the manual.
contract VerdictLedger is IVerdictLedger, ReporterCommittee, Successor {
    uint256 private constant GROUP_BYTES = 21;
    uint256 private constant VERDICT_BYTES = 22;
    uint16 private constant INITIAL_VERDICT_LIMIT = 500;

    bytes32 private constant VERDICTS_TYPEHASH = keccak256(
        "Verdicts(uint32 committee,uint64 nonce,uint64 deadline,bytes32 evidenceRoot,bytes verdicts)"
    );

    /* STORAGE */

    mapping(address provider => mapping(bytes20 receipt => VerdictRecord)) private _records;

    /* SETTING UP */

    /// @param initialOwner Admits committee members and sets the limit.
    /// @param members The first committee, ascending.
    /// @param threshold How many of them must sign a report.
    /// @param predecessor_ The ledger that this one continues, or zero.
    constructor(
        address initialOwner,
        address[] memory members,
        uint8 threshold,
        address predecessor_
    )
        ReporterCommittee(initialOwner, members, threshold)
        Successor(predecessor_)
        EIP712("chainrep VerdictLedger", "1")
    {
        _setVerdictLimit(INITIAL_VERDICT_LIMIT);
    }

    /// @inheritdoc IVerdictLedger
    function setVerdictLimit(uint16 limit) external onlyOwner {
        _setVerdictLimit(limit);
    }

    /* APPLYING */

    /// @inheritdoc IVerdictLedger
    function applyVerdicts(
        bytes calldata verdicts,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline,
        uint32 signerMask,
        bytes calldata signatures
    ) external {
        Quorum quorum = _currentQuorum(nonce, deadline);
        bytes32 verdictsHash = keccak256(verdicts);
        _accept(
            quorum,
            _report(quorum.version(), verdictsHash, evidenceRoot, nonce, deadline),
            keccak256(abi.encode(nonce, block.timestamp, signerMask, evidenceRoot, verdictsHash)),
            signerMask,
            signatures
        );
        _note(verdicts, quorum.limit(), verdictStamp(block.timestamp, nonce));
        emit VerdictsApplied(nonce, uint40(block.timestamp), signerMask, evidenceRoot, verdicts);
    }

    /* READING */

    /// @inheritdoc IVerdictLedger
    function verdictOf(address provider, bytes32 receipt) external view returns (Finding memory) {
        VerdictRecord record = _records[provider][bytes20(receipt)];
        return Finding({
            verdict: Verdict(record.verdict()),
            distance: record.distance(),
            time: record.notedAt(),
            nonce: record.reportNonce()
        });
    }

    /// @inheritdoc IVerdictLedger
    function verdictsDigest(
        bytes calldata verdicts,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline
    ) external view returns (bytes32) {
        return _hashTypedDataV4(
            _report(_version(), keccak256(verdicts), evidenceRoot, nonce, deadline)
        );
    }

    /// @inheritdoc IVerdictLedger
    function verdictLimit() external view returns (uint16) {
        return _limit();
    }

    /* INTERNALS */

    function _setVerdictLimit(uint16 limit) private {
        require(limit > 0, VerdictLimitInvalid());
        _setLimit(limit);
        emit VerdictLimitChanged(limit);
    }

    /// @dev Assembly saves 480 gas of 28,300 per verdict over checked slices, where ten verdicts are
    /// on one provider, and 1,000 where each is on another (`scripts/bench gas`). A group's head may
    /// be read beyond the batch, but then its end lies beyond it too.
    function _note(bytes calldata verdicts, uint256 limit, uint256 stamp) private {
        require(verdicts.length > 0, VerdictsLengthInvalid(0));
        uint256 place;
        assembly ("memory-safe") {
            place := verdicts.offset
        }
        uint256 left = limit;
        address last = address(0);
        unchecked {
            uint256 end = place + verdicts.length;
            while (place < end) {
                address provider;
                uint256 count;
                assembly ("memory-safe") {
                    let head := calldataload(place)
                    provider := shr(96, head)
                    count := byte(20, head)
                }
                require(provider > last, ProvidersNotSorted(provider));
                require(count <= left, TooManyVerdicts(limit));
                left -= count;
                last = provider;
                place += GROUP_BYTES;
                uint256 next = place + count * VERDICT_BYTES;
                require(count > 0 && next <= end, VerdictsLengthInvalid(verdicts.length));
                _noteGroup(provider, place, next, stamp);
                place = next;
            }
        }
    }

    /// @dev The verdicts on one provider, which lie in the calldata from `place` to `end`.
    function _noteGroup(address provider, uint256 place, uint256 end, uint256 stamp) private {
        mapping(bytes20 receipt => VerdictRecord) storage records = _records[provider];
        bytes20 last = 0;
        unchecked {
            for (; place < end; place += VERDICT_BYTES) {
                bytes20 receipt;
                uint256 finding;
                assembly ("memory-safe") {
                    let entry := calldataload(place)
                    receipt := shl(96, shr(96, entry))
                    finding := and(shr(80, entry), 0xffff)
                }
                require(receipt > last, ReceiptsNotSorted(provider, receipt));
                require(isVerdict(finding), VerdictInvalid(provider, receipt));
                require(records[receipt].isOpen(), AlreadyDecided(provider, receipt));
                last = receipt;
                records[receipt] = VerdictRecord.wrap(stamp | finding);
            }
        }
    }

    function _report(
        uint32 version,
        bytes32 verdictsHash,
        bytes32 evidenceRoot,
        uint64 nonce,
        uint64 deadline
    ) private pure returns (bytes32) {
        return keccak256(
            abi.encode(VERDICTS_TYPEHASH, version, nonce, deadline, evidenceRoot, verdictsHash)
        );
    }
}
