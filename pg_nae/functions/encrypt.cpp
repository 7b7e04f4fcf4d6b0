// nae_encrypt(key, value [, aad])
#include "pg_nae/functions/crypto_call.hpp"

namespace nae::functions {
namespace {

Datum encrypt(FunctionCallInfo fcinfo, const pg::Elements& plaintexts) {
  ByteView aad;
  CryptoCall call;
  call.action = Action::encrypt;
  call.key = key_argument(fcinfo);
  call.items = plaintexts;
  call.aad = aad_argument(fcinfo, 2, aad);
  return answer(fcinfo, call);
}

}  // namespace
}  // namespace nae::functions

using namespace nae;

NAE_FUNCTION(nae_encrypt_bytea) {
  return functions::encrypt(fcinfo, pg::one_element(PG_GETARG_DATUM(1), false));
}
NAE_FUNCTION(nae_encrypt_text) {
  return functions::encrypt(fcinfo, pg::one_element(PG_GETARG_DATUM(1), true));
}
NAE_FUNCTION(nae_encrypt_array) {
  return functions::encrypt(fcinfo, pg::array_elements(PG_GETARG_DATUM(1)));
}
