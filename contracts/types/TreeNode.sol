// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev A node of a reputation tree: the first 20 bytes of a keccak256. A proof is the siblings
/// from the leaf to the root, packed, and a pair is hashed in ascending order, so that no
/// directions are needed. Twenty bytes instead of 32, because since EIP-7623 a proof is paid for by
/// the byte, 40 gas each: 40,900 gas for a whole transaction at a million leaves (`scripts/bench
/// gas`), to which the other 240 bytes would add 9,600. To find two trees under one root takes
/// about 2^80 hashes, as for two accounts under one address.
type TreeNode is bytes20;

using {climb, equals as ==} for TreeNode global;

/// @dev Bytes of one node.
uint256 constant NODE_BYTES = 20;

/// @dev The longest proof, for 2^64 leaves.
uint256 constant PROOF_LIMIT = 64 * NODE_BYTES;

/// @dev Thrown for a proof that is no whole number of nodes, or of more than 64.
error ProofLengthInvalid(uint256 length);

/// @dev The node of a leaf, hashed twice so that no inner node, which is hashed once, can pass for
/// one.
function leafNode(bytes memory content) pure returns (TreeNode) {
    return TreeNode.wrap(bytes20(keccak256(abi.encode(keccak256(content)))));
}

/// @dev The root to which the proof leads from this node. Assembly saves 5,100 gas of 46,000 at
/// a million leaves over slices and abi.encodePacked, which take memory for every pair
/// (`scripts/bench gas`); the length is checked before, and only scratch space is written.
function climb(TreeNode leaf, bytes calldata proof) pure returns (TreeNode) {
    uint256 length = proof.length;
    require(length <= PROOF_LIMIT && length % NODE_BYTES == 0, ProofLengthInvalid(length));
    bytes32 node = TreeNode.unwrap(leaf);
    assembly ("memory-safe") {
        let end := add(proof.offset, length)
        for { let at := proof.offset } lt(at, end) { at := add(at, 20) } {
            let sibling := shl(96, shr(96, calldataload(at)))
            switch lt(node, sibling)
            case 1 {
                mstore(0, node)
                mstore(20, sibling)
            }
            default {
                mstore(0, sibling)
                mstore(20, node)
            }
            node := shl(96, shr(96, keccak256(0, 40)))
        }
    }
    return TreeNode.wrap(bytes20(node));
}

function equals(TreeNode a, TreeNode b) pure returns (bool) {
    return TreeNode.unwrap(a) == TreeNode.unwrap(b);
}
