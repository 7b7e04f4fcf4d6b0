// Keys on a token of SoftHSM and the parts of WorkingKeys, for its tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "keyserver/hsm/test_token.hpp"
#include "keyserver/keys/working_keys.hpp"

namespace nae::keys::testing {

class Working : public ::testing::Test {
 protected:
  // A key with versions 1 and 2.
  Key key_of(KeyType type) {
    Key key;
    key.id = KeyId{{9, 8, 7, 6, 5, static_cast<Byte>(type)}};
    key.name = nae::name(type);
    key.type = type;
    for (std::uint16_t number : {1, 2})
      key.versions.push_back({number, State::active, 0, *hsm->generate({key.id, number}, type)});
    return key;
  }
  WorkingKeys::Options options() {
    WorkingKeys::Options made;
    made.now = [this] { return now; };
    return made;
  }

  hsm::TestToken token;
  std::unique_ptr<hsm::Pkcs11Hsm> hsm = std::move(*hsm::Pkcs11Hsm::open(token.options()));
  std::unique_ptr<const crypto::GcmProvider> provider = crypto::fastest_gcm();
  WorkingKeys::Clock::time_point now = WorkingKeys::Clock::now();
  Key gcm = key_of(KeyType::aes_256_gcm);
  KeyVersionId id{gcm.id, 1};
  GcmSalt salt{Format::aes_256_gcm_lease, {1, 2, 3, 4, 5}};
};

}  // namespace nae::keys::testing
