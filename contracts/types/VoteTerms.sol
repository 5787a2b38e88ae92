// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev How a job is voted on, in one word, from high to low: spare, zero (112) | fee (96) |
/// threshold (16) | seats on a panel (8) | rounds (8) | accept lead (8) | reject lead (8).
type VoteTerms is uint256;

using {isValid, fee, threshold, panel, rounds, acceptLead, rejectLead} for VoteTerms global;

/// @dev Most rounds before an appeal.
uint256 constant ROUND_LIMIT = 7;

/// @dev Whether every field is within its limits: see IVerificationJobs.Conditions.
function isValid(VoteTerms terms) pure returns (bool) {
    uint256 seats = terms.panel();
    uint256 most = terms.rounds();
    uint256 lead = terms.acceptLead();
    uint256 lag = terms.rejectLead();
    unchecked {
        return VoteTerms.unwrap(terms) >> 144 == 0 && terms.threshold() < 256 && seats > 0
            && seats < 4 && most > 0 && most <= ROUND_LIMIT && lead > 0 && lead <= seats * most
            && lag > 1 && lag <= seats * (most + 1);
    }
}

function fee(VoteTerms terms) pure returns (uint256) {
    return uint96(VoteTerms.unwrap(terms) >> 48);
}

function threshold(VoteTerms terms) pure returns (uint256) {
    return uint16(VoteTerms.unwrap(terms) >> 32);
}

function panel(VoteTerms terms) pure returns (uint256) {
    return uint8(VoteTerms.unwrap(terms) >> 24);
}

function rounds(VoteTerms terms) pure returns (uint256) {
    return uint8(VoteTerms.unwrap(terms) >> 16);
}

function acceptLead(VoteTerms terms) pure returns (uint256) {
    return uint8(VoteTerms.unwrap(terms) >> 8);
}

function rejectLead(VoteTerms terms) pure returns (uint256) {
    return uint8(VoteTerms.unwrap(terms));
}
