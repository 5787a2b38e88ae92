// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {IScoreLedger} from "../../../contracts/interfaces/IScoreLedger.sol";
import {Log} from "../Vm.sol";

/// What an indexer knows of a ledger: made from logs alone, never from storage.
contract LedgerReplay {
    uint32 public version;
    uint64 public nextNonce = 1;
    uint8 public threshold;
    uint16 public limit;
    uint160 public history;
    address[] private _members;
    mapping(uint32 source => IScoreLedger.Score) private _scores;

    function read(Log[] calldata logs) external {
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            if (topic == IScoreLedger.BatchApplied.selector) {
                _applied(logs[i]);
            } else if (topic == IReporterCommittee.NonceCancelled.selector) {
                _cancelled(logs[i]);
            } else if (topic == IReporterCommittee.CommitteeChanged.selector) {
                _changed(logs[i]);
            } else if (topic == IScoreLedger.UpdateLimitChanged.selector) {
                limit = abi.decode(logs[i].data, (uint16));
            }
        }
    }

    function membersHash() external view returns (bytes32) {
        return keccak256(abi.encode(_members));
    }

    function scoreOf(uint32 source) external view returns (IScoreLedger.Score memory) {
        return _scores[source];
    }

    function _applied(Log calldata log) private {
        (uint40 time, bytes32 root, bytes memory updates) =
            abi.decode(log.data, (uint40, bytes32, bytes));
        _note(log, keccak256(abi.encode(log.topics[1], time, root, keccak256(updates))));
        for (uint256 at = 0; at < updates.length; at += 12) {
            IScoreLedger.Score storage score = _scores[uint32(_number(updates, at, 4))];
            score.supported += uint16(_number(updates, at + 4, 2));
            score.contradicted += uint16(_number(updates, at + 6, 2));
            score.used += uint16(_number(updates, at + 8, 2));
            score.asked += uint16(_number(updates, at + 10, 2));
            score.updatedAt = time;
        }
    }

    function _cancelled(Log calldata log) private {
        _note(log, keccak256(abi.encode(log.topics[1], abi.decode(log.data, (uint40)))));
    }

    function _changed(Log calldata log) private {
        version = uint32(uint256(log.topics[1]));
        (threshold, _members) = abi.decode(log.data, (uint8, address[]));
    }

    function _note(Log calldata log, bytes32 entry) private {
        require(uint256(log.topics[1]) == nextNonce, "a nonce out of order");
        nextNonce += 1;
        history = uint160(uint256(keccak256(abi.encode(history, entry))));
    }

    function _number(bytes memory from, uint256 at, uint256 size) private pure returns (uint256 n) {
        for (uint256 i = 0; i < size; ++i) {
            n = (n << 8) | uint8(from[at + i]);
        }
    }
}
