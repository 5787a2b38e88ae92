// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "./Vm.sol";

/// Keys, what they sign, and the bytes they sign over.
abstract contract Actors {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function sortedKeys(uint256 count) internal pure returns (uint256[] memory sorted) {
        sorted = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 key = uint256(keccak256(abi.encode("member", i)));
            uint256 j = i;
            for (; j > 0 && vm.addr(sorted[j - 1]) > vm.addr(key); --j) {
                sorted[j] = sorted[j - 1];
            }
            sorted[j] = key;
        }
    }

    function addressesOf(uint256[] memory from) internal pure returns (address[] memory found) {
        found = new address[](from.length);
        for (uint256 i = 0; i < from.length; ++i) {
            found[i] = vm.addr(from[i]);
        }
    }

    function update(uint32 source, uint16 s, uint16 c, uint16 u, uint16 a)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(source, s, c, u, a);
    }

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// One signature per bit of the mask, joined in order.
    function signaturesBy(uint256[] memory by, bytes32 digest, uint32 mask)
        internal
        pure
        returns (bytes memory joined)
    {
        for (uint256 i = 0; i < by.length; ++i) {
            if ((mask >> i) & 1 == 1) joined = bytes.concat(joined, signature(by[i], digest));
        }
    }

    /// The signature of a contract on the committee's grid: a header, then its bytes.
    function contractSignature(bytes memory own) internal pure returns (bytes memory) {
        return bytes.concat(bytes32(own.length), bytes32(0), hex"00", own);
    }
}
