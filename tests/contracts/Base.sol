// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ScoreLedger} from "../../contracts/ScoreLedger.sol";
import {SourceRegistry} from "../../contracts/SourceRegistry.sol";
import {SourceId} from "../../contracts/types/SourceId.sol";
import {Shipped} from "./Shipped.sol";

/// A registry with three sources and a ledger whose committee is 2 of 3.
abstract contract Base is Shipped {
    address internal constant OWNER = address(0xA11CE);
    address internal constant STRANGER = address(0xBAD);
    bytes32 internal constant ROOT = keccak256("evidence");
    uint64 internal constant DEADLINE = 2_000_000_000;
    uint256 internal constant START = 1_900_000_000;

    SourceRegistry internal registry;
    ScoreLedger internal ledger;
    uint256[] internal keys;

    function setUp() public virtual {
        vm.warp(START);
        registry = deployRegistry(IERC721(address(0)), address(0));
        registry.register("https://one.example");
        registry.register("https://two.example");
        registry.register("https://three.example");
        keys = sortedKeys(3);
        ledger = newLedger();
    }

    /// The ledger under test: the reference takes its place in reference/.
    function newLedger() internal virtual returns (ScoreLedger) {
        return deployLedger(registry, OWNER, addressesOf(keys), 2, false, address(0));
    }

    function reverts(bytes4 selector) internal {
        vm.expectRevert(abi.encodeWithSelector(selector));
    }

    function reverts(bytes4 selector, uint256 a) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, a));
    }

    function reverts(bytes4 selector, uint256 a, uint256 b) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, a, b));
    }

    function reverts(bytes4 selector, address a) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, a));
    }

    function signatures(bytes32 digest, uint32 mask) internal view returns (bytes memory) {
        return signaturesBy(keys, digest, mask);
    }

    /// Sign with members 0 and 1 and apply, as an honest relayer would.
    function applyUpdates(bytes memory updates, uint64 nonce) internal {
        bytes32 digest = ledger.reportDigest(updates, ROOT, nonce, DEADLINE);
        ledger.applyBatch(updates, ROOT, nonce, DEADLINE, 3, signatures(digest, 3));
    }

    function scoreIs(uint32 source, uint48 s, uint48 c, uint48 u, uint48 a) internal view {
        ScoreLedger.Score memory score = ledger.scoreOf(SourceId.wrap(source));
        require(score.supported == s, "supported");
        require(score.contradicted == c, "contradicted");
        require(score.used == u, "used");
        require(score.asked == a, "asked");
    }

    /// Where the ledger keeps a source touched just now: of the words under this key, the record is
    /// the one that holds the time.
    function recordSlot(uint32 source) internal view returns (bytes32 slot) {
        for (uint256 i = 0; i < 16; ++i) {
            slot = keccak256(abi.encode(source, i));
            if (uint256(vm.load(address(ledger), slot)) >> 192 == block.timestamp) return slot;
        }
        revert("no record");
    }

    function at(string memory list, uint256 i, string memory field)
        internal
        pure
        returns (string memory)
    {
        return string.concat(".", list, "[", vm.toString(i), "]", field);
    }
}
