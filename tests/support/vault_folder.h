// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A directory with a vault in it, for the length of a test.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/crypto/crypto.h"
#include "base/unique_fd.h"
#include "custody/vault.h"

namespace ocu::test {

class VaultFolder {
public:
    VaultFolder()
    {
        std::string name = "/tmp/ocu-vault.XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
        directory_ = UniqueFd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        REQUIRE(directory_);
    }
    VaultFolder(VaultFolder const&) = delete;
    VaultFolder& operator=(VaultFolder const&) = delete;
    ~VaultFolder()
    {
        ::unlink((path_ + "/custody.vault").c_str());
        ::unlink((path_ + "/custody.vault.new").c_str());
        ::rmdir(path_.c_str());
    }

    int fd() const { return directory_.get(); }
    // Empty where there is none.
    std::string bytes(char const* name = "custody.vault") const
    {
        UniqueFd const file(::openat(fd(), name, O_RDONLY | O_CLOEXEC));
        std::string out(64u << 10, '\0');
        ssize_t const got = file ? ::read(file.get(), out.data(), out.size()) : 0;
        out.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return out;
    }
    void put(std::string_view bytes, char const* name = "custody.vault") const
    {
        UniqueFd const file(::openat(fd(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        REQUIRE(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }
    // As the first version of the product wrote it.
    static std::string version_1(Secret const& machine_key, Secret const& checkpoint_seed, Secret const& token_seed)
    {
        std::string plain;
        for (auto const* each : {&checkpoint_seed, &token_seed})
            plain.append(reinterpret_cast<char const*>(each->bytes().data()), each->bytes().size());
        auto const sealed = crypto::seal(machine_key, crypto::as_bytes(plain), crypto::as_bytes("ocu-vault/1\n")).value();
        return "ocu-vault/1\n" + std::string(sealed.begin(), sealed.end());
    }

    // As the second did: with the service's key and certificate, and an appliance key.
    static std::string version_2(Secret const& machine_key, custody::Keys const& keys)
    {
        std::string plain;
        for (auto const* each : {&keys.checkpoint_seed, &keys.token_seed, &keys.appliance_seed, &keys.service_key})
            plain.append(reinterpret_cast<char const*>(each->bytes().data()), each->bytes().size());
        plain.append(keys.certificate.names.begin(), keys.certificate.names.end());
        auto const seconds = static_cast<std::uint64_t>(keys.certificate.not_after.time_since_epoch().count());
        for (unsigned i = 0; i < 8; ++i) plain += static_cast<char>(seconds >> (8 * i) & 0xff);
        plain += keys.certificate.pem;
        auto const sealed = crypto::seal(machine_key, crypto::as_bytes(plain), crypto::as_bytes("ocu-vault/2\n")).value();
        return "ocu-vault/2\n" + std::string(sealed.begin(), sealed.end());
    }

private:
    std::string path_;
    UniqueFd directory_;
};

}  // namespace ocu::test
