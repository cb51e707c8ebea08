// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_transport.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace ocu::wire {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;

namespace {

constexpr char kCipherSuites[] = "TLS13-AES256-GCM-SHA384:TLS13-AES128-GCM-SHA256:TLS13-CHACHA20-POLY1305-SHA256";

using Socket = asio::generic::stream_protocol::socket;

// Any connected stream socket: the family does not matter once it is accepted.
Socket adopt_socket(Loop& loop, UniqueFd connection)
{
    int family = AF_INET;
    socklen_t size = sizeof family;
    if (::getsockopt(connection.get(), SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) family = AF_INET;
    Socket socket(loop.context());
    boost::system::error_code error;
    socket.assign(asio::generic::stream_protocol(family, 0), connection.get(), error);
    if (!error) (void)connection.release();
    return socket;
}

auto completion(Transport::Handler handler)
{
    return [handler = std::move(handler)](
               boost::system::error_code error, std::size_t size) { handler(error ? Moved::end : Moved::some, size); };
}

class PlainTransport final : public Transport {
public:
    explicit PlainTransport(Socket socket) : socket_(std::move(socket)) {}

    void handshake(Handler handler) override
    {
        asio::post(socket_.get_executor(), [handler = std::move(handler)] { handler(Moved::some, 0); });
    }
    void read_some(std::span<char> into, Handler handler) override
    {
        auto done = [clean = clean_, handler = std::move(handler)](boost::system::error_code error, std::size_t size) {
            *clean = error == asio::error::eof;
            handler(error ? Moved::end : Moved::some, size);
        };
        socket_.async_read_some(asio::buffer(into.data(), into.size()), std::move(done));
    }
    void write_some(std::string_view from, Handler handler) override
    {
        socket_.async_write_some(asio::buffer(from.data(), from.size()), completion(std::move(handler)));
    }
    void end_writing() override
    {
        boost::system::error_code ignored;  // the peer may be gone already; close() follows either way
        (void)socket_.shutdown(Socket::shutdown_send, ignored);
    }
    void close() override
    {
        boost::system::error_code ignored;
        (void)socket_.close(ignored);
    }
    void abort() override
    {
        boost::system::error_code ignored;  // a unix socket knows no reset
        (void)socket_.set_option(asio::socket_base::linger(true, 0), ignored);
        (void)socket_.close(ignored);
    }
    bool ended_cleanly() const override { return *clean_; }

private:
    Socket socket_;
    std::shared_ptr<bool> clean_ = std::make_shared<bool>(false);  // shared with the pending read
};

class TlsTransport final : public Transport {
public:
    TlsTransport(Socket socket, std::shared_ptr<ssl::context> context) : context_(std::move(context)), stream_(std::move(socket), *context_)
    {}

    void handshake(Handler handler) override
    {
        stream_.async_handshake(ssl::stream_base::server,
            [handler = std::move(handler)](boost::system::error_code error) { handler(error ? Moved::end : Moved::some, 0); });
    }
    void read_some(std::span<char> into, Handler handler) override
    {
        stream_.async_read_some(asio::buffer(into.data(), into.size()), completion(std::move(handler)));
    }
    void write_some(std::string_view from, Handler handler) override
    {
        stream_.async_write_some(asio::buffer(from.data(), from.size()), completion(std::move(handler)));
    }
    // Without close_notify: a read is always pending and the library allows one operation at a time. Every answer here says its own
    // length, so a cut cannot pass for an end.
    void end_writing() override
    {
        boost::system::error_code ignored;
        (void)stream_.lowest_layer().shutdown(Socket::shutdown_send, ignored);
    }
    void close() override
    {
        boost::system::error_code ignored;
        (void)stream_.lowest_layer().close(ignored);
    }

private:
    std::shared_ptr<ssl::context> context_;  // shared with the server: its sessions point into it
    ssl::stream<Socket> stream_;
};

class TlsServerContext final : public TlsServer {
public:
    explicit TlsServerContext(std::shared_ptr<ssl::context> context) : context_(std::move(context)) {}

    std::unique_ptr<Transport> wrap(Loop& loop, UniqueFd connection) override
    {
        return std::make_unique<TlsTransport>(adopt_socket(loop, std::move(connection)), context_);
    }

private:
    std::shared_ptr<ssl::context> context_;  // shared with the connections in flight
};

// A client that offers other protocols besides gets http/1.1; one that offers none of ours is answered without ALPN.
int choose_http11(WOLFSSL*, unsigned char const** out, unsigned char* out_size, unsigned char const* in, unsigned int in_size, void*)
{
    constexpr std::string_view kWanted = "http/1.1";
    for (unsigned at = 0; at < in_size; at += 1u + in[at]) {
        unsigned const size = in[at];
        if (size > in_size - at - 1) break;
        if (std::string_view(reinterpret_cast<char const*>(in + at + 1), size) != kWanted) continue;
        *out = in + at + 1;
        *out_size = static_cast<unsigned char>(size);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

Result<std::shared_ptr<TlsServer>> TlsServer::make(TlsIdentity const& identity)
{
    auto context = std::make_shared<ssl::context>(ssl::context::tlsv13_server);
    WOLFSSL_CTX* const handle = context->native_handle();
    boost::system::error_code error;
    (void)context->set_verify_mode(ssl::verify_none, error);  // callers show a bearer token, not a certificate
    if (error) return fail(Fault::unavailable, "TLS verify mode was refused");
    auto const load = [](auto call, std::span<std::byte const> pem) {
        return call(reinterpret_cast<unsigned char const*>(pem.data()), static_cast<long>(pem.size())) == WOLFSSL_SUCCESS;
    };
    bool const good_certificate =
        load([&](unsigned char const* data, long size) { return wolfSSL_CTX_use_certificate_chain_buffer(handle, data, size); },
            std::as_bytes(std::span(identity.certificate_pem)));
    bool const good_key = load(
        [&](unsigned char const* data, long size) { return wolfSSL_CTX_use_PrivateKey_buffer(handle, data, size, WOLFSSL_FILETYPE_PEM); },
        identity.key_pem.bytes());
    if (!good_certificate || !good_key) return fail(Fault::malformed, "TLS identity does not load");
    // The one version and its suites by name: a default can change with the library.
    if (wolfSSL_CTX_SetMinVersion(handle, WOLFSSL_TLSV1_3) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_cipher_list(handle, kCipherSuites) != WOLFSSL_SUCCESS)
        return fail(Fault::unavailable, "TLS version or suites were refused");
    std::array<int, 2> groups{WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1};
    if (wolfSSL_CTX_set_groups(handle, groups.data(), static_cast<int>(groups.size())) != WOLFSSL_SUCCESS) {
        return fail(Fault::unavailable, "TLS groups were refused");
    }
    wolfSSL_CTX_set_alpn_select_cb(handle, choose_http11, nullptr);
    return std::make_shared<TlsServerContext>(std::move(context));
}

std::unique_ptr<Transport> plain_transport(Loop& loop, UniqueFd connection)
{
    return std::make_unique<PlainTransport>(adopt_socket(loop, std::move(connection)));
}

}  // namespace ocu::wire
