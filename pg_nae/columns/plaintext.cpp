#include "pg_nae/columns/plaintext.hpp"

#include "pg_nae/columns/canonical_array.hpp"
#include "pg_nae/columns/canonical_form.hpp"
#include "pg_nae/columns/without_quoting.hpp"
#include "pg_nae/pg/encoding.hpp"

namespace nae::columns {
namespace {

template <class Conversion>
Datum converted_input(PlainType type, Conversion conversion) {
  return without_quoting(conversion, [type](int sqlstate) {
    ereport(ERROR,
            (errcode(sqlstate),
             errmsg("invalid input for a value of type %s to be encrypted", plain_name(type)),
             errhint("The value itself is not shown.")));
  });
}

}  // namespace

Oid plain_oid(PlainType type) {
  const CanonicalForm& form = canonical_form_of(type);
  return is_array(type) ? form.array_oid : form.oid;
}

Oid plain_array_oid(PlainType type) {
  return canonical_form_of(type).array_oid;
}

ByteView canonical_form(PlainType type, Datum value, bool deterministic) {
  if (is_array(type)) return array_form(element_of(type), value);
  return canonical_form_of(type).write(value, deterministic);
}

Datum plain_value(PlainType type, ByteView canonical) {
  if (is_array(type)) return array_value(element_of(type), canonical);
  return canonical_form_of(type).read(type, canonical);
}

ByteView canonical_from_text(PlainType type, char* text, bool deterministic) {
  if (type == PlainType::text) return pg::to_utf8(as_bytes(text));
  Oid function, parameter;
  getTypeInputInfo(plain_oid(type), &function, &parameter);
  Datum value =
      converted_input(type, [=] { return OidInputFunctionCall(function, text, parameter, -1); });
  return canonical_form(type, value, deterministic);
}

ByteView canonical_from_binary(PlainType type, StringInfo message, bool deterministic) {
  Oid function, parameter;
  getTypeBinaryInputInfo(plain_oid(type), &function, &parameter);
  Datum value = converted_input(
      type, [=] { return OidReceiveFunctionCall(function, message, parameter, -1); });
  return canonical_form(type, value, deterministic);
}

char* text_of(PlainType type, ByteView canonical) {
  Oid function;
  bool is_varlena;
  getTypeOutputInfo(plain_oid(type), &function, &is_varlena);
  return OidOutputFunctionCall(function, plain_value(type, canonical));
}

}  // namespace nae::columns
