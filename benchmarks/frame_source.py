"""The floor of the gateway's throughput: a server that writes the same frame over and over.

Whoever connects is sent frames as fast as they are taken; nothing is read, made or encoded.
"""

from __future__ import annotations

import asyncio
import sys

__all__ = ["serve"]

_FRAMES_A_WRITE = 60


async def serve(size: int) -> None:
    """Listen on a free port of this machine, say which, and send until stdin ends."""
    batch = (size.to_bytes(4) + bytes(size)) * _FRAMES_A_WRITE

    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(batch)
                await writer.drain()
        except ConnectionError:
            return

    server = await asyncio.start_server(send, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
