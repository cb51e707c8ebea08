// SPDX-License-Identifier: GPL-3.0-or-later
// The official client against a booted machine. The certificate is pinned twice: as the only authority (NODE_EXTRA_CA_CERTS) and by the
// fingerprint that the stick brought back.   usage: call.mjs '[[TOOL, ARGUMENTS], ...]'

import tls from 'node:tls';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const url = new URL(process.env.OCU_MCP_URL);
const seen = await new Promise((resolve, reject) => {
  const socket = tls.connect({ host: url.hostname, port: url.port, rejectUnauthorized: false, minVersion: 'TLSv1.3' }, () => {
    resolve(socket.getPeerCertificate().fingerprint256);
    socket.end();
  });
  socket.on('error', reject);
});
if (seen !== process.env.OCU_FINGERPRINT) throw new Error(`another certificate: ${seen}`);

// The machine is reached through a forwarded port, so the name in the certificate is not the one that is dialled: the fingerprint above
// and the chain are what is checked.
tls.checkServerIdentity = () => undefined;
const client = new Client({ name: 'boot-test', version: '1' });
await client.connect(new StreamableHTTPClientTransport(url, {
  requestInit: { headers: { Authorization: `Bearer ${process.env.OCU_TOKEN}`, 'X-Chat-Id': process.env.OCU_CHAT } },
}));
const answers = [];
for (const [name, args] of JSON.parse(process.argv[2])) {
  const result = await client.callTool({ name, arguments: args });
  answers.push(result.content.filter((item) => item.type === 'text').map((item) => item.text).join(''));
}
await client.close();
console.log(JSON.stringify(answers));
