// SPDX-License-Identifier: GPL-3.0-or-later
// The headers of the page's documents and files (T-29). They travel in the pack, so that the program and the tests' stand-in send the same.
//
//   {assets} {frame} {api}   this host's /assets/, /frame and /v1/ where a policy can name the host (a name, or 127.0.0.1); else 'self',
//                            because policies do not match other addresses
//   {ancestors}              who may embed the page: itself (the closed frame lies in it), and the manifest's list

const everywhere = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': 'accelerometer=(), camera=(), clipboard-read=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=()',
};

export const policies = {
  // The page: our scripts and the file API, nothing else. It never parses markup: trusted types make that a rule of the browser's.
  page: {
    ...everywhere,
    'Content-Security-Policy':
      "default-src 'none'; script-src {assets}; style-src {assets}; img-src {assets}; connect-src {api}; frame-src {frame}; base-uri 'none'; form-action 'none'; " +
      "require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors {ancestors}",
    'Cross-Origin-Resource-Policy': 'same-origin',
  },
  // The closed frame: nobody's origin, even when it is opened by itself. It may run our renderers and show bytes that it was handed. Styles in
  // markup are permitted because there is nothing that they could load: no image, font or style comes from an address.
  frame: {
    ...everywhere,
    'Content-Security-Policy':
      "sandbox allow-scripts; default-src 'none'; script-src {assets}; style-src {assets} 'unsafe-inline'; img-src data: blob:; media-src data: blob:; font-src data:; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}",
    'X-DNS-Prefetch-Control': 'off',
  },
  // Scripts, styles and texts of the program. Readable for the frame, whose origin is nobody's; there is nothing secret in them.
  asset: {
    ...everywhere,
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Access-Control-Allow-Origin': '*',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  },
};
