// SPDX-License-Identifier: GPL-3.0-or-later
// The bodies of Asio, Asio's TLS and Beast, compiled once for the whole program (BOOST_*_SEPARATE_COMPILATION).

// A precompiled header may have brought system headers in already; the libraries' own come from here only.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
