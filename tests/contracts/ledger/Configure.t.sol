// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {ScoreLedger} from "../../../contracts/ScoreLedger.sol";
import {Base} from "../Base.sol";

contract ConfigureTest is Base {
    function test_TheFirstCommitteeIsTheConstructors() external view {
        (uint32 version, uint64 nextNonce, uint8 threshold, address[] memory members) =
            ledger.committee();
        require(version == 1 && nextNonce == 1 && threshold == 2, "numbers");
        require(keccak256(abi.encode(members)) == keccak256(abi.encode(addressesOf(keys))), "who");
    }

    function test_RevertWhen_AStrangerConfigures() external {
        address[] memory members = addressesOf(keys);
        vm.expectRevert(
            abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER)
        );
        vm.prank(STRANGER);
        ledger.configure(members, 1);
    }

    function test_RevertWhen_TheCommitteeIsEmptyOrTooLarge() external {
        refused(new address[](0), 1, IReporterCommittee.CommitteeSizeInvalid.selector, 0, 32);
        address[] memory many = addressesOf(sortedKeys(33));
        refused(many, 1, IReporterCommittee.CommitteeSizeInvalid.selector, 33, 32);
    }

    function test_ThirtyTwoMembersMayServe() external {
        address[] memory many = addressesOf(sortedKeys(32));
        vm.prank(OWNER);
        ledger.configure(many, 32);
        (,, uint8 threshold, address[] memory members) = ledger.committee();
        require(threshold == 32 && members.length == 32, "all of them");
    }

    function test_RevertWhen_MembersDoNotAscend() external {
        address[] memory members = addressesOf(keys);
        (members[1], members[2]) = (members[2], members[1]);
        notSorted(members, 2);
        members[2] = members[1];
        notSorted(members, 2);
        members[0] = address(0);
        notSorted(members, 0);
    }

    function test_RevertWhen_TheThresholdDoesNotFit() external {
        refused(addressesOf(keys), 0, IReporterCommittee.ThresholdInvalid.selector, 0, 3);
        refused(addressesOf(keys), 4, IReporterCommittee.ThresholdInvalid.selector, 4, 3);
    }

    function test_ANewCommitteeIsAnnouncedUnderANewVersion() external {
        address[] memory members = addressesOf(sortedKeys(2));
        vm.expectEmit();
        emit IReporterCommittee.CommitteeChanged(2, 1, members);
        vm.prank(OWNER);
        ledger.configure(members, 1);
    }

    function test_TheNextNonceOutlivesTheCommittee() external {
        applyUpdates(update(1, 1, 0, 0, 1), 1);
        address[] memory members = addressesOf(keys);
        vm.prank(OWNER);
        ledger.configure(members, 2);
        (, uint64 nextNonce,,) = ledger.committee();
        require(nextNonce == 2, "next nonce");
    }

    function test_RevertWhen_ASignatureWasMadeForTheVersionBefore() external {
        bytes memory updates = update(1, 1, 0, 0, 1);
        bytes memory old = signatures(ledger.reportDigest(updates, ROOT, 1, DEADLINE), 3);
        address[] memory members = addressesOf(keys);
        vm.prank(OWNER);
        ledger.configure(members, 2);
        vm.expectRevert(abi.encodeWithSelector(IReporterCommittee.SignerMismatch.selector, 0));
        ledger.applyBatch(updates, ROOT, 1, DEADLINE, 3, old);
    }

    function test_RevertWhen_AMemberBeyondASmallerCommitteeSigns() external {
        uint256[] memory two = new uint256[](2);
        (two[0], two[1]) = (keys[0], keys[1]);
        address[] memory members = addressesOf(two);
        vm.prank(OWNER);
        ledger.configure(members, 1);
        bytes memory updates = update(1, 1, 0, 0, 1);
        bytes memory third = signatures(ledger.reportDigest(updates, ROOT, 1, DEADLINE), 4);
        vm.expectRevert(abi.encodeWithSelector(IReporterCommittee.SignerUnknown.selector, 2));
        ledger.applyBatch(updates, ROOT, 1, DEADLINE, 4, third);
    }

    function test_TheOwnerHandsOverInTwoSteps() external {
        vm.prank(OWNER);
        ledger.transferOwnership(STRANGER);
        require(ledger.owner() == OWNER, "not yet");
        vm.prank(STRANGER);
        ledger.acceptOwnership();
        require(ledger.owner() == STRANGER, "now");
    }

    function test_RevertWhen_TheFirstCommitteeDoesNotFit() external {
        vm.expectRevert(abi.encodeWithSelector(IReporterCommittee.ThresholdInvalid.selector, 4, 3));
        deployLedger(registry, OWNER, addressesOf(keys), 4, false, address(0));
    }

    function refused(
        address[] memory members,
        uint8 threshold,
        bytes4 selector,
        uint256 given,
        uint256 limit
    ) private {
        vm.expectRevert(abi.encodeWithSelector(selector, given, limit));
        vm.prank(OWNER);
        ledger.configure(members, threshold);
    }

    function notSorted(address[] memory members, uint256 index) private {
        vm.expectRevert(abi.encodeWithSelector(IReporterCommittee.MembersNotSorted.selector, index));
        vm.prank(OWNER);
        ledger.configure(members, 1);
    }
}
