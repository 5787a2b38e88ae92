// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ScoreLedger} from "../../../contracts/ScoreLedger.sol";
import {SourceRegistry} from "../../../contracts/SourceRegistry.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Vm} from "../Vm.sol";

/// The cheatcodes of halmos that are used here.
interface Svm {
    function createCalldata(string calldata contractName) external returns (bytes memory);
    function createBytes(uint256 size, string calldata name) external returns (bytes memory);
}

/// A committee member that is a contract, and agrees or does not.
contract Agreeing is IERC1271 {
    bool private immutable agrees;

    constructor(bool agrees_) {
        agrees = agrees_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return agrees ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// Proofs, by halmos, that no caller changes a score without the signatures of a quorum: for every
/// caller, every time, every argument, and every answer that ecrecover may give. There is
/// one update, and there are up to three signatures by keys.
contract AuthorityProofs {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Svm private constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));

    address private constant OWNER = address(0xA11CE);
    address private constant FIRST = address(0x1111);
    address private constant SECOND = address(0x2222);
    address private constant THIRD = address(0x3333);
    SourceId private constant ID = SourceId.wrap(1);

    SourceRegistry private registry;
    ScoreLedger private ledger;

    function setUp() public {
        registry = new SourceRegistry(IERC721(address(0)), address(0));
        registry.register("https://one.example");
        address[] memory members = new address[](3);
        (members[0], members[1], members[2]) = (FIRST, SECOND, THIRD);
        ledger = new ScoreLedger(registry, OWNER, members, 2, false, address(0));
    }

    /// A batch that was accepted carries two of three members' signatures over its own digest, the
    /// next nonce, and a deadline to come.
    function check_ABatchNeedsAQuorum(
        uint8 count,
        address caller,
        uint40 time,
        bytes32 root,
        uint64 nonce,
        uint64 deadline,
        uint32 mask
    ) external {
        vm.warp(time);
        bytes memory updates = svm.createBytes(12, "updates");
        bytes memory signatures = signaturesOfKeys(count);
        bytes32 digest = ledger.reportDigest(updates, root, nonce, deadline);
        bytes memory call =
            abi.encodeCall(ledger.applyBatch, (updates, root, nonce, deadline, mask, signatures));
        vm.prank(caller);
        (bool done,) = address(ledger).call(call);
        if (!done) {
            assert(isUntouched());
            return;
        }
        assert(aQuorumSigned(digest, signatures, mask));
        assert(nonce == 1 && time <= deadline);
    }

    function check_ACancellationNeedsAQuorumAndMovesNoScore(
        uint8 count,
        address caller,
        uint64 nonce,
        uint64 deadline,
        uint32 mask
    ) external {
        bytes memory signatures = signaturesOfKeys(count);
        bytes32 digest = ledger.cancellationDigest(nonce, deadline);
        bytes memory call = abi.encodeCall(ledger.cancelNonce, (nonce, deadline, mask, signatures));
        vm.prank(caller);
        (bool done,) = address(ledger).call(call);
        assert(isUntouched());
        if (done) assert(aQuorumSigned(digest, signatures, mask) && nonce == 1);
    }

    /// A member that is a contract has to agree, whatever is sent along in its name.
    function check_AContractMemberHasToAgree(bool agrees, address caller, uint32 mask) external {
        address[] memory members = new address[](1);
        members[0] = address(new Agreeing(agrees));
        ledger = new ScoreLedger(registry, OWNER, members, 1, false, address(0));
        bytes memory updates = svm.createBytes(12, "updates");
        bytes memory own = svm.createBytes(65, "own");
        bytes memory signed = bytes.concat(bytes32(own.length), bytes32(0), hex"00", own);
        bytes memory call =
            abi.encodeCall(ledger.applyBatch, (updates, 0, 1, type(uint64).max, mask, signed));
        vm.prank(caller);
        (bool done,) = address(ledger).call(call);
        assert(agrees || !done);
        assert(done || isUntouched());
    }

    /// Nothing else moves a score, whoever calls, the owner included.
    function check_NoOtherFunctionMovesAScore(address caller) external {
        bytes memory call = svm.createCalldata("ScoreLedger");
        vm.assume(bytes4(call) != ledger.applyBatch.selector);
        vm.assume(bytes4(call) != ledger.cancelNonce.selector);
        vm.prank(caller);
        (bool done,) = address(ledger).call(call);
        assert(isUntouched() || !done);
        assert(isUntouched());
    }

    /// Any bytes, but for the mark of a contract's signature. A length has to be a plain number.
    function signaturesOfKeys(uint8 count) private returns (bytes memory signatures) {
        vm.assume(count < 4);
        if (count == 0) return "";
        signatures = svm.createBytes(count == 1 ? 65 : count == 2 ? 130 : 195, "signatures");
        for (uint256 end = 65; end <= signatures.length; end += 65) {
            vm.assume(signatures[end - 1] != 0);
        }
    }

    /// Whether two or three of the members signed, each in the place that the mask gives it.
    function aQuorumSigned(bytes32 digest, bytes memory signatures, uint32 mask)
        private
        pure
        returns (bool)
    {
        address[3] memory members = [FIRST, SECOND, THIRD];
        uint256 start = 0;
        for (uint256 i = 0; i < 3; ++i) {
            if ((mask >> i) & 1 == 0) continue;
            if (start == signatures.length) return false;
            if (signerOf(digest, signatures, start) != members[i]) return false;
            start += 65;
        }
        return start == signatures.length && start >= 130 && mask < 8;
    }

    function signerOf(bytes32 digest, bytes memory signatures, uint256 start)
        private
        pure
        returns (address)
    {
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly ("memory-safe") {
            let place := add(add(signatures, 32), start)
            r := mload(place)
            s := mload(add(place, 32))
            v := byte(0, mload(add(place, 64)))
        }
        return ecrecover(digest, v, r, s);
    }

    function isUntouched() private view returns (bool) {
        ScoreLedger.Score memory score = ledger.scoreOf(ID);
        return score.updatedAt == 0 && score.supported == 0 && score.contradicted == 0
            && score.used == 0 && score.asked == 0;
    }
}
