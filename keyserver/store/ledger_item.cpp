#include "keyserver/store/ledger_item.hpp"

#include <initializer_list>

#include "libnae/base/text.hpp"

namespace nae::store {
namespace {

// Texts have their lengths before them and numbers eight bytes, so that no two rows read alike.
class Content {
 public:
  Content& text(std::string_view value) {
    out_.u32(static_cast<std::uint32_t>(value.size()));
    out_.raw(as_bytes(value));
    return *this;
  }
  Content& texts(std::initializer_list<std::string_view> values) {
    for (std::string_view value : values) text(value);
    return *this;
  }
  Content& number(std::int64_t value) {
    out_.u64(static_cast<std::uint64_t>(value));
    return *this;
  }
  Content& bytes(ByteView value) { return text(as_text(value)); }
  // Of what may be erased: its SHA-256, empty for nothing.
  Content& digest(ByteView value) {
    return value.empty() ? text("") : bytes(crypto::sha256(value));
  }
  Content& count(std::size_t entries) {
    out_.u32(static_cast<std::uint32_t>(entries));
    return *this;
  }
  Item item(Noun noun, Bytes identity) { return {noun, std::move(identity), std::move(bytes_)}; }

 private:
  Bytes bytes_;
  ByteWriter out_{bytes_};
};

std::int64_t number_of(auto value) {
  return static_cast<std::int64_t>(value);
}

}  // namespace

Bytes identity_of(std::string_view name) {
  return Bytes(name.begin(), name.end());
}

Bytes identity_of(const KeyId& key) {
  return Bytes(key.bytes.begin(), key.bytes.end());
}

Bytes identity_of(const KeyVersionId& version) {
  Bytes identity = identity_of(version.key);
  ByteWriter(identity).u16(version.version);
  return identity;
}

Bytes identity_of_policy(std::uint32_t number) {
  Bytes identity;
  ByteWriter(identity).u32(number);
  return identity;
}

Item item_of_fact(std::string_view name, std::string_view value) {
  return Content().text(value).item(Noun::fact, identity_of(name));
}

Item item_of(const keys::Key& key) {
  const keys::Attributes& attributes = key.attributes;
  Content content;
  content.text(key.name)
      .number(number_of(key.type))
      .number(key.created_at_us)
      .number(number_of(key.protection))
      .texts({attributes.owner, attributes.description})
      .number(attributes.rotate_after_days)
      .number(attributes.rotate_after_uses);
  content.count(attributes.actions.size());
  for (const Action action : attributes.actions) content.text(name(action));
  // A key has those of one kind only.
  content.count(attributes.algorithms.size() + attributes.decryptions.size() +
                attributes.modes.size());
  for (const SignatureScheme scheme : attributes.algorithms) content.text(name(scheme));
  for (const DecryptionScheme scheme : attributes.decryptions) content.text(name(scheme));
  for (const CipherMode mode : attributes.modes) content.text(name(mode));
  content.count(attributes.labels.size());
  for (const auto& [label, value] : attributes.labels) content.texts({label, value});
  return content.item(Noun::key, identity_of(key.id));
}

Item item_of(const KeyId& key, const keys::Version& version) {
  Content content;
  content.number(number_of(version.state))
      .number(version.created_at_us)
      .number(version.changed_at_us)
      .number(number_of(version.binding.origin))
      .digest(version.material.wrapped)
      .text(version.material.token_object)
      .digest(version.material.public_key)
      .bytes(version.binding.check_value)
      .digest(version.binding.signature);
  content.count(version.schedule.size());
  for (const keys::Step& step : version.schedule)
    content.number(number_of(step.state)).number(step.at_us).number(step.steady_us);
  return content.item(Noun::version, identity_of(KeyVersionId{key, version.number}));
}

Item item_of_certificates(const KeyVersionId& version, ByteView chain) {
  return Content().digest(chain).item(Noun::certificate, identity_of(version));
}

Item item_of(const policy::Revision& revision) {
  Content content;
  if (revision.pruned_at_us == 0)
    content.bytes(crypto::sha256(as_bytes(revision.text)));
  else  // the same digest: pruning takes the text away and nothing else
    content.bytes(from_hex(revision.text_sha256).value_or(Bytes()));
  return content.texts({revision.author, revision.comment})
      .number(revision.created_at_us)
      .number(revision.pruned_at_us)
      .item(Noun::policy, identity_of_policy(revision.number));
}

Item item_of(const DeviceCertificate& device) {
  return Content()
      .texts({device.name, device.serial, device.key_sha256})
      .number(device.issued_at_us)
      .number(device.expires_at_us)
      .number(device.removed_at_us)
      .item(Noun::device, identity_of(device.fingerprint));
}

Item item_of(const Admin& admin) {
  Content content;
  content.text(admin.key_sha256).number(admin.created_at_us);
  content.count(admin.roles.size());
  for (const std::string& role : admin.roles) content.text(role);
  content.count(admin.certificates.size());
  for (const AdminCertificate& certificate : admin.certificates)
    content.texts({certificate.fingerprint, certificate.serial})
        .number(certificate.issued_at_us)
        .number(certificate.expires_at_us);
  return content.item(Noun::admin, identity_of(admin.name));
}

Item item_of(const Approval& approval) {
  Content content;
  content
      .texts({approval.operation, approval.action, approval.method, approval.target,
              approval.content_type})
      .digest(as_bytes(approval.body))
      .texts({approval.base, approval.digest, approval.requested_by, approval.fingerprint})
      .number(approval.requested_at_us)
      .number(approval.expires_at_us)
      .number(number_of(approval.state))
      .number(approval.status)
      .digest(as_bytes(approval.answer));
  content.count(approval.decisions.size());
  for (const Decision& decision : approval.decisions)
    content.text(decision.by)
        .number(number_of(decision.verdict))
        .text(decision.digest)
        .number(decision.at_us);
  return content.item(Noun::approval, identity_of(approval.id));
}

}  // namespace nae::store
