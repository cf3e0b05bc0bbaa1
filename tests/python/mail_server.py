"""A mail server for tests, by aiosmtpd: takes mail, parses it with Python's own parser, and keeps what is in it.

    mail_server.py FOLDER [--port N] [--size N] [--user U --password P] [--tls wrap|starttls --certificate F --key F]
                   [--cut N] [--refuse ADDRESS]

Prints the port. Of each mail FOLDER gets NNNN.json (what it says) and the attachments, as NNNN-NAME; these appear after
they are complete. --cut: the first N times, the connection is cut while a mail is handed over. It ends with its input.
"""

import argparse
import asyncio
import email
import email.policy
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Keeper:
    def __init__(self, folder, refused):
        self.folder = folder
        self.refused = refused
        self.count = len([name for name in os.listdir(folder) if name.endswith(".json")])

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == self.refused:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        names = []
        for part in message.iter_attachments():
            name = os.path.basename(part.get_filename())
            names.append(name)
            self.keep(f"{self.count:04}-{name}", part.get_payload(decode=True))
        said = {
            "subject": message["Subject"], "from": message["From"], "to": message["To"],
            "reply_to": message["Reply-To"], "id": message["Message-ID"], "date": message["Date"],
            "text": message.get_body(("plain",)).get_content(), "attachments": names,
            "bytes": len(envelope.original_content), "is_protected": server.transport.get_extra_info("ssl_object") is not None,
            "longest_line": max(map(len, envelope.original_content.split(b"\r\n"))),
            "envelope": [envelope.mail_from, envelope.rcpt_tos], "login": session.auth_data,
        }
        self.keep(f"{self.count:04}.json", json.dumps(said).encode())
        return "250 OK"

    def keep(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path + ".part", "wb") as file:
            file.write(content)
        os.rename(path + ".part", path)


class Server(SMTP):
    cuts = 0

    async def smtp_DATA(self, arg):
        if Server.cuts > 0:
            Server.cuts -= 1
            await self.push("354 go on")
            await self._reader.read(1000)
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder")
    for name in ["port", "size", "cut"]:
        arguments.add_argument(f"--{name}", type=int, default=0)
    for name in ["user", "password", "tls", "certificate", "key", "refuse"]:
        arguments.add_argument(f"--{name}")
    said = arguments.parse_args()
    Server.cuts = said.cut
    context = None
    if said.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(said.certificate, said.key)

    def authenticate(server, session, envelope, mechanism, data):
        is_right = (data.login, data.password) == (said.user.encode(), said.password.encode())
        return AuthResult(success=is_right, handled=is_right, auth_data=data.login.decode())

    keeper = Keeper(said.folder, said.refuse)
    options = {"hostname": "mail.test"}
    if said.size:
        options["data_size_limit"] = said.size
    if said.user:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False}
    if said.tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    loop = asyncio.get_running_loop()
    wrapped = context if said.tls == "wrap" else None
    server = await loop.create_server(lambda: Server(keeper, **options), "127.0.0.1", said.port, ssl=wrapped)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
