// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FeedbackLog} from "../../../contracts/FeedbackLog.sol";
import {OpenGate} from "../../../contracts/gates/OpenGate.sol";
import {AllowListGate} from "../../../contracts/gates/AllowListGate.sol";
import {IFeedbackLog} from "../../../contracts/interfaces/IFeedbackLog.sol";
import {Vouch} from "../../../contracts/types/Vouch.sol";
import {Base} from "../Base.sol";

contract VouchTest is Base {
    FeedbackLog private feedback;

    function setUp() public override {
        super.setUp();
        feedback = deployLog(registry, deployOpenGate(), address(0));
    }

    function test_VouchesAndWarningsAreEmitted() external {
        bytes memory given = bytes.concat(vouch(address(5), 100), vouch(address(9), -30));
        vm.expectEmit();
        emit IFeedbackLog.Vouched(address(this), 100, uint40(START), given);
        feedback.vouch(given);
    }

    function test_AVouchIsReadAsItWasWritten(address account, int16 weight) external pure {
        Vouch read = Vouch.wrap(uint176(bytes22(vouch(account, weight))));
        require(read.accountOf() == account && read.weightOf() == weight, "vouch");
    }

    function test_TheLastAccountMayBeVouchedFor() external {
        feedback.vouch(vouch(address(type(uint160).max), 1));
    }

    function test_RevertWhen_AnAccountVouchesForItself() external {
        reverts(IFeedbackLog.SelfVouch.selector, address(this));
        feedback.vouch(vouch(address(this), 100));
    }

    function test_RevertWhen_AVouchHasNoWeight() external {
        reverts(IFeedbackLog.VouchEmpty.selector, 1);
        feedback.vouch(bytes.concat(vouch(address(5), 1), vouch(address(6), 0)));
    }

    function test_RevertWhen_AccountsDoNotAscend() external {
        reverts(IFeedbackLog.EntriesNotSorted.selector, 1);
        feedback.vouch(bytes.concat(vouch(address(6), 1), vouch(address(6), 1)));
        reverts(IFeedbackLog.EntriesNotSorted.selector, 0);
        feedback.vouch(vouch(address(0), 1));
    }

    function test_RevertWhen_TheVouchesAreNoWholeNumber(uint8 length) external {
        vm.assume(length == 0 || length % 22 != 0);
        reverts(IFeedbackLog.EntriesInvalid.selector, length, 44_000);
        feedback.vouch(new bytes(length));
    }

    function test_RevertWhen_ThereAreTooManyVouches() external {
        reverts(IFeedbackLog.EntriesInvalid.selector, 44_022, 44_000);
        feedback.vouch(new bytes(44_022));
    }

    function test_RevertWhen_TheGateRefusesTheRater() external {
        FeedbackLog closed = deployLog(registry, deployAllowListGate(OWNER), address(0));
        reverts(IFeedbackLog.RaterRefused.selector, address(this));
        closed.vouch(vouch(address(5), 1));
    }

    function vouch(address account, int16 weight) private pure returns (bytes memory) {
        return abi.encodePacked(account, weight);
    }
}
