// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {FeedbackLog} from "../../contracts/FeedbackLog.sol";
import {PrevrandaoBeacon} from "../../contracts/PrevrandaoBeacon.sol";
import {ReputationRoots} from "../../contracts/ReputationRoots.sol";
import {ScoreLedger} from "../../contracts/ScoreLedger.sol";
import {SourceRegistry} from "../../contracts/SourceRegistry.sol";
import {VerdictLedger} from "../../contracts/VerdictLedger.sol";
import {VerificationJobs} from "../../contracts/VerificationJobs.sol";
import {AllowListGate} from "../../contracts/gates/AllowListGate.sol";
import {BondedGate} from "../../contracts/gates/BondedGate.sol";
import {OpenGate} from "../../contracts/gates/OpenGate.sol";
import {IRaterGate} from "../../contracts/interfaces/IRaterGate.sol";
import {Actors} from "./Actors.sol";

/// The contracts as they ship: the bytes in chainrep/chain/artifacts, so that what is tested is what
/// is deployed, and the tests need not be compiled as slowly as the product is. Under
/// FOUNDRY_PROFILE=coverage they are those of the sources, which alone can be measured.
abstract contract Shipped is Actors {
    function deployRegistry(IERC721 agents, address predecessor) internal returns (SourceRegistry) {
        return SourceRegistry(create("SourceRegistry", abi.encode(agents, predecessor)));
    }

    function deployLedger(
        SourceRegistry registry,
        address owner,
        address[] memory members,
        uint8 threshold,
        bool archive,
        address predecessor
    ) internal returns (ScoreLedger) {
        bytes memory arguments = abi.encode(
            registry, owner, members, threshold, archive, predecessor
        );
        return ScoreLedger(create("ScoreLedger", arguments));
    }

    function deployLog(SourceRegistry registry, IRaterGate gate, address predecessor)
        internal
        returns (FeedbackLog)
    {
        return FeedbackLog(create("FeedbackLog", abi.encode(registry, gate, predecessor)));
    }

    function deployRoots(
        ReputationRoots.Rules memory rules,
        address owner,
        address[] memory members,
        uint8 threshold,
        address predecessor
    ) internal returns (ReputationRoots) {
        bytes memory arguments = abi.encode(rules, owner, members, threshold, predecessor);
        return ReputationRoots(create("ReputationRoots", arguments));
    }

    function deployVerdicts(
        address owner,
        address[] memory members,
        uint8 threshold,
        address predecessor
    ) internal returns (VerdictLedger) {
        bytes memory arguments = abi.encode(owner, members, threshold, predecessor);
        return VerdictLedger(create("VerdictLedger", arguments));
    }

    function deployBeacon(uint64 delay) internal returns (PrevrandaoBeacon) {
        return PrevrandaoBeacon(create("PrevrandaoBeacon", abi.encode(delay)));
    }

    function deployJobs(VerificationJobs.JobRules memory rules)
        internal
        returns (VerificationJobs)
    {
        return VerificationJobs(create("VerificationJobs", abi.encode(rules)));
    }

    function deployOpenGate() internal returns (OpenGate) {
        return OpenGate(create("OpenGate", ""));
    }

    function deployBondedGate(uint256 bond, uint40 delay) internal returns (BondedGate) {
        return BondedGate(create("BondedGate", abi.encode(bond, delay)));
    }

    function deployAllowListGate(address owner) internal returns (AllowListGate) {
        return AllowListGate(create("AllowListGate", abi.encode(owner)));
    }

    /// The new contract's address; where its constructor reverts, so does this, with its reason.
    function create(string memory name, bytes memory arguments) private returns (address made) {
        bytes memory code = bytes.concat(codeOf(name), arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
            if iszero(made) {
                let reason := mload(64)
                returndatacopy(reason, 0, returndatasize())
                revert(reason, returndatasize())
            }
        }
    }

    function codeOf(string memory name) private view returns (bytes memory) {
        bytes32 profile = keccak256(bytes(vm.envOr("FOUNDRY_PROFILE", string("default"))));
        if (profile == keccak256("coverage")) {
            return vm.getCode(string.concat(name, ".sol:", name));
        }
        string memory file = vm.readFile(string.concat("chainrep/chain/artifacts/", name, ".json"));
        return vm.parseJsonBytes(file, ".bytecode");
    }
}
