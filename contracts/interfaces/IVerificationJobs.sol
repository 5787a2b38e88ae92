// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Party} from "../types/Party.sol";
import {Round} from "../types/Round.sol";
import {Turn} from "../types/Turn.sol";
import {VoteTerms} from "../types/VoteTerms.sol";
import {IBeacon} from "./IBeacon.sol";
import {IVerifierSeats} from "./IVerifierSeats.sol";

/// @title Inference that is paid for once verifiers found that it was done as promised
/// @notice A job: `request` (price and fees are paid in) → `commit` (the provider binds itself to a
/// receipt, with a bond) → `draw` (a beacon's later value names one leaf and up to three seats) →
/// `seal` (each seat commits to its own code of that leaf, salted) → `open` (the provider's leaf,
/// then the seats' codes; each votes by Hamming distance) → another round, or a provisional verdict
/// → `appeal`, once, by anybody → `finalize`, which alone moves money.
///
/// One word of storage holds a job: a short hash of all that callers bring again, and what two
/// transactions of one block may change without disturbing each other. The events hold everything
/// that callers must bring. A job's id is the hash of its terms, the chain and this contract, so
/// that a receipt whose header names the job belongs to no other.
///
/// Votes: a distance of at most the threshold is a match, any other a mismatch. Code 0 abstains
/// (no calibration for this pair of devices; nothing to recompute from): no fee and no fine. Code
/// 2^256-1 is a mismatch whatever the distance: the header is not what the terms say, or the tokens
/// were not the model's choice.
///
/// Verdicts, over all votes of all rounds: Accepted if matches lead by `acceptLead` and outnumber
/// the abstentions; Rejected if mismatches lead by `rejectLead` (2 or more) and two different leaves
/// each had more mismatches than matches; else the next round on another leaf; Inconclusive after
/// the last. Withheld if seats had sealed and nobody opened the leaf. Abstentions count because a
/// provider could show its words to its friends among the seats only, round after round, while all
/// others had nothing to recompute.
///
/// Money: Accepted pays price and bond to the provider, Inconclusive the bond; the rest of it all
/// less fees goes to the requester. A seat has its fee for a vote that agrees with the verdict, and
/// for any vote if that is Inconclusive or Withheld. A seat that did not seal or open in time,
/// or voted against the verdict and against most of its round, is fined once per round; with most
/// of its round but against the verdict, it has neither fee nor fine. Fines go to the sink, so that
/// nobody gains by them. A lost appeal bond goes to the provider of an accepted job, else to the requester.
/// @custom:warning An honest provider can be rejected, or a cheat accepted, by whoever holds most
/// of the seats that are drawn: choose panel, rounds and leads by what is at stake. A receipt of one
/// leaf can be accepted or found inconclusive, never rejected: then the requester has paid for the
/// votes alone.
interface IVerificationJobs is IVerifierSeats {
    /// @notice Where a job is. `Closed` is for good.
    enum Phase {
        None,
        Requested,
        Committed,
        Drawn,
        Judged,
        Closed
    }

    /// @notice What a job came to; `None` while it is not closed, and if no provider committed.
    enum Verdict {
        None,
        Accepted,
        Rejected,
        Inconclusive,
        Withheld
    }

    /// @notice What a deployment is bound to for good. Money in wei, times in seconds.
    /// @param beacon Names rounds, and later their values. Zero for the chain's own randomness
    /// (EIP-4399): a round is a block, two ahead, its value that of the block which draws. Who
    /// proposes that block knows the value beforehand and can leave the draw out, one bit of choice
    /// per proposer, paid with a missed block or a draw left to others; each later block is another
    /// throw, so that none should leave the draw to others. Where the stakes exceed what a block is
    /// worth, or where blocks have no randomness, choose a beacon signed by many, such as drand.
    /// @param sink Whom fines are owed to.
    /// @param seatBond What a seat costs; it can be drawn while it holds half of that.
    /// @param fine What a lapse or a vote against the verdict costs, at most half the bond.
    /// @param leastFee What a vote must be paid at least: seats have to work for what is drawn, so
    /// that jobs without a fee would wear them out.
    /// @param drawTime How long a panel can be drawn.
    /// @param sealTime How long its seats can seal, from the draw.
    /// @param openTime How long the leaf can be opened, from the end of the sealing; ballots, once it
    /// was, as long again.
    /// @param appealTime How long a provisional verdict can be appealed.
    /// @param notice How long a seat that left stays bound: at least as long as the longest job.
    struct JobRules {
        IBeacon beacon;
        address sink;
        uint96 seatBond;
        uint96 fine;
        uint96 leastFee;
        uint40 drawTime;
        uint40 sealTime;
        uint40 openTime;
        uint40 appealTime;
        uint40 notice;
    }

    /// @notice On what conditions a job is done, in three words (types/Party.sol, VoteTerms.sol).
    /// @param requester Pays, and gets back what is left | the price, for an accepted job.
    /// @param provider Who may commit; zero in the terms for anyone; never the requester | the bond
    /// that it puts up, at least the price.
    /// @param votes The fee of a seat for a vote; the largest Hamming distance that is a match, in
    /// bits, below 256; seats per round, 1 to 3; most rounds before an appeal, 1 to 7; by how many
    /// votes matches must lead, at least 1 and no more than there can be; by how many mismatches
    /// must, at least 2.
    struct Conditions {
        Party requester;
        Party provider;
        VoteTerms votes;
    }

    /// @notice What a requester asks for.
    /// @param conditions The conditions.
    /// @param commitBy Until when a provider may commit.
    /// @param spec Digest of model, decoding and calibration, as in docs/protocol.md.
    /// @param promptDigest Salted digest of the prompt's tokens.
    /// @param seedCommit Hash of the salt, from which the sampling seed follows.
    struct Terms {
        Conditions conditions;
        uint40 commitBy;
        bytes32 spec;
        bytes32 promptDigest;
        bytes32 seedCommit;
    }

    /// @notice What a provider binds itself to: its receipt.
    /// @param root Root of the tree of leaves.
    /// @param header Digest of the receipt's header.
    /// @param leafCount How many leaves it has, at most 32,768.
    struct Claim {
        bytes32 root;
        bytes32 header;
        uint32 leafCount;
    }

    /// @notice What stands once a provider committed: the conditions, with that provider in them,
    /// and its claim.
    struct Deal {
        Conditions conditions;
        Claim claim;
    }

    /// @notice What a job has been through.
    /// @param appellant Who appealed, or zero.
    /// @param turn What is fixed until the next step (types/Turn.sol), from the latest event.
    /// @param past The finished rounds (types/Round.sol), from the events, in order.
    struct Trail {
        address appellant;
        Turn turn;
        Round[] past;
    }

    /// @notice A seat's commitment and the signature of its owner, in the short form of EIP-2098;
    /// the owner itself as the caller needs none.
    struct SealedBallot {
        uint8 place;
        bytes32 commitment;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice A seat's code and salt. Salt 0 leaves it sealed: then `code` is the commitment.
    struct Ballot {
        uint8 place;
        bytes32 code;
        bytes32 salt;
    }

    /// @notice The drawn leaf of the receipt.
    /// @param content Salted digest of its tokens.
    /// @param code Its code.
    /// @param proof The siblings, from the leaf up.
    struct Opening {
        bytes32 content;
        bytes32 code;
        bytes32[] proof;
    }

    /// @notice The contract was deployed.
    event JobsOpened(JobRules rules);

    /// @notice A job was requested and paid for.
    event JobRequested(uint256 indexed jobId, address indexed requester, Terms terms);

    /// @notice No provider committed in time: all went back.
    event JobReclaimed(uint256 indexed jobId);

    /// @notice A provider committed. `turn` awaits a draw.
    event JobCommitted(uint256 indexed jobId, address indexed provider, Claim claim, Turn turn);

    /// @notice A panel and a leaf were drawn: they are in the turn. `seal` wants the seed.
    event PanelDrawn(uint256 indexed jobId, Turn turn, bytes32 seed);

    /// @notice Ballots were sealed. Their order, from event to event, is that of the ballots in
    /// `open`.
    /// @param jobId The job.
    /// @param places Byte i, from the lowest on: the place whose commitment is the i-th here.
    /// @param commitments What was sealed.
    event BallotsSealed(uint256 indexed jobId, uint256 places, bytes32[] commitments);

    /// @notice The drawn leaf was opened, and these ballots, as they were brought, so that every seat
    /// can bring them again with its own. A vote is counted once, however often it is shown.
    event LeafOpened(uint256 indexed jobId, Opening opening, Ballot[] ballots);

    /// @notice A round ended: append it to `past`. The job awaits another draw, or an appeal or its
    /// end, as the phase says. A round for which no panel was drawn in time is zero.
    event RoundEnded(uint256 indexed jobId, Round round, Phase phase, Turn turn);

    /// @notice The provisional verdict was appealed. `turn` awaits a draw.
    event JobAppealed(uint256 indexed jobId, address indexed appellant, Turn turn);

    /// @notice The job has its terminal verdict, and all money is where it belongs: `toProvider`,
    /// `toRequester` and `toAppellant` in what they are owed, fees and fines in the seats.
    event JobClosed(
        uint256 indexed jobId,
        address indexed provider,
        Verdict verdict,
        uint256 toProvider,
        uint256 toRequester,
        uint256 toAppellant
    );

    /// @notice Thrown for rules that no job could live by.
    error RulesInvalid();

    /// @notice Thrown for conditions outside their limits, or a request in another's name.
    error ConditionsInvalid();

    /// @notice Thrown for a claim without root, header or leaves, or with too many.
    error ClaimInvalid();

    /// @notice Thrown when the same terms were requested before.
    error JobExists(uint256 jobId);

    /// @notice Thrown when the job is not in the phase that the call needs.
    error JobNotIn(Phase needed, Phase found);

    /// @notice Thrown when what the caller brings is not what the job is bound to: rebuild it from
    /// the events.
    error JobMismatch(uint256 jobId);

    /// @notice Thrown when the account may not commit to this job.
    error NotProvider(address account);

    /// @notice Thrown when a call comes too late: its time ended at `end`.
    error TooLate(uint256 end);

    /// @notice Thrown when a call comes too early: its time begins at `start`.
    error TooEarly(uint256 start);

    /// @notice Thrown when no seat could be drawn that may sit: try again in a later block.
    error NobodyToSit(uint256 jobId);

    /// @notice Thrown when a place of the panel is empty, or sealed its ballot before.
    error PlaceInvalid(uint256 place);

    /// @notice Thrown when a ballot is not signed by the seat's owner.
    error BallotNotSigned(uint256 place, address owner);

    /// @notice Thrown when the ballots are not those sealed, all of them, in the order they came.
    error BallotsMismatch(uint256 jobId);

    /// @notice Thrown when no ballot is sealed.
    error NothingSealed(uint256 jobId);

    /// @notice Thrown when leaf and ballots were all opened before.
    error NothingOpened(uint256 jobId);

    /// @notice Thrown when the opening is not of the drawn leaf.
    error LeafNotProven(uint256 leaf);

    /// @notice Thrown when the verdict was appealed before, or is not one to appeal.
    error NotAppealable(uint256 jobId);

    /// @notice Request a job. The value is `price + fee * panel * rounds`: what is not spent comes
    /// back. Only the requester named in the terms. It cannot be called off before
    /// `commitBy`, so that a provider which sets to work finds it still there.
    /// @return jobId keccak256(abi.encode(chain id, this contract, terms)).
    function request(Terms calldata terms) external payable returns (uint256 jobId);

    /// @notice Give everything back to the requester of a job that nobody committed to in time.
    function reclaim(Terms calldata terms) external;

    /// @notice Accept the terms and bind oneself to a receipt, with exactly the bond.
    function commit(Terms calldata terms, Claim calldata claim) external payable;

    /// @notice Draw the panel and the leaf, once the beacon's round is known.
    function draw(uint256 jobId, Deal calldata deal, Trail calldata trail) external;

    /// @notice Seal ballots. Anyone may carry them; the owners' signatures count, over the EIP-712
    /// type `Ballot(uint256 jobId,uint256 turn,uint24 seat,bytes32 commitment)`.
    /// @param jobId The job.
    /// @param frame `frameOf` the job now.
    /// @param turn The drawn turn.
    /// @param seed What came with it.
    /// @param owners The owners of the panel's seats by place, zero for a place that is empty.
    /// @param ballots At most one for each place.
    function seal(
        uint256 jobId,
        bytes32 frame,
        Turn turn,
        bytes32 seed,
        address[3] calldata owners,
        SealedBallot[] calldata ballots
    ) external;

    /// @notice Open the drawn leaf, and ballots, once every seat sealed or the time for it is over.
    /// Each call brings the leaf, so that no code is shown before it. The round ends with the last
    /// ballot that was sealed.
    /// @param jobId The job.
    /// @param deal The deal.
    /// @param trail The trail.
    /// @param opening The drawn leaf.
    /// @param ballots Every sealed ballot in the order of `BallotSealed`, opened or still sealed.
    function open(
        uint256 jobId,
        Deal calldata deal,
        Trail calldata trail,
        Opening calldata opening,
        Ballot[] calldata ballots
    ) external;

    /// @notice End a step whose time is over: a draw that did not come, or a round in which somebody
    /// did not open.
    function timeOut(uint256 jobId, Deal calldata deal, Trail calldata trail) external;

    /// @notice Appeal a provisional verdict, with as much as the provider's bond and the fees of a
    /// panel: one more round, on another leaf if there is one, with nobody who sat in this job
    /// before. The bond comes back if the verdict changes, or if nobody voted; fees not spent always.
    function appeal(uint256 jobId, Deal calldata deal, Trail calldata trail) external payable;

    /// @notice Close a job once its verdict can no longer be appealed.
    function finalize(uint256 jobId, Deal calldata deal, Trail calldata trail) external;

    /// @notice The id that a job with these terms has.
    function jobIdOf(Terms calldata terms) external view returns (uint256);

    /// @notice Where a job is.
    function phaseOf(uint256 jobId) external view returns (Phase);

    /// @notice The terminal verdict, the provider and the votes behind it; zeros before.
    function verdictOf(uint256 jobId)
        external
        view
        returns (Verdict verdict, address provider, uint256 matches, uint256 mismatches);

    /// @notice Which places sealed (bit i: place i), what they voted (two bits a place, as in
    /// types/Round.sol), and whether the leaf was opened, in the present round of a drawn job.
    function progressOf(uint256 jobId)
        external
        view
        returns (uint256 sealedPlaces, uint256 votes, bool opened);

    /// @notice The hash of what a job went through, which `seal` wants.
    function frameOf(uint256 jobId, Deal calldata deal, address appellant, Round[] calldata past)
        external
        pure
        returns (bytes32);

    /// @notice What a seat seals: keccak256(abi.encode(code, salt, seat, jobId, round)).
    function commitmentOf(uint256 jobId, uint8 round, uint24 seat, bytes32 code, bytes32 salt)
        external
        pure
        returns (bytes32);

    /// @notice The EIP-712 digest that a seat's owner signs.
    function ballotDigest(uint256 jobId, Turn turn, uint24 seat, bytes32 commitment)
        external
        view
        returns (bytes32);

    /// @notice What a requester pays in.
    function costOf(Conditions calldata conditions) external pure returns (uint256);

    /// @notice What this deployment is bound to.
    function rules() external view returns (JobRules memory);
}
