#include "keyserver/admin/key_digest.hpp"

#include "keyserver/keys/state.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::admin {
namespace {

// Every text with its length before it, so that no two rows give the same bytes.
class Rows {
 public:
  void add(std::string_view text) {
    text_ += std::to_string(text.size()) + ":" + std::string(text);
  }
  void add(ByteView bytes) { add(std::string_view(to_hex(crypto::sha256(bytes)))); }
  void add_number(std::int64_t number) { add(std::string_view(std::to_string(number))); }
  void end() { text_ += '\n'; }
  std::string digest() const { return to_hex(crypto::sha256(as_bytes(text_))); }

 private:
  std::string text_ = "nae-key-row-1\n";
};

}  // namespace

std::string key_digest(const keys::Key& key) {
  Rows rows;
  rows.add(key.name);
  rows.add(std::string_view(to_hex(key.id.bytes)));
  rows.add(name(key.type));
  rows.add_number(key.created_at_us);
  rows.add(keys::name(key.protection));
  const keys::Attributes& attributes = key.attributes;
  rows.add(attributes.owner);
  rows.add(attributes.description);
  rows.add_number(attributes.rotate_after_days);
  rows.add_number(attributes.rotate_after_uses);
  rows.end();
  for (const auto& [label, value] : attributes.labels) rows.add(label), rows.add(value);
  rows.end();
  for (const Action action : attributes.actions) rows.add(name(action));
  rows.end();
  for (const SignatureScheme scheme : attributes.algorithms) rows.add(name(scheme));
  for (const DecryptionScheme scheme : attributes.decryptions) rows.add(name(scheme));
  for (const CipherMode mode : attributes.modes) rows.add(name(mode));
  rows.end();
  for (const keys::Version& version : key.versions) {
    rows.add_number(version.number);
    rows.add(keys::name(version.state));
    rows.add_number(version.created_at_us);
    rows.add_number(version.changed_at_us);
    rows.add(ByteView(version.material.wrapped));
    rows.add(version.material.token_object);
    rows.add(ByteView(version.material.public_key));
    for (const keys::Step& step : version.schedule) {
      rows.add(keys::name(step.state));
      rows.add_number(step.at_us);
    }
    rows.end();
  }
  for (const keys::Version& version : key.versions) {
    if (version.certificates.empty()) continue;
    rows.add(std::string_view("certificate"));
    rows.add_number(version.number);
    rows.add(ByteView(version.certificates));
    rows.end();
  }
  return "key:" + rows.digest();
}

}  // namespace nae::admin
