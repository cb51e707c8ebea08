// SPDX-License-Identifier: GPL-3.0-or-later
// The official client of both eras (@modelcontextprotocol/client): pinned to 2026-07-28, negotiating, and in its older manner.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { authorization, chat, textOf, url } from './support.mjs';

const kModes = { pinned: { mode: { pin: '2026-07-28' } }, negotiated: { mode: 'auto' }, older: undefined };

async function connect(mode, name = chat()) {
  const client = new Client({ name: 'flow', version: '1' }, mode ? { versionNegotiation: mode } : {});
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { ...authorization, 'X-Chat-Id': name } } });
  await client.connect(transport);
  return client;
}
const bash = (client, command, options) => client.callTool({ name: 'bash_tool', arguments: { command } }, options);

for (const [name, mode] of Object.entries(kModes)) {
  test(`client ${name}: given a token, when it connects, then it sees the tools and runs one`, async () => {
    const client = await connect(mode);
    assert.equal(client.getProtocolEra(), name === 'older' ? 'legacy' : 'modern');
    const { tools } = await client.listTools();
    assert.ok(tools.some((tool) => tool.name === 'bash_tool'));
    assert.equal(textOf(await bash(client, 'echo hello')).trim(), 'hello');
    await client.close();
  });

  test(`client ${name}: given a long call, when progress is wanted, then it comes and rises`, async () => {
    const client = await connect(mode);
    const seen = [];
    await bash(client, 'sleep 4', { onprogress: (progress) => seen.push(progress.progress) });
    assert.ok(seen.length >= 1);
    assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
    await client.close();
  });

  test(`client ${name}: given a running call, when it is aborted, then the next call of the chat does not wait for it`, async () => {
    const client = await connect(mode);
    const abort = new AbortController();
    let running;
    const started = new Promise((resolve) => { running = resolve; });
    const call = bash(client, 'sleep 60', { signal: abort.signal, onprogress: running });
    await started;
    abort.abort();
    await assert.rejects(call);
    const began = Date.now();
    assert.equal(textOf(await bash(client, 'echo next')).trim(), 'next');
    assert.ok(Date.now() - began < 5_000);
    await client.close();
  });
}

for (const [name, mode] of Object.entries(kModes)) {
  test(`client ${name}: given a file in outputs, when resources are listed and read, then it is there`, async () => {
    const client = await connect(mode);
    assert.deepEqual((await client.listResources()).resources, []);
    await bash(client, "printf 'a,b\\n1,2\\n' > /mnt/user-data/outputs/table.csv");
    const { resources } = await client.listResources();
    assert.deepEqual(resources.map((each) => [each.name, each.size, each.mimeType]), [['table.csv', 8, 'text/csv']]);
    const { contents } = await client.readResource({ uri: resources[0].uri });
    assert.equal(contents[0].text, 'a,b\n1,2\n');
    await assert.rejects(client.readResource({ uri: 'file:///mnt/user-data/outputs/none' }), /resource_not_found/);
    await client.close();
  });
}
