// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RootsBase} from "./RootsBase.sol";

/// A tree of seven accounts above the leaf of account zero, built plainly, level by level.
abstract contract TreeBase is RootsBase {
    uint256 internal constant COUNT = 8;

    function accountAt(uint256 i) internal pure returns (address) {
        return i == 0 || i >= COUNT ? address(0) : address(uint160(i * 1_000));
    }

    function scoreAt(uint256 i) internal pure returns (uint64) {
        return i == 0 ? 0 : uint64(10 * i);
    }

    function root() internal view returns (bytes20) {
        return rootFor(block.chainid, address(roots), EPOCH, FORMULA);
    }

    function rootFor(uint256 chain, address place, uint40 epoch, bytes32 formula)
        internal
        pure
        returns (bytes20)
    {
        bytes20[] memory level = leavesFor(chain, place, epoch, formula);
        while (level.length > 1) level = above(level);
        return level[0];
    }

    function proofOf(uint256 i) internal view returns (bytes memory proof) {
        bytes20[] memory level = leavesFor(block.chainid, address(roots), EPOCH, FORMULA);
        for (; level.length > 1; i /= 2) {
            proof = bytes.concat(proof, level[i ^ 1]);
            level = above(level);
        }
    }

    function leafFor(uint256 chain, address place, uint40 epoch, bytes32 formula, uint256 i)
        internal
        pure
        returns (bytes20)
    {
        bytes memory content =
            abi.encode(chain, place, epoch, formula, accountAt(i), scoreAt(i), accountAt(i + 1));
        return bytes20(keccak256(abi.encode(keccak256(content))));
    }

    function pair(bytes20 a, bytes20 b) internal pure returns (bytes20) {
        return bytes20(a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a)));
    }

    function leavesFor(uint256 chain, address place, uint40 epoch, bytes32 formula)
        private
        pure
        returns (bytes20[] memory leaves)
    {
        leaves = new bytes20[](COUNT);
        for (uint256 i = 0; i < COUNT; ++i) {
            leaves[i] = leafFor(chain, place, epoch, formula, i);
        }
    }

    function above(bytes20[] memory level) private pure returns (bytes20[] memory up) {
        up = new bytes20[](level.length / 2);
        for (uint256 i = 0; i < up.length; ++i) {
            up[i] = pair(level[2 * i], level[2 * i + 1]);
        }
    }
}
