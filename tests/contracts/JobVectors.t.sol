// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IVerificationJobs} from "../../contracts/interfaces/IVerificationJobs.sol";
import {Party, partyOf} from "../../contracts/types/Party.sol";
import {Round, recorded} from "../../contracts/types/Round.sol";
import {PLACES, Turn, awaiting, drawn, saltOf} from "../../contracts/types/Turn.sol";
import {VoteTerms} from "../../contracts/types/VoteTerms.sol";
import {VerificationJobs} from "../../contracts/VerificationJobs.sol";
import {Shipped} from "./Shipped.sol";

/// tests/vectors/job.json, which the Python tests read too.
contract JobVectorsTest is Shipped {
    string private json;
    VerificationJobs private jobs;

    function setUp() public {
        json = vm.readFile("tests/vectors/job.json");
        jobs = deployJobs(
            IVerificationJobs.JobRules(
                deployBeacon(1), address(1), 1 ether, 1 wei, 0, 60, 60, 60, 60, 1 days
            )
        );
    }

    function test_JobIdsAndCostsAreThoseThatPythonComputes() external view {
        uint256 chain = number(".domain.chainId");
        address place = vm.parseJsonAddress(json, ".domain.verifyingContract");
        uint256 count = lengthOf("terms");
        require(count > 2, "vectors");
        for (uint256 i = 0; i < count; ++i) {
            IVerificationJobs.Terms memory terms = termsAt(i);
            bytes32 id = keccak256(abi.encode(chain, place, terms));
            require(id == wordAt("terms", i, ".jobId"), "id");
            require(jobs.costOf(terms.conditions) == number(at("terms", i, ".cost")), "cost");
        }
    }

    function test_ConditionsAreReadAsPythonPacksThem() external view {
        for (uint256 i = 0; i < lengthOf("terms"); ++i) {
            IVerificationJobs.Conditions memory found = termsAt(i).conditions;
            bytes32[] memory words = vm.parseJsonBytes32Array(json, at("terms", i, ".words"));
            require(bytes32(Party.unwrap(found.requester)) == words[0], "requester");
            require(bytes32(Party.unwrap(found.provider)) == words[1], "provider");
            require(found.votes.isValid(), "valid");
            require(found.votes.fee() == number(at("terms", i, ".fee")), "fee");
            require(found.votes.threshold() == number(at("terms", i, ".threshold")), "threshold");
            require(found.votes.panel() == number(at("terms", i, ".panel")), "panel");
            require(found.votes.rounds() == number(at("terms", i, ".rounds")), "rounds");
            require(found.votes.acceptLead() == number(at("terms", i, ".acceptLead")), "accept");
            require(found.votes.rejectLead() == number(at("terms", i, ".rejectLead")), "reject");
        }
    }

    function test_FramesAreThoseThatPythonComputes() external view {
        uint256 count = lengthOf("frames");
        require(count > 2, "vectors");
        for (uint256 i = 0; i < count; ++i) {
            uint256 terms = number(at("frames", i, ".terms"));
            IVerificationJobs.Deal memory deal;
            deal.conditions = termsAt(terms).conditions;
            deal.conditions.provider = partyOf(
                vm.parseJsonAddress(json, at("frames", i, ".provider")),
                deal.conditions.provider.amount()
            );
            deal.claim.root = wordAt("frames", i, ".root");
            deal.claim.header = wordAt("frames", i, ".header");
            deal.claim.leafCount = uint32(number(at("frames", i, ".leafCount")));
            bytes32[] memory words = vm.parseJsonBytes32Array(json, at("frames", i, ".past"));
            Round[] memory past = new Round[](words.length);
            for (uint256 j = 0; j < words.length; ++j) {
                past[j] = Round.wrap(uint256(words[j]));
            }
            uint256 id = uint256(wordAt("terms", terms, ".jobId"));
            address appellant = vm.parseJsonAddress(json, at("frames", i, ".appellant"));
            bytes32 frame = jobs.frameOf(id, deal, appellant, past);
            require(frame == wordAt("frames", i, ".frame"), "frame");
        }
    }

    function test_TurnsAreReadAsPythonReadsThem() external view {
        uint256 count = lengthOf("awaiting");
        require(count > 2, "vectors");
        for (uint256 i = 0; i < count; ++i) {
            Turn turn = awaiting(
                number(at("awaiting", i, ".end")),
                uint64(number(at("awaiting", i, ".beaconRound"))),
                uint24(number(at("awaiting", i, ".sitting"))),
                uint24(number(at("awaiting", i, ".taken")))
            );
            require(bytes32(Turn.unwrap(turn)) == wordAt("awaiting", i, ".word"), "awaiting");
        }
        count = lengthOf("drawn");
        require(count > 2, "vectors");
        for (uint256 i = 0; i < count; ++i) {
            (uint256 panel,) = panelAt("drawn", i);
            Turn turn = drawn(
                number(at("drawn", i, ".end")),
                number(at("drawn", i, ".leaf")),
                panel,
                number(at("drawn", i, ".round")),
                number(at("drawn", i, ".salt"))
            );
            require(bytes32(Turn.unwrap(turn)) == wordAt("drawn", i, ".word"), "drawn");
        }
    }

    function test_SaltsAreThoseThatPythonComputes() external view {
        uint256 count = lengthOf("salts");
        require(count > 1, "vectors");
        for (uint256 i = 0; i < count; ++i) {
            uint256 salt = saltOf(
                wordAt("salts", i, ".seed"),
                vm.parseJsonAddress(json, at("salts", i, ".owners[0]")),
                vm.parseJsonAddress(json, at("salts", i, ".owners[1]")),
                vm.parseJsonAddress(json, at("salts", i, ".owners[2]"))
            );
            require(salt == number(at("salts", i, ".salt")), "salt");
        }
    }

    function test_RoundsAreReadAsPythonReadsThem() external view {
        uint256 count = lengthOf("rounds");
        require(count > 4, "vectors");
        for (uint256 i = 0; i < count; ++i) {
            (uint256 panel, uint256 votes) = panelAt("rounds", i);
            uint256 leaf = number(at("rounds", i, ".leaf"));
            Turn turn = drawn(0, leaf, panel, 0, 0);
            bool withheld = vm.parseJsonBool(json, at("rounds", i, ".withheld"));
            Round round = recorded(turn, votes, withheld);
            require(bytes32(Round.unwrap(round)) == wordAt("rounds", i, ".word"), "word");
            (uint256 yes, uint256 no) = round.tally();
            require(yes == number(at("rounds", i, ".matches")), "matches");
            require(no == number(at("rounds", i, ".mismatches")), "mismatches");
        }
    }

    function test_BallotsAreSealedAndSignedAsInPython() external view {
        bytes32 separator = vm.parseJsonBytes32(json, ".domain.separator");
        bytes32 typehash = vm.parseJsonBytes32(json, ".typehash");
        uint256 count = lengthOf("ballots");
        require(count > 3, "vectors");
        for (uint256 i = 0; i < count; ++i) {
            uint256 id = uint256(wordAt("ballots", i, ".jobId"));
            uint8 round = uint8(number(at("ballots", i, ".round")));
            uint24 seat = uint24(number(at("ballots", i, ".seat")));
            bytes32 commitment = jobs.commitmentOf(
                id, round, seat, wordAt("ballots", i, ".code"), wordAt("ballots", i, ".salt")
            );
            require(commitment == wordAt("ballots", i, ".commitment"), "commitment");
            bytes32 turn = wordAt("ballots", i, ".turn");
            bytes32 content = keccak256(abi.encode(typehash, id, turn, seat, commitment));
            bytes32 digest = keccak256(bytes.concat(hex"1901", separator, content));
            require(digest == wordAt("ballots", i, ".digest"), "digest");
            (address signer,,) =
                ECDSA.tryRecover(digest, wordAt("ballots", i, ".r"), wordAt("ballots", i, ".vs"));
            require(signer == vm.parseJsonAddress(json, at("ballots", i, ".signer")), "signer");
        }
    }

    function termsAt(uint256 i) private view returns (IVerificationJobs.Terms memory terms) {
        terms.conditions.requester = partyOf(
            vm.parseJsonAddress(json, at("terms", i, ".requester")),
            number(at("terms", i, ".price"))
        );
        terms.conditions.provider = partyOf(
            vm.parseJsonAddress(json, at("terms", i, ".provider")), number(at("terms", i, ".bond"))
        );
        bytes32[] memory words = vm.parseJsonBytes32Array(json, at("terms", i, ".words"));
        terms.conditions.votes = VoteTerms.wrap(uint256(words[2]));
        terms.commitBy = uint40(number(at("terms", i, ".commitBy")));
        terms.spec = wordAt("terms", i, ".spec");
        terms.promptDigest = wordAt("terms", i, ".promptDigest");
        terms.seedCommit = wordAt("terms", i, ".seedCommit");
    }

    /// The panel as a turn lays it out, and the votes as a round does, where there are any.
    function panelAt(string memory list, uint256 i)
        private
        view
        returns (uint256 panel, uint256 votes)
    {
        for (uint256 place = 0; place < PLACES; ++place) {
            string memory index = string.concat("[", vm.toString(place), "]");
            string memory seat = at(list, i, string.concat(".panel", index));
            if (!vm.keyExistsJson(json, seat)) break;
            panel |= number(seat) << (24 * place);
            string memory vote = at(list, i, string.concat(".votes", index));
            if (vm.keyExistsJson(json, vote)) votes |= number(vote) << (2 * place);
        }
    }

    function at(string memory list, uint256 i, string memory field)
        private
        pure
        returns (string memory)
    {
        return string.concat(".", list, "[", vm.toString(i), "]", field);
    }

    function wordAt(string memory list, uint256 i, string memory field)
        private
        view
        returns (bytes32)
    {
        return vm.parseJsonBytes32(json, at(list, i, field));
    }

    function number(string memory key) private view returns (uint256) {
        return vm.parseJsonUint(json, key);
    }

    function lengthOf(string memory list) private view returns (uint256 count) {
        while (vm.keyExistsJson(json, at(list, count, ""))) ++count;
    }
}
