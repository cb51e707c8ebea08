// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A byte stream to one peer: TCP or unix socket, bare or under TLS 1.3. One read and one write may be pending at a time. Each handler
// runs later, on the loop, with what was moved or an error; after close() every pending handler runs with an error.

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/http.h"
#include "wire/loop.h"

namespace ocu::wire {

enum class Moved { some, end };  // end: the peer closed, or the stream failed; nothing more will come

class Transport {
public:
    using Handler = std::function<void(Moved, std::size_t)>;
    virtual ~Transport() = default;
    virtual void handshake(Handler handler) = 0;
    virtual void read_some(std::span<char> into, Handler handler) = 0;
    virtual void write_some(std::string_view from, Handler handler) = 0;  // `from` must stay until the handler runs
    virtual void end_writing() = 0;
    virtual void close() = 0;
    // As close(), but the peer of a TCP socket sees a reset.
    virtual void abort() { close(); }
    // After Moved::end: whether the peer said that it has no more, so that a body which lasts until then is whole.
    virtual bool ended_cleanly() const { return false; }
};

// What the TLS transports of one server share: identity and rules. TLS 1.3 only, X25519 and P-256, HTTP/1.1.
class TlsServer {
public:
    // Errors: malformed (the identity does not load), unavailable (the library refuses the rules).
    static Result<std::shared_ptr<TlsServer>> make(TlsIdentity const& identity);
    virtual ~TlsServer() = default;
    virtual std::unique_ptr<Transport> wrap(Loop& loop, UniqueFd connection) = 0;
};

std::unique_ptr<Transport> plain_transport(Loop& loop, UniqueFd connection);

}  // namespace ocu::wire
