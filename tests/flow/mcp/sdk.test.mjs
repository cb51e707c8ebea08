// SPDX-License-Identifier: GPL-3.0-or-later
// The official client of the era of initialize (@modelcontextprotocol/sdk).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { authorization, chat, textOf, url } from './support.mjs';

async function connect(name = chat()) {
  const client = new Client({ name: 'flow', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { ...authorization, 'X-Chat-Id': name } } });
  await client.connect(transport);
  return client;
}
const bash = (client, command, ...more) => client.callTool({ name: 'bash_tool', arguments: { command } }, undefined, ...more);

test('sdk: given a token, when it connects, then it is greeted, pings and sees the tools', async () => {
  const client = await connect();
  assert.equal(client.getServerVersion().name, 'ocu-appliance');
  assert.ok(client.getInstructions().length > 0);
  await client.ping();
  const { tools } = await client.listTools();
  for (const name of ['bash_tool', 'view', 'create_file', 'str_replace']) assert.ok(tools.some((tool) => tool.name === name), name);
  await client.close();
});

test('sdk: given a command, when it is called, then its output comes back', async () => {
  const client = await connect();
  const result = await bash(client, 'echo hello');
  assert.equal(textOf(result).trim(), 'hello');
  assert.ok(!result.isError);
  await client.close();
});

test('sdk: given a command that fails, when it is called, then the exit code is a result and no error', async () => {
  const client = await connect();
  const result = await bash(client, 'exit 3');
  assert.match(textOf(result), /3/);
  assert.ok(!result.isError);
  await client.close();
});

test('sdk: given two chats, when one writes a file, then the other has not got it', async () => {
  const [one, two] = await Promise.all([connect(), connect()]);
  await one.callTool({ name: 'create_file', arguments: { path: '/workspace/mine', file_text: 'private\n' } });
  const mine = await one.callTool({ name: 'view', arguments: { path: '/workspace/mine' } });
  assert.match(textOf(mine), /private/);
  const theirs = await two.callTool({ name: 'view', arguments: { path: '/workspace/mine' } });
  assert.ok(theirs.isError);
  await Promise.all([one.close(), two.close()]);
});

test('sdk: given a long call, when progress is wanted, then it rises and the first is there within two seconds', async () => {
  const client = await connect();
  const seen = [];
  const began = Date.now();
  await bash(client, 'sleep 4', { onprogress: (progress) => seen.push({ ...progress, at: Date.now() - began }) });
  assert.ok(seen.length >= 1);
  assert.ok(seen[0].at < 2_500, `first after ${seen[0].at} ms`);
  for (let i = 1; i < seen.length; ++i) assert.ok(seen[i].progress > seen[i - 1].progress);
  await client.close();
});

test('sdk: given a running call, when it is aborted, then the next call of the chat does not wait for it', async () => {
  const client = await connect();
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

test('sdk: given wrong arguments, when a tool is called, then the model is told what is wrong', async () => {
  const client = await connect();
  const result = await client.callTool({ name: 'bash_tool', arguments: { command: 5 } });
  assert.ok(result.isError);
  assert.match(textOf(result), /bad_arguments: `command`/);
  await assert.rejects(client.callTool({ name: 'sub_agent', arguments: {} }), /unknown_tool/);
  await client.close();
});

test('sdk: given a wrong token, when it connects, then it is turned away', async () => {
  const client = new Client({ name: 'flow', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization: 'Bearer nobody' } } });
  await assert.rejects(client.connect(transport), /401|unauthorized/i);
});
