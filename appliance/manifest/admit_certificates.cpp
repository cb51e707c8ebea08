// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_certificates.h"

#include "base/crypto/certificate.h"

namespace ocu::manifest {

namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";

}  // namespace

Admission<void> admit_certificates(std::string const& key, std::string_view text, std::size_t most)
{
    if (text.contains("PRIVATE KEY")) return refuse(key, "holds a private key: only certificates belong there");
    std::size_t count = 0;
    for (auto found = text.find(kBegin); found != std::string_view::npos; ++count) {
        auto const next = text.find(kBegin, found + kBegin.size());
        if (!crypto::certificate_key_pin(text.substr(found, next - found)))
            return refuse(key, "its certificate number " + std::to_string(count + 1) + " cannot be read");
        found = next;
    }
    if (count == 0) return refuse(key, "holds no certificate in PEM form");
    if (count > most) return refuse(key, "holds more than " + std::to_string(most) + " certificates");
    return {};
}

}  // namespace ocu::manifest
