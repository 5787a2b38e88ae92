// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev A node of a reputation tree: the first 20 bytes of a keccak256. A proof is the siblings
/// from the leaf to the root, packed, and a pair is hashed in ascending order, so that no
/// directions are needed. Twenty bytes instead of 32, because since EIP-7623 a proof is paid for by
/// the byte: 40,700 gas instead of 50,300 at a million leaves (`scripts/bench gas`). To find two
/// trees under one root takes about 2^80 hashes, as for two accounts under one address.
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

/// @dev The root to which the proof leads from this node.
function climb(TreeNode leaf, bytes calldata proof) pure returns (TreeNode) {
    uint256 length = proof.length;
    require(length <= PROOF_LIMIT && length % NODE_BYTES == 0, ProofLengthInvalid(length));
    bytes20 node = TreeNode.unwrap(leaf);
    for (uint256 i = 0; i < length; i += NODE_BYTES) {
        bytes20 sibling = bytes20(proof[i:i + NODE_BYTES]);
        bytes32 parent = node < sibling
            ? keccak256(abi.encodePacked(node, sibling))
            : keccak256(abi.encodePacked(sibling, node));
        node = bytes20(parent);
    }
    return TreeNode.wrap(node);
}

function equals(TreeNode a, TreeNode b) pure returns (bool) {
    return TreeNode.unwrap(a) == TreeNode.unwrap(b);
}
