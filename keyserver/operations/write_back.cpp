#include "keyserver/operations/write_back.hpp"

#include "keyserver/operations/asked.hpp"
#include "keyserver/policy/masked_form.hpp"
#include "libnae/base/text.hpp"

namespace nae::operations {
namespace {

// For readers whom policy shows the envelope where a text was asked for: PostgreSQL's way
// to write a bytea, "\x" and hexadecimal digits.
bool is_own_envelope_in_text(const keys::KeyRing& ring, ByteView value) {
  if (value.size() < 2 || value[0] != '\\' || value[1] != 'x') return false;
  auto decoded = from_hex(as_text(value.subspan(2)));
  return decoded && is_own_envelope(ring, *decoded);
}

}  // namespace

bool is_own_envelope(const keys::KeyRing& ring, ByteView value) {
  if (!looks_like_envelope(value)) return false;
  auto envelope = parse_envelope(value);
  return envelope && ring.find(envelope->key.key) != nullptr;
}

WriteBack::WriteBack(Request& request)
    : ring_(request.parts.ring),
      read_(request.decide(Action::decrypt, key_name_of(request.asked))) {}

std::optional<Code> WriteBack::refusal(ByteView value) const {
  if (is_own_envelope(ring_, value)) return Code::already_encrypted;
  switch (read_.verdict) {
    case policy::Verdict::masked:
      if (policy::is_masked_form(read_.masks, value)) return Code::value_masked;
      break;
    case policy::Verdict::ciphertext:
      if (is_own_envelope_in_text(ring_, value)) return Code::already_encrypted;
      break;
    default:
      break;
  }
  return std::nullopt;
}

}  // namespace nae::operations
