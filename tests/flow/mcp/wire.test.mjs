// SPDX-License-Identifier: GPL-3.0-or-later
// What no client of good manners sends: statuses and codes as the specification and 03-interfaces name them.

import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { authorization, chat, post, stateless, statelessHeaders, url } from './support.mjs';

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

function raw(headers, path = new URL(url).pathname, method = 'POST', body = JSON.stringify(ping)) {
  const target = new URL(url);
  return new Promise((resolve, reject) => {
    const request = http.request({ host: target.hostname, port: target.port, path, method, headers: { 'Content-Type': 'application/json', ...headers } }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => { text += chunk; });
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    request.on('error', reject);
    request.end(method === 'POST' ? body : undefined);
  });
}

test('wire: given GET or DELETE, when it comes, then 405', async () => {
  for (const method of ['GET', 'DELETE']) assert.equal((await raw(authorization, undefined, method)).status, 405);
});

test('wire: given a wrong Host or Origin, when it comes, then 403', async () => {
  assert.equal((await raw({ ...authorization, Host: 'evil.example' })).status, 403);
  assert.equal((await raw({ ...authorization, Origin: 'http://evil.example' })).status, 403);
});

test('wire: given no token or a wrong one, when it comes, then 401 that names the metadata', async () => {
  for (const headers of [{}, { Authorization: 'Bearer nobody' }]) {
    const answer = await raw(headers);
    assert.equal(answer.status, 401);
    const metadata = /resource_metadata="([^"]+)"/.exec(answer.headers['www-authenticate'])[1];
    assert.ok((await (await fetch(metadata)).json()).resource.endsWith('/mcp'));
  }
  assert.equal((await raw({}, `/mcp?access_token=${authorization.Authorization.slice(7)}`)).status, 401);
});

test('wire: given health, when it is asked for, then healthy without a token', async () => {
  const answer = await fetch(new URL('/health', url));
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { status: 'healthy' });
});

test('wire: given bodies that are no message, when they come, then 400 and the code', async () => {
  for (const [body, code] of [['{', -32700], ['[]', -32600], [`[${JSON.stringify(ping)}]`, -32600], ['{}', -32600], [`${'['.repeat(5000)}`, -32700]]) {
    const answer = await post(body);
    assert.equal(answer.status, 400, body.slice(0, 20));
    assert.equal(answer.json.error.code, code);
    assert.match(answer.json.error.data.correlationId, /^[0-9a-f]{16}$/);
  }
  assert.equal((await post('x'.repeat((1 << 20) + 1))).status, 413);
});

test('wire: given an unknown revision, when it comes, then 400', async () => {
  assert.equal((await post(ping, { 'MCP-Protocol-Version': '1999-01-01' })).status, 400);
});

test('wire: given the stateless era, when headers and body disagree, then 400 and -32020', async () => {
  const body = stateless('tools/list');
  for (const headers of [{}, { 'MCP-Protocol-Version': '2026-07-28' }, statelessHeaders('tools/call'), { ...statelessHeaders('tools/list'), 'MCP-Protocol-Version': '2025-11-25' }]) {
    const answer = await post(body, headers);
    assert.equal(answer.status, 400);
    assert.equal(answer.json.error.code, -32020);
  }
});

test('wire: given the stateless era, when the method is unknown or the revision is, then 404 and -32601, 400 and -32022', async () => {
  const unknown = await post(stateless('nope'), statelessHeaders('nope'));
  assert.equal(unknown.status, 404);
  assert.equal(unknown.json.error.code, -32601);
  const body = stateless('tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '1999-01-01' } });
  const bad = await post(body, { ...statelessHeaders('tools/list'), 'MCP-Protocol-Version': '1999-01-01' });
  assert.equal(bad.status, 400);
  assert.equal(bad.json.error.code, -32022);
  assert.ok(bad.json.error.data.supported.includes('2026-07-28'));
});

test('wire: given discover and a list, when they are asked for, then they say how long they hold', async () => {
  for (const method of ['server/discover', 'tools/list']) {
    const { json } = await post(stateless(method), statelessHeaders(method));
    assert.equal(json.result.resultType, 'complete');
    assert.ok(json.result.ttlMs >= 0);
    assert.ok(['public', 'private'].includes(json.result.cacheScope));
  }
});

test('wire: given a chat id that is malformed, when a tool is called, then it is refused', async () => {
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'bash_tool', arguments: { command: 'echo a' } } };
  const answer = await post(call, { 'X-Chat-Id': '../other' });
  assert.equal(answer.status, 400);
  assert.equal(answer.json.error.data.code, 'chat_id_invalid');
  assert.equal((await post(call, { 'X-OpenWebUI-Chat-Id': chat() })).status, 200);
});
