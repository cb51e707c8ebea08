// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_head.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

namespace ocu::wire {

namespace http = boost::beast::http;

Result<HttpHead> parse_http_head(std::string_view bytes)
{
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(kHttpHeadBytesMax));
    parser.eager(false);
    boost::system::error_code error;
    std::size_t used = 0;
    // put() may stop after the request line; what it has not used is offered again.
    while (!parser.is_header_done()) {
        std::size_t const now = parser.put(boost::asio::buffer(bytes.substr(used)), error);
        used += now;
        if (error == http::error::need_more) {
            if (bytes.size() >= kHttpHeadBytesMax) return fail(Fault::over_limit, "request head too large");
            return fail(Fault::unavailable, "request head is not complete");
        }
        if (error == http::error::header_limit) return fail(Fault::over_limit, "request head too large");
        if (error) return fail(Fault::malformed, "not a request head");
        if (now == 0 && !parser.is_header_done()) return fail(Fault::unavailable, "request head is not complete");
    }
    auto const& message = parser.get();
    return HttpHead{std::string(message.method_string()), std::string(message.target()), std::string(message[http::field::host])};
}

std::string print_http_response(HttpResponse const& response)
{
    http::response<http::string_body> message(static_cast<http::status>(response.status), 11, response.body);
    for (auto const& [name, value] : response.headers) message.insert(name, value);
    message.keep_alive(false);
    message.prepare_payload();
    std::ostringstream out;
    out << message;
    return std::move(out).str();
}

}  // namespace ocu::wire
