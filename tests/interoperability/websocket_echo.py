"""Hypercorn, which takes WebSockets over HTTP/2 (RFC 8441) as over HTTP/1.1: a text is sent back, and where it came from.

Arguments: a port, a chain and a key (PEM).
"""

import asyncio
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config


async def application(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    if scope["path"] == "/refused":
        await send({"type": "websocket.close", "code": 1008})
        return
    offered = scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": offered[0] if offered else None})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": f"HTTP/{scope['http_version']} {event['text']}"})


port, chain, key = sys.argv[1:]
config = Config()
config.bind = [f"127.0.0.1:{port}"]
config.certfile, config.keyfile = chain, key
config.accesslog = config.errorlog = None
asyncio.run(serve(application, config))
