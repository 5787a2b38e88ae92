// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../contracts/interfaces/IReporterCommittee.sol";
import {IReputationRoots} from "../../contracts/interfaces/IReputationRoots.sol";
import {IScoreLedger} from "../../contracts/interfaces/IScoreLedger.sol";
import {ISourceRegistry} from "../../contracts/interfaces/ISourceRegistry.sol";
import {ScoreLedger} from "../../contracts/ScoreLedger.sol";
import {SourceId} from "../../contracts/types/SourceId.sol";
import {RootsBase} from "./roots/RootsBase.sol";
import {Wallet} from "./Wallet.sol";

/// Attacks that no single entry point shows; those that one does are beside it.
contract AttacksTest is RootsBase {
    uint256 private constant ORDER =
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    bytes private one = update(1, 100, 0, 100, 100);

    /* MALLEABILITY */

    function test_ASignatureHasOneFormInARotationToo() external {
        vm.prank(vm.addr(11));
        SourceId id = registry.register("https://four.example");
        bytes32 digest = registry.rotationDigest(id, vm.addr(12), DEADLINE);
        bytes memory to = signature(12, digest);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(11, digest);
        notRotated(id, abi.encodePacked(r, ORDER - uint256(s), uint8(55 - v)), to);
        notRotated(id, abi.encodePacked(r, uint256(s) | (uint256(v - 27) << 255)), to);
        notRotated(id, abi.encodePacked(r, s, uint8(v - 27)), to);
        registry.rotate(id, vm.addr(12), DEADLINE, abi.encodePacked(r, s, v), to);
    }

    function test_ASignatureHasOneFormInAReport(uint8 v) external {
        bytes32 digest = ledger.reportDigest(one, ROOT, 1, DEADLINE);
        (uint8 right, bytes32 r, bytes32 s) = vm.sign(keys[0], digest);
        vm.assume(v != right);
        bytes memory signed = bytes.concat(abi.encodePacked(r, s, v), signature(keys[1], digest));
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
    }

    /* REPLAY ELSEWHERE */

    function test_ACancellationForOneContractDoesNotCountInAnother() external {
        ScoreLedger other = newLedger();
        bytes memory forOther = signatures(other.cancellationDigest(1, DEADLINE), 3);
        bytes memory forRoots = signatures(roots.cancellationDigest(1, DEADLINE), 3);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        ledger.cancelNonce(1, DEADLINE, 3, forOther);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        ledger.cancelNonce(1, DEADLINE, 3, forRoots);
        bytes memory ours = signatures(ledger.cancellationDigest(1, DEADLINE), 3);
        vm.chainId(5);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        ledger.cancelNonce(1, DEADLINE, 3, ours);
    }

    function test_AReportForAnArchiveDoesNotCountInALedgerOfScores() external {
        ScoreLedger archive =
            deployLedger(registry, OWNER, addressesOf(keys), 2, true, address(ledger));
        bytes memory signed = signatures(archive.reportDigest(one, ROOT, 1, DEADLINE), 3);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
    }

    function test_AContractsSignatureMovesToNoOtherDeployment() external {
        Wallet wallet = new Wallet(vm.addr(77));
        address[] memory members = new address[](1);
        members[0] = address(wallet);
        ScoreLedger first = deployLedger(registry, OWNER, members, 1, false, address(0));
        ScoreLedger second = deployLedger(registry, OWNER, members, 1, false, address(0));
        bytes32 digest = first.reportDigest(one, ROOT, 1, DEADLINE);
        bytes memory signed = contractSignature(signature(77, digest));
        first.applyBatch(one, ROOT, 1, DEADLINE, 1, signed);
        reverts(IReporterCommittee.SignerMismatch.selector, 0);
        second.applyBatch(one, ROOT, 1, DEADLINE, 1, signed);
    }

    /* ONE SIGNER COUNTED TWICE */

    function test_NobodySitsTwiceOnACommittee(uint8 size, uint8 twin) external {
        size = 2 + size % 31;
        uint256 i = 1 + twin % (size - 1);
        address[] memory members = addressesOf(sortedKeys(size));
        members[i] = members[i - 1];
        reverts(IReporterCommittee.MembersNotSorted.selector, i);
        vm.prank(OWNER);
        ledger.configure(members, 2);
    }

    function test_EveryMaskCountsDistinctMembersOnly(uint32 mask) external {
        uint256[] memory all = sortedKeys(32);
        address[] memory members = addressesOf(all);
        vm.prank(OWNER);
        ledger.configure(members, 17);
        bytes32 digest = ledger.reportDigest(one, ROOT, 1, DEADLINE);
        bytes memory joined;
        uint256 count = 0;
        for (uint256 i = 0; i < 32; ++i) {
            if ((mask >> i) & 1 == 0) continue;
            joined = bytes.concat(joined, signature(all[i], digest));
            ++count;
        }
        if (count < 17) reverts(IReporterCommittee.QuorumNotMet.selector, count, 17);
        ledger.applyBatch(one, ROOT, 1, DEADLINE, mask, joined);
        scoreIs(1, count < 17 ? 0 : 100, 0, count < 17 ? 0 : 100, count < 17 ? 0 : 100);
    }

    /* THE EDGES OF COUNTERS */

    function test_TheRegistryRefusesTheSourceAfterTheLast() external {
        uint256 slot = 0;
        while (uint256(vm.load(address(registry), bytes32(slot))) != 3) ++slot;
        vm.store(address(registry), bytes32(slot), bytes32(uint256(type(uint32).max) - 1));
        SourceId last = registry.register("https://last.example");
        require(SourceId.unwrap(last) == type(uint32).max, "the last id");
        reverts(bytes4(keccak256("Panic(uint256)")), 0x11);
        registry.register("https://none.example");
    }

    function test_ASourceAtTheBrimIsLeftAloneAndTheOthersLoseNothing() external {
        bytes memory full = update(1, 65_535, 65_535, 65_535, 65_535);
        applyUpdates(full, 1);
        bytes32 slot = recordSlot(1);
        uint256 brim = (block.timestamp << 192) | (2 ** 192 - 1);
        vm.store(address(ledger), slot, bytes32(brim));
        bytes memory both = bytes.concat(update(1, 0, 0, 0, 1), update(2, 1, 1, 1, 1));
        bytes memory signed = signatures(ledger.reportDigest(both, ROOT, 2, DEADLINE), 3);
        reverts(IScoreLedger.CounterOverflow.selector, 1);
        ledger.applyBatch(both, ROOT, 2, DEADLINE, 3, signed);
        applyUpdates(bytes.concat(update(1, 0, 0, 0, 0), update(2, 1, 1, 1, 1)), 2);
        uint48 most = type(uint48).max;
        scoreIs(1, most, most, most, most);
        scoreIs(2, 1, 1, 1, 1);
    }

    /* FRONT-RUNNING */

    function test_WhoCopiesAReportOutOfTheMempoolOnlyDeliversIt() external {
        bytes memory signed = signatures(ledger.reportDigest(one, ROOT, 1, DEADLINE), 3);
        vm.prank(STRANGER);
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
        scoreIs(1, 100, 0, 100, 100);
        reverts(IReporterCommittee.NonceNotNext.selector, 2, 1);
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
    }

    /// Whatever a stranger makes of the signatures seen, the nonce is not used up by it.
    function test_NobodyUsesUpANonceWithoutAQuorum(uint32 mask, uint64 deadline, bytes calldata any)
        external
    {
        bytes memory signed = signatures(ledger.reportDigest(one, ROOT, 1, DEADLINE), 3);
        vm.assume(keccak256(any) != keccak256(signed));
        bool done;
        vm.startPrank(STRANGER);
        (done,) = address(ledger)
            .call(abi.encodeCall(ledger.applyBatch, (one, ROOT, 1, deadline, mask, any)));
        require(!done, "another report");
        (done,) =
            address(ledger).call(abi.encodeCall(ledger.cancelNonce, (1, deadline, mask, signed)));
        require(!done, "a cancellation");
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
        vm.stopPrank();
    }

    /// A proposer who sees a challenge coming cannot slip away with another root.
    function test_AChallengeNamesTheRootThatItMeans() external {
        propose();
        vm.prank(PROPOSER);
        wrongState(IReputationRoots.State.Open, IReputationRoots.State.Pending);
        roots.propose{value: BOND}(EPOCH, OTHER, SNAPSHOT, "");
        notPending();
        vm.prank(CHALLENGER);
        roots.challenge{value: BOND}(EPOCH, OTHER, SNAPSHOT);
    }

    /// Whoever means a right root with a false snapshot hash cannot be led, by a reorganisation or
    /// an opening again, to stake its bond against the same root with the right one.
    function test_AChallengeMeantForAFalseSnapshotDoesNotHitTheRightOne() external {
        bytes32 wrong = keccak256("another snapshot");
        vm.prank(PROPOSER);
        roots.propose{value: BOND}(EPOCH, TREE, wrong, "");
        vm.prank(STRANGER);
        vm.deal(STRANGER, BOND);
        roots.challenge{value: BOND}(EPOCH, TREE, wrong);
        vm.warp(block.timestamp + WINDOW + SETTLE);
        roots.reopen(EPOCH);
        propose();
        notPending();
        vm.prank(CHALLENGER);
        roots.challenge{value: BOND}(EPOCH, TREE, wrong);
        vm.warp(block.timestamp + WINDOW);
        roots.finalize(EPOCH);
        require(CHALLENGER.balance == 100 ether, "the late challenger lost nothing");
        owes(PROPOSER, 2 * BOND);
    }

    function notRotated(SourceId id, bytes memory from, bytes memory to) private {
        address owner = registry.sourceOf(id).owner;
        reverts(ISourceRegistry.RotationNotSigned.selector, owner);
        registry.rotate(id, vm.addr(12), DEADLINE, from, to);
    }
}
