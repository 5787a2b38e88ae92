"""What a source says that a search of it costs."""

from __future__ import annotations

import asyncio
import logging

from chainrep.errors import InputError
from chainrep.protocol.source_receipt import SourceDomain
from rag.source.exchange import Exchange, Unanswered
from rag.source.standing import Standing
from rag.source.wire import MAX_METADATA_BYTES, load_metadata

logger = logging.getLogger(__name__)


async def look_up_price(
    standing: Standing, domain: SourceDomain, exchange: Exchange, seconds: float
) -> None:
    """Note the price, in wei, that the source tells within ``seconds``; else leave it as it is."""
    source = standing.source
    try:
        async with asyncio.timeout(seconds):
            content = await exchange.get(f"{source.urls[0]}/metadata", {}, MAX_METADATA_BYTES)
        said = load_metadata(content)
    except (Unanswered, TimeoutError, InputError) as error:
        logger.info("source %d tells no price: %s", source.id, error)
        return
    expected = (source.id, domain.chain_id, domain.registry)
    if (said.source, said.chain_id, said.registry) == expected:
        standing.price = said.price_wei
