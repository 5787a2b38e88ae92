// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {IVerdictLedger} from "../../../contracts/interfaces/IVerdictLedger.sol";
import {Log} from "../Vm.sol";

/// What an indexer knows of a verdict ledger: made from logs alone, never from storage.
contract VerdictsReplay {
    uint64 public nextNonce = 1;
    uint160 public history;
    uint16 public limit;
    bytes32 public committeeHash;
    mapping(address provider => mapping(bytes20 receipt => IVerdictLedger.Finding)) private _found;

    function read(Log[] calldata logs) external {
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            if (topic == IVerdictLedger.VerdictsApplied.selector) {
                _applied(logs[i]);
            } else if (topic == IReporterCommittee.NonceCancelled.selector) {
                uint40 time = abi.decode(logs[i].data, (uint40));
                _note(logs[i], keccak256(abi.encode(logs[i].topics[1], time)));
            } else if (topic == IVerdictLedger.VerdictLimitChanged.selector) {
                limit = abi.decode(logs[i].data, (uint16));
            } else if (topic == IReporterCommittee.CommitteeChanged.selector) {
                (uint8 threshold, address[] memory members) =
                    abi.decode(logs[i].data, (uint8, address[]));
                committeeHash =
                    keccak256(abi.encode(uint32(uint256(logs[i].topics[1])), threshold, members));
            }
        }
    }

    function findingOf(address provider, bytes32 receipt)
        external
        view
        returns (IVerdictLedger.Finding memory)
    {
        return _found[provider][bytes20(receipt)];
    }

    function _applied(Log calldata log) private {
        (uint40 time, uint32 mask, bytes32 root, bytes memory packed) =
            abi.decode(log.data, (uint40, uint32, bytes32, bytes));
        _note(log, keccak256(abi.encode(log.topics[1], time, mask, root, keccak256(packed))));
        uint256 place = 0;
        while (place < packed.length) {
            address provider = address(uint160(_number(packed, place, 20)));
            uint256 end = place + 21 + 22 * _number(packed, place + 20, 1);
            for (place += 21; place < end; place += 22) {
                bytes20 receipt = bytes20(uint160(_number(packed, place, 20)));
                uint256 finding = _number(packed, place + 20, 2);
                _found[provider][receipt] = IVerdictLedger.Finding(
                    IVerdictLedger.Verdict(finding / 16_384),
                    uint16(finding % 16_384),
                    time,
                    uint40(uint256(log.topics[1]))
                );
            }
        }
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
