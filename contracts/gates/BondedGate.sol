// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IRaterGate} from "../interfaces/IRaterGate.sol";

/// @title Those who lock up a bond may rate, with a full voice
/// @notice The bond prices accounts: a hundred voices lock up a hundred bonds. To leave takes the
/// voice away at once and gives the bond back after a delay, so that one bond cannot speak through
/// many accounts in a day. Nobody can take a bond, and nobody administers the gate.
contract BondedGate is IRaterGate {
    /// @notice Where an account is: out, in, or on its way out until `freeAt`.
    struct Membership {
        bool bonded;
        uint40 freeAt;
    }

    /// @notice The gate was deployed.
    event GateOpened(uint256 bond, uint40 delay);

    /// @notice An account locked up a bond.
    event Joined(address indexed account);

    /// @notice An account gave up its voice; its bond is free at `freeAt`.
    event Left(address indexed account, uint40 freeAt);

    /// @notice An account took its bond back.
    event BondReturned(address indexed account, address indexed to);

    /// @notice Thrown for a delay above `limit` seconds.
    error DelayInvalid(uint40 delay, uint40 limit);

    /// @notice Thrown when the value sent is not the bond.
    error BondInvalid(uint256 given, uint256 bond);

    /// @notice Thrown when the account has a bond in the gate already.
    error AlreadyBonded(address account);

    /// @notice Thrown when the account has no voice to give up.
    error NotBonded(address account);

    /// @notice Thrown when there is no bond to take back, or not before `freeAt`.
    error BondLocked(uint40 freeAt);

    /// @notice Thrown when the receiver did not accept the bond, or is nobody.
    error TransferFailed(address to);

    uint40 private constant DELAY_LIMIT = 365 days;

    /* STORAGE */

    /// @notice What every account locks up, in wei.
    uint256 public immutable bond;

    /// @notice How long a bond stays locked after its account left, in seconds.
    uint40 public immutable delay;

    /// @notice Where an account is.
    mapping(address account => Membership) public membershipOf;

    /// @param bond_ What every account locks up, in wei.
    /// @param delay_ How long it stays locked after leaving, in seconds, at most a year.
    constructor(uint256 bond_, uint40 delay_) {
        require(delay_ <= DELAY_LIMIT, DelayInvalid(delay_, DELAY_LIMIT));
        bond = bond_;
        delay = delay_;
        emit GateOpened(bond_, delay_);
    }

    /* BONDING */

    /// @notice Lock up exactly one bond and gain a voice.
    function join() external payable {
        Membership memory member = membershipOf[msg.sender];
        require(!member.bonded && member.freeAt == 0, AlreadyBonded(msg.sender));
        require(msg.value == bond, BondInvalid(msg.value, bond));
        membershipOf[msg.sender].bonded = true;
        emit Joined(msg.sender);
    }

    /// @notice Give up the voice; the bond is free after the delay.
    function leave() external {
        require(membershipOf[msg.sender].bonded, NotBonded(msg.sender));
        uint40 freeAt = uint40(block.timestamp) + delay;
        membershipOf[msg.sender] = Membership({bonded: false, freeAt: freeAt});
        emit Left(msg.sender, freeAt);
    }

    /// @notice Take the bond back once it is free, to any address but zero.
    function withdraw(address to) external {
        uint40 freeAt = membershipOf[msg.sender].freeAt;
        require(freeAt != 0 && block.timestamp >= freeAt, BondLocked(freeAt));
        require(to != address(0), TransferFailed(to));
        delete membershipOf[msg.sender];
        emit BondReturned(msg.sender, to);
        (bool accepted,) = to.call{value: bond}("");
        require(accepted, TransferFailed(to));
    }

    /* READING */

    /// @inheritdoc IRaterGate
    function weightOf(address account) external view returns (uint32) {
        return membershipOf[account].bonded ? 100 : 0;
    }
}
