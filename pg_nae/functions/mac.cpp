// nae_mac(key, message), nae_mac_verify(key, message, mac), nae_blind_index(key, value);
// nae_internal.blind_index_code(key, input) and nae_internal.blind_index_search(key, input)
#include "libnae/base/action_form.hpp"
#include "pg_nae/functions/crypto_call.hpp"

namespace nae::functions {
namespace {

Datum mac(FunctionCallInfo fcinfo, MacForm form, const pg::Elements& messages) {
  CryptoCall call;
  call.action = Action::mac;
  call.algorithm = static_cast<std::uint8_t>(form);
  call.key = form == MacForm::code ? key_argument(fcinfo) : key_reference_argument(fcinfo);
  call.items = messages;
  return answer(fcinfo, call);
}

Datum mac_verify(FunctionCallInfo fcinfo, const pg::Elements& messages, const pg::Elements& codes) {
  CryptoCall call;
  call.action = Action::mac_verify;
  call.key = key_argument(fcinfo);
  call.items = messages;
  call.seconds = &codes;
  call.result = ResultKind::boolean;
  return answer(fcinfo, call);
}

}  // namespace
}  // namespace nae::functions

using namespace nae;

NAE_FUNCTION(nae_mac_bytea) {
  return functions::mac(fcinfo, MacForm::code, pg::one_element(PG_GETARG_DATUM(1), false));
}
NAE_FUNCTION(nae_mac_text) {
  return functions::mac(fcinfo, MacForm::code, pg::one_element(PG_GETARG_DATUM(1), true));
}
NAE_FUNCTION(nae_mac_array) {
  return functions::mac(fcinfo, MacForm::code, pg::array_elements(PG_GETARG_DATUM(1)));
}
NAE_FUNCTION(nae_mac_verify_bytea) {
  return functions::mac_verify(fcinfo, pg::one_element(PG_GETARG_DATUM(1), false),
                               pg::one_element(PG_GETARG_DATUM(2), false));
}
NAE_FUNCTION(nae_mac_verify_text) {
  return functions::mac_verify(fcinfo, pg::one_element(PG_GETARG_DATUM(1), true),
                               pg::one_element(PG_GETARG_DATUM(2), false));
}
NAE_FUNCTION(nae_mac_verify_array) {
  return functions::mac_verify(fcinfo, pg::array_elements(PG_GETARG_DATUM(1)),
                               pg::array_elements(PG_GETARG_DATUM(2)));
}
NAE_FUNCTION(nae_blind_index_bytea) {
  return functions::mac(fcinfo, MacForm::blind_index, pg::one_element(PG_GETARG_DATUM(1), false));
}
NAE_FUNCTION(nae_blind_index_text) {
  return functions::mac(fcinfo, MacForm::blind_index, pg::one_element(PG_GETARG_DATUM(1), true));
}
NAE_FUNCTION(nae_blind_index_array) {
  return functions::mac(fcinfo, MacForm::blind_index, pg::array_elements(PG_GETARG_DATUM(1)));
}
NAE_FUNCTION(nae_blind_index_code) {
  return functions::mac(fcinfo, MacForm::blind_index_code,
                        pg::one_element(PG_GETARG_DATUM(1), false));
}
NAE_FUNCTION(nae_blind_index_search) {
  return functions::mac(fcinfo, MacForm::blind_index_search,
                        pg::one_element(PG_GETARG_DATUM(1), false));
}
