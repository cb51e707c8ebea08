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

for (const [suite, scenarios, more] of suites) {
  for (const scenario of scenarios) {
    test(`${suite} ${more[1] ?? ''} ${scenario}`, async () => {
      const { status, text } = await run(suite, scenario, more);
      assert.equal(status, 0, text);
    });
  }
}
