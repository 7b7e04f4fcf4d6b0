// nae_decrypt(ciphertext [, aad]), nae_decrypt_text(ciphertext [, aad]), nae_rewrap(ciphertext
// [, aad]): the ciphertext names its key.
#include "libnae/envelope/envelope.hpp"
#include "pg_nae/functions/crypto_call.hpp"

namespace nae::functions {
namespace {

Datum open(FunctionCallInfo fcinfo, Action action, ResultKind result,
           const pg::Elements& ciphertexts) {
  ByteView aad;
  CryptoCall call;
  call.action = action;
  call.items = ciphertexts;
  call.items.overhead_bytes = kGcmOverheadBytes;  // the larger of the two formats
  call.aad = aad_argument(fcinfo, 1, aad);
  call.result = result;
  return answer(fcinfo, call);
}

pg::Elements one(FunctionCallInfo fcinfo) {
  return pg::one_element(PG_GETARG_DATUM(0), false);
}
pg::Elements many(FunctionCallInfo fcinfo) {
  return pg::array_elements(PG_GETARG_DATUM(0));
}

}  // namespace
}  // namespace nae::functions

using namespace nae;
using functions::ResultKind;

NAE_FUNCTION(nae_decrypt_bytea) {
  return functions::open(fcinfo, Action::decrypt, ResultKind::bytes, functions::one(fcinfo));
}
NAE_FUNCTION(nae_decrypt_bytea_array) {
  return functions::open(fcinfo, Action::decrypt, ResultKind::bytes, functions::many(fcinfo));
}
NAE_FUNCTION(nae_decrypt_text) {
  return functions::open(fcinfo, Action::decrypt, ResultKind::text, functions::one(fcinfo));
}
NAE_FUNCTION(nae_decrypt_text_array) {
  return functions::open(fcinfo, Action::decrypt, ResultKind::text, functions::many(fcinfo));
}
NAE_FUNCTION(nae_rewrap_bytea) {
  return functions::open(fcinfo, Action::rewrap, ResultKind::bytes, functions::one(fcinfo));
}
NAE_FUNCTION(nae_rewrap_array) {
  return functions::open(fcinfo, Action::rewrap, ResultKind::bytes, functions::many(fcinfo));
}
