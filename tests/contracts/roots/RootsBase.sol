// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../../../contracts/interfaces/IReputationRoots.sol";
import {ReputationRoots} from "../../../contracts/ReputationRoots.sol";
import {TreeNode} from "../../../contracts/types/TreeNode.sol";
import {Base} from "../Base.sol";

/// Hourly epochs, a window of a day, two days to settle, a bond of one ether, 2 of 3 settle.
abstract contract RootsBase is Base {
    address internal constant PROPOSER = address(0x9999);
    address internal constant CHALLENGER = address(0x8888);
    TreeNode internal constant TREE = TreeNode.wrap(bytes20(uint160(0x1111)));
    TreeNode internal constant OTHER = TreeNode.wrap(bytes20(uint160(0x2222)));
    bytes32 internal constant SNAPSHOT = keccak256("snapshot");
    bytes32 internal constant FORMULA = keccak256("formula");
    uint256 internal constant BOND = 1 ether;
    uint40 internal constant LENGTH = 1 hours;
    uint40 internal constant WINDOW = 1 days;
    uint40 internal constant SETTLE = 2 days;
    uint40 internal constant EPOCH = uint40(START / 1 hours);

    ReputationRoots internal roots;

    function setUp() public virtual override {
        super.setUp();
        roots = newRoots(rules());
        vm.deal(PROPOSER, 100 ether);
        vm.deal(CHALLENGER, 100 ether);
        vm.warp(START + 1 hours);
    }

    function rules() internal pure returns (IReputationRoots.Rules memory) {
        return IReputationRoots.Rules(FORMULA, LENGTH, WINDOW, SETTLE, BOND);
    }

    function newRoots(IReputationRoots.Rules memory given) internal returns (ReputationRoots) {
        return deployRoots(given, OWNER, addressesOf(keys), 2, address(0));
    }

    function propose() internal {
        vm.prank(PROPOSER);
        roots.propose{value: BOND}(EPOCH, TREE, SNAPSHOT, "ipfs://snapshot");
    }

    function challenge() internal {
        vm.prank(CHALLENGER);
        roots.challenge{value: BOND}(EPOCH, TREE, SNAPSHOT);
    }

    function settle(TreeNode root, bytes32 snapshot, uint64 nonce) internal {
        bytes32 digest = roots.settlementDigest(EPOCH, root, snapshot, nonce, DEADLINE);
        roots.settle(EPOCH, root, snapshot, nonce, DEADLINE, 3, signatures(digest, 3));
    }

    function makeFinal(TreeNode root) internal {
        vm.prank(PROPOSER);
        roots.propose{value: BOND}(EPOCH, root, SNAPSHOT, "");
        vm.warp(block.timestamp + WINDOW);
        roots.finalize(EPOCH);
    }

    function stateIs(IReputationRoots.State state) internal view {
        require(roots.epochOf(EPOCH).state == state, "state");
    }

    function owes(address account, uint256 amount) internal view {
        require(roots.owedTo(account) == amount, "owed");
    }

    function notPending() internal {
        bytes4 selector = IReputationRoots.RootNotPending.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, TREE, SNAPSHOT));
    }

    function wrongState(IReputationRoots.State needed, IReputationRoots.State found) internal {
        reverts(IReputationRoots.EpochNotIn.selector, uint256(needed), uint256(found));
    }
}
