// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Hamming} from "../../../contracts/libraries/Hamming.sol";

contract HammingTest {
    function test_ADistanceIsTheBitsThatDiffer(bytes32 a, bytes32 b) external pure {
        uint256 count;
        for (uint256 bits = uint256(a ^ b); bits != 0; bits >>= 1) {
            count += bits & 1;
        }
        require(Hamming.distance(a, b) == count, "distance");
        require(Hamming.distance(b, a) == count, "symmetric");
    }

    function test_EveryCountOfBitsIsFound() external pure {
        uint256 word;
        for (uint256 count = 0; count <= 256; ++count) {
            require(Hamming.distance(bytes32(word), 0) == count, "low bits");
            require(Hamming.distance(bytes32(~word), 0) == 256 - count, "high bits");
            word = (word << 1) | 1;
        }
    }

    function test_EveryPlaceCounts(uint8 place) external pure {
        require(Hamming.distance(bytes32(uint256(1) << place), 0) == 1, "place");
    }
}
