// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// A score contract of the kind that `scripts/bench gas --peer` drives: each source signs the
/// message of a batch, and its scores are overwritten.
contract SignedScores {
    struct Record {
        address owner;
        int32 reliability;
        int32 usefulness;
    }

    mapping(string name => Record) public records;

    function createScoreRecordByOwner(
        string calldata name,
        address owner,
        int32 reliability,
        int32 usefulness,
        string calldata
    ) external {
        records[name] = Record(owner, reliability, usefulness);
    }

    function feedbackAndUpdateScoreRecords(
        string memory message,
        bytes[] memory signatures,
        string[] memory names,
        int32[] memory reliability,
        int32[] memory usefulness,
        string calldata
    ) external {
        bytes32 digest = MessageHashUtils.toEthSignedMessageHash(bytes(message));
        for (uint256 i = 0; i < names.length; ++i) {
            Record storage record = records[names[i]];
            require(ECDSA.recover(digest, signatures[i]) == record.owner, "not signed");
            (record.reliability, record.usefulness) = (reliability[i], usefulness[i]);
        }
    }
}
