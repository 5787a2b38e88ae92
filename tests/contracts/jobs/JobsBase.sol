// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PrevrandaoBeacon} from "../../../contracts/PrevrandaoBeacon.sol";
import {VerificationJobs} from "../../../contracts/VerificationJobs.sol";
import {IVerificationJobs} from "../../../contracts/interfaces/IVerificationJobs.sol";
import {partyOf} from "../../../contracts/types/Party.sol";
import {Round} from "../../../contracts/types/Round.sol";
import {Turn} from "../../../contracts/types/Turn.sol";
import {VoteTerms} from "../../../contracts/types/VoteTerms.sol";
import {Shipped} from "../Shipped.sol";
import {Log} from "../Vm.sol";
import {Receipt} from "./Receipt.sol";

/// Nine verifiers with a seat each; a job of two rounds at most over a receipt of five leaves. What
/// callers must bring is kept as an indexer would: from the events.
abstract contract JobsBase is Shipped {
    address internal constant REQUESTER = address(0x7777);
    address internal constant PROVIDER = address(0x6666);
    address internal constant STRANGER = address(0xBAD);
    address internal constant PROVIDER_OPEN = address(0);
    address internal constant SINK = address(0xdEaD);
    uint256 internal constant START = 1_900_000_000;
    uint96 internal constant SEAT_BOND = 1 ether;
    uint96 internal constant FINE = 0.1 ether;
    uint96 internal constant PRICE = 2 ether;
    uint96 internal constant BOND = 5 ether;
    uint96 internal constant FEE = 0.01 ether;
    uint16 internal constant THRESHOLD = 38;
    uint40 internal constant HOUR = 1 hours;
    uint40 internal constant NOTICE = 30 days;
    uint64 internal constant DELAY = 2;
    uint256 internal constant VERIFIERS = 9;
    uint256 internal constant LEAVES = 5;
    uint256 internal constant FEES = 6 * uint256(FEE);
    uint256 internal constant FULL_COST = PRICE + FEES;
    uint256 internal constant APPEAL_COST = BOND + 3 * uint256(FEE);
    bytes32 internal constant SALT = keccak256("salt");
    /// What an honest verifier's code differs by.
    bytes32 internal constant NOISE = bytes32(uint256(0x1f));

    PrevrandaoBeacon internal beacon;
    VerificationJobs internal jobs;
    mapping(address owner => uint256 key) internal keyOf;

    uint256 internal jobId;
    IVerificationJobs.Deal internal deal;
    IVerificationJobs.Trail internal trail;
    bytes32 internal seed;
    uint256[] internal sealedOrder;
    mapping(uint256 place => bytes32) internal codes;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(1_000);
        vm.prevrandao(keccak256("first"));
        beacon = deployBeacon(DELAY);
        jobs = deployJobs(rules());
        for (uint256 i = 1; i <= VERIFIERS; ++i) {
            takeSeat(i);
        }
        vm.deal(REQUESTER, 1_000 ether);
        vm.deal(PROVIDER, 1_000 ether);
        vm.deal(STRANGER, 1_000 ether);
        deal.conditions = conditions();
        deal.claim = Receipt.claim(LEAVES);
    }

    function rules() internal view returns (IVerificationJobs.JobRules memory) {
        return
            IVerificationJobs.JobRules(
                beacon, SINK, SEAT_BOND, FINE, FEE / 2, HOUR, HOUR, HOUR, HOUR, NOTICE
            );
    }

    function conditions() internal pure virtual returns (IVerificationJobs.Conditions memory) {
        return conditionsOf(PROVIDER_OPEN, THRESHOLD, 3, 2, 3, 2);
    }

    function conditionsOf(
        address provider,
        uint256 threshold,
        uint256 panel,
        uint256 rounds,
        uint256 acceptLead,
        uint256 rejectLead
    ) internal pure returns (IVerificationJobs.Conditions memory) {
        uint256 votes = (uint256(FEE) << 48) | (threshold << 32) | (panel << 24) | (rounds << 16)
            | (acceptLead << 8) | rejectLead;
        return IVerificationJobs.Conditions(
            partyOf(REQUESTER, PRICE), partyOf(provider, BOND), VoteTerms.wrap(votes)
        );
    }

    function terms() internal view virtual returns (IVerificationJobs.Terms memory) {
        return IVerificationJobs.Terms(
            deal.conditions,
            uint40(START) + HOUR,
            keccak256("spec"),
            keccak256("prompt"),
            keccak256("seed")
        );
    }

    function takeSeat(uint256 key) internal returns (uint24) {
        address owner = vm.addr(key);
        keyOf[owner] = key;
        vm.deal(owner, owner.balance + SEAT_BOND);
        vm.prank(owner);
        return jobs.takeSeat{value: SEAT_BOND}();
    }

    /* A JOB, STEP BY STEP */

    function request() internal {
        vm.prank(REQUESTER);
        jobId = jobs.request{value: FULL_COST}(terms());
    }

    function commit() internal {
        vm.recordLogs();
        vm.prank(PROVIDER);
        jobs.commit{value: BOND}(terms(), deal.claim);
        deal.conditions.provider = partyOf(PROVIDER, BOND);
        follow();
    }

    function draw() internal {
        reachBeacon();
        vm.recordLogs();
        jobs.draw(jobId, deal, trail);
        follow();
    }

    function reachBeacon() internal {
        vm.roll(block.number + DELAY);
        vm.prevrandao(keccak256(abi.encode(block.number, jobId)));
    }

    function requestToDraw() internal {
        request();
        commit();
        draw();
    }

    /// Every seat of the panel seals a code, one transaction for all.
    function seal(bytes32[] memory given) internal {
        IVerificationJobs.SealedBallot[] memory list =
            new IVerificationJobs.SealedBallot[](given.length);
        for (uint256 place = 0; place < given.length; ++place) {
            list[place] = sealedBallot(place, given[place]);
        }
        sealList(list);
    }

    function sealOne(uint256 place, bytes32 code) internal {
        IVerificationJobs.SealedBallot[] memory list = new IVerificationJobs.SealedBallot[](1);
        list[0] = sealedBallot(place, code);
        sealList(list);
    }

    function sealList(IVerificationJobs.SealedBallot[] memory list) internal {
        bytes32 frame = jobs.frameOf(jobId, deal, trail.appellant, trail.past);
        vm.recordLogs();
        jobs.seal(jobId, frame, trail.turn, seed, owners(), list);
        follow();
    }

    function open() internal {
        openAs(ballots(7));
    }

    function openAs(IVerificationJobs.Ballot[] memory list) internal {
        vm.recordLogs();
        jobs.open(jobId, deal, trail, opening(), list);
        follow();
    }

    function timeOut() internal {
        vm.recordLogs();
        jobs.timeOut(jobId, deal, trail);
        follow();
    }

    function appeal(address by) internal {
        vm.recordLogs();
        vm.prank(by);
        jobs.appeal{value: APPEAL_COST}(jobId, deal, trail);
        follow();
    }

    function finalize() internal {
        if (block.timestamp < trail.turn.end()) vm.warp(trail.turn.end());
        jobs.finalize(jobId, deal, trail);
    }

    /// A round, drawn already, in which each place votes as the letters say: y match, n mismatch,
    /// a abstains.
    function vote(bytes memory letters) internal {
        bytes32[] memory given = new bytes32[](letters.length);
        for (uint256 place = 0; place < letters.length; ++place) {
            given[place] = codeFor(letters[place]);
        }
        seal(given);
        open();
    }

    /* WHAT CALLERS BRING */

    function codeFor(bytes1 letter) internal view returns (bytes32) {
        if (letter == "a") return 0;
        bytes32 right = Receipt.codeOf(trail.turn.leaf()) ^ NOISE;
        return letter == "y" ? right : ~right;
    }

    function opening() internal view returns (IVerificationJobs.Opening memory) {
        return Receipt.opening(deal.claim.leafCount, trail.turn.leaf());
    }

    function owners() internal view returns (address[3] memory found) {
        for (uint256 place = 0; place < 3; ++place) {
            found[place] = trail.turn.seatAt(place) == 0 ? address(0) : ownerAt(place);
        }
    }

    function ownerAt(uint256 place) internal view returns (address) {
        return jobs.seatOf(uint24(trail.turn.seatAt(place))).owner;
    }

    function commitment(uint256 place, bytes32 code) internal view returns (bytes32) {
        Turn turn = trail.turn;
        return jobs.commitmentOf(jobId, turn.round(), uint24(turn.seatAt(place)), code, SALT);
    }

    function sealedBallot(uint256 place, bytes32 code)
        internal
        returns (IVerificationJobs.SealedBallot memory)
    {
        codes[place] = code;
        return signedBallot(place, commitment(place, code), keyOf[ownerAt(place)]);
    }

    function signedBallot(uint256 place, bytes32 sealing, uint256 key)
        internal
        view
        returns (IVerificationJobs.SealedBallot memory)
    {
        uint24 seat = uint24(trail.turn.seatAt(place));
        bytes32 digest = jobs.ballotDigest(jobId, trail.turn, seat, sealing);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        bytes32 vs = bytes32((uint256(v - 27) << 255) | uint256(s));
        return IVerificationJobs.SealedBallot(uint8(place), sealing, r, vs);
    }

    /// Every sealed ballot in order, those of the mask opened.
    function ballots(uint256 mask) internal view returns (IVerificationJobs.Ballot[] memory list) {
        list = new IVerificationJobs.Ballot[](sealedOrder.length);
        for (uint256 i = 0; i < list.length; ++i) {
            uint256 place = sealedOrder[i];
            list[i] = (mask >> place) & 1 == 1
                ? IVerificationJobs.Ballot(uint8(place), codes[place], SALT)
                : IVerificationJobs.Ballot(uint8(place), commitment(place, codes[place]), 0);
        }
    }

    /// Keep the trail by what was logged.
    function follow() internal {
        Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            bytes memory content = logs[i].data;
            if (topic == IVerificationJobs.JobCommitted.selector) {
                (, trail.turn) = abi.decode(content, (IVerificationJobs.Claim, Turn));
            } else if (topic == IVerificationJobs.PanelDrawn.selector) {
                (trail.turn, seed) = abi.decode(content, (Turn, bytes32));
                delete sealedOrder;
            } else if (topic == IVerificationJobs.BallotsSealed.selector) {
                (uint256 places, bytes32[] memory list) = abi.decode(content, (uint256, bytes32[]));
                for (uint256 j = 0; j < list.length; ++j) {
                    sealedOrder.push(uint8(places >> (8 * j)));
                }
            } else if (topic == IVerificationJobs.RoundEnded.selector) {
                Round round;
                (round,, trail.turn) = abi.decode(content, (Round, IVerificationJobs.Phase, Turn));
                trail.past.push(round);
            } else if (topic == IVerificationJobs.JobAppealed.selector) {
                trail.appellant = address(uint160(uint256(logs[i].topics[2])));
                trail.turn = abi.decode(content, (Turn));
            }
        }
    }

    /* WHAT IS FOUND */

    function phaseIs(IVerificationJobs.Phase phase) internal view {
        require(jobs.phaseOf(jobId) == phase, "phase");
    }

    function verdictIs(IVerificationJobs.Verdict wanted, uint256 yes, uint256 no) internal view {
        (IVerificationJobs.Verdict verdict, address provider, uint256 matches, uint256 mismatches) =
            jobs.verdictOf(jobId);
        require(verdict == wanted, "verdict");
        require(provider == PROVIDER, "provider");
        require(matches == yes && mismatches == no, "votes");
    }

    function owes(address account, uint256 amount) internal view {
        require(jobs.owedTo(account) == amount, "owed");
    }

    /// A seat of a finished round holds so much above its bond, or below.
    function gained(uint256 round, uint256 place, int256 amount) internal view {
        uint256 balance = jobs.seatOf(uint24(trail.past[round].seatOf(place))).balance;
        require(int256(balance) - int256(uint256(SEAT_BOND)) == amount, "seat");
    }

    /// As fines leave it: owner (160 bits), balance (72), who stands at this position (24).
    function setBalance(uint24 seat, uint256 balance) internal {
        bytes32 slot = keccak256(abi.encode(uint256(seat), uint256(4)));
        uint256 word = uint256(vm.load(address(jobs), slot));
        require(address(uint160(word >> 96)) == jobs.seatOf(seat).owner, "slot");
        word = (word >> 96 << 96) | (balance << 24) | uint24(word);
        vm.store(address(jobs), slot, bytes32(word));
    }

    function reverts(bytes4 selector) internal {
        vm.expectRevert(abi.encodeWithSelector(selector));
    }

    function reverts(bytes4 selector, uint256 a) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, a));
    }

    function reverts(bytes4 selector, uint256 a, uint256 b) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, a, b));
    }

    function notIn(IVerificationJobs.Phase needed, IVerificationJobs.Phase found) internal {
        reverts(IVerificationJobs.JobNotIn.selector, uint256(needed), uint256(found));
    }
}
