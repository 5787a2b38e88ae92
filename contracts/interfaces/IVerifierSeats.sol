// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The seats from which panels are drawn, and what everybody is owed
/// @notice Anyone may take seats, each with a bond, as many as it likes: the draw is by stake.
/// Seats are 1, 2, 3, … and never given twice. Fees are added to the seat's balance, fines are
/// taken from it. A seat whose balance fell below half the bond is not drawn until it is topped up.
/// A seat that leaves is drawn no more at once, and gets its balance after a notice longer than
/// the longest job, so that it pays what it is fined in jobs it was drawn for.
interface IVerifierSeats {
    /// @notice What is known of a seat.
    /// @param owner Signs its ballots and collects its balance.
    /// @param balance Its bond and what it earned, less what it was fined, in wei.
    /// @param freeAt When a seat that left may collect all; zero while it can be drawn.
    struct Seat {
        address owner;
        uint96 balance;
        uint40 freeAt;
    }

    /// @notice A seat was taken and stands last in the list.
    event SeatTaken(uint24 indexed seat, address indexed owner);

    /// @notice A seat was topped up.
    event SeatToppedUp(uint24 indexed seat, uint256 amount);

    /// @notice A seat left the list: its place went to the one that stood last.
    event SeatLeft(uint24 indexed seat, uint24 position, uint40 freeAt);

    /// @notice A seat was fined.
    event SeatFined(uint24 indexed seat, uint256 amount);

    /// @notice Part of a seat's balance went to what its owner is owed.
    event SeatCollected(uint24 indexed seat, address indexed owner, uint256 amount);

    /// @notice An account took out what it was owed.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice Thrown when the value sent is not what the call costs.
    error ValueInvalid(uint256 given, uint256 needed);

    /// @notice Thrown when all 2^24 seats were taken once.
    error SeatsExhausted();

    /// @notice Thrown when somebody else than the seat's owner calls.
    error NotSeatOwner(uint24 seat, address owner);

    /// @notice Thrown when a position of the list holds another seat, or none.
    error SeatNotAt(uint24 seat, uint24 position);

    /// @notice Thrown when a seat would hold more than `limit` wei.
    error SeatFull(uint24 seat, uint256 limit);

    /// @notice Thrown when a seat that may be drawn is to be removed by another than its owner.
    error SeatInGoodStanding(uint24 seat, uint256 balance);

    /// @notice Thrown when a seat has nothing to collect now.
    error NothingToCollect(uint24 seat);

    /// @notice Thrown when the account is owed nothing.
    error NothingOwed(address account);

    /// @notice Thrown when the receiver did not accept what it was sent, or is nobody.
    error TransferFailed(address to);

    /// @notice Take a seat with exactly the bond. It can be drawn for rounds that begin later.
    function takeSeat() external payable returns (uint24 seat);

    /// @notice Add to a seat's balance.
    function topUp(uint24 seat) external payable;

    /// @notice Take a seat off the list: by its owner at any time, by anyone if its balance is
    /// below half the bond. It stays bound to what it was drawn for.
    /// @param seat The seat.
    /// @param position Where it stands in the list, from 1 on.
    function leaveSeat(uint24 seat, uint24 position) external;

    /// @notice Move to what the owner is owed: what a seat holds above its bond, or, once it left
    /// and the notice is over, everything. By its owner.
    function collect(uint24 seat) external;

    /// @notice Take out everything the caller is owed, to any address but zero.
    function withdraw(address payable to) external;

    /// @notice What is known of a seat; zeros for one never taken.
    function seatOf(uint24 seat) external view returns (Seat memory);

    /// @notice The seat at a position of the list, from 1 on; zero beyond its end.
    function seatAt(uint24 position) external view returns (uint24);

    /// @notice How many seats stand in the list, and how many were ever taken.
    function seatCount() external view returns (uint24 sitting, uint24 taken);

    /// @notice What an account can withdraw, in wei.
    function owedTo(address account) external view returns (uint256);
}
