// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IReputationRoots} from "./interfaces/IReputationRoots.sol";
import {ReporterCommittee} from "./ReporterCommittee.sol";
import {Successor} from "./Successor.sol";
import {Quorum} from "./types/Quorum.sol";
import {TreeNode, leafNode} from "./types/TreeNode.sol";

/// @title Reputations, as one Merkle root per epoch; the interface is the manual.
contract ReputationRoots is IReputationRoots, ReporterCommittee, Successor {
    uint256 private constant URI_LIMIT = 256;
    uint40 private constant TIME_LIMIT = 3650 days;

    bytes32 private constant SETTLEMENT_TYPEHASH = keccak256(
        "Settlement(uint32 committee,uint64 nonce,uint64 deadline,uint40 epoch,uint48 attempt,bytes20 root,bytes32 snapshotHash)"
    );

    /* STORAGE */

    bytes32 private immutable _formulaHash;
    uint40 private immutable _epochSeconds;
    uint40 private immutable _window;
    uint40 private immutable _settleTime;
    uint256 private immutable _bond;

    /// @inheritdoc IReputationRoots
    uint40 public immutable firstEpoch;

    mapping(uint40 epoch => Epoch) private _epochs;

    /// @inheritdoc IReputationRoots
    mapping(address account => uint256) public owedTo;

    /* SETTING UP */

    /// @param rules_ What the deployment is bound to for good.
    /// @param initialOwner Admits committee members.
    /// @param members The first committee, ascending.
    /// @param threshold How many of them must sign a settlement.
    /// @param predecessor_ The deployment that this one continues, or zero.
    constructor(
        Rules memory rules_,
        address initialOwner,
        address[] memory members,
        uint8 threshold,
        address predecessor_
    )
        ReporterCommittee(initialOwner, members, threshold)
        Successor(predecessor_)
        EIP712("chainrep ReputationRoots", "1")
    {
        require(
            _isLivable(rules_.epochSeconds) && _isLivable(rules_.window)
                && _isLivable(rules_.settleTime),
            RulesInvalid()
        );
        _formulaHash = rules_.formulaHash;
        _epochSeconds = rules_.epochSeconds;
        _window = rules_.window;
        _settleTime = rules_.settleTime;
        _bond = rules_.bond;
        firstEpoch = uint40(block.timestamp) / rules_.epochSeconds;
        emit RootsOpened(rules_, firstEpoch);
    }

    /* FROM OPEN TO FINAL */

    /// @inheritdoc IReputationRoots
    function propose(uint40 epoch, TreeNode root, bytes32 snapshotHash, string calldata uri)
        external
        payable
    {
        Epoch storage found = _inState(epoch, State.Open);
        uint40 present = uint40(block.timestamp) / _epochSeconds;
        require(epoch >= firstEpoch && epoch < present, EpochNotEnded(epoch, firstEpoch, present));
        require(!(root == TreeNode.wrap(0)) && snapshotHash != 0, RootEmpty());
        require(bytes(uri).length <= URI_LIMIT, UriTooLong(bytes(uri).length, URI_LIMIT));
        _requireBond();

        uint40 time = uint40(block.timestamp);
        found.root = root;
        found.proposedAt = time;
        found.state = State.Pending;
        found.proposer = msg.sender;
        found.snapshotHash = snapshotHash;
        emit RootProposed(epoch, msg.sender, found.attempt, time, root, snapshotHash, uri);
    }

    /// @inheritdoc IReputationRoots
    function challenge(uint40 epoch, TreeNode root, bytes32 snapshotHash) external payable {
        Epoch storage found = _inState(epoch, State.Pending);
        require(
            _isProposed(found, root, snapshotHash), RootNotPending(found.root, found.snapshotHash)
        );
        _requireBefore(_windowEnd(found));
        _requireBond();

        found.state = State.Challenged;
        found.challenger = msg.sender;
        emit RootChallenged(epoch, msg.sender);
    }

    /// @inheritdoc IReputationRoots
    function settle(
        uint40 epoch,
        TreeNode root,
        bytes32 snapshotHash,
        uint64 nonce,
        uint64 deadline,
        uint32 signerMask,
        bytes calldata signatures
    ) external {
        Quorum quorum = _currentQuorum(nonce, deadline);
        Epoch storage found = _inState(epoch, State.Challenged);
        _requireBefore(_settleEnd(found));
        require(!(root == TreeNode.wrap(0)) && snapshotHash != 0, RootEmpty());
        _accept(
            quorum,
            _settlement(epoch, root, snapshotHash, nonce, deadline),
            keccak256(abi.encode(nonce, block.timestamp, epoch, root, snapshotHash)),
            signerMask,
            signatures
        );
        emit EpochSettled(nonce, epoch, uint40(block.timestamp), root, snapshotHash);

        bool upheld = _isProposed(found, root, snapshotHash);
        found.root = root;
        found.snapshotHash = snapshotHash;
        _conclude(epoch, found, upheld ? found.proposer : found.challenger, 2 * _bond);
    }

    /// @inheritdoc IReputationRoots
    function finalize(uint40 epoch) external {
        Epoch storage found = _inState(epoch, State.Pending);
        _requireFrom(_windowEnd(found));
        _conclude(epoch, found, found.proposer, _bond);
    }

    /// @inheritdoc IReputationRoots
    function reopen(uint40 epoch) external {
        Epoch storage found = _inState(epoch, State.Challenged);
        _requireFrom(_settleEnd(found));
        owedTo[found.proposer] += _bond;
        owedTo[found.challenger] += _bond;
        uint48 attempt = found.attempt + 1;
        delete _epochs[epoch];
        found.attempt = attempt;
        emit EpochReopened(epoch, attempt);
    }

    /// @inheritdoc IReputationRoots
    function withdraw(address payable to) external {
        uint256 amount = owedTo[msg.sender];
        require(amount > 0, NothingOwed(msg.sender));
        require(to != address(0), TransferFailed(to));
        owedTo[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, amount);
        (bool accepted,) = to.call{value: amount}("");
        require(accepted, TransferFailed(to));
    }

    /* READING */

    /// @inheritdoc IReputationRoots
    function scoreProven(
        uint40 epoch,
        address account,
        uint64 score,
        address next,
        bytes calldata proof
    ) external view returns (bool) {
        return account != address(0) && _inTree(epoch, account, score, next, proof);
    }

    /// @inheritdoc IReputationRoots
    function absenceProven(
        uint40 epoch,
        address account,
        address low,
        uint64 lowScore,
        address next,
        bytes calldata proof
    ) external view returns (bool) {
        bool between = low < account && (account < next || next == address(0));
        return _inTree(epoch, low, lowScore, next, proof) && between;
    }

    /// @inheritdoc IReputationRoots
    function epochOf(uint40 epoch) external view returns (Epoch memory) {
        return _epochs[epoch];
    }

    /// @inheritdoc IReputationRoots
    function rules() external view returns (Rules memory) {
        return Rules(_formulaHash, _epochSeconds, _window, _settleTime, _bond);
    }

    /// @inheritdoc IReputationRoots
    function settlementDigest(
        uint40 epoch,
        TreeNode root,
        bytes32 snapshotHash,
        uint64 nonce,
        uint64 deadline
    ) external view returns (bytes32) {
        return _hashTypedDataV4(_settlement(epoch, root, snapshotHash, nonce, deadline));
    }

    /* INTERNALS */

    function _isLivable(uint40 time) private pure returns (bool) {
        return time > 0 && time <= TIME_LIMIT;
    }

    function _inState(uint40 epoch, State needed) private view returns (Epoch storage found) {
        found = _epochs[epoch];
        require(found.state == needed, EpochNotIn(needed, found.state));
    }

    function _isProposed(Epoch storage found, TreeNode root, bytes32 snapshotHash)
        private
        view
        returns (bool)
    {
        return root == found.root && snapshotHash == found.snapshotHash;
    }

    function _requireBond() private view {
        require(msg.value == _bond, BondInvalid(msg.value, _bond));
    }

    function _requireBefore(uint256 end) private view {
        require(block.timestamp < end, TooLate(end));
    }

    function _requireFrom(uint256 start) private view {
        require(block.timestamp >= start, TooEarly(start));
    }

    function _windowEnd(Epoch storage found) private view returns (uint256) {
        return uint256(found.proposedAt) + _window;
    }

    /// @dev Counted from the proposal, not from the challenge: whenever in the window that comes,
    /// the committee has the whole settling time left.
    function _settleEnd(Epoch storage found) private view returns (uint256) {
        return _windowEnd(found) + _settleTime;
    }

    function _conclude(uint40 epoch, Epoch storage found, address winner, uint256 credit) private {
        found.state = State.Final;
        owedTo[winner] += credit;
        emit RootFinal(epoch, winner, found.root, found.snapshotHash, credit);
    }

    function _settlement(
        uint40 epoch,
        TreeNode root,
        bytes32 snapshotHash,
        uint64 nonce,
        uint64 deadline
    ) private view returns (bytes32) {
        uint48 attempt = _epochs[epoch].attempt;
        return keccak256(
            abi.encode(
                SETTLEMENT_TYPEHASH, _version(), nonce, deadline, epoch, attempt, root, snapshotHash
            )
        );
    }

    /// @dev A leaf names the chain, the contract, the epoch and the formula, so that it means
    /// nothing anywhere else.
    function _inTree(
        uint40 epoch,
        address account,
        uint64 score,
        address next,
        bytes calldata proof
    ) private view returns (bool) {
        Epoch storage found = _inState(epoch, State.Final);
        TreeNode leaf = leafNode(
            abi.encode(block.chainid, address(this), epoch, _formulaHash, account, score, next)
        );
        return leaf.climb(proof) == found.root;
    }
}
