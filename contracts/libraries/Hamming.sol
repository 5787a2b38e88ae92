// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title In how many bits two words differ
/// @dev All lanes of the word are counted at once: pairs, fours, bytes, then 16-bit lanes, which
/// one product adds up in the top lane. Bytes would not do there: 256 is one more than they hold.
library Hamming {
    uint256 private constant PAIRS =
        0x5555555555555555555555555555555555555555555555555555555555555555;
    uint256 private constant FOURS =
        0x3333333333333333333333333333333333333333333333333333333333333333;
    uint256 private constant BYTES =
        0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
    uint256 private constant LANES =
        0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant ONES =
        0x0001000100010001000100010001000100010001000100010001000100010001;

    /// @notice The Hamming distance of two words, 0 to 256.
    function distance(bytes32 a, bytes32 b) internal pure returns (uint256 count) {
        unchecked {
            uint256 x = uint256(a ^ b);
            x -= (x >> 1) & PAIRS;
            x = (x & FOURS) + ((x >> 2) & FOURS);
            x = (x + (x >> 4)) & BYTES;
            x = (x & LANES) + ((x >> 8) & LANES);
            count = (x * ONES) >> 240;
        }
    }
}
