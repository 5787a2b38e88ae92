// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ISourceRegistry} from "../../../contracts/interfaces/ISourceRegistry.sol";
import {SourceRegistry} from "../../../contracts/SourceRegistry.sol";
import {SourceId} from "../../../contracts/types/SourceId.sol";
import {Base} from "../Base.sol";

/// What our registry needs of an ERC-8004 identity registry: it is an ERC-721.
contract Agents is ERC721("Agents", "AGENT") {
    function mint(address owner, uint256 agentId) external {
        _mint(owner, agentId);
    }
}

contract BindAgentTest is Base {
    SourceId private constant ID = SourceId.wrap(1);
    Agents private agents;
    SourceRegistry private here;

    function setUp() public override {
        super.setUp();
        agents = new Agents();
        here = deployRegistry(agents, address(0));
        here.register("https://one.example");
        agents.mint(address(this), 900);
        agents.mint(STRANGER, 901);
    }

    function test_TheOwnerOfBothTiesThemTogether() external {
        vm.expectEmit();
        emit ISourceRegistry.AgentBound(ID, 900);
        here.bindAgent(ID, 900);
        require(SourceId.unwrap(here.sourceOfAgent(900)) == 1, "bound");
        require(SourceId.unwrap(here.sourceOfAgent(901)) == 0, "not bound");
    }

    function test_TheNewestTieCounts() external {
        here.bindAgent(ID, 900);
        SourceId second = here.register("https://two.example");
        here.bindAgent(second, 900);
        require(SourceId.unwrap(here.sourceOfAgent(900)) == 2, "newest");
    }

    function test_WhoeverBuysAnAgentCanTieItToTheirOwnSource() external {
        here.bindAgent(ID, 900);
        agents.transferFrom(address(this), STRANGER, 900);
        vm.prank(STRANGER);
        SourceId theirs = here.register("https://theirs.example");
        vm.prank(STRANGER);
        here.bindAgent(theirs, 900);
        require(SourceId.unwrap(here.sourceOfAgent(900)) == 2, "theirs");
    }

    function test_RevertWhen_TheAgentIsSomebodyElses() external {
        vm.expectRevert(
            abi.encodeWithSelector(ISourceRegistry.NotAgentOwner.selector, STRANGER, address(this))
        );
        here.bindAgent(ID, 901);
    }

    function test_RevertWhen_TheSourceIsSomebodyElses() external {
        vm.expectRevert(
            abi.encodeWithSelector(ISourceRegistry.NotSourceOwner.selector, address(this), STRANGER)
        );
        vm.prank(STRANGER);
        here.bindAgent(ID, 901);
    }

    function test_RevertWhen_ThereIsNoAgentRegistry() external {
        reverts(ISourceRegistry.NoAgentRegistry.selector);
        registry.bindAgent(ID, 900);
    }

    function test_RevertWhen_TheSourceIsRetired() external {
        here.retire(ID);
        reverts(ISourceRegistry.SourceIsRetired.selector, 1);
        here.bindAgent(ID, 900);
    }
}
