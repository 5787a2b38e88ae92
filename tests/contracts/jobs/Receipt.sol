// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerificationJobs} from "../../../contracts/interfaces/IVerificationJobs.sol";

/// A receipt of `leafCount` leaves, whose tree is written plainly, level by level.
library Receipt {
    bytes32 internal constant HEADER = keccak256("header");

    function contentOf(uint256 place) internal pure returns (bytes32) {
        return keccak256(abi.encode("content", place));
    }

    function codeOf(uint256 place) internal pure returns (bytes32) {
        return keccak256(abi.encode("code", place));
    }

    function claim(uint256 leafCount) internal pure returns (IVerificationJobs.Claim memory) {
        (bytes32 root,) = climb(leafCount, 0);
        return IVerificationJobs.Claim(root, HEADER, uint32(leafCount));
    }

    function opening(uint256 leafCount, uint256 place)
        internal
        pure
        returns (IVerificationJobs.Opening memory)
    {
        (, bytes32[] memory proof) = climb(leafCount, place);
        return IVerificationJobs.Opening(contentOf(place), codeOf(place), proof);
    }

    /// The root, and the siblings of the leaf at the place.
    function climb(uint256 leafCount, uint256 place)
        internal
        pure
        returns (bytes32, bytes32[] memory proof)
    {
        uint256 depth;
        while (1 << depth < leafCount) ++depth;
        bytes32[] memory level = new bytes32[](1 << depth);
        for (uint256 i = 0; i < leafCount; ++i) {
            bytes memory leaf = abi.encode(HEADER, i, contentOf(i), codeOf(i));
            level[i] = keccak256(abi.encodePacked(keccak256(leaf)));
        }
        proof = new bytes32[](depth);
        for (uint256 width = level.length; width > 1; width /= 2) {
            proof[proof.length - depth--] = level[place ^ 1];
            for (uint256 i = 0; i < width; i += 2) {
                level[i / 2] = keccak256(abi.encodePacked(level[i], level[i + 1]));
            }
            place /= 2;
        }
        return (level[0], proof);
    }
}
