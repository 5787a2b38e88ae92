// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TreeNode} from "../types/TreeNode.sol";
import {IReporterCommittee} from "./IReporterCommittee.sol";
import {ISuccessor} from "./ISuccessor.sol";

/// @title Reputations, as one Merkle root per epoch
/// @notice Epoch e is the time from e·L to (e+1)·L, with L = `epochSeconds`. Once it has ended,
/// anyone may propose the root of its reputation tree with a bond. Within the window anyone may
/// challenge it with a bond. A root that nobody challenged becomes final. A challenged one is
/// settled by the committee, each member of which recomputes the tree: the computation is exact to
/// the last bit, so that there is one right answer. The winner gets both bonds. If the committee
/// stays silent, both go back and the epoch is open again.
/// @custom:warning A final root is right if one honest observer watched the window, and, where it
/// was challenged, if the committee's quorum is honest. Nobody can change a final root.
interface IReputationRoots is IReporterCommittee, ISuccessor {
    /// @notice Where an epoch is. `Open` is every epoch's first state.
    enum State {
        Open,
        Pending,
        Challenged,
        Final
    }

    /// @notice What is known of an epoch. `attempt` counts how often it was opened again.
    struct Epoch {
        TreeNode root;
        uint40 proposedAt;
        State state;
        uint48 attempt;
        address proposer;
        address challenger;
        bytes32 snapshotHash;
    }

    /// @notice What a deployment is bound to for good. Bonds in wei, times in seconds.
    /// @param formulaHash Hash of the specification by which reputations are computed: another
    /// formula is another deployment.
    /// @param epochSeconds Length of an epoch.
    /// @param window How long a root can be challenged after it was proposed.
    /// @param settleTime How long after the window a challenged root can be settled.
    /// @param bond What a proposer, and a challenger, put up.
    struct Rules {
        bytes32 formulaHash;
        uint40 epochSeconds;
        uint40 window;
        uint40 settleTime;
        uint256 bond;
    }

    /// @notice The contract was deployed in epoch `firstEpoch`.
    event RootsOpened(Rules rules, uint40 firstEpoch);

    /// @notice A root was proposed.
    /// @param epoch The epoch whose reputations it commits to.
    /// @param proposer Who put up the bond.
    /// @param attempt How often the epoch was opened again before.
    /// @param time Time of the block, from which the window runs.
    /// @param root Root of the reputation tree.
    /// @param snapshotHash Hash of the data that it was computed from.
    /// @param uri Where that data can be had.
    event RootProposed(
        uint40 indexed epoch,
        address indexed proposer,
        uint48 attempt,
        uint40 time,
        TreeNode root,
        bytes32 snapshotHash,
        string uri
    );

    /// @notice A pending root was challenged.
    event RootChallenged(uint40 indexed epoch, address indexed challenger);

    /// @notice A root became final. `winner` got its own bond back, and the loser's if there was
    /// one.
    event RootFinal(
        uint40 indexed epoch,
        address indexed winner,
        TreeNode root,
        bytes32 snapshotHash,
        uint256 credit
    );

    /// @notice The committee settled the epoch under this nonce.
    event EpochSettled(
        uint64 indexed nonce, uint40 indexed epoch, uint40 time, TreeNode root, bytes32 snapshotHash
    );

    /// @notice A challenge was not settled in time: both bonds went back, the epoch is open again.
    event EpochReopened(uint40 indexed epoch, uint48 attempt);

    /// @notice An account took out what it was owed.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice Thrown for rules that no epoch could live by: a length, window or settling time of
    /// zero or above 10 years.
    error RulesInvalid();

    /// @notice Thrown when the epoch has not ended, or ended before this deployment was made.
    error EpochNotEnded(uint40 epoch, uint40 first, uint40 present);

    /// @notice Thrown when the epoch is not in the state that the call needs.
    error EpochNotIn(State needed, State found);

    /// @notice Thrown when the value sent is not the bond.
    error BondInvalid(uint256 given, uint256 bond);

    /// @notice Thrown when a URI is longer than `limit` bytes.
    error UriTooLong(uint256 length, uint256 limit);

    /// @notice Thrown for a root or a snapshot hash of zero.
    error RootEmpty();

    /// @notice Thrown when the root and snapshot hash to challenge are not those that are pending.
    error RootNotPending(TreeNode root, bytes32 snapshotHash);

    /// @notice Thrown when a call comes too late: its time ended at `end`.
    error TooLate(uint256 end);

    /// @notice Thrown when a call comes too early: its time begins at `start`.
    error TooEarly(uint256 start);

    /// @notice Thrown when the account is owed nothing.
    error NothingOwed(address account);

    /// @notice Thrown when the receiver did not accept what it was sent, or is nobody.
    error TransferFailed(address to);

    /// @notice Propose the root of an epoch that has ended, with exactly the bond.
    /// @param epoch An epoch that is open.
    /// @param root Root of its reputation tree.
    /// @param snapshotHash Hash of the data that it was computed from.
    /// @param uri Where that data can be had, at most 256 bytes.
    function propose(uint40 epoch, TreeNode root, bytes32 snapshotHash, string calldata uri)
        external
        payable;

    /// @notice Challenge a pending root within its window, with exactly the bond. Root and snapshot
    /// hash must both be what is pending: the same root with another hash is another proposal, and
    /// may be the right one.
    /// @param epoch The epoch.
    /// @param root The root that is to be challenged, so that no other one is by mistake.
    /// @param snapshotHash The snapshot hash that was proposed with it.
    function challenge(uint40 epoch, TreeNode root, bytes32 snapshotHash) external payable;

    /// @notice Settle a challenge: the given root becomes final, and whoever was right gets both
    /// bonds. The proposer was right if root and snapshot hash are what was proposed. Anyone may
    /// carry it; the signatures decide. They are of the EIP-712 type `Settlement(uint32 committee,
    /// uint64 nonce,uint64 deadline,uint40 epoch,uint48 attempt,bytes20 root,bytes32 snapshotHash)`.
    /// The entry in the history is keccak256(abi.encode(nonce, time, epoch, root, snapshotHash)).
    /// @param epoch A challenged epoch, before the settling time is over.
    /// @param root The root that the committee computed.
    /// @param snapshotHash Hash of the data that it was computed from.
    /// @param nonce The committee's next nonce.
    /// @param deadline Last time (Unix seconds) at which the settlement counts.
    /// @param signerMask Bit i set: member i signed.
    /// @param signatures One per set bit, as in `cancelNonce`.
    function settle(
        uint40 epoch,
        TreeNode root,
        bytes32 snapshotHash,
        uint64 nonce,
        uint64 deadline,
        uint32 signerMask,
        bytes calldata signatures
    ) external;

    /// @notice Make a pending root final once its window is over.
    function finalize(uint40 epoch) external;

    /// @notice Open an epoch again whose challenge was not settled in time.
    function reopen(uint40 epoch) external;

    /// @notice Take out everything the caller is owed, to any address but zero.
    function withdraw(address payable to) external;

    /// @notice Whether the account had this score in a final epoch; reverts while it is not final.
    /// @param epoch The epoch.
    /// @param account The account, not zero.
    /// @param score Its score, in the formula's unit.
    /// @param next The next higher account in the tree, zero after the last.
    /// @param proof 20 bytes per level, from the leaf to the root: see types/TreeNode.sol.
    function scoreProven(
        uint40 epoch,
        address account,
        uint64 score,
        address next,
        bytes calldata proof
    ) external view returns (bool);

    /// @notice Whether the account had no score in a final epoch; reverts while it is not final.
    /// The proof is that of the next lower leaf, which names an account beyond as its successor.
    /// Below the first account stands a leaf of account zero and score zero.
    /// @param epoch The epoch.
    /// @param account The account that is missing.
    /// @param low The next lower account in the tree, or zero.
    /// @param lowScore Its score.
    /// @param next The next higher account in the tree, zero after the last.
    /// @param proof 20 bytes per level, from the leaf of `low` to the root.
    function absenceProven(
        uint40 epoch,
        address account,
        address low,
        uint64 lowScore,
        address next,
        bytes calldata proof
    ) external view returns (bool);

    /// @notice What is known of an epoch.
    function epochOf(uint40 epoch) external view returns (Epoch memory);

    /// @notice What this deployment is bound to.
    function rules() external view returns (Rules memory);

    /// @notice The epoch in which it was deployed, the first that can have a root.
    function firstEpoch() external view returns (uint40);

    /// @notice What an account can withdraw, in wei.
    function owedTo(address account) external view returns (uint256);

    /// @notice The EIP-712 digest of a settlement under the present committee and attempt.
    function settlementDigest(
        uint40 epoch,
        TreeNode root,
        bytes32 snapshotHash,
        uint64 nonce,
        uint64 deadline
    ) external view returns (bytes32);
}
