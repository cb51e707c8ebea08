// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The preview page's files (F11), as web/build.mjs packed them into the program: static, the same for everybody, no data in them.
//
//   ocu-page/1 HEAD-BYTES\n
//   header\tPOLICY\tNAME\tVALUE\n
//   file\tPATH\tTYPE\tPOLICY\tCACHE\tETAG\tOFFSET\tPACKED\tSIZE\n      CACHE: immutable or revalidate; OFFSET from the end of the head
//   bodies, each gzip
//
// Headers come from the pack, with the places of this host put in: /assets/, /frame and /v1/ by name where a policy can name the host, else
// 'self' (a policy matches no IP address but 127.0.0.1). Pure; threading: any.
//
//   threats   T-29 a file made by a stranger runs with the reader's access: the policies of page and closed frame, web/policy.mjs

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wire/http.h"

namespace ocu::storage {

// What GET or HEAD of /, /embed, /frame or /assets/… answers: 200 or 304; none for everything else. The body of a HEAD is there, for the
// server to leave out. `ancestors` are origins that may embed the page; one that is not in the form of an origin is left out.
std::optional<wire::HttpResponse> page_asset(wire::HttpRequest const& request, std::span<std::string const> ancestors = {});

// The same from any pack. None also where the pack is broken.
std::optional<wire::HttpResponse> page_asset_from(
    std::string_view pack, wire::HttpRequest const& request, std::span<std::string const> ancestors);

// The pack that is in this program (page_pack.S).
std::string_view page_pack();

}  // namespace ocu::storage
