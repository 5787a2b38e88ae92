// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {TreeNode} from "../../../contracts/types/TreeNode.sol";
import {Log} from "../Vm.sol";

/// What an indexer knows of the epochs and the debts: made from logs alone.
contract RootsReplay {
    uint64 public nextNonce = 1;
    uint160 public history;
    mapping(address account => uint256) public owedTo;
    mapping(uint40 epoch => IReputationRoots.Epoch) private _epochs;
    uint256 private _bond;

    function read(Log[] calldata logs) external {
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            if (topic == IReputationRoots.RootsOpened.selector) {
                _opened(logs[i]);
            } else if (topic == IReputationRoots.RootProposed.selector) {
                _proposed(logs[i]);
            } else if (topic == IReputationRoots.RootChallenged.selector) {
                _challenged(logs[i]);
            } else if (topic == IReputationRoots.EpochSettled.selector) {
                _settled(logs[i]);
            } else if (topic == IReputationRoots.RootFinal.selector) {
                _final(logs[i]);
            } else if (topic == IReputationRoots.EpochReopened.selector) {
                _reopened(logs[i]);
            } else if (topic == IReputationRoots.Withdrawn.selector) {
                owedTo[address(uint160(uint256(logs[i].topics[1])))] = 0;
            }
        }
    }

    function epochOf(uint40 epoch) external view returns (IReputationRoots.Epoch memory) {
        return _epochs[epoch];
    }

    function _opened(Log calldata log) private {
        (IReputationRoots.Rules memory rules,) =
            abi.decode(log.data, (IReputationRoots.Rules, uint40));
        _bond = rules.bond;
    }

    function _proposed(Log calldata log) private {
        (uint48 attempt, uint40 time, TreeNode root, bytes32 snapshotHash,) =
            abi.decode(log.data, (uint48, uint40, TreeNode, bytes32, string));
        IReputationRoots.Epoch storage epoch = _epochs[uint40(uint256(log.topics[1]))];
        require(epoch.attempt == attempt, "attempt");
        epoch.proposer = address(uint160(uint256(log.topics[2])));
        epoch.state = IReputationRoots.State.Pending;
        (epoch.proposedAt, epoch.root, epoch.snapshotHash) = (time, root, snapshotHash);
    }

    function _challenged(Log calldata log) private {
        IReputationRoots.Epoch storage epoch = _epochs[uint40(uint256(log.topics[1]))];
        epoch.state = IReputationRoots.State.Challenged;
        epoch.challenger = address(uint160(uint256(log.topics[2])));
    }

    function _settled(Log calldata log) private {
        require(uint256(log.topics[1]) == nextNonce++, "a nonce out of order");
        (uint40 time, TreeNode root, bytes32 snapshotHash) =
            abi.decode(log.data, (uint40, TreeNode, bytes32));
        bytes32 entry =
            keccak256(abi.encode(log.topics[1], time, log.topics[2], root, snapshotHash));
        history = uint160(uint256(keccak256(abi.encode(history, entry))));
    }

    function _final(Log calldata log) private {
        IReputationRoots.Epoch storage epoch = _epochs[uint40(uint256(log.topics[1]))];
        uint256 credit;
        (epoch.root, epoch.snapshotHash, credit) =
            abi.decode(log.data, (TreeNode, bytes32, uint256));
        epoch.state = IReputationRoots.State.Final;
        owedTo[address(uint160(uint256(log.topics[2])))] += credit;
    }

    function _reopened(Log calldata log) private {
        uint40 number = uint40(uint256(log.topics[1]));
        IReputationRoots.Epoch memory epoch = _epochs[number];
        owedTo[epoch.proposer] += _bond;
        owedTo[epoch.challenger] += _bond;
        delete _epochs[number];
        _epochs[number].attempt = abi.decode(log.data, (uint48));
    }
}
