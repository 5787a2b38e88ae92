// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReputationRoots} from "../interfaces/IReputationRoots.sol";
import {IScoreLedger} from "../interfaces/IScoreLedger.sol";
import {ISourceRegistry} from "../interfaces/ISourceRegistry.sol";
import {SourceId} from "../types/SourceId.sol";

/// @title An example: pay the reliable, once per period
/// @notice A pot that anyone may fill. In every period each source whose reliability is high enough
/// can have its owner paid once, and each account whose proven reputation is high enough can be
/// paid once. It shows what a contract has to check before it believes a score.
contract ReliablePayer {
    /// @notice What must be reached. Reliability in hundredths, evidence in hundredths of a unit,
    /// times in seconds, the payment in wei.
    struct Terms {
        uint256 reliability;
        uint256 evidence;
        uint64 reputation;
        uint256 maxAge;
        uint256 period;
        uint256 payment;
    }

    /// @notice The owner of a source was paid.
    event SourcePaid(SourceId indexed id, address indexed owner, uint256 period);

    /// @notice An account was paid.
    event AccountPaid(address indexed account, uint40 indexed epoch, uint256 period);

    /// @notice Thrown when the score rests on too little evidence, or on none of late.
    error EvidenceInsufficient(uint256 found, uint256 updatedAt);

    /// @notice Thrown when the reliability is not high enough.
    error NotReliable(uint256 reliability);

    /// @notice Thrown when the source has been retired.
    error NotActive(SourceId id);

    /// @notice Thrown when the proof does not hold, or proves too low a reputation.
    error NotReputable(address account, uint64 score);

    /// @notice Thrown when the epoch ended too long ago.
    error EpochTooOld(uint40 epoch);

    /// @notice Thrown when this period's payment has been made.
    error AlreadyPaid(uint256 period);

    /// @notice Thrown when the receiver did not accept the payment, or the pot is empty.
    error PaymentFailed(address to);

    /* STORAGE */

    /// @notice Where scores are read.
    IScoreLedger public immutable ledger;

    /// @notice Where reputations are proven.
    IReputationRoots public immutable roots;

    /// @notice What must be reached.
    Terms public terms;

    mapping(SourceId id => mapping(uint256 period => bool)) private _sourcePaid;
    mapping(address account => mapping(uint256 period => bool)) private _accountPaid;

    constructor(IScoreLedger ledger_, IReputationRoots roots_, Terms memory terms_) {
        ledger = ledger_;
        roots = roots_;
        terms = terms_;
    }

    /// @notice Fill the pot.
    receive() external payable {}

    /* PAYING */

    /// @notice Pay the owner of a reliable source. Anyone may ask for it.
    function paySource(SourceId id) external {
        Terms memory wanted = terms;
        ISourceRegistry.Source memory source = ledger.registry().sourceOf(id);
        require(source.status == ISourceRegistry.Status.Active, NotActive(id));
        IScoreLedger.Score memory score = ledger.scoreOf(id);
        uint256 evidence = uint256(score.supported) + score.contradicted;
        require(
            evidence >= wanted.evidence && block.timestamp <= score.updatedAt + wanted.maxAge,
            EvidenceInsufficient(evidence, score.updatedAt)
        );
        // The mean of a Beta distribution that began with one unit on either side.
        uint256 reliability = 100 * (uint256(score.supported) + 100) / (evidence + 200);
        require(reliability >= wanted.reliability, NotReliable(reliability));

        uint256 period = block.timestamp / wanted.period;
        require(!_sourcePaid[id][period], AlreadyPaid(period));
        _sourcePaid[id][period] = true;
        emit SourcePaid(id, source.owner, period);
        _pay(source.owner, wanted.payment);
    }

    /// @notice Pay an account of proven reputation. Anyone may ask for it; see `scoreProven`.
    function payAccount(
        uint40 epoch,
        address account,
        uint64 score,
        address next,
        bytes calldata proof
    ) external {
        Terms memory wanted = terms;
        uint256 end = (uint256(epoch) + 1) * roots.rules().epochSeconds;
        require(block.timestamp <= end + wanted.maxAge, EpochTooOld(epoch));
        require(
            score >= wanted.reputation && roots.scoreProven(epoch, account, score, next, proof),
            NotReputable(account, score)
        );

        uint256 period = block.timestamp / wanted.period;
        require(!_accountPaid[account][period], AlreadyPaid(period));
        _accountPaid[account][period] = true;
        emit AccountPaid(account, epoch, period);
        _pay(account, wanted.payment);
    }

    function _pay(address to, uint256 amount) private {
        (bool accepted,) = to.call{value: amount}("");
        require(accepted, PaymentFailed(to));
    }
}
