// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Certificate authorities and leaves of every kind, made while the test runs, and peers that speak through a transport on the test's loop.

#include "base/crypto/wolf.h"

#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/crypto/certificate.h"
#include "wire/tls_stream.h"

namespace test_support {

using namespace ocu;

struct LeafWish {
    std::string name;
    int from_days = -1;  // from now
    int to_days = 30;
    int signature = CTC_SHA256wECDSA;
    bool for_clients = false;  // its extended key usage leaves servers out
};

class TestAuthority {
public:
    explicit TestAuthority(std::string const& name)
    {
        OCU_ASSERT(wc_ecc_make_key(rng_.get(), 32, key_.get()) == 0);
        Cert cert;
        begin(cert, {name});
        cert.isCA = 1;
        cert.selfSigned = 1;
        OCU_ASSERT(wc_SetKeyUsage(&cert, "keyCertSign,cRLSign") == 0);
        der_ = sign(cert, *this, nullptr, key_.get(), CTC_SHA256wECDSA);
    }
    std::string pem() const
    {
        std::string text(der_.size() * 2 + 256, '\0');
        int const size = wc_DerToPem(reinterpret_cast<byte const*>(der_.data()), static_cast<word32>(der_.size()),
            reinterpret_cast<byte*>(text.data()), static_cast<word32>(text.size()), CERT_TYPE);
        text.resize(static_cast<std::size_t>(size));
        return text;
    }
    // For a P-256 public key of 65 bytes.
    std::string leaf(LeafWish const& wish, std::span<std::uint8_t const> public_key)
    {
        ocu::crypto::EccKey subject;
        OCU_ASSERT(wc_ecc_import_x963_ex(public_key.data(), static_cast<word32>(public_key.size()), subject.get(), ECC_SECP256R1) == 0);
        return issue(wish, nullptr, subject.get());
    }
    std::string leaf(LeafWish const& wish, RsaKey* subject) { return issue(wish, subject, nullptr); }

private:
    static void put_time(byte (&out)[CTC_DATE_SIZE], int& size, int days)
    {
        std::chrono::sys_seconds const when =
            std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::days(days);
        auto const day = std::chrono::floor<std::chrono::days>(when);
        std::chrono::year_month_day const date(day);
        char text[CTC_DATE_SIZE];
        int const length = std::snprintf(text, sizeof text, "%02d%02u%02u000000Z", static_cast<int>(date.year()) % 100,
            static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
        out[0] = 0x17;  // UTCTime
        out[1] = static_cast<byte>(length);
        std::copy_n(text, length, out + 2);
        size = length + 2;
    }
    static void begin(Cert& cert, LeafWish const& wish)
    {
        OCU_ASSERT(wc_InitCert(&cert) == 0);
        std::copy(wish.name.begin(), wish.name.end(), cert.subject.commonName);
        put_time(cert.beforeDate, cert.beforeDateSz, wish.from_days);
        put_time(cert.afterDate, cert.afterDateSz, wish.to_days);
    }
    std::string issue(LeafWish const& wish, RsaKey* rsa, ecc_key* ecc)
    {
        Cert cert;
        begin(cert, wish);
        std::string const names =
            std::string("\x30") + static_cast<char>(wish.name.size() + 2) + '\x82' + static_cast<char>(wish.name.size()) + wish.name;
        std::copy(names.begin(), names.end(), cert.altNames);
        cert.altNamesSz = static_cast<int>(names.size());
        OCU_ASSERT(wc_SetKeyUsage(&cert, "digitalSignature") == 0);
        OCU_ASSERT(wc_SetExtKeyUsage(&cert, wish.for_clients ? "clientAuth" : "serverAuth") == 0);
        OCU_ASSERT(wc_SetIssuerBuffer(&cert, reinterpret_cast<byte const*>(der_.data()), static_cast<int>(der_.size())) == 0);
        return sign(cert, *this, rsa, ecc, wish.signature);
    }
    static std::string sign(Cert& cert, TestAuthority& by, RsaKey* rsa, ecc_key* ecc, int signature)
    {
        cert.sigType = signature;
        std::vector<byte> out(4096);
        auto const room = static_cast<word32>(out.size());
        OCU_ASSERT(wc_MakeCert(&cert, out.data(), room, rsa, ecc, by.rng_.get()) > 0);
        int const size = wc_SignCert(cert.bodySz, signature, out.data(), room, nullptr, by.key_.get(), by.rng_.get());
        OCU_ASSERT(size > 0);
        return {reinterpret_cast<char const*>(out.data()), static_cast<std::size_t>(size)};
    }

    ocu::crypto::Rng rng_;
    ocu::crypto::EccKey key_;
    std::string der_;
};

// Reads all that comes and writes what it is told, on the loop.
class Peer {
public:
    Peer(wire::Loop& loop, std::unique_ptr<wire::Transport> transport) : state_(std::make_shared<State>(loop))
    {
        state_->transport = std::move(transport);
        state_->transport->handshake([state = state_](wire::Moved moved, std::size_t) {
            state->open = moved == wire::Moved::some;
            state->closed = !state->open;
            if (!state->open) return;
            state->read();
            state->write();
        });
    }
    ~Peer() { state_->transport->close(); }
    Peer(Peer const&) = delete;
    Peer& operator=(Peer const&) = delete;

    void say(std::string_view text)
    {
        state_->out.append(text);
        state_->write();
    }
    std::string const& heard() const { return state_->heard; }
    void forget() { state_->heard.clear(); }
    bool open() const { return state_->open; }
    bool closed() const { return state_->closed; }
    void leave() { state_->transport->end_writing(); }
    void close() { state_->transport->close(); }

private:
    struct State : std::enable_shared_from_this<State> {
        explicit State(wire::Loop&) {}
        void read()
        {
            transport->read_some(chunk, [self = shared_from_this()](wire::Moved moved, std::size_t size) {
                self->heard.append(self->chunk, size);
                self->closed = moved == wire::Moved::end;
                if (!self->closed) self->read();
            });
        }
        void write()
        {
            if (!open || writing || out.empty()) return;
            writing = true;
            flight.swap(out);
            write_on(0);
        }
        void write_on(std::size_t from)
        {
            transport->write_some(
                std::string_view(flight).substr(from), [self = shared_from_this(), from](wire::Moved moved, std::size_t size) {
                    if (moved == wire::Moved::some && from + size < self->flight.size()) return self->write_on(from + size);
                    self->writing = false;
                    self->flight.clear();
                    if (moved == wire::Moved::some) self->write();
                });
        }
        std::unique_ptr<wire::Transport> transport;
        char chunk[4096];
        std::string heard, out, flight;
        bool open = false, writing = false, closed = false;
    };
    std::shared_ptr<State> state_;
};

}  // namespace test_support
