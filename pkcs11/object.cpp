#include "pkcs11/object.hpp"

#include <algorithm>
#include <charconv>

#include "libnae/base/text.hpp"

namespace nae::pkcs11 {
namespace {

// The cells of a row by the names of their columns.
class Row {
 public:
  Row(const Table& table, std::size_t row) : table_(table), row_(row) {}
  std::string_view operator[](std::string_view column) const {
    for (std::size_t i = 0; i < table_.columns.size(); ++i)
      if (table_.columns[i] == column && table_.rows[row_][i]) return *table_.rows[row_][i];
    return {};
  }

 private:
  const Table& table_;
  std::size_t row_;
};

template <class Take>
void each_word(std::string_view joined, const Take& take) {
  while (!joined.empty()) {
    const std::string_view word = joined.substr(0, joined.find(','));
    joined.remove_prefix(std::min(joined.size(), word.size() + 1));
    take(word);
  }
}

// What is common to the objects of a version; nothing when the row is none of ours.
std::optional<Object> read(const Row& row) {
  Object object;
  const auto type = key_type_from_name(row["type"]);
  const auto id = from_hex(row["id"]);
  const std::string_view number = row["version"];
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), object.id.version);
  if (!type || !id || id->size() != kKeyIdBytes || row["name"].empty() || error != std::errc{} ||
      end != number.data() + number.size())
    return std::nullopt;
  object.type = *type;
  std::ranges::copy(*id, object.id.key.bytes.begin());
  object.name = row["name"];
  object.is_primary = row["primary"] == "1";
  object.was_imported = row["origin"] != "generated";
  // A key is shown as what its type can do, whatever else is said of it.
  each_word(row["actions"], [&](std::string_view word) {
    const auto action = action_from_name(word);
    if (action && allows(*type, *action)) object.actions.push_back(*action);
  });
  each_word(row["schemes"], [&](std::string_view word) {
    const auto scheme = scheme_from_name(word);
    if (scheme && fits(*scheme, *type)) object.schemes.push_back(*scheme);
    const auto decryption = decryption_from_name(word);
    if (decryption && nae::row(*type).family == KeyFamily::rsa_decrypt)
      object.decryptions.push_back(*decryption);
    const auto mode = cipher_from_name(word);
    if (mode && takes_cipher_mode(*type)) object.modes.push_back(*mode);
  });
  if (const auto der = from_hex(row["public_key"])) object.public_key = *der;
  return object;
}

}  // namespace

bool Object::allows(Action action) const {
  return std::ranges::find(actions, action) != actions.end();
}

bool Object::allows(SignatureScheme scheme) const {
  return std::ranges::find(schemes, scheme) != schemes.end();
}

bool Object::allows(DecryptionScheme scheme) const {
  return std::ranges::find(decryptions, scheme) != decryptions.end();
}

bool Object::allows(CipherMode mode) const {
  return std::ranges::find(modes, mode) != modes.end();
}

std::size_t Object::signature_bytes() const {
  constexpr std::size_t kHmacBytes = 32;
  switch (nae::row(type).family) {
    case KeyFamily::rsa:
      return nae::row(type).coordinate_bytes();
    case KeyFamily::ec:
    case KeyFamily::edwards:
      return 2 * nae::row(type).coordinate_bytes();
    case KeyFamily::hmac:
      return kHmacBytes;
    case KeyFamily::aes:
    case KeyFamily::rsa_decrypt:
    case KeyFamily::ecdh:
    case KeyFamily::xdh:
    case KeyFamily::aes_raw:
      break;
  }
  return 0;
}

namespace {

class Fnv {  // FNV-1a, 64 bits
 public:
  void add(std::uint64_t byte) { hash_ = (hash_ ^ (byte & 0xff)) * 1'099'511'628'211u; }
  CK_OBJECT_HANDLE handle() const {
    std::uint64_t hash = hash_;
    if constexpr (sizeof(CK_OBJECT_HANDLE) < sizeof hash) hash ^= hash >> 32;
    return static_cast<CK_OBJECT_HANDLE>(hash);
  }

 private:
  std::uint64_t hash_ = 14'695'981'039'346'656'037u;
};

}  // namespace

CK_OBJECT_HANDLE handle_of(const KeyVersionId& id, CK_OBJECT_CLASS object_class) {
  Fnv hash;
  for (const Byte byte : id.key.bytes) hash.add(byte);
  hash.add(id.version >> 8);
  hash.add(id.version);
  hash.add(object_class);
  return hash.handle();
}

CK_OBJECT_HANDLE handle_of(const CertificateParts& authority) {
  Fnv hash;
  for (const Byte byte : authority.value) hash.add(byte);
  return hash.handle();
}

ObjectTable ObjectTable::from(const Table& listed, bool shows_ed25519) {
  ObjectTable table;
  struct Listed {
    Object object;
    Bytes certificates;
  };
  std::vector<Listed> read_rows;
  for (std::size_t i = 0; i < listed.rows.size(); ++i) {
    const Row row(listed, i);
    if (auto object = read(row))
      read_rows.push_back({*std::move(object), from_hex(row["certificates"]).value_or(Bytes())});
  }
  std::ranges::stable_sort(read_rows, [](const Listed& a, const Listed& b) {
    return std::tie(a.object.name, b.object.is_primary) <
           std::tie(b.object.name, a.object.is_primary);
  });
  for (auto& [object, certificates] : read_rows) {
    const KeyTypeRow& type = nae::row(object.type);
    if (object.type == KeyType::hmac_sha_256_raw || takes_cipher_mode(object.type)) {
      object.object_class = CKO_SECRET_KEY;
      table.add(std::move(object));
      continue;
    }
    if (type.family == KeyFamily::aes || type.family == KeyFamily::hmac) continue;
    if (!is_wrappable(object.type) && !shows_ed25519) continue;  // nor X25519: libp11 takes none
    auto parts = public_key_parts(object.type, object.public_key);
    if (!parts) continue;
    object.parts = *std::move(parts);
    auto chain = certificate_parts(certificates);
    if (chain && !chain->empty()) object.certificate = chain->front();
    const bool is_used = object.allows(Action::sign) || object.allows(Action::decrypt) ||
                         object.allows(Action::derive);
    if (is_used) table.add(object);
    object.object_class = CKO_PUBLIC_KEY;
    table.add(object);
    if (chain) table.add_certificates(object, *std::move(chain));
  }
  return table;
}

// The key's own as an object of its version, those above it once for all keys.
void ObjectTable::add_certificates(const Object& pair, std::vector<CertificateParts> chain) {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    Object object;
    if (i == 0) object = pair;
    object.object_class = CKO_CERTIFICATE;
    object.is_authority = i != 0;
    object.certificate = std::move(chain[i]);
    if (object.is_authority)
      object.name = object.certificate.common_name.empty() ? "authority of " + pair.name
                                                           : object.certificate.common_name;
    add(std::move(object));
  }
}

void ObjectTable::add(Object object) {
  object.handle = object.is_authority ? handle_of(object.certificate)
                                      : handle_of(object.id, object.object_class);
  // Of two with one handle, one in 2^64 of them, the first is shown.
  if (object.handle == CK_INVALID_HANDLE || by_handle_.contains(object.handle)) return;
  by_handle_.emplace(object.handle, objects_.size());
  objects_.push_back(std::move(object));
}

const Object* ObjectTable::find(CK_OBJECT_HANDLE handle) const {
  const auto found = by_handle_.find(handle);
  return found == by_handle_.end() ? nullptr : &objects_[found->second];
}

}  // namespace nae::pkcs11
