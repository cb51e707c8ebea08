// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What makes programs in a sandbox accept the leaves of the bump authority (EG-8): files in /run/ocu, the image's own files with the
// authority added, bound over them, and variables for programs that look elsewhere. Nothing here is secret.
//
//   RUN/guest/ca.pem          /run/ocu/ca.pem          the authority alone
//   RUN/guest/ca-bundle.pem   /run/ocu/ca-bundle.pem   the image's public roots and the authority; also over kImageRoots
//   RUN/guest/cacerts         /run/ocu/cacerts         the same for Java; also over kImageJavaRoots

#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/guest_variables.h"

namespace ocu::sandbox {

inline constexpr char kImageRoots[] = "/etc/ssl/certs/ca-certificates.crt";
inline constexpr char kImageJavaRoots[] = "/etc/ssl/certs/java/cacerts";
inline constexpr std::size_t kRootsBytesMax = 4u << 20;
inline constexpr std::size_t kAuthorityBytesMax = 4096;

// `authority` after the image's roots, each on lines of its own.
std::string roots_with(std::string_view image_roots, std::string_view authority_pem);

// Every certificate of a PEM text as a Java key store (JKS) of trusted certificates. Java itself reads it without a password; its tools check
// the digest at the end with the password that every Java's own store has, kJavaStorePassword. Nothing is protected by it, nor needs to be.
// Errors: malformed (a certificate that is none), over_limit.
inline constexpr std::string_view kJavaStorePassword = "changeit";
Result<std::string> java_store(std::string_view pem);

// What is set besides scoped tokens where a rule bumps.
std::vector<proto::GuestVariable> trust_variables();

// A plain file of the image, reached without any link. Empty: there is none, or it is too large.
std::string read_from_image(std::string const& image, char const* path, std::size_t bytes_max);

}  // namespace ocu::sandbox
