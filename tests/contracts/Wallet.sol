// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// A contract account that signs with its owner's key, and can be told to call somebody meanwhile.
contract Wallet is IERC1271 {
    address private immutable owner;
    address private target;
    bytes private call;

    constructor(address owner_) {
        owner = owner_;
    }

    function callWhenAsked(address target_, bytes calldata call_) external {
        target = target_;
        call = call_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature)
        external
        view
        returns (bytes4)
    {
        if (target != address(0)) {
            (bool done, bytes memory why) = target.staticcall(call);
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(why, 32), mload(why))
                }
            }
        }
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
        return signer == owner ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
