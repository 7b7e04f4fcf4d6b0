#include "pg_nae/functions/item_failure.hpp"

#include "libnae/envelope/envelope.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::functions {
namespace {

// The key by name or, where a ciphertext names it, by id.
const char* key_in_words(const CryptoCall& call, ByteView item) {
  if (!call.key.empty())
    return psprintf("key \"%.*s\"", static_cast<int>(call.key.size()), call.key.data());
  if (item.size() < kTokenHeaderBytes || !looks_like_envelope(item)) return "the key";
  const Byte* id = item.data() + 1;
  return psprintf("the key of id %02x%02x%02x%02x%02x%02x", id[0], id[1], id[2], id[3], id[4],
                  id[5]);
}

const char* message_of(Code code, const CryptoCall& call, ByteView item) {
  const char* action = name(call.action).data();  // the table holds literals
  switch (code) {
    case Code::denied:
      return psprintf("permission denied: %s with %s", action, key_in_words(call, item));
    case Code::key_unknown:
      return psprintf("%s does not exist", key_in_words(call, item));
    case Code::key_state:
      return psprintf("the state of %s does not allow %s", key_in_words(call, item), action);
    case Code::key_type:
      return psprintf("the type of %s does not allow %s", key_in_words(call, item), action);
    case Code::envelope_malformed:
      return "the value cannot be read as a ciphertext";
    case Code::envelope_foreign:
      return "the value was encrypted under a key that the key server does not hold";
    case Code::authentication_failed:
      return "the value could not be authenticated";
    case Code::already_encrypted:
      return "the value is encrypted already";
    case Code::signature_malformed:
      return "the value cannot be read as a signature or message authentication code";
    default:
      break;
  }
  return psprintf("%s with %s failed: %s", action, key_in_words(call, item), name(code).data());
}

}  // namespace

void raise_item_failure(std::uint16_t status, const CryptoCall& call, ByteView item,
                        std::uint64_t place) {
  // std::optional is trivially destructible here.
  auto code = code_from_wire(status);
  if (!code)
    pg::raise(Code::protocol_violation,
              psprintf("the key server answered with the unknown status %u", status), nullptr,
              place);
  pg::raise(*code, message_of(*code, call, item), nullptr, place);
}

}  // namespace nae::functions
