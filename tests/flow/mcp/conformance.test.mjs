// SPDX-License-Identifier: GPL-3.0-or-later
// The public conformance suite, both generations, every scenario that asks nothing of a server but what this one offers: the suite's
// other scenarios call tools, prompts and resources of a reference server by name.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { endpointWithToken } from './support.mjs';

const node = new URL('./node_modules/node/bin/node', import.meta.url).pathname;  // the suite wants Node 22
const suites = [
  ['conformance', ['server-initialize', 'ping', 'tools-list', 'dns-rebinding-protection'], []],
  ['conformance-next', ['server-initialize', 'server-session-lifecycle', 'ping', 'tools-list', 'dns-rebinding-protection'], ['--spec-version', '2025-11-25']],
  ['conformance-next', ['server-stateless', 'tools-list', 'dns-rebinding-protection', 'caching', 'http-header-validation'], ['--spec-version', '2026-07-28']],
];

let endpoint;
let results;
before(async () => {
  endpoint = await endpointWithToken();
  results = mkdtempSync(join(tmpdir(), 'conformance-'));
});
after(() => {
  endpoint.close();
  rmSync(results, { recursive: true });
});

function run(suite, scenario, more) {
  const program = new URL(`./node_modules/@modelcontextprotocol/${suite}/dist/index.js`, import.meta.url).pathname;
  return new Promise((resolve) => {
    const child = spawn(node, [program, 'server', '--url', endpoint.url, '--scenario', scenario, ...more], { cwd: results });
    let text = '';
    child.stdout.on('data', (chunk) => { text += chunk; });
    child.stderr.on('data', (chunk) => { text += chunk; });
    child.on('close', (status) => resolve({ status, text }));
  });
}

// A scenario may hold checks that need a tool of the reference server, or a method of a capability that this server does not declare; the
// suite reports each of those as failed. Any other failure is one.
const notAsked = [/Not testable: server does not list the diagnostic tool/, /(prompts|resources|resources\/templates)\/list returned JSON-RPC error -32601/];
function judge({ status, text }) {
  if (status === 0) return;
  const failed = text.slice(text.indexOf('=== Failed Checks ===')).split('\n').filter((line) => /^\s+Error: /.test(line));
  const real = failed.filter((line) => !notAsked.some((each) => each.test(line)));
  assert.ok(failed.length > 0 && real.length === 0, text);
}

for (const [suite, scenarios, more] of suites) {
  for (const scenario of scenarios) {
    test(`${suite} ${more[1] ?? ''} ${scenario}`, async () => {
      judge(await run(suite, scenario, more));
    });
  }
}
