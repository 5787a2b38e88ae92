// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {WordHash} from "./WordHash.sol";

/// @title The tree over a receipt's leaves, in their order
/// @dev Leaves are filled up with zero words to a power of two. A leaf is hashed twice and a pair
/// once, so that neither passes for the other; the bits of the place say on which side a sibling
/// stands, so that no leaf can be shown at another's place.
library ReceiptTree {
    /// @dev Most leaves of a receipt.
    uint256 internal constant LEAF_LIMIT = 32_768;

    /// @notice Whether a leaf stands at this place of the tree of so many leaves.
    /// @param root The tree's root.
    /// @param leafCount How many leaves it has, 1 to 32,768.
    /// @param header Digest of the receipt's header.
    /// @param place The place, from 0 on.
    /// @param content Digest of what the leaf is of.
    /// @param code The leaf's code.
    /// @param proof The siblings from the leaf up, one per level.
    function isProven(
        bytes32 root,
        uint256 leafCount,
        bytes32 header,
        uint256 place,
        bytes32 content,
        bytes32 code,
        bytes32[] calldata proof
    ) internal pure returns (bool) {
        // Exactly as long as the tree is deep: 2^(length - 1) < leafCount <= 2^length.
        uint256 length = proof.length;
        if (length > 15 || place >= leafCount || leafCount > (1 << length)) return false;
        if (length > 0 && leafCount <= (1 << (length - 1))) return false;
        bytes32 node = WordHash.hash(header, bytes32(place), content, code);
        node = keccak256(abi.encode(node));
        for (uint256 depth = 0; depth < length; ++depth) {
            bytes32 sibling = proof[depth];
            node = (place >> depth) & 1 == 1
                ? WordHash.hash(sibling, node)
                : WordHash.hash(node, sibling);
        }
        return node == root;
    }
}
