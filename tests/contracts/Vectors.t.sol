// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ScoreLedger} from "../../contracts/ScoreLedger.sol";
import {SourceId} from "../../contracts/types/SourceId.sol";
import {ScoreRecord} from "../../contracts/types/ScoreRecord.sol";
import {ScoreUpdate} from "../../contracts/types/ScoreUpdate.sol";
import {TreeNode, leafNode} from "../../contracts/types/TreeNode.sol";
import {Base} from "./Base.sol";

/// The files of tests/vectors, which the Python tests read too.
contract VectorsTest is Base {
    function test_ScoreUpdatesAreReadAsPythonPacksThem() external view {
        string memory json = vm.readFile("tests/vectors/score_update.json");
        uint256 count = lengthOf(json, "updates");
        require(count > 8, "vectors");
        for (uint256 i = 0; i < count; ++i) {
            ScoreUpdate packed = wire(vm.parseJsonBytes(json, at("updates", i, ".packed")));
            require(
                SourceId.unwrap(packed.sourceOf()) == number(json, at("updates", i, ".source")),
                "source"
            );
            require(packed.spread() == lanesOf(json, at("updates", i, "")), "lanes");
        }
    }

    function test_ScoreRecordsAddUpAsInPython() external view {
        string memory json = vm.readFile("tests/vectors/score_record.json");
        uint256 count = lengthOf(json, "records");
        for (uint256 i = 0; i < count; ++i) {
            ScoreRecord record =
                ScoreRecord.wrap(uint256(vm.parseJsonBytes32(json, at("records", i, ".word"))));
            require(record.supported() == number(json, at("records", i, ".supported")), "s");
            require(record.contradicted() == number(json, at("records", i, ".contradicted")), "c");
            require(record.used() == number(json, at("records", i, ".used")), "u");
            require(record.asked() == number(json, at("records", i, ".asked")), "a");
            require(record.updatedAt() == number(json, at("records", i, ".updatedAt")), "t");
        }
        count = lengthOf(json, "additions");
        require(count > 8, "vectors");
        for (uint256 i = 0; i < count; ++i) {
            ScoreRecord before =
                ScoreRecord.wrap(uint256(vm.parseJsonBytes32(json, at("additions", i, ".before"))));
            (ScoreRecord next, bool overflow) = before.add(
                lanesOf(json, at("additions", i, ".update")),
                number(json, at("additions", i, ".time"))
            );
            require(!overflow, "overflow");
            require(
                bytes32(ScoreRecord.unwrap(next))
                    == vm.parseJsonBytes32(json, at("additions", i, ".after")),
                "sum"
            );
        }
    }

    function test_ReportDigestsAreThoseThatPythonSigns() external {
        string memory json = vm.readFile("tests/vectors/report.json");
        bytes32 typehash = keccak256(
            "Report(uint32 committee,uint64 nonce,uint64 deadline,bytes32 evidenceRoot,bytes updates)"
        );
        require(typehash == vm.parseJsonBytes32(json, ".typehash"), "typehash");
        uint256 count = lengthOf(json, "reports");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 structHash = keccak256(
                abi.encode(
                    typehash,
                    number(json, at("reports", i, ".committee")),
                    number(json, at("reports", i, ".nonce")),
                    number(json, at("reports", i, ".deadline")),
                    vm.parseJsonBytes32(json, at("reports", i, ".evidenceRoot")),
                    keccak256(vm.parseJsonBytes(json, at("reports", i, ".updates")))
                )
            );
            bytes32 digest = keccak256(
                bytes.concat(hex"1901", vm.parseJsonBytes32(json, ".domainSeparator"), structHash)
            );
            require(digest == vm.parseJsonBytes32(json, at("reports", i, ".digest")), "digest");
        }
        signaturesAreTheSigners(json);
        domainIsTheLedgers(json);
    }

    function test_EvidenceProofsLeadToTheRoot() external view {
        string memory json = vm.readFile("tests/vectors/evidence.json");
        uint256 count = lengthOf(json, "records");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 leaf = vm.parseJsonBytes32(json, at("records", i, ".leaf"));
            require(leafOf(json, at("records", i, "")) == leaf, "leaf");
        }
        count = lengthOf(json, "trees");
        require(count > 3, "vectors");
        for (uint256 t = 0; t < count; ++t) {
            bytes32 root = vm.parseJsonBytes32(json, at("trees", t, ".root"));
            bytes32[] memory leaves = vm.parseJsonBytes32Array(json, at("trees", t, ".leaves"));
            for (uint256 i = 0; i < leaves.length; ++i) {
                string memory place =
                    string.concat(at("trees", t, ".proofs"), "[", vm.toString(i), "]");
                bytes32[] memory proof = vm.parseJsonBytes32Array(json, place);
                require(MerkleProof.verify(proof, root, leaves[i]), "proof");
                require(!MerkleProof.verify(proof, root, keccak256("other")), "other leaf");
            }
        }
    }

    function test_CancellationDigestsAreThoseThatPythonSigns() external view {
        string memory json = vm.readFile("tests/vectors/report.json");
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Cancellation(uint32 committee,uint64 nonce,uint64 deadline)"),
                number(json, ".cancellation.committee"),
                number(json, ".cancellation.nonce"),
                number(json, ".cancellation.deadline")
            )
        );
        bytes32 digest = keccak256(
            bytes.concat(hex"1901", vm.parseJsonBytes32(json, ".domainSeparator"), structHash)
        );
        require(digest == vm.parseJsonBytes32(json, ".cancellation.digest"), "digest");
    }

    function test_ReputationProofsLeadToTheRoot() external view {
        string memory json = vm.readFile("tests/vectors/reputation_tree.json");
        uint256 count = lengthOf(json, "trees");
        require(count > 3, "vectors");
        for (uint256 t = 0; t < count; ++t) {
            string memory tree = at("trees", t, "");
            TreeNode root =
                TreeNode.wrap(bytes20(vm.parseJsonBytes(json, string.concat(tree, ".root"))));
            for (uint256 i = 0;; ++i) {
                string memory proof = string.concat(tree, ".proofs[", vm.toString(i), "]");
                if (!vm.keyExistsJson(json, proof)) break;
                bytes memory siblings = vm.parseJsonBytes(json, string.concat(proof, ".siblings"));
                TreeNode leaf = leafNode(reputationLeaf(json, tree, proof));
                require(this.climb(leaf, siblings) == root, "proof");
            }
        }
    }

    function climb(TreeNode leaf, bytes calldata siblings) external pure returns (TreeNode) {
        return leaf.climb(siblings);
    }

    function reputationLeaf(string memory json, string memory tree, string memory proof)
        private
        pure
        returns (bytes memory)
    {
        return abi.encode(
            number(json, string.concat(tree, ".chainId")),
            vm.parseJsonAddress(json, string.concat(tree, ".contract")),
            number(json, string.concat(tree, ".epoch")),
            vm.parseJsonBytes32(json, string.concat(tree, ".formulaHash")),
            vm.parseJsonAddress(json, string.concat(proof, ".account")),
            number(json, string.concat(proof, ".score")),
            vm.parseJsonAddress(json, string.concat(proof, ".next"))
        );
    }

    /// The vectors' domain has the name and version under which a ledger checks signatures.
    function domainIsTheLedgers(string memory json) private {
        vm.chainId(number(json, ".domain.chainId"));
        address place = vm.parseJsonAddress(json, ".domain.verifyingContract");
        address[] memory members = new address[](3);
        for (uint256 i = 0; i < 3; ++i) {
            members[i] = vm.parseJsonAddress(json, at("signers", i, ".address"));
        }
        bytes32 separator = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("chainrep ScoreLedger"),
                keccak256("1"),
                block.chainid,
                place
            )
        );
        require(separator == vm.parseJsonBytes32(json, ".domainSeparator"), "separator");
        ScoreLedger here = deployLedger(registry, OWNER, members, 1, false, address(0));
        (, string memory name, string memory version, uint256 chainId, address at_,,) =
            here.eip712Domain();
        require(keccak256(bytes(name)) == keccak256("chainrep ScoreLedger"), "name");
        require(keccak256(bytes(version)) == keccak256("1"), "version");
        require(chainId == block.chainid && at_ == address(here), "place");
    }

    function signaturesAreTheSigners(string memory json) private pure {
        bytes32 digest = vm.parseJsonBytes32(json, ".reports[0].digest");
        for (uint256 i = 0; i < 3; ++i) {
            uint256 key = uint256(vm.parseJsonBytes32(json, at("signers", i, ".privateKey")));
            bytes memory expected = vm.parseJsonBytes(
                json, string.concat(".reports[0].signatures[", vm.toString(i), "]")
            );
            require(keccak256(signature(key, digest)) == keccak256(expected), "signature");
        }
    }

    function leafOf(string memory json, string memory place) private pure returns (bytes32) {
        bytes memory first = abi.encode(
            vm.parseJsonBytes32(json, string.concat(place, ".feedbackId")),
            number(json, string.concat(place, ".source")),
            number(json, string.concat(place, ".kind")),
            vm.parseJsonBytes32(json, string.concat(place, ".queryDigest"))
        );
        bytes memory second = abi.encode(
            number(json, string.concat(place, ".supported")),
            number(json, string.concat(place, ".contradicted")),
            number(json, string.concat(place, ".used")),
            number(json, string.concat(place, ".asked")),
            number(json, string.concat(place, ".time")),
            digestOf(vm.parseJsonBytes(json, string.concat(place, ".receipt")))
        );
        return keccak256(bytes.concat(keccak256(bytes.concat(first, second))));
    }

    function digestOf(bytes memory receipt) private pure returns (bytes32) {
        return receipt.length == 0 ? bytes32(0) : keccak256(receipt);
    }

    function lanesOf(string memory json, string memory place) private pure returns (uint256) {
        return (number(json, string.concat(place, ".supported")) << 144)
            | (number(json, string.concat(place, ".contradicted")) << 96)
            | (number(json, string.concat(place, ".used")) << 48)
            | number(json, string.concat(place, ".asked"));
    }

    function wire(bytes memory packed) private pure returns (ScoreUpdate) {
        require(packed.length == 12, "12 bytes");
        return ScoreUpdate.wrap(uint96(bytes12(packed)));
    }

    function number(string memory json, string memory key) private pure returns (uint256) {
        return vm.parseJsonUint(json, key);
    }

    function lengthOf(string memory json, string memory list) private view returns (uint256 n) {
        while (vm.keyExistsJson(json, at(list, n, ""))) ++n;
    }
}
