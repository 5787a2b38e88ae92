// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IFeedbackLog} from "./interfaces/IFeedbackLog.sol";
import {IRaterGate} from "./interfaces/IRaterGate.sol";
import {ISourceRegistry} from "./interfaces/ISourceRegistry.sol";
import {Successor} from "./Successor.sol";
import {History} from "./types/History.sol";
import {ScoreUpdate, UPDATE_BYTES} from "./types/ScoreUpdate.sol";
import {SourceId} from "./types/SourceId.sol";
import {Vouch, VOUCH_BYTES} from "./types/Vouch.sol";

/// @title What anyone says about sources and about each other; the interface is the manual.
contract FeedbackLog is IFeedbackLog, Successor {
    uint256 private constant ENTRY_LIMIT = 2_000;
    uint256 private constant RATING = 0;
    uint256 private constant VOUCH = 1;

    /* STORAGE */

    /// @inheritdoc IFeedbackLog
    ISourceRegistry public immutable registry;

    /// @inheritdoc IFeedbackLog
    IRaterGate public immutable gate;

    History private _history;
    uint64 private _entries;

    /// @param registry_ Says which ids are sources.
    /// @param gate_ Says who may speak.
    /// @param predecessor_ The log that this one continues, or zero.
    constructor(ISourceRegistry registry_, IRaterGate gate_, address predecessor_)
        Successor(predecessor_)
    {
        registry = registry_;
        gate = gate_;
        emit LogOpened(registry_, gate_);
    }

    /* SPEAKING */

    /// @inheritdoc IFeedbackLog
    function rate(bytes calldata updates) external {
        uint256 count = _countOf(updates, UPDATE_BYTES);
        SourceId last = SourceId.wrap(0);
        for (uint256 i = 0; i < count; ++i) {
            uint96 word = uint96(bytes12(updates[i * UPDATE_BYTES:]));
            SourceId source = ScoreUpdate.wrap(word).sourceOf();
            require(source > last, EntriesNotSorted(i));
            last = source;
        }
        // Ids are given in order, so that if the highest is known, all of them are.
        registry.requireKnown(last);
        uint32 weight = _enter(RATING, updates);
        emit Rated(msg.sender, weight, uint40(block.timestamp), updates);
    }

    /// @inheritdoc IFeedbackLog
    function vouch(bytes calldata vouches) external {
        uint256 count = _countOf(vouches, VOUCH_BYTES);
        address last = address(0);
        for (uint256 i = 0; i < count; ++i) {
            Vouch given = Vouch.wrap(uint176(bytes22(vouches[i * VOUCH_BYTES:])));
            address account = given.accountOf();
            require(account > last, EntriesNotSorted(i));
            require(account != msg.sender, SelfVouch(account));
            require(given.weightOf() != 0, VouchEmpty(i));
            last = account;
        }
        uint32 weight = _enter(VOUCH, vouches);
        emit Vouched(msg.sender, weight, uint40(block.timestamp), vouches);
    }

    /* READING */

    /// @inheritdoc IFeedbackLog
    function log() external view returns (uint64 entries, uint160 history) {
        return (_entries, History.unwrap(_history));
    }

    /* INTERNALS */

    function _countOf(bytes calldata given, uint256 size) private pure returns (uint256 count) {
        count = given.length / size;
        require(
            count > 0 && count <= ENTRY_LIMIT && given.length % size == 0,
            EntriesInvalid(given.length, ENTRY_LIMIT * size)
        );
    }

    function _enter(uint256 kind, bytes calldata said) private returns (uint32 weight) {
        weight = gate.weightOf(msg.sender);
        require(weight > 0, RaterRefused(msg.sender));
        bytes32 entry =
            keccak256(abi.encode(kind, msg.sender, weight, block.timestamp, keccak256(said)));
        _history = _history.extend(entry);
        ++_entries;
    }
}
