// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ScoreLedger} from "../../../contracts/ScoreLedger.sol";
import {ApplyBatchTest} from "../ledger/ApplyBatch.t.sol";
import {CancelNonceTest} from "../ledger/CancelNonce.t.sol";
import {ConfigureTest} from "../ledger/Configure.t.sol";
import {ContractSignersTest} from "../ledger/ContractSigners.t.sol";
import {ReadScoresTest} from "../ledger/ReadScores.t.sol";
import {SetUpdateLimitTest} from "../ledger/SetUpdateLimit.t.sol";
import {deployReference} from "./ReferenceLedger.sol";

/// The tests of the real ledger, with the reference in its place.
contract ReferenceApplyBatchTest is ApplyBatchTest {
    function newLedger() internal override returns (ScoreLedger) {
        return deployReference(registry, OWNER, addressesOf(keys));
    }
}

contract ReferenceCancelNonceTest is CancelNonceTest {
    function newLedger() internal override returns (ScoreLedger) {
        return deployReference(registry, OWNER, addressesOf(keys));
    }
}

contract ReferenceConfigureTest is ConfigureTest {
    function newLedger() internal override returns (ScoreLedger) {
        return deployReference(registry, OWNER, addressesOf(keys));
    }
}

contract ReferenceContractSignersTest is ContractSignersTest {
    function newLedger() internal override returns (ScoreLedger) {
        return deployReference(registry, OWNER, addressesOf(keys));
    }
}

contract ReferenceReadScoresTest is ReadScoresTest {
    function newLedger() internal override returns (ScoreLedger) {
        return deployReference(registry, OWNER, addressesOf(keys));
    }
}

contract ReferenceSetUpdateLimitTest is SetUpdateLimitTest {
    function newLedger() internal override returns (ScoreLedger) {
        return deployReference(registry, OWNER, addressesOf(keys));
    }
}
