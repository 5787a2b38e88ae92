// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReporterCommittee} from "../../../contracts/interfaces/IReporterCommittee.sol";
import {ScoreLedger} from "../../../contracts/ScoreLedger.sol";
import {Base} from "../Base.sol";
import {Wallet} from "../Wallet.sol";

/// A committee of which one member is a contract (ERC-1271), and one is a key.
contract ContractSignersTest is Base {
    uint256 private constant WALLET_KEY = 77;
    Wallet private wallet;
    uint256 private walletIndex;
    uint256 private memberKey;
    bytes private one = update(1, 100, 0, 100, 100);

    function setUp() public override {
        super.setUp();
        wallet = new Wallet(vm.addr(WALLET_KEY));
        memberKey = keys[0];
        walletIndex = address(wallet) > vm.addr(memberKey) ? 1 : 0;
        address[] memory members = new address[](2);
        (members[walletIndex], members[1 - walletIndex]) = (address(wallet), vm.addr(memberKey));
        vm.prank(OWNER);
        ledger.configure(members, 2);
    }

    function test_AContractMaySignBesideAKey() external {
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, joined(ours(1)));
        scoreIs(1, 100, 0, 100, 100);
    }

    function test_AContractMaySignAtAnyLength() external {
        LongSigner long = new LongSigner();
        address[] memory members = new address[](1);
        members[0] = address(long);
        vm.prank(OWNER);
        ledger.configure(members, 1);
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 1, contractSignature(""));
        ledger.applyBatch(one, ROOT, 2, DEADLINE, 1, contractSignature(new bytes(1_000)));
    }

    function test_RevertWhen_TheContractRefuses() external {
        bytes memory wrong = signature(memberKey, digest(1));
        refused(joined(contractSignature(wrong)), walletIndex);
    }

    function test_RevertWhen_TheHeaderReachesBeyondTheSignatures(uint256 excess) external {
        bytes memory own = signature(WALLET_KEY, digest(1));
        excess = excess % (type(uint256).max - own.length - 2_000);
        bytes32 length = bytes32(own.length + 1_000 + excess);
        refused(joined(bytes.concat(length, bytes32(0), hex"00", own)), walletIndex);
    }

    function test_RevertWhen_TheHeaderHasASecondEncoding(uint256 s) external {
        vm.assume(s != 0);
        bytes memory own = signature(WALLET_KEY, digest(1));
        refused(joined(bytes.concat(bytes32(own.length), bytes32(s), hex"00", own)), walletIndex);
    }

    function test_RevertWhen_AKeyPosesAsAContract() external {
        bytes memory own = contractSignature(signature(memberKey, digest(1)));
        bytes memory other = ours(1);
        bytes memory both = walletIndex == 0 ? bytes.concat(other, own) : bytes.concat(own, other);
        refused(both, 1 - walletIndex);
    }

    function test_RevertWhen_TheContractsOwnerSignsAsTheMember() external {
        refused(joined(signature(WALLET_KEY, digest(1))), walletIndex);
    }

    function test_RevertWhen_TheContractTriesToApplyTheReportAgainWhileItIsAsked() external {
        bytes memory signed = joined(ours(1));
        bytes memory again =
            abi.encodeCall(ScoreLedger.applyBatch, (one, ROOT, 1, DEADLINE, 3, signed));
        wallet.callWhenAsked(address(ledger), again);
        refused(signed, walletIndex);
        scoreIs(1, 0, 0, 0, 0);
    }

    function test_WhileAContractIsAskedNothingHasChangedYet() external {
        wallet.callWhenAsked(address(this), abi.encodeCall(this.nothingHasChanged, ()));
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, joined(ours(1)));
        (, uint64 nextNonce,,) = ledger.committee();
        require(nextNonce == 2, "now it has");
    }

    function nothingHasChanged() external view {
        (, uint64 nextNonce,,) = ledger.committee();
        require(nextNonce == 1, "nonce");
        scoreIs(1, 0, 0, 0, 0);
    }

    function refused(bytes memory signed, uint256 index) private {
        reverts(IReporterCommittee.SignerMismatch.selector, index);
        ledger.applyBatch(one, ROOT, 1, DEADLINE, 3, signed);
    }

    function digest(uint64 nonce) private view returns (bytes32) {
        return ledger.reportDigest(one, ROOT, nonce, DEADLINE);
    }

    function ours(uint64 nonce) private view returns (bytes memory) {
        return contractSignature(signature(WALLET_KEY, digest(nonce)));
    }

    /// The wallet's part and the honest key's, in the order of the members.
    function joined(bytes memory walletPart) private view returns (bytes memory) {
        bytes memory keyPart = signature(memberKey, digest(1));
        return
            walletIndex == 0 ? bytes.concat(walletPart, keyPart) : bytes.concat(keyPart, walletPart);
    }
}

/// Signs by being asked, with any bytes.
contract LongSigner {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return this.isValidSignature.selector;
    }
}
