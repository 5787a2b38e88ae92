// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IFeedbackLog} from "../../../contracts/interfaces/IFeedbackLog.sol";
import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {BondedGate} from "../../../contracts/gates/BondedGate.sol";
import {Log} from "../Vm.sol";

/// What an indexer knows of sources, of the log and of the gate: made from logs alone.
contract OpenLaneReplay {
    uint32 public sourceCount;
    uint64 public entries;
    uint160 public history;
    mapping(uint32 source => ISourceRegistry.Source) private _sources;
    mapping(address account => BondedGate.Membership) public membershipOf;

    function read(Log[] calldata logs) external {
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            if (topic == IFeedbackLog.Rated.selector) {
                _said(logs[i], 0);
            } else if (topic == IFeedbackLog.Vouched.selector) {
                _said(logs[i], 1);
            } else if (topic == ISourceRegistry.SourceRegistered.selector) {
                _registered(logs[i]);
            } else if (topic == ISourceRegistry.SourceRotated.selector) {
                _rotated(logs[i]);
            } else if (topic == ISourceRegistry.SourceRetired.selector) {
                _sources[uint32(uint256(logs[i].topics[1]))].status = ISourceRegistry.Status.Retired;
            } else {
                _moved(topic, logs[i]);
            }
        }
    }

    function sourceOf(uint32 source) external view returns (ISourceRegistry.Source memory) {
        return _sources[source];
    }

    function _said(Log calldata log, uint256 kind) private {
        (uint32 weight, uint40 time, bytes memory said) =
            abi.decode(log.data, (uint32, uint40, bytes));
        require(weight != 0, "no voice");
        bytes32 entry = keccak256(abi.encode(kind, log.topics[1], weight, time, keccak256(said)));
        history = uint160(uint256(keccak256(abi.encode(history, entry))));
        ++entries;
    }

    function _registered(Log calldata log) private {
        require(uint256(log.topics[1]) == ++sourceCount, "ids have no gaps");
        (uint40 time,) = abi.decode(log.data, (uint40, string));
        _sources[sourceCount] = ISourceRegistry.Source(
            address(uint160(uint256(log.topics[2]))), time, ISourceRegistry.Status.Active, 0
        );
    }

    function _rotated(Log calldata log) private {
        ISourceRegistry.Source storage source = _sources[uint32(uint256(log.topics[1]))];
        require(source.owner == address(uint160(uint256(log.topics[2]))), "from");
        source.owner = address(uint160(uint256(log.topics[3])));
        source.rotations = abi.decode(log.data, (uint32));
    }

    function _moved(bytes32 topic, Log calldata log) private {
        address account = address(uint160(uint256(log.topics[1])));
        if (topic == BondedGate.Joined.selector) {
            membershipOf[account].bonded = true;
        } else if (topic == BondedGate.BondReturned.selector) {
            delete membershipOf[account];
        } else if (topic == BondedGate.Left.selector) {
            membershipOf[account] = BondedGate.Membership(false, abi.decode(log.data, (uint40)));
        }
    }
}
