#include "pg_nae/functions/item_failure.hpp"

#include "pg_nae/pg/report.hpp"

namespace nae::functions {
namespace {

// A ciphertext has the key's id, which tells nobody anything; its name is the key server's to say.
const char* key_in_words(const CryptoCall& call) {
  if (!call.key.empty())
    return psprintf("key \"%.*s\"", static_cast<int>(call.key.size()), call.key.data());
  return "the key that the value was encrypted under";
}

const char* message_of(Code code, const CryptoCall& call) {
  const char* action = name(call.action).data();  // the table holds literals
  switch (code) {
    case Code::denied:
      return psprintf("permission denied: %s with %s", action, key_in_words(call));
    case Code::key_unknown:
      return psprintf("%s does not exist", key_in_words(call));
    case Code::key_state:
      return psprintf("the state of %s does not allow %s", key_in_words(call), action);
    case Code::key_type:
      return psprintf("the type of %s does not allow %s", key_in_words(call), action);
    case Code::envelope_malformed:
      return "the value cannot be read as a ciphertext";
    case Code::envelope_foreign:
      return call.key.empty()
                 ? "the value was encrypted under a key that the key server does not hold"
                 : psprintf("the value was not encrypted under %s", key_in_words(call));
    case Code::authentication_failed:
      return "the value could not be authenticated";
    case Code::already_encrypted:
      return "the value is encrypted already";
    case Code::signature_malformed:
      return "the value cannot be read as a signature or message authentication code";
    default:
      break;
  }
  return psprintf("%s with %s failed: %s", action, key_in_words(call), name(code).data());
}

}  // namespace

void raise_item_failure(std::uint16_t status, const CryptoCall& call, std::uint64_t place) {
  // std::optional is trivially destructible here.
  auto code = code_from_wire(status);
  if (!code)
    pg::raise(Code::protocol_violation,
              psprintf("the key server answered with the unknown status %u", status), nullptr,
              place);
  const char* hint = nullptr;
  if (call.key.empty() && *code == Code::denied)
    hint = "Decrypt that value alone, and the error names its key.";
  pg::raise(*code, message_of(*code, call), hint, place);
}

}  // namespace nae::functions
