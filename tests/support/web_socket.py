# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebSocket server of the public package (python3-websockets), run inside a world by the system's python, which has it: it greets, asks for a
pong, says that it came, and sends one large message.

    usage: web_socket.py FOLDER ADDRESS PORT     FOLDER/server.crt and server.key; writes FOLDER/socket.ready
"""

import asyncio
import ssl
import sys

import websockets


async def talk(socket, *_):
    await socket.send("hello over a socket\n")
    await (await socket.ping())
    await socket.send("the pong came\n")
    await socket.send("x" * 1_000_000 + "\nall of it\n")


async def main(folder, address, port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.crt", f"{folder}/server.key")
    async with websockets.serve(talk, address, int(port), ssl=context, close_timeout=1):
        with open(f"{folder}/socket.ready", "w", encoding="utf-8"):
            pass
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
