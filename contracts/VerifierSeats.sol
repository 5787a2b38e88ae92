// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVerifierSeats} from "./interfaces/IVerifierSeats.sol";
import {WordHash} from "./libraries/WordHash.sol";
import {Round} from "./types/Round.sol";
import {BALANCE_LIMIT, SeatRecord} from "./types/SeatRecord.sol";
import {PLACES, Turn} from "./types/Turn.sol";

/// @title The seats from which panels are drawn, and what everybody is owed; the interface is the
/// manual.
abstract contract VerifierSeats is IVerifierSeats {
    /// @dev How many positions of the list a draw looks at.
    uint256 private constant PROBES = 16;

    /* STORAGE */

    uint256 internal immutable _seatBond;
    uint256 internal immutable _fine;
    address internal immutable _sink;
    uint40 internal immutable _notice;

    uint24 private _sitting;
    uint24 private _taken;
    mapping(uint256 seatOrPosition => SeatRecord) private _records;
    mapping(uint256 seat => uint40) private _freeAt;

    /// @inheritdoc IVerifierSeats
    mapping(address account => uint256) public owedTo;

    constructor(uint256 seatBond, uint256 fine, address sink, uint40 notice) {
        _seatBond = seatBond;
        _fine = fine;
        _sink = sink;
        _notice = notice;
    }

    /* TAKING AND LEAVING */

    /// @inheritdoc IVerifierSeats
    function takeSeat() external payable returns (uint24 seat) {
        _requireValue(_seatBond);
        require(_taken < type(uint24).max, SeatsExhausted());
        seat = ++_taken;
        uint24 position = ++_sitting;
        _records[seat] = _records[seat].withSeat(msg.sender, msg.value);
        _records[position] = _records[position].withListed(seat);
        emit SeatTaken(seat, msg.sender);
    }

    /// @inheritdoc IVerifierSeats
    function topUp(uint24 seat) external payable {
        SeatRecord record = _records[seat];
        require(record.owner() != address(0), NotSeatOwner(seat, address(0)));
        uint256 sum = record.balance() + msg.value;
        require(sum <= BALANCE_LIMIT, SeatFull(seat, BALANCE_LIMIT));
        _records[seat] = record.withBalance(sum);
        emit SeatToppedUp(seat, msg.value);
    }

    /// @inheritdoc IVerifierSeats
    function leaveSeat(uint24 seat, uint24 position) external {
        require(seat != 0 && _records[position].listed() == seat, SeatNotAt(seat, position));
        SeatRecord record = _records[seat];
        require(
            msg.sender == record.owner() || record.balance() < _floor(),
            SeatInGoodStanding(seat, record.balance())
        );
        uint24 last = _sitting--;
        uint24 moved = _records[last].listed();
        _records[last] = _records[last].withListed(0);
        if (last != position) _records[position] = _records[position].withListed(moved);
        uint40 freeAt = uint40(block.timestamp) + _notice;
        _freeAt[seat] = freeAt;
        emit SeatLeft(seat, position, freeAt);
    }

    /// @inheritdoc IVerifierSeats
    function collect(uint24 seat) external {
        SeatRecord record = _records[seat];
        require(msg.sender == record.owner(), NotSeatOwner(seat, record.owner()));
        uint256 freeAt = _freeAt[seat];
        uint256 kept = freeAt != 0 && block.timestamp >= freeAt ? 0 : _seatBond;
        require(record.balance() > kept, NothingToCollect(seat));
        uint256 amount = record.balance() - kept;
        _records[seat] = record.withBalance(kept);
        _credit(msg.sender, amount);
        emit SeatCollected(seat, msg.sender, amount);
    }

    /// @inheritdoc IVerifierSeats
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

    /// @inheritdoc IVerifierSeats
    function seatOf(uint24 seat) external view returns (Seat memory) {
        SeatRecord record = _records[seat];
        return Seat(record.owner(), uint96(record.balance()), _freeAt[seat]);
    }

    /// @inheritdoc IVerifierSeats
    function seatAt(uint24 position) external view returns (uint24) {
        return _records[position].listed();
    }

    /// @inheritdoc IVerifierSeats
    function seatCount() public view returns (uint24 sitting, uint24 taken) {
        return (_sitting, _taken);
    }

    /* INTERNALS */

    /// @dev Seats for a panel, laid out as in a Turn, and their owners: fewer than wanted if the
    /// positions looked at hold no more that may sit. Only seats taken when the beacon's round was
    /// fixed can sit, and positions are drawn from a list as long as it was then: who knows the
    /// value gains nothing by taking seats. By leaving one, or topping up one that is below the
    /// floor, it can still exchange a seat for another between value and draw, which raises a share
    /// of .2 of 100 seats from .106 to .133 of the panels: call `draw` in the first possible block.
    /// @param turn What the job awaits.
    /// @param seed Of which the draw is made.
    /// @param wanted How many seats.
    /// @param requester Must not sit.
    /// @param provider Must not sit.
    /// @param appellant Must not sit.
    /// @param past Nobody who sat in these rounds may sit.
    function _drawPanel(
        Turn turn,
        bytes32 seed,
        uint256 wanted,
        address requester,
        address provider,
        address appellant,
        Round[] calldata past
    ) internal view returns (uint256 panel, address[3] memory owners) {
        uint256 sitting = turn.sitting();
        if (sitting == 0) return (panel, owners);
        uint256 count = 0;
        for (uint256 probe = 0; probe < PROBES && count < wanted; ++probe) {
            (uint256 seat, SeatRecord record) = _probe(turn, seed, probe);
            address owner = record.owner();
            if (record.balance() < _floor() || owner == requester || owner == provider) continue;
            if (owner == appellant) continue;
            if (owner == owners[0] || owner == owners[1] || _satIn(past, owner)) continue;
            unchecked {
                panel |= seat << (24 * count);
                owners[count++] = owner;
            }
        }
    }

    /// @dev The seat at a random position, and its record; zeros for one that left or came later.
    function _probe(Turn turn, bytes32 seed, uint256 probe)
        private
        view
        returns (uint256 seat, SeatRecord record)
    {
        uint256 position;
        unchecked {
            position = 1 + uint256(WordHash.hash(seed, bytes32(probe))) % turn.sitting();
        }
        record = _records[position];
        seat = record.listed();
        if (seat == 0 || seat > turn.taken()) return (0, SeatRecord.wrap(0));
        if (seat != position) record = _records[seat];
    }

    /// @dev What exceeds a seat's limit goes straight to its owner, so that no balance can keep a
    /// job from closing.
    function _pay(uint256 seat, uint256 fee) internal {
        SeatRecord record = _records[seat];
        uint256 sum = record.balance() + fee;
        if (sum > BALANCE_LIMIT) {
            _credit(record.owner(), sum - BALANCE_LIMIT);
            sum = BALANCE_LIMIT;
        }
        _records[seat] = record.withBalance(sum);
    }

    /// @dev Fine a seat by what it has at most, and say how much that was.
    function _charge(uint256 seat) internal returns (uint256 amount) {
        SeatRecord record = _records[seat];
        amount = record.balance() < _fine ? record.balance() : _fine;
        _records[seat] = record.withBalance(record.balance() - amount);
        emit SeatFined(uint24(seat), amount);
    }

    function _credit(address account, uint256 amount) internal {
        if (amount > 0) owedTo[account] += amount;
    }

    function _requireValue(uint256 needed) internal view {
        if (msg.value != needed) revert ValueInvalid(msg.value, needed);
    }

    function _floor() private view returns (uint256) {
        return _seatBond / 2;
    }

    function _satIn(Round[] calldata past, address owner) private view returns (bool) {
        for (uint256 i = 0; i < PLACES * past.length; ++i) {
            if (_records[past[i / PLACES].seatOf(i % PLACES)].owner() == owner) return true;
        }
        return false;
    }
}
