// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BondedGate} from "../../../contracts/gates/BondedGate.sol";
import {FeedbackLog} from "../../../contracts/FeedbackLog.sol";
import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {SourceRegistry} from "../../../contracts/SourceRegistry.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Actors} from "../Actors.sol";
import {OpenLaneReplay} from "./OpenLaneReplay.sol";

/// Everything that anyone can do without a committee: own sources, lock up bonds, rate and vouch.
contract OpenLaneHandler is Actors {
    uint256 public constant ACTORS = 4;
    uint256 private constant BOND = 1 ether;
    uint40 private constant DELAY = 1 days;

    SourceRegistry private immutable registry;
    FeedbackLog private immutable feedback;
    BondedGate private immutable gate;
    OpenLaneReplay private immutable replay;

    /// The model.
    mapping(address account => bool) public voiced;
    mapping(address account => uint256) public leftAt;
    mapping(uint32 source => address) public ownerOf;
    mapping(uint32 source => bool) public retired;
    uint32 public sources;
    uint64 public entries;
    mapping(bytes32 claim => bool) private claimed;

    constructor(FeedbackLog feedback_, OpenLaneReplay replay_) {
        (feedback, replay) = (feedback_, replay_);
        registry = SourceRegistry(address(feedback_.registry()));
        gate = BondedGate(address(feedback_.gate()));
    }

    function wait(uint16 time) external {
        vm.warp(block.timestamp + time);
    }

    /* SOURCES */

    function register(uint8 who, uint8 which) external {
        string memory uri = string(abi.encodePacked("https://", vm.toString(which % 8)));
        bytes32 claim = keccak256(abi.encodePacked(actor(who), uri));
        bool due = !claimed[claim];
        tries(actor(who), address(registry), 0, abi.encodeCall(registry.register, (uri)), due);
        if (!due) return;
        claimed[claim] = true;
        ownerOf[++sources] = actor(who);
    }

    function rotate(uint8 to, uint8 which, uint8 firstSigner, uint8 secondSigner) external {
        uint32 id = sourceAt(which);
        uint64 deadline = type(uint64).max;
        bytes32 digest = "none";
        if (id <= sources && id != 0 && !retired[id]) {
            digest = registry.rotationDigest(SourceId.wrap(id), actor(to), deadline);
        }
        bool due = digest != "none" && actor(to) != ownerOf[id] && actor(firstSigner) == ownerOf[id]
            && actor(secondSigner) == actor(to);
        bytes memory call = abi.encodeCall(
            registry.rotate,
            (
                SourceId.wrap(id),
                actor(to),
                deadline,
                signature(keyOf(firstSigner), digest),
                signature(keyOf(secondSigner), digest)
            )
        );
        tries(address(this), address(registry), 0, call, due);
        if (due) ownerOf[id] = actor(to);
    }

    function retire(uint8 who, uint8 which) external {
        uint32 id = sourceAt(which);
        bool due = id <= sources && ownerOf[id] == actor(who) && !retired[id];
        bytes memory call = abi.encodeCall(registry.retire, (SourceId.wrap(id)));
        tries(actor(who), address(registry), 0, call, due);
        if (due) retired[id] = true;
    }

    /* BONDS */

    function join(uint8 who, bool rightBond) external {
        address account = actor(who);
        bool due = !voiced[account] && leftAt[account] == 0 && rightBond;
        tries(account, address(gate), rightBond ? BOND : 1, abi.encodeCall(gate.join, ()), due);
        if (due) voiced[account] = true;
    }

    function leave(uint8 who) external {
        address account = actor(who);
        bool due = voiced[account];
        tries(account, address(gate), 0, abi.encodeCall(gate.leave, ()), due);
        if (due) (voiced[account], leftAt[account]) = (false, block.timestamp);
    }

    function withdraw(uint8 who) external {
        address account = actor(who);
        bool due = leftAt[account] != 0 && block.timestamp >= leftAt[account] + DELAY;
        tries(account, address(gate), 0, abi.encodeCall(gate.withdraw, (account)), due);
        if (due) leftAt[account] = 0;
    }

    /* SPEAKING */

    function rate(uint8 who, uint8 first, uint8 second, uint64 deltas) external {
        (uint32 low, uint32 high) = (sourceAt(first), sourceAt(second));
        bytes memory said = bytes.concat(bytes4(low), bytes8(deltas), bytes4(high), bytes8(deltas));
        bool due = voiced[actor(who)] && low != 0 && low < high && high <= sources;
        tries(actor(who), address(feedback), 0, abi.encodeCall(feedback.rate, (said)), due);
        if (due) ++entries;
    }

    function vouch(uint8 who, uint8 whom, int16 weight) external {
        bytes memory said = bytes.concat(bytes20(actor(whom)), bytes2(uint16(weight)));
        bool due = voiced[actor(who)] && actor(who) != actor(whom) && weight != 0;
        tries(actor(who), address(feedback), 0, abi.encodeCall(feedback.vouch, (said)), due);
        if (due) ++entries;
    }

    /* INTERNALS */

    function actor(uint256 who) public pure returns (address) {
        return vm.addr(keyOf(who));
    }

    /// Bonds locked up by the model's account: one while it has a voice or is on its way out.
    function locked(address account) external view returns (uint256) {
        return voiced[account] || leftAt[account] != 0 ? BOND : 0;
    }

    function keyOf(uint256 who) private pure returns (uint256) {
        return 0xAC700 + who % ACTORS;
    }

    /// One of the known ids, or 0, or the next one.
    function sourceAt(uint256 which) private view returns (uint32) {
        return uint32(which % (uint256(sources) + 2));
    }

    function tries(address sender, address to, uint256 value, bytes memory call, bool due) private {
        vm.deal(sender, value);
        vm.recordLogs();
        vm.prank(sender);
        (bool done,) = to.call{value: value}(call);
        require(done == due, due ? "refused" : "accepted");
        replay.read(vm.getRecordedLogs());
    }
}
