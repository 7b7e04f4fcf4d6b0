// What of a message's header goes on, and what a proxy adds (RFC 9110 section 7.6, RFC 7239).
#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <string>
#include <vector>

#include "gateway/config.hpp"
#include "gateway/header_text.hpp"
#include "gateway/inspection/inspection.hpp"
#include "gateway/request_ids.hpp"

namespace nae::gateway {

namespace http = boost::beast::http;

inline std::string_view text_of(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// Of one connection.
struct Client {
  std::string address;  // without a port
  bool has_tls = false;
  bool is_trusted = false;  // a proxy whose X-Forwarded-* are believed
};

// Status 400 or 501 for headers that two readers may frame or place differently: host_missing,
// host_twice, framing_conflict, transfer_encoding_unsupported, content_length_malformed,
// method_unsupported, method_unknown, path_override, header_ambiguous.
Understood<void> check_header(const http::request_header<>& header);

// Whether a header is called `known`, which is in letters and '-', as CGI, WSGI and servlets read
// names: what is neither letter nor digit is one character, and the case says nothing.
bool is_header(std::string_view name, std::string_view known);

// All that is not about this connection.
std::vector<HeaderView> end_to_end(const http::fields& fields);

// The request's id: the client's, where it is a name of at most 128 characters, or a new one.
std::string request_id(const http::fields& fields, bool is_trusted, RequestIds& ids);

// Who asked and how: X-Forwarded-For, -Proto, -Host, Forwarded, X-Request-Id.
void add_forwarded(HeaderText& out, const http::fields& from, const Client& client,
                   const std::string& id);
// Whether that is what a header says, however it is spelt: the client's own does not go on.
bool says_what_gateway_says(std::string_view name);

// Headers that tell a digest of a content (RFC 9530, RFC 1864). They are of the bytes before values
// in them became ciphertexts, or ciphertexts values: they would not fit, and tell of values whoever
// knows the rest.
inline constexpr std::string_view kDigests[] = {"content-md5", "digest", "content-digest",
                                                "repr-digest"};
bool is_digest(std::string_view name);

// The bearer token of the request; empty: none.
Bytes bearer_token(const http::fields& fields);

}  // namespace nae::gateway
