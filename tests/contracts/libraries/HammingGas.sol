// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Hamming} from "../../../contracts/libraries/Hamming.sol";

/// What the benchmark measures the library by: compiled as the product is.
contract HammingGas {
    /// The distance, and the gas that it takes to find it, two reads of the gas left included. The
    /// result goes into memory before the second read, so that the compiler cannot move the work
    /// behind it.
    function gasOf(bytes32 a, bytes32 b) external view returns (uint256 gas, uint256 distance) {
        uint256[1] memory kept;
        uint256 start = gasleft();
        kept[0] = Hamming.distance(a, b);
        gas = start - gasleft();
        distance = kept[0];
    }
}
