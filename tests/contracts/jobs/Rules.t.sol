// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PrevrandaoBeacon} from "../../../contracts/PrevrandaoBeacon.sol";
import {IBeacon} from "../../../contracts/interfaces/IBeacon.sol";
import {IVerificationJobs} from "../../../contracts/interfaces/IVerificationJobs.sol";
import {JobsBase} from "./JobsBase.sol";

/// What a deployment is bound to, and its beacon.
contract RulesTest is JobsBase {
    uint40 private constant LONGEST = 8 * 4 * HOUR + HOUR;

    function test_TheRulesAreKept() external view {
        require(keccak256(abi.encode(jobs.rules())) == keccak256(abi.encode(rules())), "rules");
    }

    function test_TheNoticeIsAsLongAsTheLongestJob() external {
        IVerificationJobs.JobRules memory given = rules();
        given.notice = LONGEST;
        require(address(deployJobs(given)) != address(0), "deployed");
        given.notice = LONGEST - 1;
        invalid(given);
    }

    function test_RevertWhen_NoJobCouldLiveByThem() external {
        IVerificationJobs.JobRules memory given = rules();
        given.sink = address(0);
        invalid(given);
        given = rules();
        given.seatBond = uint96(type(uint72).max) + 1;
        invalid(given);
        given = rules();
        given.fine = SEAT_BOND / 2 + 1;
        invalid(given);
        given = rules();
        given.drawTime = 0;
        invalid(given);
        given.drawTime = 365 days + 1;
        invalid(given);
        given = rules();
        given.sealTime = 0;
        invalid(given);
        given = rules();
        given.openTime = 0;
        invalid(given);
        given = rules();
        given.appealTime = 0;
        invalid(given);
        given = rules();
        given.notice = 3_650 days + 1;
        invalid(given);
    }

    function test_ABeaconsRoundLiesAheadAndItsValueIsTheBlocks() external {
        PrevrandaoBeacon made = deployBeacon(5);
        require(made.delay() == 5 && made.next() == block.number + 5, "round");
        uint64 round = made.next();
        vm.roll(round - 1);
        reverts(IBeacon.RoundNotReached.selector, round, round - 1);
        made.value(round);
        vm.roll(round + 3);
        vm.prevrandao(keccak256("random"));
        require(made.value(round) == keccak256("random"), "value");
    }

    function test_RevertWhen_ABeaconsDelayIsZeroOrTooLong() external {
        reverts(PrevrandaoBeacon.DelayInvalid.selector, 0, 7_200);
        this.beaconOf(0);
        reverts(PrevrandaoBeacon.DelayInvalid.selector, 7_201, 7_200);
        this.beaconOf(7_201);
    }

    function beaconOf(uint64 delay) external {
        deployBeacon(delay);
    }

    function jobsBy(IVerificationJobs.JobRules memory given) external {
        deployJobs(given);
    }

    function invalid(IVerificationJobs.JobRules memory given) private {
        reverts(IVerificationJobs.RulesInvalid.selector);
        this.jobsBy(given);
    }
}
