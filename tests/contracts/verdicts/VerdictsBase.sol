// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerdictLedger} from "../../../contracts/interfaces/IVerdictLedger.sol";
import {VerdictLedger} from "../../../contracts/VerdictLedger.sol";
import {Base} from "../Base.sol";

/// A verdict ledger whose committee is 2 of 3, two providers, and receipts in ascending order.
abstract contract VerdictsBase is Base {
    address internal constant PROVIDER = address(0xBEE);
    address internal constant OTHER = address(0xF00D);
    bytes32 internal constant ONE = bytes32(uint256(1) << 248);
    bytes32 internal constant TWO = bytes32(uint256(2) << 248);
    bytes32 internal constant THREE = bytes32(uint256(3) << 248);
    uint16 internal constant MATCH = 1;
    uint16 internal constant MISMATCH = 2;
    uint16 internal constant INCONCLUSIVE = 3;

    VerdictLedger internal verdicts;

    function setUp() public virtual override {
        super.setUp();
        verdicts = deployVerdicts(OWNER, addressesOf(keys), 2, address(0));
    }

    function entry(bytes32 receipt, uint16 verdict, uint16 distance)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(bytes20(receipt), (verdict << 14) | distance);
    }

    function group(address provider, bytes memory entries) internal pure returns (bytes memory) {
        return abi.encodePacked(provider, uint8(entries.length / 22), entries);
    }

    /// A batch of one verdict.
    function single(address provider, bytes32 receipt, uint16 verdict)
        internal
        pure
        returns (bytes memory)
    {
        return group(provider, entry(receipt, verdict, 7));
    }

    function signed(bytes memory packed, uint64 nonce, uint32 mask)
        internal
        view
        returns (bytes memory)
    {
        return signatures(verdicts.verdictsDigest(packed, ROOT, nonce, DEADLINE), mask);
    }

    /// Sign with members 0 and 1 and apply, as an honest relayer would.
    function applied(bytes memory packed, uint64 nonce) internal {
        verdicts.applyVerdicts(packed, ROOT, nonce, DEADLINE, 3, signed(packed, nonce, 3));
    }

    /// A quorum signed it, and still the ledger takes nothing of it.
    function refused(bytes memory packed, bytes memory refusal) internal {
        (, uint64 nonce,,) = verdicts.committee();
        bytes memory both = signed(packed, nonce, 3);
        uint160 before = verdicts.history();
        vm.expectRevert(refusal);
        verdicts.applyVerdicts(packed, ROOT, nonce, DEADLINE, 3, both);
        require(verdicts.history() == before, "history");
    }

    function verdictIs(address provider, bytes32 receipt, IVerdictLedger.Finding memory expected)
        internal
        view
    {
        IVerdictLedger.Finding memory here = verdicts.verdictOf(provider, receipt);
        require(keccak256(abi.encode(here)) == keccak256(abi.encode(expected)), "finding");
    }

    function found(uint16 verdict, uint16 distance, uint256 time, uint40 nonce)
        internal
        pure
        returns (IVerdictLedger.Finding memory)
    {
        return IVerdictLedger.Finding(
            IVerdictLedger.Verdict(uint8(verdict)), distance, uint40(time), nonce
        );
    }
}
