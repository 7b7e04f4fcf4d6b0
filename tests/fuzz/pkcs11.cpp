// libFuzzer: what the PKCS#11 module reads: its settings, DER of signatures, DigestInfo and public
// keys, and the key server's list of objects. What is read is written again as the same bytes.
#include <algorithm>

#include "pkcs11/attribute.hpp"
#include "pkcs11/mechanism.hpp"
#include "pkcs11/settings.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;
using namespace nae::pkcs11;

namespace {

Object object_of(KeyType type) {
  Object object;
  object.type = type;
#define NAE_SIGNATURE_SCHEME(scheme, ...) \
  if (fits(SignatureScheme::scheme, type)) object.schemes.push_back(SignatureScheme::scheme);
#include "libnae/base/algorithms.def"
  return object;
}

void check_settings(std::string_view input) {
  const std::string text(input);
  const auto settings = load_settings(text.c_str());
  if (!settings) return require_refusal(settings.error(), Code::config_invalid);
  require(settings->socket.starts_with('/') && settings->socket.size() <= 107);
  require(!settings->token_label.empty() && settings->token_label.size() <= 32);
  require(settings->patience.count() >= 0);
}

void check_signature(ByteView input) {
  for (const KeyType type : {KeyType::ecdsa_p256, KeyType::ecdsa_p384}) {
    const Object key = object_of(type);
    if (const auto raw = to_cryptoki(key, input)) {
      require(raw->size() == key.signature_bytes());
      require(std::ranges::equal(from_cryptoki(key, *raw), input));
    }
    Bytes raw(input.begin(), input.end());
    raw.resize(key.signature_bytes());
    require(to_cryptoki(key, from_cryptoki(key, raw)) == raw);
  }
}

void check_digest_info(ByteView input) {
  SignedItem out;
  const CK_RV rv = item_of(*find_mechanism(CKM_RSA_PKCS), SignatureScheme::key_default,
                           object_of(KeyType::rsa_2048), input, out);
  require(rv == CKR_OK || rv == CKR_DATA_INVALID || rv == CKR_DATA_LEN_RANGE);
  if (rv != CKR_OK) return;
  require(find_row(out.form.scheme)->may_sign && out.form.of_digest);
  require(out.item.size() == digest_bytes(*find_row(out.form.scheme)->hash));
  require(out.item.size() < input.size());
}

void check_public_key(ByteView input) {
  for (const KeyTypeRow& type : key_types()) {
    const auto parts = public_key_parts(type.type, input);
    if (!parts) {
      require_refusal(parts.error(), Code::invalid_argument);
      continue;
    }
    require(parts->point.empty() != parts->modulus.empty());
    require(parts->modulus.size() <= type.coordinate_bytes());
    require(parts->point.size() <= 1 + 2 * type.coordinate_bytes());
  }
}

// A line a row, its cells between tabs.
void check_objects(std::string_view input) {
  Table table;
  table.columns = {"name",    "id",      "version",    "primary", "type",
                   "actions", "schemes", "public_key", "origin",  "certificates"};
  while (!input.empty()) {
    std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    auto& cells = table.rows.emplace_back();
    while (cells.size() < table.columns.size()) {
      const std::string_view cell = line.substr(0, line.find('\t'));
      line.remove_prefix(std::min(line.size(), cell.size() + 1));
      cells.emplace_back(cell.empty() ? std::nullopt : std::optional<std::string>(cell));
    }
  }
  const ObjectTable read = ObjectTable::from(table, true);
  std::size_t chains = 0;  // a certificate has eight bytes at least, sixteen digits
  for (const auto& row : table.rows) chains += row.back().value_or("").size() / 16;
  require(read.objects().size() <= 2 * table.rows.size() + chains);
  for (const Object& object : read.objects()) {
    require(read.find(object.handle) == &object);
    require(!object.name.empty());
    for (const CK_ATTRIBUTE_TYPE type : {CKA_CLASS, CKA_LABEL, CKA_ID})
      require(std::holds_alternative<Bytes>(attribute_of(object, type)));
    const bool is_public = object.object_class == CKO_CERTIFICATE;
    for (const Action action : object.actions) require(allows(object.type, action));
    for (const Action action : {Action::sign, Action::mac})
      require(!object.allows(action) || object.signature_bytes() > 0);
    require(std::holds_alternative<Bytes>(attribute_of(object, CKA_VALUE)) == is_public);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      check_settings(as_text(input));
      break;
    case 1:
      check_signature(input);
      break;
    case 2:
      check_digest_info(input);
      break;
    case 3:
      check_public_key(input);
      break;
    default:
      check_objects(as_text(input));
  }
  return 0;
}
