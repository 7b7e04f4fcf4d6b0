// Inspection of one request by its route: finds the values that the route is about, and puts
// ciphertexts into their places. Bytes in, bytes out.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/inspection/request_target.hpp"
#include "gateway/inspection/route.hpp"
#include "libnae/base/bytes.hpp"

namespace nae::gateway {

using HeaderView = std::pair<std::string_view, std::string_view>;  // name, value

// Of one request that are encrypted: each costs the key server work, and memory here.
inline constexpr std::size_t kMaxFindings = 10'000;

struct RequestView {
  std::string_view target;          // as written
  std::vector<HeaderView> headers;  // in order
  std::string_view body;
};

// A value that is to be encrypted: where it stands, and what it is as its column's type.
struct Finding {
  Place place{};
  std::size_t begin = 0, end = 0;        // in the body, or in the target
  std::size_t header = 0;                // which one, of Place::header
  const ColumnTarget* column = nullptr;  // of the route
  std::string label;
  Bytes plaintext;
};

enum class Coding : std::uint8_t { none, gzip };
// What the body must be taken out of (RFC 9110 section 8.4.1). Status 415,
// content_encoding_unsupported: out of something else, or out of more than one.
Understood<Coding> coding_of(const std::vector<HeaderView>& headers);

// Takes `body` out of its coding, `most` bytes at most, and the coding out of `headers`. Refusals
// of coding_of() and gunzip().
Understood<void> undo_coding(std::vector<HeaderView>& headers, Bytes& body, std::size_t most);

// Whether a body of these headers is what the route says, before it is read: status 415 with
// content_type_missing, content_type_unexpected, charset_unsupported,
// content_encoding_unsupported; 400 content_type_twice.
Understood<void> check_content(const Route& route, const std::vector<HeaderView>& headers);

// `target` is that of `request.target`. In the order of their places. Status 400 or 422 for what
// cannot be understood and for what the route refuses; no request of a route that is not understood
// passes. Status 413, too_many_values: more than kMaxFindings.
Understood<std::vector<Finding>> inspect(const Route& route, const RequestTarget& target,
                                         const RequestView& request);

struct RewrittenRequest {
  std::string target;
  std::vector<std::string> header_values;  // as many as the request has headers
  Bytes body;
};
// `ciphertexts[i]` stands for `findings[i]`; every other byte is as it was.
RewrittenRequest rewrite(const RequestView& request, const std::vector<Finding>& findings,
                         const std::vector<std::string>& ciphertexts);

// A ciphertext of an answer that a route may show.
struct AnswerFinding {
  std::size_t begin = 0, end = 0;
  const AnswerField* field = nullptr;
  Bytes bytes;  // of the column value
  ColumnValueView value;
};
// Only values whose header is that of the field's column. What is no JSON has none: ciphertext
// that is passed on tells nothing.
std::vector<AnswerFinding> inspect_answer(const Route& route, std::string_view body);

// `texts[i]`, JSON values, in the places of `findings[i]`.
Bytes rewrite_answer(std::string_view body, const std::vector<AnswerFinding>& findings,
                     const std::vector<std::string>& texts);

}  // namespace nae::gateway
