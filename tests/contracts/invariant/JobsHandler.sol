// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {VerificationJobs} from "../../../contracts/VerificationJobs.sol";
import {IVerificationJobs} from "../../../contracts/interfaces/IVerificationJobs.sol";
import {IVerifierSeats} from "../../../contracts/interfaces/IVerifierSeats.sol";
import {partyOf} from "../../../contracts/types/Party.sol";
import {Receipt} from "../jobs/Receipt.sol";
import {JobsBase} from "../jobs/JobsBase.sol";

/// Everything that anyone can do to one job after another, and to the seats, in any order and at
/// any time. The handler knows the rules on its own and says of each call beforehand whether it has
/// to succeed. Several of them share one contract.
contract JobsHandler is JobsBase {
    uint256 public constant OWNERS = 12;

    uint256 private immutable number;
    address private immutable test;
    uint256 private count;
    uint40 private commitBy;

    /// The model: where the job is, and what it holds.
    IVerificationJobs.Phase public model;
    uint256 public stake;
    bytes32[] private verdicts;
    uint256[] private closedJobs;

    constructor(VerificationJobs jobs_, uint256 number_) {
        (jobs, number, test) = (jobs_, number_, msg.sender);
        for (uint256 key = 1; key <= OWNERS; ++key) {
            keyOf[vm.addr(key)] = key;
        }
    }

    function setUp() public override {}

    function terms() internal view override returns (IVerificationJobs.Terms memory) {
        bytes32 salt = keccak256(abi.encode(number, count));
        return IVerificationJobs.Terms(deal.conditions, commitBy, 0, 0, salt);
    }

    /* ACTIONS */

    /// The next step that is due, so that jobs come to their ends.
    function proceed(uint8 mix, uint8 panel, uint8 rounds, bytes32 value) external {
        if (model == IVerificationJobs.Phase.Requested) {
            this.provide(true);
        } else if (model == IVerificationJobs.Phase.Committed) {
            this.drawPanel(value);
        } else if (model == IVerificationJobs.Phase.Drawn) {
            (uint256 places,,) = jobs.progressOf(jobId);
            if (places != trail.turn.fullPanel()) this.sealSome(7, mix);
            else this.openSome(7);
        } else if (model == IVerificationJobs.Phase.Judged) {
            if (mix % 3 == 0) this.appealAs(mix);
            vm.warp(block.timestamp + HOUR);
            this.settle();
        } else {
            this.ask(panel, rounds, mix, panel);
        }
    }

    function proceedOn(uint8 mix, bytes32 value) external {
        this.proceed(mix, mix, mix, value);
    }

    function proceedFurther(uint8 mix, bytes32 value) external {
        this.proceed(mix, mix, 1, value);
    }

    function wait(uint16 time) external {
        vm.warp(block.timestamp + time % (2 * HOUR));
    }

    function ask(uint8 panel, uint8 rounds, uint8 lead, uint8 leaves) external {
        bool free = model == IVerificationJobs.Phase.None || model == IVerificationJobs.Phase.Closed;
        if (!free) return;
        ++count;
        delete trail;
        commitBy = uint40(block.timestamp) + HOUR;
        panel = 1 + panel % 3;
        rounds = 1 + rounds % 3;
        deal.conditions =
            conditionsOf(address(0), THRESHOLD, panel, rounds, 1 + lead % (panel * rounds), 2);
        deal.claim = Receipt.claim(1 + leaves % 5);
        IVerificationJobs.Terms memory asked = terms();
        uint256 cost = jobs.costOf(deal.conditions);
        tries(REQUESTER, cost, abi.encodeCall(jobs.request, (asked)), true);
        jobId = jobs.jobIdOf(asked);
        (model, stake) = (IVerificationJobs.Phase.Requested, cost);
    }

    function provide(bool rightBond) external {
        bool due =
            model == IVerificationJobs.Phase.Requested && block.timestamp < commitBy && rightBond;
        bytes memory call = abi.encodeCall(jobs.commit, (terms(), deal.claim));
        if (!tries(PROVIDER, rightBond ? BOND : BOND - 1, call, due)) return;
        deal.conditions.provider = partyOf(PROVIDER, BOND);
        (model, stake) = (IVerificationJobs.Phase.Committed, stake + BOND);
    }

    function takeBack() external {
        bool due = model == IVerificationJobs.Phase.Requested && block.timestamp >= commitBy;
        if (!tries(STRANGER, 0, abi.encodeCall(jobs.reclaim, (terms())), due)) return;
        closes();
    }

    function drawPanel(bytes32 value) external {
        bool ready =
            model == IVerificationJobs.Phase.Committed && block.timestamp < trail.turn.end();
        if (ready) vm.roll(block.number + DELAY);
        vm.prevrandao(value);
        bytes memory call = abi.encodeCall(jobs.draw, (jobId, deal, trail));
        vm.recordLogs();
        (bool done, bytes memory reason) = address(jobs).call(call);
        require(done ? ready : !ready || nobodySits(reason), "draw");
        follow();
        if (!done) return;
        model = IVerificationJobs.Phase.Drawn;
        address[3] memory found = owners();
        for (uint256 i = 0; i < 3; ++i) {
            require(found[i] != REQUESTER && found[i] != PROVIDER, "a party sits");
            require(found[i] == address(0) || found[i] != found[(i + 1) % 3], "one owner twice");
        }
    }

    function sealSome(uint8 mask, uint8 mix) external {
        if (model != IVerificationJobs.Phase.Drawn) return;
        for (uint256 place = 0; place < 3; ++place) {
            if ((mask >> place) & 1 == 0 || trail.turn.seatAt(place) == 0) continue;
            (uint256 before,,) = jobs.progressOf(jobId);
            bool due = (before >> place) & 1 == 0 && block.timestamp < trail.turn.end();
            bytes32 code = codeFor(bytes("yyna")[(mix >> (2 * place)) & 3]);
            IVerificationJobs.SealedBallot[] memory list = new IVerificationJobs.SealedBallot[](1);
            bytes32 kept = codes[place];
            list[0] = sealedBallot(place, code);
            bytes32 frame = jobs.frameOf(jobId, deal, trail.appellant, trail.past);
            bytes memory call =
                abi.encodeCall(jobs.seal, (jobId, frame, trail.turn, seed, owners(), list));
            if (!tries(STRANGER, 0, call, due)) codes[place] = kept;
        }
    }

    function openSome(uint8 mask) external {
        if (model != IVerificationJobs.Phase.Drawn) return;
        (uint256 places, uint256 votes, bool opened) = jobs.progressOf(jobId);
        uint256 end = trail.turn.end();
        bool due = block.timestamp < openEnd()
            && (block.timestamp >= end || places == trail.turn.fullPanel());
        bool fresh = !opened;
        for (uint256 place = 0; place < 3; ++place) {
            bool shown = (places >> place) & (mask >> place) & 1 == 1;
            if (shown && (votes >> (2 * place)) & 3 == 0) fresh = true;
        }
        bytes memory call =
            abi.encodeCall(jobs.open, (jobId, deal, trail, opening(), ballots(mask)));
        due = due && fresh;
        tries(STRANGER, 0, call, due);
        model = jobs.phaseOf(jobId);
        require(model != IVerificationJobs.Phase.Closed, "closed early");
    }

    function openEnd() private view returns (uint256) {
        (,, bool opened) = jobs.progressOf(jobId);
        return trail.turn.end() + (opened ? 2 * HOUR : HOUR);
    }

    function letTimeOut() external {
        uint256 end = trail.turn.end();
        bool due = (model == IVerificationJobs.Phase.Committed && block.timestamp >= end)
            || (model == IVerificationJobs.Phase.Drawn && block.timestamp >= openEnd());
        bytes memory call = abi.encodeCall(jobs.timeOut, (jobId, deal, trail));
        if (tries(STRANGER, 0, call, due)) model = jobs.phaseOf(jobId);
    }

    function appealAs(uint8 who) external {
        bool due = model == IVerificationJobs.Phase.Judged && trail.appellant == address(0)
            && block.timestamp < trail.turn.end();
        uint256 value = BOND + deal.conditions.votes.fee() * deal.conditions.votes.panel();
        address by = [REQUESTER, PROVIDER, STRANGER][who % 3];
        if (!tries(by, value, abi.encodeCall(jobs.appeal, (jobId, deal, trail)), due)) return;
        (model, stake) = (IVerificationJobs.Phase.Committed, stake + value);
    }

    function settle() external {
        bool due = model == IVerificationJobs.Phase.Judged && block.timestamp >= trail.turn.end();
        bytes memory call = abi.encodeCall(jobs.finalize, (jobId, deal, trail));
        if (tries(STRANGER, 0, call, due)) closes();
    }

    function sit(uint8 who) external {
        address owner = vm.addr(1 + who % OWNERS);
        tries(owner, SEAT_BOND, abi.encodeCall(jobs.takeSeat, ()), true);
    }

    function standUp(uint8 at) external {
        (uint24 sitting,) = jobs.seatCount();
        if (sitting == 0) return;
        uint24 position = 1 + at % sitting;
        uint24 seat = jobs.seatAt(position);
        address owner = jobs.seatOf(seat).owner;
        tries(owner, 0, abi.encodeCall(jobs.leaveSeat, (seat, position)), true);
    }

    function collect(uint8 which) external {
        (, uint24 taken) = jobs.seatCount();
        uint24 seat = 1 + which % taken;
        IVerifierSeats.Seat memory found = jobs.seatOf(seat);
        uint256 kept = found.freeAt != 0 && block.timestamp >= found.freeAt ? 0 : SEAT_BOND;
        bool due = found.balance > kept;
        tries(found.owner, 0, abi.encodeCall(jobs.collect, (seat)), due);
    }

    function withdraw(uint8 who) external {
        address payable account = payable(accountAt(who % (OWNERS + 4)));
        bool due = jobs.owedTo(account) > 0;
        tries(account, 0, abi.encodeCall(jobs.withdraw, (account)), due);
    }

    /// Let time alone bring the job to its end, when the test says so.
    function wrapUp() external {
        if (msg.sender != test) return;
        if (model == IVerificationJobs.Phase.Requested) {
            if (block.timestamp < commitBy) vm.warp(commitBy);
            jobs.reclaim(terms());
            closes();
        }
        while (
            model == IVerificationJobs.Phase.Committed || model == IVerificationJobs.Phase.Drawn
        ) {
            uint256 end = trail.turn.end() + 2 * HOUR;
            if (block.timestamp < end) vm.warp(end);
            timeOut();
            model = jobs.phaseOf(jobId);
        }
        if (model != IVerificationJobs.Phase.Judged) return;
        finalize();
        closes();
    }

    /* READING */

    function accountAt(uint256 i) public pure returns (address) {
        if (i >= 4) return vm.addr(i - 3);
        return [REQUESTER, PROVIDER, STRANGER, SINK][i];
    }

    function present() external view returns (uint256) {
        return jobId;
    }

    function closedVerdictsStand() external view returns (bool) {
        for (uint256 i = 0; i < closedJobs.length; ++i) {
            if (verdictHash(closedJobs[i]) != verdicts[i]) return false;
        }
        return true;
    }

    /* INTERNALS */

    function closes() private {
        (model, stake) = (IVerificationJobs.Phase.Closed, 0);
        closedJobs.push(jobId);
        verdicts.push(verdictHash(jobId));
    }

    function verdictHash(uint256 job) private view returns (bytes32) {
        (IVerificationJobs.Verdict verdict, address provider, uint256 yes, uint256 no) =
            jobs.verdictOf(job);
        return keccak256(abi.encode(jobs.phaseOf(job), verdict, provider, yes, no));
    }

    function nobodySits(bytes memory reason) private view returns (bool) {
        bytes memory wanted = abi.encodeWithSelector(IVerificationJobs.NobodyToSit.selector, jobId);
        return keccak256(reason) == keccak256(wanted);
    }

    function tries(address sender, uint256 value, bytes memory call, bool due)
        private
        returns (bool done)
    {
        vm.deal(sender, sender.balance + value);
        vm.recordLogs();
        vm.prank(sender);
        (done,) = address(jobs).call{value: value}(call);
        require(done == due, due ? "refused" : "accepted");
        if (!done) vm.deal(sender, sender.balance - value);
        follow();
    }
}
