// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ReceiptTree} from "../../../contracts/libraries/ReceiptTree.sol";
import {Receipt} from "../jobs/Receipt.sol";

contract ReceiptTreeTest {
    function test_EveryLeafOfEverySizeIsProven() external view {
        for (uint256 count = 1; count < 18; ++count) {
            for (uint256 place = 0; place < count; ++place) {
                require(proven(count, place, place, count), "leaf");
            }
        }
    }

    function test_NoLeafIsProvenAtAnotherPlace(uint8 size, uint8 place, uint8 other) external view {
        uint256 count = 1 + (size % 32);
        if (place >= count || place == other) return;
        require(!proven(count, place, other, count), "another place");
    }

    function test_AProofIsAsLongAsTheTreeIsDeep() external view {
        require(!proven(4, 0, 0, 5), "too short");
        require(!proven(5, 0, 0, 4), "too long");
        require(proven(5, 0, 0, 6), "a filler is no leaf, but its tree is as deep");
        require(!proven(1, 0, 0, 2) && !proven(2, 0, 0, 1), "one leaf");
        bytes32[] memory longer = new bytes32[](16);
        require(!this.isProven(0, 40_000, 0, 0, longer), "deeper than any tree");
    }

    function test_AFillerIsNoLeaf() external view {
        (bytes32 root, bytes32[] memory proof) = Receipt.climb(5, 5);
        require(!this.isProven(root, 5, 5, 5, proof), "beyond the leaves");
        require(!this.isProven(root, 6, 5, 5, proof), "zero");
    }

    /// The leaf at `place` of a receipt, shown as the one at `shown` among `count`.
    function proven(uint256 size, uint256 place, uint256 shown, uint256 count)
        private
        view
        returns (bool)
    {
        (bytes32 root, bytes32[] memory proof) = Receipt.climb(size, place);
        return this.isProven(root, count, place, shown, proof);
    }

    function isProven(
        bytes32 root,
        uint256 count,
        uint256 place,
        uint256 shown,
        bytes32[] calldata proof
    ) external pure returns (bool) {
        return ReceiptTree.isProven(
            root,
            count,
            Receipt.HEADER,
            shown,
            Receipt.contentOf(place),
            Receipt.codeOf(place),
            proof
        );
    }
}
