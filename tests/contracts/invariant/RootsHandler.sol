// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {ReputationRoots} from "../../../contracts/ReputationRoots.sol";
import {TreeNode} from "../../../contracts/types/TreeNode.sol";
import {Actors} from "../Actors.sol";
import {RootsReplay} from "./RootsReplay.sol";

/// Everything that anyone can do to the epochs, in any order and at any time. The handler knows the
/// rules on its own and says of each call beforehand whether it has to succeed.
contract RootsHandler is Actors {
    uint256 public constant EPOCHS = 4;
    uint256 public constant ACTORS = 4;
    uint256 private constant BOND = 1 ether;
    uint256 private constant WINDOW = 1 days;
    uint256 private constant SETTLE = 2 days;

    ReputationRoots private immutable roots;
    RootsReplay private immutable replay;
    uint40 private immutable firstEpoch;
    uint256[] private keys;

    /// The model.
    struct Expected {
        IReputationRoots.State state;
        uint256 windowEnd;
        uint256 settleEnd;
        TreeNode root;
        bytes32 snapshotHash;
        address proposer;
        address challenger;
    }

    mapping(uint40 epoch => Expected) private expected;
    mapping(address account => uint256) public owed;
    mapping(address account => uint256) public paid;
    /// What an epoch held when it became final.
    mapping(uint40 epoch => bytes32) public sealedAs;

    constructor(ReputationRoots roots_, RootsReplay replay_, uint256[] memory keys_) {
        (roots, replay, keys) = (roots_, replay_, keys_);
        firstEpoch = roots_.firstEpoch();
    }

    /* ACTIONS */

    function wait(uint24 time) external {
        vm.warp(block.timestamp + time % (1 days));
    }

    function propose(uint8 who, uint8 which, uint8 what, bool rightBond) external {
        uint40 epoch = epochAt(which);
        Expected storage model = expected[epoch];
        TreeNode root = TreeNode.wrap(bytes20(uint160(what % 4)));
        bytes32 snapshotHash = bytes32(uint256(1 + what % 3));
        bool due = model.state == IReputationRoots.State.Open
            && block.timestamp >= (uint256(epoch) + 1) * 1 hours && what % 4 != 0 && rightBond;
        bytes memory call = abi.encodeCall(roots.propose, (epoch, root, snapshotHash, "ipfs://x"));
        tries(actor(who), rightBond ? BOND : BOND + 1, call, due);
        if (!due) return;
        model.state = IReputationRoots.State.Pending;
        model.windowEnd = block.timestamp + WINDOW;
        model.settleEnd = block.timestamp + WINDOW + SETTLE;
        (model.root, model.snapshotHash, model.proposer) = (root, snapshotHash, actor(who));
    }

    /// Half of the challenges name what is pending, a quarter another root, a quarter another snapshot.
    function challenge(uint8 who, uint8 which, uint8 what, bool rightBond) external {
        uint40 epoch = epochAt(which);
        Expected storage model = expected[epoch];
        TreeNode root = what % 4 == 0 ? TreeNode.wrap(bytes20(uint160(77))) : model.root;
        bytes32 snapshotHash = what % 4 == 1 ? bytes32(uint256(77)) : model.snapshotHash;
        bool due = model.state == IReputationRoots.State.Pending
            && block.timestamp < model.windowEnd && what % 4 > 1 && rightBond;
        bytes memory call = abi.encodeCall(roots.challenge, (epoch, root, snapshotHash));
        tries(actor(who), rightBond ? BOND : 0, call, due);
        if (!due) return;
        model.state = IReputationRoots.State.Challenged;
        model.challenger = actor(who);
    }

    function settle(uint8 which, uint8 what, uint8 mask) external {
        uint40 epoch = epochAt(which);
        Expected storage model = expected[epoch];
        bool upheld = what % 2 == 0;
        TreeNode root = upheld ? model.root : TreeNode.wrap(bytes20(uint160(99)));
        uint32 signers = mask % 8;
        bool due = model.state == IReputationRoots.State.Challenged
            && block.timestamp < model.settleEnd && signers != 0 && signers & (signers - 1) != 0;
        tries(address(this), 0, settling(epoch, root, model.snapshotHash, signers), due);
        if (!due) return;
        model.root = root;
        concludes(epoch, upheld ? model.proposer : model.challenger, 2 * BOND);
    }

    function finalize(uint8 who, uint8 which) external {
        uint40 epoch = epochAt(which);
        Expected storage model = expected[epoch];
        bool due =
            model.state == IReputationRoots.State.Pending && block.timestamp >= model.windowEnd;
        tries(actor(who), 0, abi.encodeCall(roots.finalize, (epoch)), due);
        if (due) concludes(epoch, model.proposer, BOND);
    }

    function reopen(uint8 who, uint8 which) external {
        uint40 epoch = epochAt(which);
        Expected storage model = expected[epoch];
        bool due =
            model.state == IReputationRoots.State.Challenged && block.timestamp >= model.settleEnd;
        tries(actor(who), 0, abi.encodeCall(roots.reopen, (epoch)), due);
        if (!due) return;
        owed[model.proposer] += BOND;
        owed[model.challenger] += BOND;
        delete expected[epoch];
    }

    function withdraw(uint8 who, bool toAnother) external {
        address account = actor(who);
        address payable to = payable(toAnother ? actor(uint256(who) + 1) : account);
        bool due = owed[account] > 0;
        tries(account, 0, abi.encodeCall(roots.withdraw, (to)), due);
        if (!due) return;
        paid[to] += owed[account];
        owed[account] = 0;
    }

    /* READING */

    function epochAt(uint256 which) public view returns (uint40) {
        return firstEpoch + uint40(which % EPOCHS);
    }

    function actor(uint256 who) public pure returns (address) {
        return address(uint160(0xAC700 + who % ACTORS));
    }

    function stateOf(uint40 epoch) external view returns (IReputationRoots.State) {
        return expected[epoch].state;
    }

    /// Bonds that are at stake now.
    function staked() external view returns (uint256 sum) {
        for (uint256 i = 0; i < EPOCHS; ++i) {
            IReputationRoots.State state = expected[epochAt(i)].state;
            if (state == IReputationRoots.State.Pending) sum += BOND;
            if (state == IReputationRoots.State.Challenged) sum += 2 * BOND;
        }
    }

    /* INTERNALS */

    function settling(uint40 epoch, TreeNode root, bytes32 snapshotHash, uint32 signers)
        private
        view
        returns (bytes memory)
    {
        (, uint64 nonce,,) = roots.committee();
        uint64 deadline = type(uint64).max;
        bytes32 digest = roots.settlementDigest(epoch, root, snapshotHash, nonce, deadline);
        bytes memory signed = signaturesBy(keys, digest, signers);
        return
            abi.encodeCall(
                roots.settle, (epoch, root, snapshotHash, nonce, deadline, signers, signed)
            );
    }

    function concludes(uint40 epoch, address winner, uint256 credit) private {
        expected[epoch].state = IReputationRoots.State.Final;
        owed[winner] += credit;
        sealedAs[epoch] = keccak256(abi.encode(roots.epochOf(epoch)));
    }

    function tries(address sender, uint256 value, bytes memory call, bool due) private {
        vm.deal(sender, sender.balance + value);
        vm.recordLogs();
        vm.prank(sender);
        (bool done,) = address(roots).call{value: value}(call);
        require(done == due, due ? "refused" : "accepted");
        if (!done) vm.deal(sender, sender.balance - value);
        replay.read(vm.getRecordedLogs());
    }
}
