// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ScoreLedger} from "../../contracts/ScoreLedger.sol";
import {SourceRegistry} from "../../contracts/SourceRegistry.sol";
import {SourceId} from "../../contracts/types/SourceId.sol";

/// A log as forge records it.
struct Log {
    bytes32[] topics;
    bytes data;
    address emitter;
}

/// The few cheatcodes that these tests use.
interface Vm {
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8, bytes32, bytes32);
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function warp(uint256 time) external;
    function chainId(uint256 id) external;
    function assume(bool condition) external pure;
    function expectRevert(bytes calldata data) external;
    function deal(address account, uint256 balance) external;
    function roll(uint256 number) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function expectEmit() external;
    function load(address target, bytes32 slot) external view returns (bytes32);
    function store(address target, bytes32 slot, bytes32 value) external;
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key)
        external
        pure
        returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key)
        external
        pure
        returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata key)
        external
        pure
        returns (bytes32[] memory);
    function parseJsonUint(string calldata json, string calldata key)
        external
        pure
        returns (uint256);
    function parseJsonAddress(string calldata json, string calldata key)
        external
        pure
        returns (address);
    function parseJsonString(string calldata json, string calldata key)
        external
        pure
        returns (string memory);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function toString(uint256 value) external pure returns (string memory);
}

/// A registry with three sources and a ledger whose committee is 2 of 3.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

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
        registry = new SourceRegistry(IERC721(address(0)), address(0));
        registry.register("https://one.example");
        registry.register("https://two.example");
        registry.register("https://three.example");
        keys = sortedKeys(3);
        ledger = newLedger();
    }

    /// The ledger under test: the reference takes its place in reference/.
    function newLedger() internal virtual returns (ScoreLedger) {
        return new ScoreLedger(registry, OWNER, addressesOf(keys), 2, false, address(0));
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

    function recorded() internal returns (Log[] memory) {
        return vm.getRecordedLogs();
    }

    /// The signature of a contract on the committee's grid: a header, then its bytes.
    function contractSignature(bytes memory own) internal pure returns (bytes memory) {
        return bytes.concat(bytes32(own.length), bytes32(0), hex"00", own);
    }

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

    function signatures(bytes32 digest, uint32 mask) internal view returns (bytes memory joined) {
        for (uint256 i = 0; i < keys.length; ++i) {
            if ((mask >> i) & 1 == 1) joined = bytes.concat(joined, signature(keys[i], digest));
        }
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
