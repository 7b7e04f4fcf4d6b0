// libFuzzer: tokens of end users, as anybody may send them. A text of base64url has one form, JSON
// one reading, and a token that no key of the policy signed never names a user. The mutator changes
// header or claims and signs again, so that what stands behind the signature is reached.
#include <algorithm>
#include <random>
#include <string>

#include "keyserver/identity/base64url.hpp"
#include "keyserver/identity/claims.hpp"
#include "keyserver/identity/json_object.hpp"
#include "keyserver/identity/jws.hpp"
#include "keyserver/identity/test_issuer.hpp"
#include "keyserver/identity/token.hpp"
#include "libnae/base/text.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;
using namespace nae::identity;
using identity::testing::encode_base64url;

namespace {

constexpr std::int64_t kNowUs = 1'774'746'000'000'000;

// The issuer that signs, and one of the same name whose key it has not.
struct Issuers {
  identity::testing::TestIssuer own, stranger;
  std::vector<policy::Issuer> ours, strangers;
  Issuers() : ours{of(own)}, strangers{of(stranger)} {}
  static policy::Issuer of(const identity::testing::TestIssuer& issuer) {
    auto document = policy::parse("version = 2\n" + issuer.table("login"));
    require(document.has_value());
    return document->issuers.front();
  }
};
const Issuers& issuers() {
  static const Issuers made;
  return made;
}

void check_base64url(std::string_view text) {
  auto bytes = decode_base64url(text);
  if (bytes) require(encode_base64url(*bytes) == text);
}

void check_json(std::string_view text) {
  auto object = parse_unambiguous(text);
  if (!object) return;
  require(is_utf8(text));
  // What we write of it is as unambiguous, and no member was lost.
  auto again = parse_unambiguous(boost::json::serialize(*object));
  require(again && again->size() == object->size());
  if (auto claims = claims_of(*object); !claims)
    require_refusal(claims.error(), Code::user_token_rejected);
  for (std::string_view name : {"exp", "nbf", "iat"}) {
    auto date = date_member(*object, name);
    if (!date) require_refusal(date.error(), Code::user_token_rejected);
    if (date && *date) require(**date >= 0);
  }
  if (is_meant_for(*object, "nae")) require(object->contains("aud"));
  text_member(*object, "sub");
}

void check_token(std::string_view text) {
  auto jws = parse_jws(text);
  if (!jws) {
    require_refusal(jws.error(), Code::user_token_rejected);
  } else {
    require(text.starts_with(jws->signing_input) && !jws->signature.empty());
    require(std::ranges::count(text, '.') == 2);
  }
  auto user = verify(text, issuers().ours, kNowUs);
  if (!user) require_refusal(user.error(), Code::user_token_rejected);
  // Of a key that signed nothing.
  auto other = verify(text, issuers().strangers, kNowUs);
  require(!other && other.error().code == Code::user_token_rejected);
  if (!user) return;
  require(jws.has_value() && text.size() <= kMaxTokenBytes);
  // One bit of the signature, and it is nobody's.
  std::string changed(text);
  const std::size_t at = changed.rfind('.') + 1;
  changed[at] = changed[at] == 'A' ? 'B' : 'A';
  require(!verify(changed, issuers().ours, kNowUs));
}

std::string mutated(std::string text) {
  const std::size_t before = text.size();
  text.resize(before + 64);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), before, before + 64));
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  check_base64url(text);
  check_json(text);
  check_token(text);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  const std::string_view text = text_of(data, size);
  std::minstd_rand random(seed);
  const std::size_t first = text.find('.');
  const std::size_t second = first == text.npos ? first : text.find('.', first + 1);
  auto header = decode_base64url(text.substr(0, first));
  if (second == text.npos || !header || random() % 4 == 0)
    return LLVMFuzzerMutate(data, size, max_size);
  auto payload = decode_base64url(text.substr(first + 1, second - first - 1));
  if (!payload) return LLVMFuzzerMutate(data, size, max_size);
  std::string head(as_text(*header)), claims(as_text(*payload));
  std::string& part = random() % 4 == 0 ? head : claims;
  part = mutated(part);
  const std::string token = issuers().own.sign(head, claims);
  if (token.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::ranges::copy(token, data);
  return token.size();
}
