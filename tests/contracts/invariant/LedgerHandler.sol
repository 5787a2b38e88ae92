// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {IScoreLedger} from "../../../contracts/interfaces/IScoreLedger.sol";
import {ScoreLedger} from "../../../contracts/ScoreLedger.sol";
import {SourceRegistry} from "../../../contracts/SourceRegistry.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Actors} from "../Actors.sol";
import {LedgerReplay} from "./LedgerReplay.sol";

/// Everything that anyone can do to a ledger, and a model of what must come of it. Every action
/// decides beforehand whether it has to succeed, so that none reverts.
contract LedgerHandler is Actors {
    uint256 private constant POOL = 6;
    uint256 private constant SOURCES = 12;

    SourceRegistry private immutable registry;
    ScoreLedger private immutable ledger;
    /// The reference, which gets every call as well.
    ScoreLedger private immutable plain;
    LedgerReplay private immutable replay;
    address private immutable owner;

    uint256[] private pool;
    uint256[] private seated;
    uint8 private threshold;
    bytes[] private accepted;

    /// The model: sums of accepted deltas, and the nonces used up.
    mapping(uint32 source => uint256[4]) public sums;
    uint256 public used;
    /// The most gas that a call on the ledger took, refused ones included.
    uint256 public mostGas;

    constructor(
        SourceRegistry registry_,
        ScoreLedger ledger_,
        ScoreLedger plain_,
        LedgerReplay replay_,
        uint256[] memory seated_,
        uint8 threshold_
    ) {
        (registry, ledger, plain, replay) = (registry_, ledger_, plain_, replay_);
        owner = ledger.owner();
        (seated, threshold) = (seated_, threshold_);
        pool = sortedKeys(POOL);
    }

    /* WHAT HAS TO SUCCEED */

    function apply_(uint16 chosen, uint16[4] calldata deltas, uint32 mask, bytes32 root) external {
        bytes memory updates = batchOf(chosen, deltas);
        if (updates.length / 12 > ledger.updateLimit()) return;
        mask = quorumFrom(mask);
        bytes memory call = applying(ledger, updates, root, mask);
        send(address(plain), applying(plain, updates, root, mask));
        vm.recordLogs();
        send(address(ledger), call);
        replay.read(vm.getRecordedLogs());

        accepted.push(call);
        ++used;
        for (uint32 source = 1; source <= SOURCES; ++source) {
            if (!has(chosen, source)) continue;
            for (uint256 i = 0; i < 4; ++i) {
                sums[source][i] += deltas[i];
            }
        }
    }

    function cancel(uint32 mask) external {
        mask = quorumFrom(mask);
        send(address(plain), cancelling(plain, mask));
        vm.recordLogs();
        send(address(ledger), cancelling(ledger, mask));
        replay.read(vm.getRecordedLogs());
        ++used;
    }

    function configure(uint256 seats, uint8 threshold_) external {
        delete seated;
        for (uint256 i = 0; i < POOL; ++i) {
            if ((seats >> i) & 1 == 1) seated.push(pool[i]);
        }
        if (seated.length == 0) seated.push(pool[seats % POOL]);
        threshold = uint8(1 + threshold_ % seated.length);
        byOwner(abi.encodeCall(ledger.configure, (addressesOf(seated), threshold)));
    }

    function setUpdateLimit(uint16 limit) external {
        byOwner(abi.encodeCall(ledger.setUpdateLimit, (1 + limit % 20)));
    }

    function wait(uint16 time) external {
        vm.warp(block.timestamp + time);
    }

    /* WHAT HAS TO BE REFUSED */

    function replayAccepted(uint256 which) external {
        if (accepted.length > 0) refused(msg.sender, accepted[which % accepted.length]);
    }

    /// One bit of what was signed, or of the signatures, is another.
    function alter(uint16 chosen, uint16[4] calldata deltas, uint256 bit) external {
        bytes memory call = applying(ledger, batchOf(chosen, deltas), "root", quorumFrom(0));
        uint256 i = 4 + (bit >> 3) % (call.length - 4);
        call[i] = call[i] ^ bytes1(uint8(1 << (bit & 7)));
        // A bit of the padding or of an offset may leave the meaning as it was; the state then
        // moves as `apply_` would move it, and the model would not know.
        if (sameMeaning(call, chosen, deltas)) return;
        refused(msg.sender, call);
    }

    function onAnotherChain(uint64 chain, uint16 chosen, uint16[4] calldata deltas) external {
        bytes memory call = applying(ledger, batchOf(chosen, deltas), "root", quorumFrom(0));
        uint256 here = block.chainid;
        uint256 there = 1 + chain % (2 ** 63);
        if (here == there) return;
        vm.chainId(there);
        refused(msg.sender, call);
        vm.chainId(here);
    }

    function forAnotherContract(uint16 chosen, uint16[4] calldata deltas) external {
        refused(msg.sender, applying(plain, batchOf(chosen, deltas), "root", quorumFrom(0)));
    }

    function tooFew(uint16 chosen, uint16[4] calldata deltas, uint256 rotation) external {
        uint32 mask = 0;
        for (uint256 i = 0; i + 1 < threshold; ++i) {
            mask |= uint32(1 << ((i + rotation % seated.length) % seated.length));
        }
        refused(msg.sender, applying(ledger, batchOf(chosen, deltas), "root", mask));
    }

    /// Members of other times, or nobody's keys, sign in the seats of today.
    function strangersSign(uint256 salt, uint16 chosen, uint16[4] calldata deltas) external {
        uint256[] memory strangers = new uint256[](seated.length);
        for (uint256 i = 0; i < strangers.length; ++i) {
            strangers[i] = 1 + uint256(keccak256(abi.encode(salt, i))) % 2 ** 200;
        }
        for (uint256 i = 0; i < POOL && salt % 2 == 0; ++i) {
            if (!isSeated(pool[i])) strangers[0] = pool[i];
        }
        bytes memory updates = batchOf(chosen, deltas);
        uint64 nonce = next();
        bytes32 digest = ledger.reportDigest(updates, "root", nonce, type(uint64).max);
        uint32 all = uint32(2 ** seated.length - 1);
        bytes memory signed = signaturesBy(strangers, digest, all);
        refused(
            msg.sender,
            abi.encodeCall(
                ledger.applyBatch, (updates, "root", nonce, type(uint64).max, all, signed)
            )
        );
    }

    /// The owner sends, but nobody signed; and has no function that touches a score.
    function ownerAlone(uint16 chosen, uint16[4] calldata deltas, uint32 mask) external {
        refused(
            owner,
            abi.encodeCall(
                ledger.applyBatch,
                (batchOf(chosen, deltas), "root", next(), type(uint64).max, mask, "")
            )
        );
    }

    function strangerGoverns(uint8 what) external {
        address[] memory mine = new address[](1);
        mine[0] = address(this);
        if (what % 3 == 0) refused(address(this), abi.encodeCall(ledger.configure, (mine, 1)));
        if (what % 3 == 1) refused(address(this), abi.encodeCall(ledger.setUpdateLimit, (1)));
        if (what % 3 == 2) {
            refused(address(this), abi.encodeCall(ledger.transferOwnership, (address(this))));
        }
    }

    /* READING */

    /// Everything that a call could have changed.
    function state() public view returns (bytes32 hash) {
        (uint32 version, uint64 nonce, uint8 needed, address[] memory members) = ledger.committee();
        hash = keccak256(abi.encode(version, nonce, needed, members));
        hash = keccak256(
            abi.encode(
                hash, ledger.history(), ledger.updateLimit(), ledger.owner(), ledger.pendingOwner()
            )
        );
        for (uint32 source = 1; source <= SOURCES; ++source) {
            hash = keccak256(abi.encode(hash, ledger.scoreOf(SourceId.wrap(source))));
        }
    }

    /* INTERNALS */

    function batchOf(uint16 chosen, uint16[4] calldata deltas)
        private
        pure
        returns (bytes memory updates)
    {
        for (uint32 source = 1; source <= SOURCES; ++source) {
            if (has(chosen, source)) {
                updates = bytes.concat(
                    updates, update(source, deltas[0], deltas[1], deltas[2], deltas[3])
                );
            }
        }
    }

    /// Source 1 is in every batch, so that none is empty.
    function has(uint16 chosen, uint32 source) private pure returns (bool) {
        return source == 1 || (chosen >> source) & 1 == 1;
    }

    function applying(ScoreLedger to, bytes memory updates, bytes32 root, uint32 mask)
        private
        view
        returns (bytes memory)
    {
        uint64 nonce = next();
        bytes32 digest = to.reportDigest(updates, root, nonce, type(uint64).max);
        bytes memory signed = signaturesBy(seated, digest, mask);
        return abi.encodeCall(to.applyBatch, (updates, root, nonce, type(uint64).max, mask, signed));
    }

    function cancelling(ScoreLedger to, uint32 mask) private view returns (bytes memory) {
        uint64 nonce = next();
        bytes32 digest = to.cancellationDigest(nonce, type(uint64).max);
        bytes memory signed = signaturesBy(seated, digest, mask);
        return abi.encodeCall(to.cancelNonce, (nonce, type(uint64).max, mask, signed));
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

    function isSeated(uint256 key) private view returns (bool) {
        for (uint256 i = 0; i < seated.length; ++i) {
            if (seated[i] == key) return true;
        }
        return false;
    }

    /// Whether the call, decoded, is the honest one after all.
    function sameMeaning(bytes memory call, uint16 chosen, uint16[4] calldata deltas)
        private
        view
        returns (bool)
    {
        try this.meaning(call) returns (bytes32 found) {
            bytes memory honest = applying(ledger, batchOf(chosen, deltas), "root", quorumFrom(0));
            return found == this.meaning(honest);
        } catch {
            return false;
        }
    }

    function meaning(bytes calldata call) external pure returns (bytes32) {
        (bytes memory a, bytes32 b, uint64 c, uint64 d, uint32 e, bytes memory f) =
            abi.decode(call[4:], (bytes, bytes32, uint64, uint64, uint32, bytes));
        return keccak256(abi.encode(a, b, c, d, e, f));
    }

    function byOwner(bytes memory call) private {
        vm.recordLogs();
        vm.prank(owner);
        send(address(ledger), call);
        replay.read(vm.getRecordedLogs());
        vm.prank(owner);
        send(address(plain), call);
    }

    function send(address to, bytes memory call) private {
        (bool done, bytes memory why) = measured(to, call);
        if (done) return;
        assembly ("memory-safe") {
            revert(add(why, 32), mload(why))
        }
    }

    function refused(address sender, bytes memory call) private {
        bytes32 before = state();
        vm.prank(sender);
        (bool done,) = measured(address(ledger), call);
        require(!done, "accepted");
        require(state() == before, "refused, but not without an effect");
    }

    function measured(address to, bytes memory call) private returns (bool done, bytes memory why) {
        uint256 before = gasleft();
        (done, why) = to.call(call);
        uint256 taken = before - gasleft();
        if (to == address(ledger) && taken > mostGas) mostGas = taken;
    }
}
