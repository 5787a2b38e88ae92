// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerdictLedger} from "../../../contracts/interfaces/IVerdictLedger.sol";
import {VerdictLedger} from "../../../contracts/VerdictLedger.sol";
import {Actors} from "../Actors.sol";
import {VerdictsReplay} from "./VerdictsReplay.sol";

/// Everything that anyone can do to a verdict ledger, and a model of what must come of it: who is
/// in the committee, and the verdict on each of a few providers' receipts.
contract VerdictsHandler is Actors {
    uint256 public constant PROVIDERS = 2;
    uint256 public constant RECEIPTS = 3;
    uint256 private constant POOL = 5;

    VerdictLedger private immutable ledger;
    VerdictsReplay private immutable replay;
    address private immutable owner;

    uint256[] private pool;
    uint256[] private seated;
    uint8 private threshold;
    bytes[] private accepted;

    mapping(uint256 provider => mapping(uint256 receipt => IVerdictLedger.Finding)) public model;
    uint256 public used;
    uint256 public decided;

    constructor(
        VerdictLedger ledger_,
        VerdictsReplay replay_,
        uint256[] memory seated_,
        uint8 threshold_
    ) {
        (ledger, replay) = (ledger_, replay_);
        owner = ledger.owner();
        (seated, threshold) = (seated_, threshold_);
        pool = sortedKeys(POOL);
    }

    function providerOf(uint256 number) public pure returns (address) {
        return address(uint160((1 + number) << 150));
    }

    function receiptOf(uint256 number) public pure returns (bytes32) {
        return bytes32((1 + number) << 240);
    }

    /* WHAT HAS TO SUCCEED, OR TO BE REFUSED, AS THE MODEL SAYS */

    /// Verdicts on any of the receipts, decided ones among them.
    function apply_(uint16 chosen, uint64 findings, uint32 mask, bytes32 root) external {
        (bytes memory packed, uint256 count, bool open) = batchOf(chosen, findings);
        if (count == 0) return;
        bytes memory call = applying(packed, root, quorumFrom(mask));
        if (!open || count > ledger.verdictLimit()) return refused(msg.sender, call);
        uint40 nonce = uint40(next());
        logged(address(this), call);
        accepted.push(call);
        ++used;
        for (uint256 i = 0; i < PROVIDERS * RECEIPTS; ++i) {
            if ((chosen >> i) & 1 == 0) continue;
            (uint16 verdict, uint16 distance) = findingOf(findings, i);
            model[i / RECEIPTS][i % RECEIPTS] = IVerdictLedger.Finding(
                IVerdictLedger.Verdict(uint8(verdict)), distance, uint40(block.timestamp), nonce
            );
            if (verdict != 3) ++decided;
        }
    }

    function cancel(uint32 mask) external {
        mask = quorumFrom(mask);
        bytes32 digest = ledger.cancellationDigest(next(), type(uint64).max);
        bytes memory by = signaturesBy(seated, digest, mask);
        logged(
            address(this), abi.encodeCall(ledger.cancelNonce, (next(), type(uint64).max, mask, by))
        );
        ++used;
    }

    function configure(uint256 seats, uint8 threshold_) external {
        delete seated;
        for (uint256 i = 0; i < POOL; ++i) {
            if ((seats >> i) & 1 == 1) seated.push(pool[i]);
        }
        if (seated.length == 0) seated.push(pool[seats % POOL]);
        threshold = uint8(1 + threshold_ % seated.length);
        logged(owner, abi.encodeCall(ledger.configure, (addressesOf(seated), threshold)));
    }

    function setVerdictLimit(uint16 limit) external {
        logged(owner, abi.encodeCall(ledger.setVerdictLimit, (3 + limit % 20)));
    }

    function wait(uint16 time) external {
        vm.warp(block.timestamp + time);
    }

    /* WHAT HAS TO BE REFUSED */

    function replayAccepted(uint256 which) external {
        if (accepted.length > 0) refused(msg.sender, accepted[which % accepted.length]);
    }

    /// One bit of the batch is another than what was signed.
    function alter(uint16 chosen, uint64 findings, uint256 bit) external {
        (bytes memory packed, uint256 count,) = batchOf(chosen, findings);
        if (count == 0) return;
        uint32 mask = quorumFrom(0);
        bytes memory by = signaturesBy(seated, digestOf(packed), mask);
        uint256 i = (bit >> 3) % packed.length;
        packed[i] = packed[i] ^ bytes1(uint8(1 << (bit & 7)));
        refused(
            msg.sender,
            abi.encodeCall(
                ledger.applyVerdicts, (packed, "root", next(), type(uint64).max, mask, by)
            )
        );
    }

    function tooFew(uint16 chosen, uint64 findings, uint256 rotation) external {
        (bytes memory packed,,) = batchOf(chosen | 1, findings);
        uint32 mask = 0;
        for (uint256 i = 0; i + 1 < threshold; ++i) {
            mask |= uint32(1 << ((i + rotation % seated.length) % seated.length));
        }
        refused(msg.sender, applying(packed, "root", mask));
    }

    function ownerAlone(uint16 chosen, uint64 findings, uint32 mask) external {
        (bytes memory packed,,) = batchOf(chosen | 1, findings);
        refused(
            owner,
            abi.encodeCall(
                ledger.applyVerdicts, (packed, "root", next(), type(uint64).max, mask, "")
            )
        );
    }

    function strangerGoverns(bool what) external {
        address[] memory mine = new address[](1);
        mine[0] = address(this);
        if (what) refused(address(this), abi.encodeCall(ledger.configure, (mine, 1)));
        else refused(address(this), abi.encodeCall(ledger.setVerdictLimit, (1)));
    }

    /* INTERNALS */

    /// The verdicts on the chosen receipts, and whether all of these may still get one.
    function batchOf(uint16 chosen, uint64 findings)
        private
        view
        returns (bytes memory packed, uint256 count, bool open)
    {
        open = true;
        for (uint256 p = 0; p < PROVIDERS; ++p) {
            bytes memory entries;
            for (uint256 r = 0; r < RECEIPTS; ++r) {
                uint256 i = p * RECEIPTS + r;
                if ((chosen >> i) & 1 == 0) continue;
                (uint16 verdict, uint16 distance) = findingOf(findings, i);
                entries = abi.encodePacked(
                    entries, bytes20(receiptOf(r)), uint16((verdict << 14) | distance)
                );
                uint8 before = uint8(model[p][r].verdict);
                if (before == 1 || before == 2) open = false;
                ++count;
            }
            if (entries.length == 0) continue;
            packed = abi.encodePacked(packed, providerOf(p), uint8(entries.length / 22), entries);
        }
    }

    function findingOf(uint64 findings, uint256 i) private pure returns (uint16, uint16) {
        uint256 random = uint256(keccak256(abi.encode(findings, i)));
        // Mostly inconclusive, or all would soon be decided.
        uint256 verdict = random % 8 < 2 ? 1 + random % 2 : 3;
        return (uint16(verdict), uint16((random >> 8) % 16_384));
    }

    function applying(bytes memory packed, bytes32 root, uint32 mask)
        private
        view
        returns (bytes memory)
    {
        uint64 nonce = next();
        bytes32 digest = ledger.verdictsDigest(packed, root, nonce, type(uint64).max);
        bytes memory by = signaturesBy(seated, digest, mask);
        return
            abi.encodeCall(ledger.applyVerdicts, (packed, root, nonce, type(uint64).max, mask, by));
    }

    function digestOf(bytes memory packed) private view returns (bytes32) {
        return ledger.verdictsDigest(packed, "root", next(), type(uint64).max);
    }

    function next() private view returns (uint64 nonce) {
        (, nonce,,) = ledger.committee();
    }

    /// The members that the mask names, and as many of the first as are missing to a quorum.
    function quorumFrom(uint32 mask) private view returns (uint32 quorum) {
        quorum = mask & uint32(2 ** seated.length - 1);
        uint256 given = 0;
        for (uint256 i = 0; i < seated.length; ++i) {
            given += (quorum >> i) & 1;
        }
        for (uint256 i = 0; given < threshold; ++i) {
            if ((quorum >> i) & 1 == 1) continue;
            quorum |= uint32(1 << i);
            ++given;
        }
    }

    function logged(address sender, bytes memory call) private {
        vm.recordLogs();
        vm.prank(sender);
        (bool done, bytes memory why) = address(ledger).call(call);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(why, 32), mload(why))
            }
        }
        replay.read(vm.getRecordedLogs());
    }

    function refused(address sender, bytes memory call) private {
        uint160 before = ledger.history();
        vm.prank(sender);
        (bool done,) = address(ledger).call(call);
        require(!done, "accepted");
        require(ledger.history() == before, "refused, but not without an effect");
    }
}
