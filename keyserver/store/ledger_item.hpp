// What the ledger says of each row that carries authority: its canonical content. What a store
// erases (wrapped secrets, texts of pruned policies, bodies of decided requests) stands in it as a
// digest, so that the ledger keeps nothing that was to be gone. docs/spec/ledger.md, "Contents".
#pragma once

#include <string_view>

#include "keyserver/keys/key.hpp"
#include "keyserver/policy/repository.hpp"
#include "keyserver/store/admins.hpp"
#include "keyserver/store/approval.hpp"
#include "keyserver/store/change.hpp"
#include "keyserver/store/devices.hpp"

namespace nae::store {

Bytes identity_of(std::string_view name);  // of a fact, device, administrator or request
Bytes identity_of(const KeyId& key);
Bytes identity_of(const KeyVersionId& version);
Bytes identity_of_policy(std::uint32_t number);

Item item_of_fact(std::string_view name, std::string_view value);
Item item_of(const keys::Key& key);                            // without its versions
Item item_of(const KeyId& key, const keys::Version& version);  // without its certificates
Item item_of_certificates(const KeyVersionId& version, ByteView chain);
Item item_of(const policy::Revision& revision);
Item item_of(const DeviceCertificate& device);
Item item_of(const Admin& admin);
Item item_of(const Approval& approval);

}  // namespace nae::store
