// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {History} from "../../../contracts/types/History.sol";
import {VerdictRecord, verdictStamp} from "../../../contracts/types/VerdictRecord.sol";
import {VerdictLedger} from "../../../contracts/VerdictLedger.sol";
import {VerdictsBase} from "./VerdictsBase.sol";

/// tests/vectors/verdicts.json, which the Python tests read too.
contract VerdictVectorsTest is VerdictsBase {
    string private json;

    function setUp() public override {
        super.setUp();
        json = vm.readFile("tests/vectors/verdicts.json");
    }

    function test_BatchesAreReadAsPythonPacksThem() external {
        uint256 count = lengthOf("batches");
        require(count > 3, "vectors");
        for (uint256 b = 0; b < count; ++b) {
            string memory place = at("batches", b, "");
            VerdictLedger here = deployVerdicts(OWNER, addressesOf(keys), 2, address(0));
            verdicts = here;
            applied(vm.parseJsonBytes(json, string.concat(place, ".packed")), 1);
            for (uint256 i = 0;; ++i) {
                string memory row = string.concat(place, ".verdicts[", vm.toString(i), "]");
                if (!vm.keyExistsJson(json, row)) {
                    require(i > 0, "no verdicts");
                    break;
                }
                verdictIs(
                    vm.parseJsonAddress(json, string.concat(row, ".provider")),
                    vm.parseJsonBytes32(json, string.concat(row, ".receipt")),
                    found(
                        uint16(number(string.concat(row, ".verdict"))),
                        uint16(number(string.concat(row, ".distance"))),
                        START,
                        1
                    )
                );
            }
        }
    }

    function test_RecordsAreLaidOutAsTheVectorsSay() external view {
        uint256 count = lengthOf("records");
        require(count > 3, "vectors");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 word = vm.parseJsonBytes32(json, at("records", i, ".word"));
            VerdictRecord record = VerdictRecord.wrap(uint256(word));
            uint256 verdict = number(at("records", i, ".verdict"));
            uint256 distance = number(at("records", i, ".distance"));
            uint256 time = number(at("records", i, ".time"));
            uint256 nonce = number(at("records", i, ".nonce"));
            require(record.verdict() == verdict && record.distance() == distance, "finding");
            require(record.notedAt() == time && record.reportNonce() == nonce, "stamp");
            require(record.isOpen() == (verdict == INCONCLUSIVE), "open");
            uint256 made = verdictStamp(time, nonce) | (verdict << 14) | distance;
            require(bytes32(made) == word, "word");
        }
    }

    function test_DigestsAreThoseThatPythonSigns() external {
        vm.chainId(number(".domain.chainId"));
        bytes32 separator = vm.parseJsonBytes32(json, ".domainSeparator");
        bytes32 typehash = vm.parseJsonBytes32(json, ".typehash");
        uint256 count = lengthOf("reports");
        require(count > 1, "vectors");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 structHash = keccak256(
                abi.encode(
                    typehash,
                    number(at("reports", i, ".committee")),
                    number(at("reports", i, ".nonce")),
                    number(at("reports", i, ".deadline")),
                    vm.parseJsonBytes32(json, at("reports", i, ".evidenceRoot")),
                    keccak256(vm.parseJsonBytes(json, at("reports", i, ".verdicts")))
                )
            );
            bytes32 digest = keccak256(bytes.concat(hex"1901", separator, structHash));
            require(digest == vm.parseJsonBytes32(json, at("reports", i, ".digest")), "digest");
        }
    }

    /// The vectors' type and domain are the contract's own, but for the place it stands at.
    function test_TheContractAsksForTheSameTypeAndDomain() external view {
        (, string memory name, string memory version, uint256 chainId, address place,,) =
            verdicts.eip712Domain();
        require(chainId == block.chainid && place == address(verdicts), "place");
        require(same(name, vm.parseJsonString(json, ".domain.name")), "name");
        require(same(version, vm.parseJsonString(json, ".domain.version")), "version");
        bytes32 separator = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chainId,
                place
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(
                vm.parseJsonBytes32(json, ".typehash"), 1, 5, DEADLINE, ROOT, keccak256("batch")
            )
        );
        require(
            verdicts.verdictsDigest("batch", ROOT, 5, DEADLINE)
                == keccak256(bytes.concat(hex"1901", separator, structHash)),
            "digest"
        );
    }

    function test_HistoriesRollAsInPython() external view {
        uint256 count = lengthOf("histories");
        require(count > 1, "vectors");
        History history = History.wrap(0);
        for (uint256 i = 0; i < count; ++i) {
            bytes memory packed = vm.parseJsonBytes(json, at("histories", i, ".verdicts"));
            history = history.extend(
                keccak256(
                    abi.encode(
                        number(at("histories", i, ".nonce")),
                        number(at("histories", i, ".time")),
                        number(at("histories", i, ".signerMask")),
                        vm.parseJsonBytes32(json, at("histories", i, ".evidenceRoot")),
                        keccak256(packed)
                    )
                )
            );
            bytes memory expected = vm.parseJsonBytes(json, at("histories", i, ".history"));
            require(bytes20(History.unwrap(history)) == bytes20(expected), "history");
        }
    }

    function number(string memory key) private view returns (uint256) {
        return vm.parseJsonUint(json, key);
    }

    function lengthOf(string memory list) private view returns (uint256 n) {
        while (vm.keyExistsJson(json, at(list, n, ""))) ++n;
    }

    function same(string memory one, string memory other) private pure returns (bool) {
        return keccak256(bytes(one)) == keccak256(bytes(other));
    }
}
