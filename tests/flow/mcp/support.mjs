// SPDX-License-Identifier: GPL-3.0-or-later
// What every test here needs: where the appliance is, a client of each generation, and an endpoint that adds the token for programs that
// cannot be given one. OCU_MCP_URL and OCU_TOKEN come from the environment.

import http from 'node:http';

export const url = process.env.OCU_MCP_URL;
export const token = process.env.OCU_TOKEN;
if (!url || !token) throw new Error('OCU_MCP_URL and OCU_TOKEN must be set');

export const authorization = { Authorization: `Bearer ${token}` };
let chats = 0;
// A chat of its own for each test: a sandbox of its own.
export const chat = () => `flow-${process.pid}-${++chats}`;

export function textOf(result) {
  return result.content.filter((item) => item.type === 'text').map((item) => item.text).join('');
}

export async function post(body, headers = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...authorization, 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: text.startsWith('{') ? JSON.parse(text) : undefined };
}

export const stateless = (method, params = {}, id = 1) => ({
  jsonrpc: '2.0',
  id,
  method,
  params: {
    ...params,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'flow', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
      ...params._meta,
    },
  },
});
export const statelessHeaders = (method, name) => ({
  'MCP-Protocol-Version': '2026-07-28',
  'Mcp-Method': method,
  ...(name ? { 'Mcp-Name': name } : {}),
});

// Forwards everything unchanged but for the token, and Host and Origin where they name this endpoint itself.
export async function endpointWithToken() {
  const target = new URL(url);
  const server = http.createServer((request, response) => {
    const own = [`127.0.0.1:${server.address().port}`, `localhost:${server.address().port}`];
    const headers = { ...request.headers, ...{ authorization: authorization.Authorization } };
    if (own.includes(headers.host)) headers.host = target.host;
    if (own.some((each) => headers.origin === `http://${each}`)) headers.origin = `http://${target.host}`;
    const forward = http.request({ host: target.hostname, port: target.port, path: request.url, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    forward.on('error', () => response.destroy());
    response.on('close', () => forward.destroy());
    request.pipe(forward);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}${target.pathname}`, close: () => { server.closeAllConnections(); server.close(); } };
}
